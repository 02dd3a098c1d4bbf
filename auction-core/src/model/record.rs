//! The record of a decision, and the reply to the requester.

use crate::model::day::{DayReply, DayRest};
use crate::model::event::{BidAccepted, Event, Events, PrivateEvent, PublicEvent, ReserveStatus};
use crate::model::steps::RULES_VERSION;
use crate::{
    Actor, Command, LotId, OrderId, Price, RequestId, Sequence, SessionId, Timestamp, UserId,
};

/// One decision: the command, its actor and time, and the decided events. Applying the records of a journal in order
/// gives the same market bit for bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's place in the journal.
    pub sequence: Sequence,
    /// Time of the decision; never before the time of the previous record.
    pub at: Timestamp,
    /// Version of the rules that decided it.
    pub rules: u16,
    /// The actor.
    pub actor: Actor,
    /// The session and its number for the request, when a session sent the command.
    pub request: Option<(SessionId, RequestId)>,
    /// The command.
    pub command: Command,
    /// The decided events, in order; never empty.
    pub events: Events,
}

/// An empty record, for [`Engine::execute_into`](crate::Engine::execute_into) to fill.
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
    /// Returns the parts of the record if it is that of a bid without other effects: another such bid can overwrite it
    /// without dropping anything.
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

    /// Turns this into the record of a bid, so that another bid can overwrite it.
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

    /// Returns the public events, in order.
    pub fn public_events(&self) -> impl Iterator<Item = &PublicEvent> {
        self.events.iter().filter_map(|event| match event {
            Event::Public(event) => Some(event),
            Event::Private(_) => None,
        })
    }

    /// Returns the reply to the requester.
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
    /// Overwrites the record with another bid: `price` was requested, and `accepted` is the event.
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

/// Reply to the sender of an accepted command, sent again when they repeat the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reply {
    /// The command was executed.
    Done,
    /// An account was created.
    Registered(UserId),
    /// A session was opened, or a device was added, which is also a session.
    SessionOpened(SessionId),
    /// A lot was opened.
    LotOpened(LotId),
    /// A bid was accepted.
    Bid(BidReply),
    /// An order was placed.
    OrderPlaced(OrderId),
    /// An order of a trading day was placed or replaced.
    DayOrder(DayReply),
    /// Orders were cancelled together.
    AllCancelled {
        /// Number of orders that were cancelled.
        cancelled: u32,
        /// Number of orders that could not be cancelled.
        kept: u32,
        /// True if the trader has more orders, which another cancel-all cancels.
        more: bool,
    },
}

/// State of a lot for the trader whose bid was just accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BidReply {
    /// The lot.
    pub lot: LotId,
    /// True if the bidder leads.
    pub leads: bool,
    /// The lot's price, if the bid changed anything public.
    pub price: Option<Price>,
    /// The later close, if the bid moved it.
    pub extended_to: Option<Timestamp>,
    /// True if the bid won the lot at once: at the buy-now price, or by taking a Dutch lot.
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
                Event::Private(
                    event @ (PrivateEvent::DayOrderAccepted { order, .. }
                    | PrivateEvent::DayOrderReplaced { order, .. }),
                ) => {
                    let rest = match *event {
                        PrivateEvent::DayOrderReplaced {
                            quantity: open,
                            keeps_place: true,
                            ..
                        } => DayRest::Keeps { open },
                        _ => DayRest::None,
                    };
                    reply = Self::DayOrder(DayReply {
                        order: *order,
                        traded: 0,
                        value: 0,
                        rest,
                    });
                }
                Event::Private(
                    event @ (PrivateEvent::DayOrderParked { .. }
                    | PrivateEvent::DayOrderRests { .. }
                    | PrivateEvent::DayOrderFilled { .. }
                    | PrivateEvent::DayOrdersDecremented { .. }
                    | PrivateEvent::DayOrderLapsed { .. }),
                ) => {
                    if let (Self::DayOrder(reply), Actor::User(trader)) = (&mut reply, record.actor)
                    {
                        reply.add(trader, event);
                    }
                }
                Event::Private(PrivateEvent::AllCancelled {
                    cancelled,
                    kept,
                    more,
                    ..
                }) => {
                    reply = Self::AllCancelled {
                        cancelled: *cancelled,
                        kept: *kept,
                        more: *more,
                    };
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
                    | PublicEvent::EndOpened { .. }
                    | PublicEvent::PhaseBegan(_)
                    | PublicEvent::PhaseExtended { .. }
                    | PublicEvent::PhaseMoved { .. }
                    | PublicEvent::CallUncrossed { .. }
                    | PublicEvent::OrderShown { .. }
                    | PublicEvent::OrderReduced { .. }
                    | PublicEvent::OrderGone { .. }
                    | PublicEvent::Traded { .. }
                    | PublicEvent::Interrupted { .. }
                    | PublicEvent::DayHalted { .. }
                    | PublicEvent::MarketHalted
                    | PublicEvent::MarketResumed,
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
                    | PrivateEvent::EndDrawn { .. }
                    | PrivateEvent::OrderKept { .. }
                    | PrivateEvent::LimitsSet { .. }
                    | PrivateEvent::AccessSet { .. },
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

impl DayReply {
    /// Adds what became of the trader's order.
    fn add(&mut self, trader: UserId, event: &PrivateEvent) {
        match *event {
            PrivateEvent::DayOrderFilled {
                trader: of,
                order,
                price,
                quantity,
                ..
            } if (of, order) == (trader, self.order) => {
                self.traded += quantity.get();
                self.value += u128::from(price.units()) * u128::from(quantity.get());
            }
            PrivateEvent::DayOrderRests {
                trader: of,
                order,
                open,
                ..
            } if (of, order) == (trader, self.order) => self.rest = DayRest::Rests { open },
            PrivateEvent::DayOrderParked {
                trader: of,
                order,
                open,
                ..
            } if (of, order) == (trader, self.order) => self.rest = DayRest::Parked { open },
            PrivateEvent::DayOrderLapsed {
                trader: of,
                order,
                quantity,
                because,
                ..
            } if (of, order) == (trader, self.order) => {
                self.rest = DayRest::Lapsed { quantity, because };
            }
            _ => {}
        }
    }
}
