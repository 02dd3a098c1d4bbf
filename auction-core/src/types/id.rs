//! Identifiers. Users, lots and sessions are numbered from 1 in the order of their creation, so that a number serves as
//! an index and is never reused.

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident($number:ty)),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Parses the digits that `Display` writes.
        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }
    )*};
}

id! {
    /// A user, numbered from 1.
    UserId(u32),
    /// A lot, numbered from 1.
    LotId(u32),
    /// A trader's order on a lot, numbered from 1 for each trader on each lot: common numbers would reveal the hidden
    /// activity of others.
    OrderId(u32),
    /// A logged-in session, numbered from 1.
    SessionId(u64),
    /// A client's number for a request; it rises within a session.
    RequestId(u64),
    /// Sequence of a record in the journal: from 1 without gaps; 0 is before the first.
    Sequence(u64),
    /// Sequence of a public event in the feed: from 1 without gaps; 0 is before the first. Separate from the journal's
    /// sequence, whose gaps would reveal hidden activity.
    FeedSequence(u64),
    /// Term of a leader of the market: raised at each change of leader.
    Term(u64),
}

impl UserId {
    /// Returns the user at an index of the list of all users.
    pub(crate) fn at_index(index: usize) -> Self {
        Self(u32::try_from(index + 1).expect("limits keep numbers within 32 bits"))
    }

    pub(crate) fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

impl LotId {
    /// Returns the lot at an index of the list of all lots.
    pub(crate) fn at_index(index: usize) -> Self {
        Self(u32::try_from(index + 1).expect("limits keep numbers within 32 bits"))
    }

    pub(crate) fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

impl Sequence {
    /// Returns the next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl FeedSequence {
    /// Returns the next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A market's random identity: sequences never restart within a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MarketId(pub [u8; 16]);

/// Writes 32 hexadecimal digits.
impl fmt::Display for MarketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
