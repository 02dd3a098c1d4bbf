//! Verdict of an audit on a record.

use alloc::boxed::Box;
use core::fmt;

use crate::engine::ReplayError;
use crate::market::FoldError;
use crate::model::event::PublicEvent;
use crate::model::reject::Reject;
use crate::{LotId, OrderId, Price, Sequence, Timestamp, UserId};

/// Extent to which a record could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The rules give exactly these events.
    Decided,
    /// The rules can give its public events; they depend also on data that is hidden.
    Allowed(Held),
    /// Nothing of it is public except that it happened.
    Held,
}

/// Data that a commitment hides, and that is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A trader's maximum on an English lot.
    Maximum,
    /// The reserve of a lot.
    Reserve,
    /// A sealed bid, or an order of a call auction: placed, cancelled, or withdrawn with its trader.
    Order,
    /// The book that a call auction was uncrossed from.
    Book,
    /// The random end of a call auction that is still running.
    RandomEnd,
    /// A credential.
    Credential,
}

impl Held {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Maximum,
        Self::Reserve,
        Self::Order,
        Self::Book,
        Self::RandomEnd,
        Self::Credential,
    ];
}

/// Writes the name of the hidden data.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Maximum => "a maximum on an English lot",
            Self::Reserve => "the reserve of a lot",
            Self::Order => "a sealed bid, or an order of a call auction",
            Self::Book => "the book that a call auction was uncrossed from",
            Self::RandomEnd => "the random end of a call auction",
            Self::Credential => "a credential",
        })
    }
}

/// A record that does not follow the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: {wrong}")]
pub struct Foul {
    /// Sequence of the record.
    pub sequence: Sequence,
    /// Time of the record.
    pub at: Timestamp,
    /// Lot that the record concerns.
    pub lot: Option<LotId>,
    /// Reason.
    pub wrong: Wrong,
}

/// Reason why a record does not follow the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It does not follow the record before it.
    #[error("{0}")]
    Follows(ReplayError),
    /// Its events do not follow those before them.
    #[error("{0}")]
    DoesNotFit(FoldError),
    /// The rules refuse the command.
    #[error("the rules refuse this command: {0}")]
    Refused(Reject),
    /// The rules give another event.
    #[error("the rules give another event")]
    Otherwise {
        /// The first event that differs, as the rules give it; `None`: the rules give no more events.
        given: Option<Box<PublicEvent>>,
        /// The recorded event; `None`: the record has no more events.
        found: Option<Box<PublicEvent>>,
    },
    /// The clock must act on what is due first, at the time when it is due.
    #[error("nothing was due on the lot then")]
    NotDue {
        /// Deadline of the lot; `None`: it has none.
        due: Option<Timestamp>,
    },
    /// No command with a private part decides these events.
    #[error("no command that is hidden shows these events")]
    NotHidden,
    /// No offers and no reserve that agree with all earlier prices give this price to this leader.
    #[error("no hidden maximum or reserve gives this price and leader, after what was seen before")]
    Impossible,
    /// A beaten maximum must be opened after the close.
    #[error("a maximum that was beaten here was not opened after the close")]
    MaximumNotOpened,
    /// A bid was opened that no record before the close committed to.
    #[error(
        "bid {order} of user {bidder} was opened as something that no record before the close commits to"
    )]
    NotCommitted {
        /// User who is said to have bid.
        bidder: UserId,
        /// Number of the bid.
        order: OrderId,
    },
    /// A bid was live at the close, and is not among the opened ones.
    #[error("bid {order} of user {bidder} was live at the close, and was not opened")]
    LeftOut {
        /// User who bid.
        bidder: UserId,
        /// Number of the bid.
        order: OrderId,
    },
    /// The number of traders who bid differs.
    #[error("{counted} traders had bid, and bids of {found} were opened")]
    OtherBidders {
        /// Number of traders that was counted when they bid.
        counted: u32,
        /// Number of traders whose bids were opened.
        found: u32,
    },
    /// The uncross of a call auction does not follow its terms.
    #[error("{0}")]
    Uncross(UncrossFault),
    /// A trading day does not follow its terms.
    #[error("{0}")]
    Day(DayFault),
}

/// Contradiction between a trading day and its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayFault {
    /// A trade passed over an order that was before.
    #[error("an order traded that was not the first in price and time")]
    Priority {
        /// Public number of the order that was; `None`: there was none.
        first: Option<u64>,
    },
    /// A trade or an interruption on the wrong side of a corridor.
    #[error("the corridors do not allow this at {price}")]
    Corridor {
        /// The price.
        price: Price,
    },
    /// The phase, its end or its reference does not follow from the schedule.
    #[error("this does not follow in the phase that runs")]
    Phase,
    /// A price is off the tick, or a quantity no multiple of the round lot.
    #[error("a price is off the tick, or a quantity off the round lot")]
    Grid,
    /// An order is shown under a number that is not its own.
    #[error("an order is shown under number {number}, which it cannot have")]
    Number {
        /// The number.
        number: u64,
    },
    /// Orders that could trade with each other were left in the book.
    #[error("orders that cross were left in the book")]
    Crossed,
    /// The record's command does not lead to this.
    #[error("the command of this record does not lead to this")]
    Cause,
    /// It came before or after the time when it was due, or its times are not moved as a halt moves them.
    #[error("this was due at another time")]
    Time,
    /// The rest of an order has another side than its trades.
    #[error("one order was on both sides")]
    Side,
    /// The number of traders of a call cannot change so.
    #[error("the number of traders of the call does not follow from the one before")]
    Traders,
    /// The outcome is not that of the trades.
    #[error("the outcome is not that of the trades")]
    Statistics,
}

/// Contradiction between the end of a call auction and its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UncrossFault {
    /// Its random end was fixed, and the end does not open it.
    #[error("the random end that was fixed is not opened")]
    EndNotOpened,
    /// The price is off the tick.
    #[error("the price is off the tick of {tick}")]
    OffTick {
        /// The tick.
        tick: Price,
    },
    /// The volume is zero or no multiple of the round lot.
    #[error("the volume is no multiple of the round lot")]
    OffRoundLot,
    /// The price is outside the collar.
    #[error("the price is outside the collar, from {lowest} to {highest}")]
    OutsideCollar {
        /// The lowest price inside the collar.
        lowest: Price,
        /// The highest price inside the collar.
        highest: Price,
    },
    /// The recorded ladder step cannot have given this price.
    #[error("the recorded step of the ladder does not give this price")]
    OtherStep,
    /// This number of traders cannot have traded.
    #[error("this number of traders cannot have traded")]
    Traders,
    /// The best limits cross, but nothing is recorded as traded.
    #[error("the best limits cross, or are off the tick")]
    Crosses,
    /// The terms do not allow this extension.
    #[error("the terms do not allow an extension, or not of this length")]
    Extension,
    /// The outcome does not belong to a call auction.
    #[error("this outcome does not belong to a call auction")]
    NoEnd,
}
