//! Orders of a call auction, and why one is refused.

use core::fmt;
use core::str::FromStr;

use crate::{Price, Quantity, UserId};

/// An order's number, given by who keeps the book: later orders have higher ones. A replaced order keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an order buys or sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// For money.
    Buy,
    /// For shares.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The side in a word, as flags, files and JSON write it: `buy` or `sell`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Side {
    type Err = ParseSideError;

    fn from_str(text: &str) -> Result<Self, ParseSideError> {
        [Self::Buy, Self::Sell]
            .into_iter()
            .find(|side| side.as_str() == text)
            .ok_or(ParseSideError)
    }
}

/// Error of a text that is no side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected buy or sell")]
pub struct ParseSideError;

/// What a new order says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Whether it buys or sells.
    pub side: Side,
    /// How many shares.
    pub quantity: Quantity,
    /// The worst price it accepts; `None`: a market order, which accepts any.
    pub limit: Option<Price>,
}

/// An order in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// Whose it is.
    pub trader: UserId,
    /// What it says.
    pub entry: Entry,
}

impl Order {
    /// Whether a replacement only improves the order, as a no-cancel window allows: a better price, or a limit
    /// turned into a market order, for no lower quantity.
    #[must_use]
    pub fn is_improved_by(&self, limit: Option<Price>, quantity: Quantity) -> bool {
        let side = self.entry.side;
        quantity >= self.entry.quantity && Rank::of(side, limit) > Rank::of(side, self.entry.limit)
    }
}

/// Whether a replaced order keeps its place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Place {
    /// The limit is the same and the quantity lower.
    Kept,
    /// It comes after all the others.
    Lost,
}

/// How willing an order is, in a number that rises with it on both sides: a market order is the most willing,
/// then the buyer of the highest limit and the seller of the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clearing) struct Rank(u64);

impl Rank {
    pub(in crate::clearing) const MARKET: Self = Self(u64::MAX);

    pub(in crate::clearing) fn of(side: Side, limit: Option<Price>) -> Self {
        match (side, limit) {
            (_, None) => Self::MARKET,
            (Side::Buy, Some(limit)) => Self(limit.units()),
            // Never the market's: a limit is not zero.
            (Side::Sell, Some(limit)) => Self(!limit.units()),
        }
    }

    pub(in crate::clearing) fn limit(self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => Price::from_units(self.0),
            Side::Sell => Price::from_units(!self.0).filter(|limit| *limit > Price::ZERO),
        }
    }

    /// Whether orders of these ranks, on opposite sides, could trade with each other.
    pub(in crate::clearing) fn crosses(self, opposite: Self) -> bool {
        self.0 >= !opposite.0
    }
}

/// Why an order, a replacement or a cancel is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The limit is not on the tick.
    #[error("a limit is a multiple of the tick, {tick}, and not zero; the next higher is {above}")]
    OffTick {
        /// The tick.
        tick: Price,
        /// The next higher price on the tick, or the highest there is.
        above: Price,
    },
    /// The quantity is not in round lots.
    #[error("a quantity is a multiple of the round lot, {round_lot}")]
    OffRoundLot {
        /// The round lot.
        round_lot: Quantity,
    },
    /// Price x quantity is too much; for a market order the price is the greatest it could trade at.
    #[error("at a price of {price} an order is for at most {most} shares")]
    AmountTooLarge {
        /// The limit, or the greatest price a market order could trade at.
        price: Price,
        /// The greatest quantity at that price.
        most: u64,
    },
    /// It could trade with an order of the same trader.
    #[error("it could trade with your own order {}; cancel that first, or choose another limit", own_limit(.own))]
    WouldSelfTrade {
        /// The limit of the trader's most willing order of the other side; `None`: a market order.
        own: Option<Price>,
    },
    /// There is no such order of this trader.
    #[error("you have no order {order} in this book")]
    UnknownOrder {
        /// The number asked for.
        order: OrderId,
    },
    /// The replacement says what the order says.
    #[error("the order says so already")]
    Unchanged,
    /// The trader has as many orders as one can have.
    #[error("you have {most} orders in this book, the most there can be; cancel one first")]
    TooManyOrders {
        /// How many there can be.
        most: u32,
    },
    /// The book is full.
    #[error("the book is full: at most {most} orders")]
    BookFull {
        /// How many there can be.
        most: u32,
    },
}

/// An own order as a refusal names it: by its limit.
pub(crate) fn own_limit(own: &Option<Price>) -> impl fmt::Display + use<> {
    struct Shown(Option<Price>);
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Some(limit) => write!(f, "at {limit}"),
                None => f.write_str("at the market"),
            }
        }
    }
    Shown(*own)
}
