//! What an audit says of a record.

use alloc::boxed::Box;
use core::fmt;

use crate::engine::ReplayError;
use crate::market::FoldError;
use crate::model::event::PublicEvent;
use crate::model::reject::Reject;
use crate::{LotId, OrderId, Price, Sequence, Timestamp, UserId};

/// How far a record could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The rules give exactly this.
    Decided,
    /// All that is public of it is what the rules can give; what it hangs on beside that is hidden.
    Allowed(Held),
    /// Nothing of it is public but that it happened.
    Held,
}

/// What is held by a commitment, and not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// How far a trader would go on an English lot.
    Maximum,
    /// The reserve of a lot.
    Reserve,
    /// A sealed bid, or an order of a call auction: placed, taken back, or withdrawn with its trader.
    Order,
    /// The book that a call auction was uncrossed from.
    Book,
    /// The random end of a call auction that still runs.
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

/// What is hidden, in words.
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

/// A record that is not what the rules give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: {wrong}")]
pub struct Foul {
    /// The record.
    pub sequence: Sequence,
    /// Its time.
    pub at: Timestamp,
    /// The lot that it is about.
    pub lot: Option<LotId>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It does not follow the one before it.
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
        /// The first event that differs, as the rules give it; `None`: they give no more.
        given: Option<Box<PublicEvent>>,
        /// The event that stands there; `None`: no more does.
        found: Option<Box<PublicEvent>>,
    },
    /// The clock acts at the time when something is due, and on what is due first.
    #[error("nothing was due on the lot then")]
    NotDue {
        /// When something is due on the lot; `None`: nothing is.
        due: Option<Timestamp>,
    },
    /// No command with a private part decides this.
    #[error("no command that is hidden shows these events")]
    NotHidden,
    /// No offers and no reserve that agree with all that was seen before give this price to this leader.
    #[error("no hidden maximum or reserve gives this price and leader, after what was seen before")]
    Impossible,
    /// A maximum that was beaten is to be opened after the close.
    #[error("a maximum that was beaten here was not opened after the close")]
    MaximumNotOpened,
    /// A bid was opened that nothing before the close committed to.
    #[error(
        "bid {order} of user {bidder} was opened as something that no record before the close commits to"
    )]
    NotCommitted {
        /// Who is said to have bid.
        bidder: UserId,
        /// The number of the bid.
        order: OrderId,
    },
    /// A bid stood at the close, and is not among those that were opened.
    #[error("bid {order} of user {bidder} stood at the close, and was left out")]
    LeftOut {
        /// Who bid.
        bidder: UserId,
        /// The number of the bid.
        order: OrderId,
    },
    /// Another number of traders had bid.
    #[error("{counted} traders had bid, and bids of {found} were opened")]
    OtherBidders {
        /// How many had, as was counted when they bid.
        counted: u32,
        /// Of how many bids were opened.
        found: u32,
    },
    /// A call auction was not uncrossed by its terms.
    #[error("{0}")]
    Uncross(UncrossFault),
}

/// How the end of a call auction contradicts its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UncrossFault {
    /// Its random end was fixed and is not opened with it.
    #[error("the random end that was fixed is not opened")]
    EndNotOpened,
    /// A price off the tick.
    #[error("the price is off the tick of {tick}")]
    OffTick {
        /// The grid of prices.
        tick: Price,
    },
    /// A volume that is no multiple of the round lot, or none at all.
    #[error("the volume is no multiple of the round lot")]
    OffRoundLot,
    /// A price outside the collar.
    #[error("the price is outside the collar, from {lowest} to {highest}")]
    OutsideCollar {
        /// The lowest price that passes.
        lowest: Price,
        /// The highest price that passes.
        highest: Price,
    },
    /// The step that is said to have decided cannot have given this price.
    #[error("the step of the ladder that is said to have decided does not give this price")]
    OtherStep,
    /// More or fewer traders than can have traded.
    #[error("another number of traders can have traded")]
    Traders,
    /// The best limits cross, and yet nothing is said to.
    #[error("the best limits cross, or are off the tick")]
    Crosses,
    /// An extension that the terms do not allow.
    #[error("the terms do not allow this extension, or not by so long")]
    Extension,
    /// The outcome is none of a call auction.
    #[error("this is no end of a call auction")]
    NoEnd,
}
