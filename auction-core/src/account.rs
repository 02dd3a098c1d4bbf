//! What concerns one user's own account: a projection of all events, the private ones among them. Tell each user
//! their own alone.
//!
//! Like the market it is a fold: it begins with an engine and takes every event after that, in order.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::clearing::call::Side;
use crate::command::Asset;
use crate::event::{BidAccepted, Event, OpenedBid, Outcome, PrivateEvent, PublicEvent};
use crate::{
    Engine, LotId, OrderId, Price, Quantity, SessionId, Span, StandingLead, StandingOrder, UserId,
};

/// Something that happened to one user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// An order was placed, by whichever session.
    OrderPlaced(StandingOrder),
    /// An order was replaced.
    OrderReplaced {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// How many shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; `None`: any.
        limit: Option<Price>,
    },
    /// An order was taken back, by its owner or for them.
    OrderCancelled {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// The user leads a lot with this offer.
    Leads(StandingLead),
    /// Another one leads a lot that the user led or bid on just now.
    Outbid {
        /// The lot.
        lot: LotId,
        /// The price now.
        price: Price,
    },
    /// At the close, an order got shares.
    OrderFilled {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// How many shares.
        filled: u64,
        /// What each of them costs; `None`: the lot's outcome tells.
        pays: Option<Price>,
    },
    /// At the close, an order got nothing.
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
        /// What each share costs.
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
        /// How long it may be away.
        grace: Option<Span>,
    },
    /// The dead-man switch of a session fired: all orders that can be cancelled follow as cancelled.
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
    /// The user can do nothing for now; what they have bid binds.
    Suspended,
    /// They can again.
    Reinstated,
    /// Something was paid in.
    Deposited {
        /// What.
        asset: Asset,
    },
    /// Something was paid out.
    Withdrawn {
        /// What.
        asset: Asset,
    },
}

/// What stands of all users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    orders: BTreeMap<(UserId, LotId, OrderId), StandingOrder>,
    /// Each order's place in time: of equal ones in a call auction the earlier is served first.
    places: BTreeMap<(UserId, LotId, OrderId), u64>,
    places_given: u64,
    by_lot: BTreeSet<(LotId, UserId, OrderId)>,
    leads: BTreeMap<LotId, (UserId, Price)>,
    led: BTreeSet<(UserId, LotId)>,
    sessions: BTreeMap<SessionId, UserId>,
    dead_men: BTreeMap<(UserId, SessionId), Span>,
    /// A maximum that was set, until the bid that shows what came of it.
    maximum: Option<(LotId, UserId, Price)>,
}

impl Accounts {
    /// What stands in an engine.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut accounts = Self::default();
        engine.each_standing_order(|user, order| accounts.place(user, order));
        engine.each_lead(|user, lead| accounts.lead(lead.lot, user, lead.offer));
        for (id, session) in engine.roster().sessions() {
            accounts.sessions.insert(id, session.user);
        }
        for (session, dead_man) in engine.roster().dead_men() {
            let key = (dead_man.user, session);
            accounts.dead_men.insert(key, dead_man.grace);
        }
        accounts
    }

    /// Whose an open session is, or a device. It may have expired.
    #[must_use]
    pub fn user_of(&self, session: SessionId) -> Option<UserId> {
        self.sessions.get(&session).copied()
    }

    /// A user's orders on lots that have not closed, by lot and order.
    pub fn orders_of(&self, user: UserId) -> impl Iterator<Item = StandingOrder> {
        let first = (user, LotId(0), OrderId(0));
        let last = (user, LotId(u32::MAX), OrderId(u32::MAX));
        self.orders.range(first..=last).map(|(_, order)| *order)
    }

    /// The lots that a user leads, and what they offered.
    pub fn leads_of(&self, user: UserId) -> impl Iterator<Item = StandingLead> {
        let led = self.led.range((user, LotId(0))..=(user, LotId(u32::MAX)));
        led.map(|(_, lot)| StandingLead {
            lot: *lot,
            offer: self.leads[lot].1,
        })
    }

    /// A user's sessions with a dead-man switch, and how long each may be away.
    pub fn dead_men_of(&self, user: UserId) -> impl Iterator<Item = (SessionId, Span)> {
        let all = (user, SessionId(0))..=(user, SessionId(u64::MAX));
        let own = self.dead_men.range(all);
        own.map(|((_, session), grace)| (*session, *grace))
    }

    /// Takes the next event, and gives what it means for whom.
    pub fn take(&mut self, event: &Event) -> Vec<(UserId, AccountEvent)> {
        match event {
            Event::Public(event) => self.take_public(event),
            Event::Private(PrivateEvent::OrdersWithdrawn { lot, trader }) => {
                self.withdraw(*lot, *trader)
            }
            Event::Private(event) => self.take_private(event).into_iter().collect(),
        }
    }

    fn take_public(&mut self, event: &PublicEvent) -> Vec<(UserId, AccountEvent)> {
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
        // A maximum was told when it was set.
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

    /// What the orders of a call auction get: each side's volume goes to market orders, then to limits by price,
    /// then by time.
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
                // Without a limit comes first.
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
        let told = own.into_iter().map(|(lot, user, order)| {
            self.remove(user, lot, order);
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

    fn take_private(&mut self, event: &PrivateEvent) -> Option<(UserId, AccountEvent)> {
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
                // Whom it beats is told with the bid that follows, if it changes what others see.
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
            PrivateEvent::CredentialSet { .. }
            | PrivateEvent::ReserveSet { .. }
            | PrivateEvent::EndDrawn { .. } => return None,
            PrivateEvent::OrdersWithdrawn { .. } => unreachable!("it is of several orders"),
        };
        Some(told)
    }

    fn place(&mut self, user: UserId, order: StandingOrder) {
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

    fn lead(&mut self, lot: LotId, user: UserId, offer: Price) {
        if let Some((before, _)) = self.leads.insert(lot, (user, offer)) {
            self.led.remove(&(before, lot));
        }
        self.led.insert((user, lot));
    }
}
