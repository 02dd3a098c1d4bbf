//! The record of a decision, and what the one who asked is told.

use crate::model::event::{BidAccepted, Event, Events, PrivateEvent, PublicEvent, ReserveStatus};
use crate::model::steps::RULES_VERSION;
use crate::{
    Actor, Command, LotId, OrderId, Price, RequestId, Sequence, SessionId, Timestamp, UserId,
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

/// A record in which nothing was decided yet: for [`Engine::execute_into`](crate::Engine::execute_into) to fill.
impl Default for Record {
    fn default() -> Self {
        Self {
            sequence: Sequence(0),
            at: Timestamp::default(),
            rules: RULES_VERSION,
            actor: Actor::Operator,
            request: None,
            command: Command::CloseDue { lot: LotId(0) },
            events: Events::new(),
        }
    }
}

impl Record {
    /// What it tells of a bid, if it is the record of one of which nothing else came: another such bid is written over
    /// it, and nothing is to be dropped.
    #[inline(always)]
    pub(crate) fn bid_mut(&mut self) -> Option<BidRecord<'_>> {
        let Self {
            sequence,
            at,
            rules: RULES_VERSION,
            actor: Actor::User(bidder),
            request,
            command: Command::Bid { lot, price },
            events,
        } = self
        else {
            return None;
        };
        let [Event::Public(PublicEvent::BidAccepted(accepted))] = events.as_mut_slice() else {
            return None;
        };
        Some(BidRecord {
            sequence,
            at,
            bidder,
            request,
            lot,
            price,
            accepted,
        })
    }

    /// Becomes the record of some bid, so that another can be written over it.
    #[cold]
    pub(crate) fn become_bid(&mut self) {
        let (lot, price, user) = (LotId(0), Price::ZERO, UserId(0));
        self.rules = RULES_VERSION;
        self.actor = Actor::User(user);
        self.command = Command::Bid { lot, price };
        self.events.clear();
        self.events
            .push(Event::Public(PublicEvent::BidAccepted(BidAccepted {
                lot,
                bidder: user,
                amount: None,
                leader: user,
                price,
                least: None,
                bidders: 0,
                reserve: ReserveStatus::None,
            })));
    }

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

/// The parts of a [`Record`] of a bid.
pub(crate) struct BidRecord<'a> {
    sequence: &'a mut Sequence,
    at: &'a mut Timestamp,
    bidder: &'a mut UserId,
    request: &'a mut Option<(SessionId, RequestId)>,
    lot: &'a mut LotId,
    price: &'a mut Price,
    accepted: &'a mut BidAccepted,
}

impl BidRecord<'_> {
    /// Writes another bid over this one: `price` was asked, and came to what was `accepted`.
    #[inline(always)]
    pub(crate) fn write(
        self,
        sequence: Sequence,
        at: Timestamp,
        request: Option<(SessionId, RequestId)>,
        price: Price,
        accepted: BidAccepted,
    ) {
        *self.sequence = sequence;
        *self.at = at;
        *self.bidder = accepted.bidder;
        if *self.request != request {
            *self.request = request;
        }
        *self.lot = accepted.lot;
        *self.price = price;
        *self.accepted = accepted;
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
    /// A session was opened, or a device was added: it is one too.
    SessionOpened(SessionId),
    /// A lot was opened.
    LotOpened(LotId),
    /// A bid was accepted.
    Bid(BidReply),
    /// An order was placed.
    OrderPlaced(OrderId),
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
    /// Whether the bid won the lot at once: at the buy-now price, or by taking a Dutch lot.
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
                Event::Private(
                    PrivateEvent::SessionOpened { session, .. }
                    | PrivateEvent::DeviceAdded { session, .. },
                ) => {
                    reply = Self::SessionOpened(*session);
                }
                Event::Public(PublicEvent::LotOpened(opened)) => {
                    reply = Self::LotOpened(opened.lot);
                }
                Event::Private(PrivateEvent::MaximumSet { lot, leads, .. }) => {
                    reply = Self::Bid(BidReply::new(*lot, *leads, None));
                }
                Event::Private(PrivateEvent::OrderPlaced { order, .. }) => {
                    reply = Self::OrderPlaced(*order);
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
                    PublicEvent::StockListed(_)
                    | PublicEvent::ProfitPublished { .. }
                    | PublicEvent::LotBegan { .. }
                    | PublicEvent::LotHalted { .. }
                    | PublicEvent::LotResumed { .. }
                    | PublicEvent::BiddersCounted { .. }
                    | PublicEvent::BidsOpened { .. }
                    | PublicEvent::AccountsSet { .. }
                    | PublicEvent::ReferenceFixed { .. }
                    | PublicEvent::EndCommitted { .. }
                    | PublicEvent::EndOpened { .. },
                )
                | Event::Private(
                    PrivateEvent::CredentialSet { .. }
                    | PrivateEvent::SessionClosed { .. }
                    | PrivateEvent::ReserveSet { .. }
                    | PrivateEvent::OrderReplaced { .. }
                    | PrivateEvent::OrderCancelled { .. }
                    | PrivateEvent::UserSuspended { .. }
                    | PrivateEvent::UserReinstated { .. }
                    | PrivateEvent::DeadManSet { .. }
                    | PrivateEvent::Deposited { .. }
                    | PrivateEvent::Withdrawn { .. }
                    | PrivateEvent::OrdersWithdrawn { .. }
                    | PrivateEvent::EndDrawn { .. },
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
