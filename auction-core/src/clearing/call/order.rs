//! Orders of a call auction, and reasons why they are refused.

use core::fmt;
use core::str::FromStr;

use crate::{Price, Quantity, UserId};

/// An order's number, assigned by the owner of the book: later orders have higher numbers. A replaced order keeps its
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Side of an order: buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// Buys shares for cash.
    Buy,
    /// Sells shares for cash.
    Sell,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Returns the word for the side that flags, files and JSON use: `buy` or `sell`.
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

/// Error of a text that is neither `buy` nor `sell`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected buy or sell")]
pub struct ParseSideError;

/// Content of a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Buy or sell.
    pub side: Side,
    /// Number of shares.
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
    /// Trader who owns it.
    pub trader: UserId,
    /// Its content.
    pub entry: Entry,
}

impl Order {
    /// Returns true if a replacement only improves the order, as a no-cancel window allows: a better price, or a limit
    /// turned into a market order, for no lower quantity.
    #[must_use]
    pub fn is_improved_by(&self, limit: Option<Price>, quantity: Quantity) -> bool {
        let side = self.entry.side;
        quantity >= self.entry.quantity && Rank::of(side, limit) > Rank::of(side, self.entry.limit)
    }
}

/// Place in time of a replaced order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Place {
    /// Kept: the limit is the same and the quantity lower.
    Kept,
    /// Lost: the order comes after all others.
    Lost,
}

/// Rank of an order's willingness to trade: it rises with willingness on both sides. A market order is the most
/// willing, then the buyer with the highest limit and the seller with the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::clearing) struct Rank(u64);

impl Rank {
    pub(in crate::clearing) const MARKET: Self = Self(u64::MAX);

    pub(in crate::clearing) fn of(side: Side, limit: Option<Price>) -> Self {
        match (side, limit) {
            (_, None) => Self::MARKET,
            (Side::Buy, Some(limit)) => Self(limit.units()),
            // Never equals the rank of a market order: a limit is not zero.
            (Side::Sell, Some(limit)) => Self(!limit.units()),
        }
    }

    pub(in crate::clearing) fn limit(self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => Price::from_units(self.0),
            Side::Sell => Price::from_units(!self.0).filter(|limit| *limit > Price::ZERO),
        }
    }

    /// Returns true if orders of these ranks, on opposite sides, could trade with each other.
    pub(in crate::clearing) fn crosses(self, opposite: Self) -> bool {
        self.0 >= !opposite.0
    }
}

/// Reason why an order, a replacement or a cancel is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The limit is not on the tick.
    #[error("a limit is a multiple of the tick, {tick}, and not zero; the next one is {above}")]
    OffTick {
        /// The tick.
        tick: Price,
        /// The next higher price on the tick, or the highest possible.
        above: Price,
    },
    /// The quantity is not a multiple of the round lot.
    #[error("a quantity is a multiple of the round lot, {round_lot}")]
    OffRoundLot {
        /// The round lot.
        round_lot: Quantity,
    },
    /// Price x quantity is too large; for a market order the price is the greatest it could trade at.
    #[error("at a price of {price} an order is for at most {most} shares")]
    AmountTooLarge {
        /// The limit, or the greatest price a market order could trade at.
        price: Price,
        /// The greatest quantity at that price.
        most: u64,
    },
    /// It could trade with an order of the same trader.
    #[error("it could trade with your own order {}; cancel that first, or choose a limit that does not reach it", own_limit(.own))]
    WouldSelfTrade {
        /// The limit of the trader's most willing order of the other side; `None`: a market order.
        own: Option<Price>,
    },
    /// The trader has no such order.
    #[error("you have no order {order} in this book")]
    UnknownOrder {
        /// Number of the order asked for.
        order: OrderId,
    },
    /// The replacement has the same content as the order.
    #[error("the order already has this limit and quantity")]
    Unchanged,
    /// The trader has as many orders as allowed.
    #[error("you have {most} orders in this book, the most there can be; cancel one first")]
    TooManyOrders {
        /// Maximum number of orders.
        most: u32,
    },
    /// The book is full.
    #[error("the book is full: at most {most} orders")]
    BookFull {
        /// Maximum number of orders.
        most: u32,
    },
}

/// Writes the trader's own order for an error message: its limit.
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
