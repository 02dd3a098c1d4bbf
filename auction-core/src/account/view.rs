//! Events of one user's own account: a projection of all events, private ones included. Send each user only their own.
//!
//! Like the market it is a fold: it starts from an engine and applies every later event, in order.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::clearing::call::Side;
use crate::model::command::Asset;
use crate::model::day::{DayOrder, FillRole, LapseReason, OwnDayOrder, TraderLimits};
use crate::model::event::{BidAccepted, Event, OpenedBid, Outcome, PrivateEvent, PublicEvent};
use crate::{
    LotId, OrderId, Price, Quantity, SessionId, Span, StandingDayOrder, StandingLead,
    StandingOrder, UserId,
};

/// Something that happened to one user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// An order was placed, in any session of the user.
    OrderPlaced(StandingOrder),
    /// An order was replaced.
    OrderReplaced {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// The new number of shares.
        quantity: Quantity,
        /// The new worst price that the order accepts; `None`: any.
        limit: Option<Price>,
    },
    /// An order was cancelled, by its owner or on their behalf.
    OrderCancelled {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// The user leads a lot with this offer.
    Leads(StandingLead),
    /// Another trader leads a lot that the user led or has just bid on.
    Outbid {
        /// The lot.
        lot: LotId,
        /// The current price.
        price: Price,
    },
    /// At the close, an order was filled.
    OrderFilled {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Number of shares.
        filled: u64,
        /// Price of each share; `None`: the lot's outcome says it.
        pays: Option<Price>,
    },
    /// At the close, an order was not filled.
    OrderLapsed {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// The user won a lot.
    Won {
        /// The lot.
        lot: LotId,
        /// Price of each share.
        price: Price,
    },
    /// A lot that the user led closed, and was not sold.
    Unsold {
        /// The lot.
        lot: LotId,
    },
    /// The dead-man switch of a session was set, or cleared with `None`.
    DeadManSet {
        /// The session.
        session: SessionId,
        /// Time that the session may be disconnected.
        grace: Option<Span>,
    },
    /// The dead-man switch of a session fired: all orders that can be cancelled are cancelled by the events that
    /// follow.
    DeadManFired {
        /// The session.
        session: SessionId,
    },
    /// A session was opened.
    SessionOpened {
        /// The session.
        session: SessionId,
    },
    /// A session was closed.
    SessionClosed {
        /// The session.
        session: SessionId,
    },
    /// The user is suspended and cannot act; their bids stay binding.
    Suspended,
    /// The suspension has ended.
    Reinstated,
    /// Cash or shares were deposited.
    Deposited {
        /// The cash or the shares.
        asset: Asset,
    },
    /// Cash or shares were withdrawn.
    Withdrawn {
        /// The cash or the shares.
        asset: Asset,
    },
    /// An order of a trading day was accepted. The events that follow say what became of it.
    DayOrderAccepted {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Its content.
        content: DayOrder,
    },
    /// An order of a trading day was replaced. If it lost its place, the events that follow say what became of it.
    DayOrderReplaced {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// The new number of open shares.
        quantity: Quantity,
        /// The new worst price that the order accepts; `None`: any.
        limit: Option<Price>,
        /// True if it kept its place.
        keeps_place: bool,
    },
    /// An order, or its rest, is parked until its call begins.
    DayOrderParked {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        open: Quantity,
    },
    /// An order, or its rest, took its place in the book.
    DayOrderRests {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        open: Quantity,
    },
    /// An order of a trading day traded.
    DayOrderFilled {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Number of the trade.
        trade: u64,
        /// Price of each share.
        price: Price,
        /// Shares traded.
        quantity: Quantity,
        /// Part of the order in the trade.
        role: FillRole,
        /// Shares it still has; zero: it is gone.
        left: u64,
    },
    /// Two of the user's orders met, and both lost shares without a trade.
    DayOrdersDecremented {
        /// The lot.
        lot: LotId,
        /// The order that rested.
        resting: OrderId,
        /// The order that came in.
        incoming: OrderId,
        /// Shares that each lost.
        quantity: Quantity,
        /// Shares that the resting order still has; zero: it is gone.
        resting_left: u64,
        /// Shares that the incoming order still has.
        incoming_left: u64,
    },
    /// An order of a trading day, or its rest, lapsed.
    DayOrderLapsed {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        quantity: Quantity,
        /// Reason.
        because: LapseReason,
    },
    /// A cancel-all found this order, which cannot be cancelled now.
    OrderKept {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// A cancel-all is complete.
    AllCancelled {
        /// The lot; `None`: all lots.
        lot: Option<LotId>,
        /// Number of orders that were cancelled.
        cancelled: u32,
        /// Number of orders that could not be cancelled.
        kept: u32,
        /// True if there are more orders, which another cancel-all cancels.
        more: bool,
    },
    /// Limits of the user were set; `None`: those of every trader hold.
    LimitsSet {
        /// The limits.
        limits: Option<TraderLimits>,
    },
}

/// Orders, leads and sessions of all users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    orders: BTreeMap<(UserId, LotId, OrderId), StandingOrder>,
    /// Place in time of each order: of equal orders in a call auction the earlier is filled first.
    places: BTreeMap<(UserId, LotId, OrderId), u64>,
    places_given: u64,
    by_lot: BTreeSet<(LotId, UserId, OrderId)>,
    pub(super) day_orders: BTreeMap<(UserId, LotId, OrderId), OwnDayOrder>,
    leads: BTreeMap<LotId, (UserId, Price)>,
    led: BTreeSet<(UserId, LotId)>,
    pub(crate) sessions: BTreeMap<SessionId, UserId>,
    pub(crate) dead_men: BTreeMap<(UserId, SessionId), Span>,
    /// A maximum that was set, until the bid that follows shows its effect.
    maximum: Option<(LotId, UserId, Price)>,
}

impl Accounts {
    /// Returns the user of an open session or of a device. It may have expired.
    #[must_use]
    pub fn user_of(&self, session: SessionId) -> Option<UserId> {
        self.sessions.get(&session).copied()
    }

    /// Returns a user's orders on lots that have not closed, by lot and order.
    pub fn orders_of(&self, user: UserId) -> impl Iterator<Item = StandingOrder> {
        let first = (user, LotId(0), OrderId(0));
        let last = (user, LotId(u32::MAX), OrderId(u32::MAX));
        self.orders.range(first..=last).map(|(_, order)| *order)
    }

    /// Returns a user's orders on trading days that have not closed, by lot and order.
    pub fn day_orders_of(&self, user: UserId) -> impl Iterator<Item = StandingDayOrder> {
        let first = (user, LotId(0), OrderId(0));
        let last = (user, LotId(u32::MAX), OrderId(u32::MAX));
        let own = self.day_orders.range(first..=last);
        own.map(|((_, lot, _), order)| StandingDayOrder {
            lot: *lot,
            order: *order,
        })
    }

    /// Returns the lots that a user leads, and their offers.
    pub fn leads_of(&self, user: UserId) -> impl Iterator<Item = StandingLead> {
        let led = self.led.range((user, LotId(0))..=(user, LotId(u32::MAX)));
        led.map(|(_, lot)| StandingLead {
            lot: *lot,
            offer: self.leads[lot].1,
        })
    }

    /// Returns a user's sessions with a dead-man switch, and how long each may be disconnected.
    pub fn dead_men_of(&self, user: UserId) -> impl Iterator<Item = (SessionId, Span)> {
        let all = (user, SessionId(0))..=(user, SessionId(u64::MAX));
        let own = self.dead_men.range(all);
        own.map(|((_, session), grace)| (*session, *grace))
    }

    /// Applies the next event, and returns its consequences for each user concerned.
    pub fn apply(&mut self, event: &Event) -> Vec<(UserId, AccountEvent)> {
        match event {
            Event::Public(event) => self.apply_public(event),
            Event::Private(PrivateEvent::OrdersWithdrawn { lot, trader }) => {
                self.withdraw(*lot, *trader)
            }
            Event::Private(event) => self.apply_private(event).into_iter().collect(),
        }
    }

    fn apply_public(&mut self, event: &PublicEvent) -> Vec<(UserId, AccountEvent)> {
        match event {
            PublicEvent::BidAccepted(bid) => self.bid(bid),
            PublicEvent::BidsOpened { lot, bids } => {
                let settled = bids.iter().filter_map(|bid| self.settle(*lot, bid));
                settled.collect()
            }
            PublicEvent::LotClosed { lot, outcome } => self.close(*lot, outcome),
            _ => Vec::new(),
        }
    }

    fn bid(&mut self, bid: &BidAccepted) -> Vec<(UserId, AccountEvent)> {
        let BidAccepted {
            lot,
            bidder,
            amount,
            leader,
            price,
            ..
        } = *bid;
        let maximum = self.maximum.take();
        let maximum = maximum.filter(|(of, by, _)| *of == lot && *by == bidder);
        let outbid = AccountEvent::Outbid { lot, price };
        let before = self.leads.get(&lot).copied();
        let mut told = Vec::new();
        if let Some((beaten, _)) = before.filter(|(led, _)| *led != leader) {
            told.push((beaten, outbid));
        }
        if leader != bidder {
            told.push((bidder, outbid));
            return told;
        }
        let offer = amount.or(maximum.map(|(_, _, maximum)| maximum));
        let offer = offer.unwrap_or(price);
        self.lead(lot, leader, offer);
        // A maximum was reported when it was set.
        if amount.is_some() {
            told.push((leader, AccountEvent::Leads(StandingLead { lot, offer })));
        }
        told
    }

    fn close(&mut self, lot: LotId, outcome: &Outcome) -> Vec<(UserId, AccountEvent)> {
        let mut told = Vec::new();
        let first = (lot, UserId(0), OrderId(0));
        let last = (lot, UserId(u32::MAX), OrderId(u32::MAX));
        let left: Vec<_> = self.by_lot.range(first..=last).copied().collect();
        let fills = match *outcome {
            Outcome::Crossed { volume, .. } => self.crossed(&left, volume),
            _ => BTreeMap::new(),
        };
        for (lot, user, order) in left {
            self.remove(user, lot, order);
            let fate = match fills.get(&(user, order)) {
                Some(filled) => AccountEvent::OrderFilled {
                    lot,
                    order,
                    filled: *filled,
                    pays: None,
                },
                None => AccountEvent::OrderLapsed { lot, order },
            };
            told.push((user, fate));
        }
        let led = self.leads.remove(&lot).map(|(leader, _)| leader);
        if let Some(leader) = led {
            self.led.remove(&(leader, lot));
        }
        match *outcome {
            Outcome::Sold { winner, price, .. } => {
                told.push((winner, AccountEvent::Won { lot, price }));
            }
            _ => told.extend(led.map(|leader| (leader, AccountEvent::Unsold { lot }))),
        }
        told
    }

    /// Fills the orders of a call auction: each side's volume goes to market orders, then to limits by price, then by
    /// time.
    fn crossed(
        &self,
        orders: &[(LotId, UserId, OrderId)],
        volume: u64,
    ) -> BTreeMap<(UserId, OrderId), u64> {
        let mut fills = BTreeMap::new();
        for side in [Side::Buy, Side::Sell] {
            let keys = orders
                .iter()
                .map(|(lot, user, order)| (*user, *lot, *order));
            let of_side = keys.filter_map(|key| {
                let order = self.orders.get(&key).filter(|order| order.side == side)?;
                let limit = order.limit.map(Price::units);
                let willing = match side {
                    Side::Buy => limit.map(|limit| u64::MAX - limit),
                    Side::Sell => limit,
                };
                // Market orders come first.
                Some((
                    (willing, self.places.get(&key).copied()),
                    key,
                    order.quantity,
                ))
            });
            let mut of_side: Vec<_> = of_side.collect();
            of_side.sort_unstable_by_key(|(rank, ..)| *rank);
            let mut left = volume;
            for (_, (user, _, order), quantity) in of_side {
                let filled = quantity.get().min(left);
                left -= filled;
                if filled > 0 {
                    fills.insert((user, order), filled);
                }
            }
        }
        fills
    }

    fn withdraw(&mut self, lot: LotId, user: UserId) -> Vec<(UserId, AccountEvent)> {
        let first = (lot, user, OrderId(0));
        let last = (lot, user, OrderId(u32::MAX));
        let own: Vec<_> = self.by_lot.range(first..=last).copied().collect();
        let of_day = (user, lot, OrderId(0))..=(user, lot, OrderId(u32::MAX));
        let of_day = self.day_orders.range(of_day);
        let of_day: Vec<_> = of_day
            .map(|((user, lot, order), _)| (*lot, *user, *order))
            .collect();
        let told = own.into_iter().chain(of_day).map(|(lot, user, order)| {
            self.remove(user, lot, order);
            self.leave_day_order(user, lot, order, 0);
            (user, AccountEvent::OrderCancelled { lot, order })
        });
        told.collect()
    }

    fn settle(&mut self, lot: LotId, bid: &OpenedBid) -> Option<(UserId, AccountEvent)> {
        let OpenedBid {
            bidder,
            order,
            filled,
            pays,
            ..
        } = *bid;
        if !self.remove(bidder, lot, order) {
            return None;
        }
        let event = match filled {
            0 => AccountEvent::OrderLapsed { lot, order },
            filled => AccountEvent::OrderFilled {
                lot,
                order,
                filled,
                pays,
            },
        };
        Some((bidder, event))
    }

    fn apply_private(&mut self, event: &PrivateEvent) -> Option<(UserId, AccountEvent)> {
        let told = match *event {
            PrivateEvent::OrderPlaced {
                lot,
                trader,
                order,
                side,
                quantity,
                limit,
            } => {
                let placed = StandingOrder {
                    lot,
                    order,
                    side,
                    quantity,
                    limit,
                };
                self.place(trader, placed);
                (trader, AccountEvent::OrderPlaced(placed))
            }
            PrivateEvent::OrderReplaced {
                lot,
                trader,
                order,
                quantity,
                limit,
            } => {
                if let Some(standing) = self.orders.get_mut(&(trader, lot, order)) {
                    if limit != standing.limit || quantity > standing.quantity {
                        self.places_given += 1;
                        let place = self.places_given;
                        self.places.insert((trader, lot, order), place);
                    }
                    (standing.quantity, standing.limit) = (quantity, limit);
                }
                let replaced = AccountEvent::OrderReplaced {
                    lot,
                    order,
                    quantity,
                    limit,
                };
                (trader, replaced)
            }
            PrivateEvent::OrderCancelled { lot, trader, order } => {
                self.remove(trader, lot, order);
                self.leave_day_order(trader, lot, order, 0);
                (trader, AccountEvent::OrderCancelled { lot, order })
            }
            PrivateEvent::MaximumSet {
                lot,
                bidder,
                maximum,
                leads,
            } => {
                if !leads {
                    return None;
                }
                // If the maximum beats the leader, the bid that follows reports it, provided that others see a change.
                self.maximum = Some((lot, bidder, maximum));
                if self.leads.get(&lot).is_some_and(|(led, _)| *led == bidder) {
                    self.lead(lot, bidder, maximum);
                }
                let offer = maximum;
                (bidder, AccountEvent::Leads(StandingLead { lot, offer }))
            }
            PrivateEvent::SessionOpened { session, user, .. }
            | PrivateEvent::DeviceAdded { session, user, .. } => {
                self.sessions.insert(session, user);
                (user, AccountEvent::SessionOpened { session })
            }
            PrivateEvent::SessionClosed { session } => {
                let user = self.sessions.remove(&session)?;
                (user, AccountEvent::SessionClosed { session })
            }
            PrivateEvent::DeadManSet {
                session,
                user,
                grace,
            } => {
                let key = (user, session);
                match grace {
                    Some(grace) => self.dead_men.insert(key, grace),
                    None => self.dead_men.remove(&key),
                };
                (user, AccountEvent::DeadManSet { session, grace })
            }
            PrivateEvent::UserSuspended { user } => (user, AccountEvent::Suspended),
            PrivateEvent::UserReinstated { user } => (user, AccountEvent::Reinstated),
            PrivateEvent::Deposited { user, asset } => (user, AccountEvent::Deposited { asset }),
            PrivateEvent::Withdrawn { user, asset } => (user, AccountEvent::Withdrawn { asset }),
            PrivateEvent::DayOrderAccepted { .. }
            | PrivateEvent::DayOrderReplaced { .. }
            | PrivateEvent::DayOrderParked { .. }
            | PrivateEvent::DayOrderRests { .. }
            | PrivateEvent::DayOrderFilled { .. }
            | PrivateEvent::DayOrdersDecremented { .. }
            | PrivateEvent::DayOrderLapsed { .. }
            | PrivateEvent::OrderKept { .. }
            | PrivateEvent::AllCancelled { .. }
            | PrivateEvent::LimitsSet { .. } => return self.apply_day(event),
            PrivateEvent::CredentialSet { .. }
            | PrivateEvent::AccessSet { .. }
            | PrivateEvent::ReserveSet { .. }
            | PrivateEvent::EndDrawn { .. } => return None,
            PrivateEvent::OrdersWithdrawn { .. } => unreachable!("it is of several orders"),
        };
        Some(told)
    }

    pub(crate) fn place(&mut self, user: UserId, order: StandingOrder) {
        self.by_lot.insert((order.lot, user, order.order));
        self.places_given += 1;
        let key = (user, order.lot, order.order);
        self.places.insert(key, self.places_given);
        self.orders.insert(key, order);
    }

    fn remove(&mut self, user: UserId, lot: LotId, order: OrderId) -> bool {
        self.by_lot.remove(&(lot, user, order));
        self.places.remove(&(user, lot, order));
        self.orders.remove(&(user, lot, order)).is_some()
    }

    pub(crate) fn lead(&mut self, lot: LotId, user: UserId, offer: Price) {
        if let Some((before, _)) = self.leads.insert(lot, (user, offer)) {
            self.led.remove(&(before, lot));
        }
        self.led.insert((user, lot));
    }
}
