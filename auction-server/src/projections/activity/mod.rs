//! Activity of every trader: the latest bid on each open-bid lot and each order on the others, with the outcome.
//!
//! A projection of all records, including private events: each user may see only their own entries. It holds one entry
//! of about 120 bytes for each lot that a trader has bid on, and for each order that is live or was live when its lot
//! closed; cancelled orders are counted, not kept. The engine holds as many, so this grows with the market and not with
//! the number of changes. [Trading days](day) add an entry for each order that traded.

mod day;

use std::collections::BTreeMap;
use std::ops::Bound;

use auction_core::{
    AccountEvent, Accounts, Event, LotId, OrderId, OrderState, Outcome, OwnOrder, Price,
    PrivateEvent, PublicEvent, Quantity, Record, Side, Symbol, Timestamp, UserId,
};
use auction_proto::limits::ACTIVITY_ENTRIES_MAX;
use auction_proto::{Activity, ActivityBid, ActivityEntry, ActivityOf, ActivityPlace, List};

use crate::journal::VisitError;
use day::DayOrderKept;

/// Activity of all traders, built from a journal's records from the first on.
#[derive(Debug, Default)]
pub struct ActivityIndex {
    /// Live orders: at the close of a call auction they show who gets how many shares.
    accounts: Accounts,
    /// Facts of the lots, by number from 1.
    lots: Vec<LotFacts>,
    /// By user, lot, and the number of the order: 0 for a bid, or for the count of cancelled orders.
    entries: BTreeMap<(UserId, LotId, u32), Kept>,
}

/// Facts of a lot that its entries need.
#[derive(Clone, Copy, Debug)]
struct LotFacts {
    symbol: Symbol,
    quantity: Quantity,
    leader: Option<UserId>,
    closed: Option<Closed>,
}

/// Outcome of a lot, as far as it matters to its traders.
#[derive(Clone, Copy, Debug)]
struct Closed {
    winner: Option<UserId>,
    price: Option<Price>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Timestamp,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Bid {
        price: Price,
        hidden: bool,
    },
    Order {
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
        filled: u64,
        /// Price to pay; `None`: the lot's price.
        pays: Option<Price>,
    },
    DayOrder(DayOrderKept),
    Cancelled(u32),
}

impl ActivityIndex {
    /// Takes the next record.
    ///
    /// # Errors
    /// When the record refers to an unknown lot or to one out of order: an earlier record is missing.
    pub fn take(&mut self, record: &Record) -> Result<(), VisitError> {
        for event in &record.events {
            match event {
                Event::Public(event) => self.take_public(record.at, event)?,
                Event::Private(PrivateEvent::MaximumSet {
                    lot,
                    bidder,
                    maximum,
                    ..
                }) => {
                    self.bid(record.at, *lot, *bidder, *maximum, true);
                }
                Event::Private(_) => {}
            }
            for (user, event) in self.accounts.apply(event) {
                self.take_own(record.at, user, &event);
            }
        }
        Ok(())
    }

    /// Returns a page of a user's entries before a position, or the newest ones: at least one if there is one, and at
    /// most [`ACTIVITY_ENTRIES_MAX`].
    #[must_use]
    pub fn page(&self, user: UserId, before: Option<ActivityPlace>, limit: u32) -> Activity {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let limit = limit.clamp(1, ACTIVITY_ENTRIES_MAX);
        let end = match before {
            Some(ActivityPlace { lot, order }) => Bound::Excluded((user, lot, order)),
            None => Bound::Included((user, LotId(u32::MAX), u32::MAX)),
        };
        let first = Bound::Included((user, LotId(0), 0));
        let mut found = self.entries.range((first, end)).rev();
        let entries: Vec<_> = found
            .by_ref()
            .take(limit)
            .map(|(&(user, lot, order), kept)| self.entry(user, lot, order, kept))
            .collect();
        let has_more = found.next().is_some();
        let next = entries.last().filter(|_| has_more);
        Activity {
            next: next.map(ActivityEntry::place),
            entries: List::new(entries).expect("a page is no longer"),
        }
    }

    fn entry(&self, user: UserId, lot: LotId, order: u32, kept: &Kept) -> ActivityEntry {
        let facts = self.lot(lot).expect("entries are of known lots");
        let what = match kept.what {
            What::Bid { price, hidden } => ActivityOf::Bid(ActivityBid {
                price,
                hidden,
                leads: facts.leader == Some(user),
                state: facts.closed.map_or(OrderState::Live, |closed| {
                    let won = closed.winner == Some(user);
                    OrderState::Closed {
                        filled: if won { facts.quantity.get() } else { 0 },
                        price: closed.price.filter(|_| won),
                    }
                }),
            }),
            What::Order {
                side,
                quantity,
                limit,
                filled,
                pays,
            } => ActivityOf::Order(OwnOrder {
                order: OrderId(order),
                side,
                quantity,
                limit,
                state: facts
                    .closed
                    .map_or(OrderState::Live, |closed| OrderState::Closed {
                        filled,
                        price: pays.or(closed.price).filter(|_| filled > 0),
                    }),
            }),
            What::DayOrder(own) => ActivityOf::Order(own.own(OrderId(order))),
            What::Cancelled(orders) => ActivityOf::Cancelled(orders),
        };
        ActivityEntry {
            lot,
            symbol: facts.symbol,
            at: kept.at,
            what,
        }
    }

    fn take_public(&mut self, at: Timestamp, event: &PublicEvent) -> Result<(), VisitError> {
        match event {
            PublicEvent::LotOpened(opened) => {
                self.lots.push(LotFacts {
                    symbol: opened.symbol,
                    quantity: opened.quantity,
                    leader: None,
                    closed: None,
                });
                let expected = self.lots.len();
                if opened.lot.0 as usize != expected {
                    let found = opened.lot;
                    return Err(format!("lot {found} opened where {expected} was expected").into());
                }
            }
            PublicEvent::BidAccepted(bid) => {
                self.facts(bid.lot)?.leader = Some(bid.leader);
                if let Some(amount) = bid.amount {
                    self.bid(at, bid.lot, bid.bidder, amount, false);
                }
            }
            PublicEvent::LotClosed { lot, outcome } => {
                let (winner, price) = match *outcome {
                    Outcome::Sold { winner, price, .. } => (Some(winner), Some(price)),
                    Outcome::Crossed { price, .. } => (None, Some(price)),
                    Outcome::Day { close, .. } => (None, close),
                    Outcome::Unsold { .. }
                    | Outcome::Allocated { .. }
                    | Outcome::NoCross { .. } => (None, None),
                };
                self.facts(*lot)?.closed = Some(Closed { winner, price });
            }
            _ => {}
        }
        Ok(())
    }

    fn take_own(&mut self, at: Timestamp, user: UserId, event: &AccountEvent) {
        match *event {
            AccountEvent::OrderPlaced(order) => {
                let what = What::Order {
                    side: order.side,
                    quantity: order.quantity,
                    limit: order.limit,
                    filled: 0,
                    pays: None,
                };
                let key = (user, order.lot, order.order.0);
                self.entries.insert(key, Kept { at, what });
            }
            AccountEvent::OrderReplaced {
                lot,
                order,
                quantity: new_quantity,
                limit: new_limit,
            } => {
                if let Some(kept) = self.entries.get_mut(&(user, lot, order.0))
                    && let What::Order {
                        quantity, limit, ..
                    } = &mut kept.what
                {
                    (*quantity, *limit, kept.at) = (new_quantity, new_limit, at);
                }
            }
            AccountEvent::OrderCancelled { lot, order } => self.cancelled(at, (user, lot, order)),
            AccountEvent::OrderFilled {
                lot,
                order,
                filled: shares,
                pays: price,
            } => {
                if let Some(kept) = self.entries.get_mut(&(user, lot, order.0))
                    && let What::Order { filled, pays, .. } = &mut kept.what
                {
                    (*filled, *pays) = (shares, price);
                }
            }
            // Bids and their outcomes come from the events themselves, which have more detail; other events concern no
            // lot.
            _ => self.take_day(at, user, event),
        }
    }

    /// Takes an event of an order of a trading day; others are ignored.
    fn take_day(&mut self, at: Timestamp, user: UserId, event: &AccountEvent) {
        match *event {
            AccountEvent::DayOrderAccepted {
                lot,
                order,
                ref content,
            } => {
                let what = What::DayOrder(DayOrderKept::new(content));
                self.entries.insert((user, lot, order.0), Kept { at, what });
            }
            AccountEvent::DayOrderReplaced {
                lot,
                order,
                quantity,
                limit,
                ..
            } => self.change_day_order(at, (user, lot, order), |own| own.replace(quantity, limit)),
            AccountEvent::DayOrderFilled {
                lot,
                order,
                price,
                quantity,
                left,
                ..
            } => self.change_day_order(at, (user, lot, order), |own| {
                own.fill(price, quantity, left);
            }),
            AccountEvent::DayOrdersDecremented {
                lot,
                resting,
                incoming,
                resting_left,
                incoming_left,
                ..
            } => {
                for (order, left) in [(resting, resting_left), (incoming, incoming_left)] {
                    match left {
                        0 => self.cancelled(at, (user, lot, order)),
                        left => {
                            self.change_day_order(at, (user, lot, order), |own| own.leave(left))
                        }
                    }
                }
            }
            AccountEvent::DayOrderLapsed {
                lot,
                order,
                because,
                ..
            } => match day::is_at_once(because) {
                true => self.cancelled(at, (user, lot, order)),
                false => self.change_day_order(at, (user, lot, order), |own| {
                    own.end();
                }),
            },
            _ => {}
        }
    }

    fn change_day_order(
        &mut self,
        at: Timestamp,
        (user, lot, order): (UserId, LotId, OrderId),
        change: impl FnOnce(&mut DayOrderKept),
    ) {
        if let Some(kept) = self.entries.get_mut(&(user, lot, order.0))
            && let What::DayOrder(own) = &mut kept.what
        {
            change(own);
            kept.at = at;
        }
    }

    /// Counts a cancelled order in place of keeping it, unless it is one of a trading day that traded.
    fn cancelled(&mut self, at: Timestamp, (user, lot, order): (UserId, LotId, OrderId)) {
        let key = (user, lot, order.0);
        if let Some(kept) = self.entries.get_mut(&key)
            && let What::DayOrder(own) = &mut kept.what
            && !own.end()
        {
            kept.at = at;
            return;
        }
        self.entries.remove(&key);
        let none = Kept {
            at,
            what: What::Cancelled(0),
        };
        let kept = self.entries.entry((user, lot, 0)).or_insert(none);
        if let What::Cancelled(orders) = &mut kept.what {
            *orders = orders.saturating_add(1);
            kept.at = at;
        }
    }

    fn bid(&mut self, at: Timestamp, lot: LotId, user: UserId, price: Price, hidden: bool) {
        let what = What::Bid { price, hidden };
        self.entries.insert((user, lot, 0), Kept { at, what });
    }

    fn lot(&self, lot: LotId) -> Option<&LotFacts> {
        self.lots.get((lot.0 as usize).checked_sub(1)?)
    }

    fn facts(&mut self, lot: LotId) -> Result<&mut LotFacts, VisitError> {
        let at = (lot.0 as usize).checked_sub(1);
        let facts = at.and_then(|at| self.lots.get_mut(at));
        facts.ok_or_else(|| format!("lot {lot} is not known").into())
    }
}
