//! Orders of the book, their results and their refusals.

use super::key::OrderKey;
use crate::clearing::call::{Entry, OrderError};
use crate::{Price, Quantity, Side, UserId};

/// An order that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewOrder {
    /// Its owner. To the book no more than a number: orders with the same one don't trade with each other.
    pub owner: UserId,
    /// Side, quantity and limit.
    pub entry: Entry,
    /// Restriction of its execution.
    pub execution: Execution,
    /// Effect of meeting an order of its own owner.
    pub self_trade: SelfTrade,
}

/// Restrictions of an order's execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Execution {
    /// Trades what it can at once; the rest of a limit order rests, the rest of a market order lapses.
    #[default]
    Day,
    /// Rests whole, and is refused if it would trade at once. For limit orders.
    PostOnly,
    /// Trades what it can at once; the rest lapses.
    ImmediateOrCancel,
    /// Trades whole at once, or lapses whole and leaves everything as it was.
    FillOrKill,
}

/// Self-trade prevention: the effect of an incoming order's meeting an order of its own owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SelfTrade {
    /// The incoming order is refused, before anything trades.
    #[default]
    Refuse,
    /// The incoming order's rest lapses; what it has traded stays.
    CancelNewest,
    /// The resting order lapses; the incoming one goes on.
    CancelOldest,
    /// Both lapse; what the incoming order has traded stays.
    CancelBoth,
    /// Both fall by the smaller of their quantities, without a trade.
    Decrement,
}

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Order {
    /// Its key; of two orders at one price, the one with the lower key trades first.
    pub key: OrderKey,
    /// Its owner.
    pub owner: UserId,
    /// Its side.
    pub side: Side,
    /// Its limit, the price at which it trades.
    pub limit: Price,
    /// Shares not yet traded.
    pub open: Quantity,
    /// Restriction with which it came: [`Day`](Execution::Day) or [`PostOnly`](Execution::PostOnly).
    pub execution: Execution,
    /// Self-trade prevention with which it came.
    pub self_trade: SelfTrade,
}

/// A change of a resting order. Side, restriction and self-trade prevention stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Replacement {
    /// The new limit.
    pub limit: Price,
    /// The new open quantity.
    pub quantity: Quantity,
    /// The open quantity that the owner believes in; the replacement is refused when the order has another one.
    pub believed: Option<Quantity>,
}

/// An effect on resting orders, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// The incoming order traded with a resting one, at the resting one's price.
    Trade {
        /// The resting order.
        resting: OrderKey,
        /// The resting order's owner.
        owner: UserId,
        /// The resting order's limit.
        price: Price,
        /// Shares traded.
        quantity: Quantity,
        /// Shares that the resting order still has; zero: it has left the book.
        left: u64,
    },
    /// The incoming order met one of its own owner, and both lost shares without a trade.
    Decremented {
        /// The resting order.
        resting: OrderKey,
        /// Shares that both lost.
        quantity: Quantity,
        /// Shares that the resting order still has; zero: it has left the book.
        left: u64,
    },
    /// A resting order lapsed, because the incoming one is of the same owner.
    Lapsed {
        /// The resting order.
        resting: OrderKey,
        /// Shares it had.
        quantity: Quantity,
    },
    /// An order left its place for a replacement, which now comes in as a new order does.
    Replaced {
        /// The order as it was.
        order: OrderKey,
    },
    /// An order was cancelled together with others of its owner.
    Cancelled {
        /// The order.
        order: OrderKey,
        /// Shares it had.
        quantity: Quantity,
    },
}

/// Result of an incoming order. Traded, decremented and remaining shares add up to its quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outcome {
    /// Shares traded. What was decremented has not traded.
    pub traded: u64,
    /// End of what has not.
    pub end: End,
}

/// End of the rest of an incoming order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum End {
    /// There is no rest.
    Done,
    /// The rest has a place in the book.
    Rests {
        /// Its key.
        order: OrderKey,
        /// Its shares.
        open: Quantity,
    },
    /// The rest is gone.
    Lapsed {
        /// Its shares.
        quantity: Quantity,
        /// The reason.
        because: LapsedBecause,
    },
    /// The next price lies outside the corridor. The rest is not in the book: it is the caller's, for the
    /// call that an interruption begins.
    Interrupted {
        /// Its shares.
        open: Quantity,
        /// The price at which it would have traded next.
        price: Price,
    },
}

/// Reasons for which an incoming order lapses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LapsedBecause {
    /// Nothing more could trade at once.
    Rest,
    /// It could not trade whole.
    FillOrKill,
    /// It met an order of its own owner.
    SelfTrade,
}

/// Result of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Replaced {
    /// The order kept its place and its key: the limit is the same and the open quantity lower.
    Kept,
    /// The order came in as a new one, with a new key if it rests.
    Anew(Outcome),
}

/// Refusal of an order or a replacement. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A reason that the call auction has too.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// There is no such order of this owner: it never was, or has left the book.
    #[error("you have no order {order} in this book")]
    UnknownOrder {
        /// The key.
        order: OrderKey,
    },
    /// A post-only order would trade at once.
    #[error("it would trade at once, at {price}, and is to rest only; choose another limit")]
    WouldTrade {
        /// The price at which it would trade.
        price: Price,
    },
    /// A market order cannot rest.
    #[error("only a limit order can be post-only")]
    PostOnlyMustRest,
    /// The owner believes in another open quantity.
    #[error("{open} shares of the order are open now")]
    OpenDiffers {
        /// The open quantity.
        open: Quantity,
    },
    /// Only orders that accept the closing price can trade at last.
    #[error("only the closing price, {price}, is traded now; choose a limit that accepts it")]
    NotAtClose {
        /// The closing price.
        price: Price,
    },
    /// The book has given a place to as many orders as it can; its orders can be handed to a new one.
    #[error("the book has no place left; hand its orders over to a new one")]
    NoPlaceLeft,
}
