//! What was decided. Public events make the feed; private ones stay with the market.

use alloc::boxed::Box;

use smallvec::SmallVec;

use crate::command::{Credential, Listing, Role, Terms, TokenHash};
use crate::{
    Actor, Command, LotId, Name, Price, Profit, Quantity, RequestId, Sequence, SessionId, Symbol,
    Timestamp, UserId,
};

/// One decision: what was asked, by whom, when, and what came of it. Applying the records of a journal in
/// order gives the same market to the last bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's place in the journal.
    pub sequence: Sequence,
    /// When it was decided; never before the record before.
    pub at: Timestamp,
    /// The version of the rules it was decided by.
    pub rules: u16,
    /// Who acted.
    pub actor: Actor,
    /// The session and the client's number for the request, when a session asked.
    pub request: Option<(SessionId, RequestId)>,
    /// What was asked.
    pub command: Command,
    /// What was decided, in order; never empty.
    pub events: Events,
}

/// The events of one record: mostly one or two, then without allocation.
pub type Events = SmallVec<[Event; 2]>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everyone may know.
    Public(PublicEvent),
    /// Only the market knows.
    Private(PrivateEvent),
}

/// What everyone may know. Hidden values cannot leak by mistake: this type has no place for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicEvent {
    /// A stock is listed, or listed anew.
    StockListed(Listing),
    /// A user is known from here on by this number.
    UserRegistered {
        /// The number.
        user: UserId,
        /// The name.
        name: Name,
        /// What they may do.
        role: Role,
    },
    /// A lot takes bids from here on.
    LotOpened(Box<LotOpened>),
    /// A bid was accepted.
    BidAccepted(BidAccepted),
    /// The close of a lot moved.
    LotExtended {
        /// The lot.
        lot: LotId,
        /// The new close.
        closes_at: Timestamp,
        /// Why.
        cause: ExtensionCause,
    },
    /// A lot takes no more bids.
    LotClosed {
        /// The lot.
        lot: LotId,
        /// What came of it, and why.
        outcome: Outcome,
    },
    /// A company published the profit of its stock.
    ProfitPublished {
        /// The stock.
        symbol: Symbol,
        /// The profit.
        profit: Profit,
    },
}

/// A lot as it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotOpened {
    /// The lot's number.
    pub lot: LotId,
    /// The stock.
    pub symbol: Symbol,
    /// How many shares.
    pub quantity: Quantity,
    /// The stock's listed price when the lot opened.
    pub base_price: Price,
    /// When it closes, exclusive.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Whether there is a reserve; its price is hidden.
    pub has_reserve: bool,
}

/// An accepted bid on an English lot, and how the lot stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidAccepted {
    /// The lot.
    pub lot: LotId,
    /// Who bid.
    pub bidder: UserId,
    /// What they bid, when they bid openly; a maximum stays hidden.
    pub amount: Option<Price>,
    /// Who leads now.
    pub leader: UserId,
    /// The price now.
    pub price: Price,
    /// The smallest bid that would be accepted next; `None`: no higher one.
    pub least: Option<Price>,
    /// How many traders have bid on the lot.
    pub bidders: u32,
    /// The reserve now.
    pub reserve: ReserveStatus,
}

/// How a lot stands with its hidden reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReserveStatus {
    /// There is no reserve.
    None,
    /// The price is below it: closing so sells nothing.
    NotMet,
    /// The price has reached it.
    Met,
}

/// Why a close moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionCause {
    /// A bid came near the close.
    SoftClose,
    /// The operator or an auctioneer moved it, after an outage for example.
    Ordered,
}

/// What came of a lot, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// One trader won.
    Sold {
        /// Who.
        winner: UserId,
        /// What each share costs them.
        price: Price,
        /// The rule that decided.
        by: SoldBy,
        /// The highest that anyone else had offered.
        runner_up: Option<Price>,
    },
    /// Nobody won.
    Unsold {
        /// The rule that decided.
        because: UnsoldBecause,
        /// The highest that anyone had shown to offer.
        highest: Option<Price>,
    },
}

/// The rule by which a lot was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SoldBy {
    /// The highest bid at the close.
    HighestBid,
    /// A bid at the buy-now price.
    BuyNow,
}

/// The rule by which a lot was not sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnsoldBecause {
    /// Nobody bid.
    NoBids,
    /// The price had not reached the reserve.
    ReserveNotMet,
}

/// What only the market knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateEvent {
    /// A user's login is checked against this.
    CredentialSet {
        /// The user.
        user: UserId,
        /// Opaque bytes.
        credential: Credential,
    },
    /// A session was opened.
    SessionOpened {
        /// Its number.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// SHA-256 of its token.
        token_hash: TokenHash,
        /// From here on it is refused.
        expires_at: Timestamp,
    },
    /// A session was closed.
    SessionClosed {
        /// Its number.
        session: SessionId,
    },
    /// A lot has this reserve.
    ReserveSet {
        /// The lot.
        lot: LotId,
        /// The price.
        reserve: Price,
    },
    /// A trader stated a hidden maximum.
    MaximumSet {
        /// The lot.
        lot: LotId,
        /// The trader.
        bidder: UserId,
        /// The highest price they accept.
        maximum: Price,
        /// Whether they lead with it.
        leads: bool,
    },
}

impl Record {
    /// The public events, in order.
    pub fn public_events(&self) -> impl Iterator<Item = &PublicEvent> {
        self.events.iter().filter_map(|event| match event {
            Event::Public(event) => Some(event),
            Event::Private(_) => None,
        })
    }

    /// What the one who asked is told.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply::of(self)
    }
}

/// What the one who asked is told of an accepted command, and is told again when they repeat the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reply {
    /// It is done.
    Done,
    /// An account was made.
    Registered(UserId),
    /// A session was opened.
    SessionOpened(SessionId),
    /// A lot was opened.
    LotOpened(LotId),
    /// A bid was accepted.
    Bid(BidReply),
}

/// How a lot stands for the one whose bid was just accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BidReply {
    /// The lot.
    pub lot: LotId,
    /// Whether the bidder leads.
    pub leads: bool,
    /// The lot's price, when the bid changed anything that others see.
    pub price: Option<Price>,
    /// The later close, when the bid moved it.
    pub extended_to: Option<Timestamp>,
    /// Whether the bid won the lot at once, at the buy-now price.
    pub bought: bool,
}

impl Reply {
    fn of(record: &Record) -> Self {
        let mut reply = Self::Done;
        for event in &record.events {
            match event {
                Event::Public(PublicEvent::UserRegistered { user, .. }) => {
                    reply = Self::Registered(*user);
                }
                Event::Private(PrivateEvent::SessionOpened { session, .. }) => {
                    reply = Self::SessionOpened(*session);
                }
                Event::Public(PublicEvent::LotOpened(opened)) => {
                    reply = Self::LotOpened(opened.lot);
                }
                Event::Private(PrivateEvent::MaximumSet { lot, leads, .. }) => {
                    reply = Self::Bid(BidReply::new(*lot, *leads, None));
                }
                Event::Public(PublicEvent::BidAccepted(bid)) => {
                    let leads = bid.leader == bid.bidder;
                    reply = Self::Bid(BidReply::new(bid.lot, leads, Some(bid.price)));
                }
                Event::Public(PublicEvent::LotExtended { closes_at, .. }) => {
                    if let Self::Bid(bid) = &mut reply {
                        bid.extended_to = Some(*closes_at);
                    }
                }
                Event::Public(PublicEvent::LotClosed { .. }) => {
                    if let Self::Bid(bid) = &mut reply {
                        bid.bought = true;
                    }
                }
                Event::Public(
                    PublicEvent::StockListed(_) | PublicEvent::ProfitPublished { .. },
                )
                | Event::Private(
                    PrivateEvent::CredentialSet { .. }
                    | PrivateEvent::SessionClosed { .. }
                    | PrivateEvent::ReserveSet { .. },
                ) => {}
            }
        }
        reply
    }
}

impl BidReply {
    fn new(lot: LotId, leads: bool, price: Option<Price>) -> Self {
        Self {
            lot,
            leads,
            price,
            extended_to: None,
            bought: false,
        }
    }
}
