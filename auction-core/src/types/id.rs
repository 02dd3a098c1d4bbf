//! Numbers that name things. Users, lots and sessions are numbered from 1 in the order of their making, so a
//! number is found by index and is never reused.

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

        /// Reads the digits that `Display` writes.
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
    /// A trader's order on a lot, numbered from 1 for each trader on each lot: a number common to all would
    /// tell how busy others are in secret.
    OrderId(u32),
    /// A logged-in session, numbered from 1.
    SessionId(u64),
    /// A client's number for a request; it rises within a session.
    RequestId(u64),
    /// The place of a record in the journal: dense from 1; 0 is before the first.
    Sequence(u64),
    /// The place of a public event in the feed: dense from 1; 0 is before the first. Not the journal's, whose
    /// gaps would betray hidden activity.
    FeedSequence(u64),
    /// Who leads the market: raised at each change of leader.
    Term(u64),
}

impl UserId {
    /// The user at an index of the list of all users.
    pub(crate) fn at_index(index: usize) -> Self {
        Self(u32::try_from(index + 1).expect("limits keep numbers within 32 bits"))
    }

    pub(crate) fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

impl LotId {
    /// The lot at an index of the list of all lots.
    pub(crate) fn at_index(index: usize) -> Self {
        Self(u32::try_from(index + 1).expect("limits keep numbers within 32 bits"))
    }

    pub(crate) fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

impl Sequence {
    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl FeedSequence {
    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A market's random identity: sequences never restart within one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MarketId(pub [u8; 16]);

/// 32 hexadecimal digits.
impl fmt::Display for MarketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
