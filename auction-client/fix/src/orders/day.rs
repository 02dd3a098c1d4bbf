//! Orders of trading days: they trade many times, so that the account's events alone, in their order, tell what became of
//! one. An answer can overtake the events before it: it places an order, and confirms a change that its event reports.

use std::collections::{BTreeMap, BTreeSet};

use auction_core::{
    AccountEvent, LapseReason, LotId, OrderId, OwnDayOrder, Price, Quantity, StandingDayOrder,
    Timestamp,
};

use super::{
    Action, Answer, AtOnce, Body, DayTrade, Exec, Execution, Failure, Key, Order, Orders, Status,
    Value,
};

/// Change of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayChange {
    lot: LotId,
    order: OrderId,
    kind: ChangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChangeKind {
    Replaced {
        open: Quantity,
        limit: Option<Price>,
    },
    Filled {
        trade: DayTrade,
        price: Price,
        quantity: u64,
        left: u64,
    },
    Decremented {
        left: u64,
    },
    Lapsed {
        quantity: Quantity,
        because: LapseReason,
    },
    Cancelled,
}

/// A report, and the request that it answers.
pub type Reported = (Body, Option<u64>);

/// Orders of days that must be compared with a new state of the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    /// Number of the current watch of the account.
    watch: u64,
    /// Watch during which each order was answered; without one: an earlier watch.
    answered_in: BTreeMap<Key, u64>,
    /// Changes of orders whose number is not known yet.
    held: Vec<(Timestamp, DayChange)>,
    /// Orders that waited for their answer when a state came.
    skipped: BTreeSet<Key>,
    /// Orders of which an event may have been lost, and the number of checks since.
    orders: BTreeMap<Key, u8>,
    /// Requests for changes that were accepted; their events report them.
    confirmed: BTreeMap<u64, Option<AtOnce>>,
}

impl Doubts {
    pub(super) fn over(&mut self, request: u64) {
        self.confirmed.remove(&request);
    }

    pub(super) fn ended(&mut self, key: Key) {
        self.answered_in.remove(&key);
        self.orders.remove(&key);
    }
}

impl Orders {
    /// Notes that a new watch of the account begins, whose state has all orders that were answered before.
    pub fn watch_begins(&mut self, watch: u64) {
        self.doubts.watch = watch;
    }

    /// Returns the changes of an event to orders of days. They are held while the order's number is not known.
    pub fn day_changes(&mut self, at: Timestamp, event: &AccountEvent) -> Vec<DayChange> {
        let changes = changes(event).into_iter().flatten();
        let changes: Vec<_> = changes.collect();
        let (known, unknown): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| self.has_placed(change.lot, change.order));
        let held = unknown
            .into_iter()
            .filter(|change| self.is_placing_of_day(change.lot));
        let held: Vec<_> = held.map(|change| (at, change)).collect();
        self.doubts.held.extend(held);
        known
    }

    /// Returns the held changes of orders that are known now. Those of other sessions are dropped.
    pub fn released_changes(&mut self) -> Vec<(Timestamp, DayChange)> {
        let held = std::mem::take(&mut self.doubts.held);
        let (released, rest): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|(_, change)| self.has_placed(change.lot, change.order));
        let rest = rest
            .into_iter()
            .filter(|(_, change)| self.is_placing_of_day(change.lot));
        self.doubts.held = rest.collect();
        released
    }

    /// Returns the reports of a change: first that of trades whose events were lost, if the answer to the order told of them.
    pub fn day_changed(&self, change: &DayChange) -> Vec<Reported> {
        let Some(order) = self.live_at(change.lot, change.order) else {
            return Vec::new();
        };
        if order.content.day.is_none() {
            return Vec::new();
        }
        let missed = order.missed_before(change.kind);
        let order = missed.as_ref().map_or(order, |trade| &trade.order);
        let changed = self.day_change(order, change.kind);
        let missed = missed.clone().map(|trade| (trade.body(), None));
        missed.into_iter().chain([changed]).collect()
    }

    fn day_change(&self, order: &Order, kind: ChangeKind) -> Reported {
        match kind {
            ChangeKind::Replaced { open, limit } => self.day_replaced(order, open.get(), limit),
            ChangeKind::Filled {
                trade,
                price,
                quantity,
                left,
            } => {
                let filled = order.filled + quantity;
                let value = order.value.0 + u128::from(price.units()) * u128::from(quantity);
                let mut traded = order.traded_to(filled, value, left);
                traded.exec = Exec::Trade { quantity, price };
                traded.day_trade = Some(trade);
                (traded.body(), None)
            }
            ChangeKind::Decremented { left: 0 } => {
                let gone = order.execution(Exec::Cancelled, Status::Cancelled);
                let text = "self-trade prevention: it met your own order";
                (gone.with_text(text).body(), None)
            }
            ChangeKind::Decremented { left } => {
                let mut less = order.execution(Exec::Restated, Status::New);
                less.order.set_open(left);
                less.restatement = Some(PARTIAL_DECLINE);
                let text = "self-trade prevention: it met your own order";
                (less.with_text(text).body(), None)
            }
            ChangeKind::Lapsed { quantity, because } => {
                let mut order = order.clone();
                order.set_open(quantity.get());
                (order.lapsed(because).body(), None)
            }
            ChangeKind::Cancelled => self.day_cancelled(order),
        }
    }

    /// Notes the answer to a request about an order of a day. True: the event of the change reports it.
    pub fn note_answer(&mut self, request: u64, answer: &Result<Answer, Failure>) -> bool {
        let Some(intent) = self.pending.get(&request) else {
            return false;
        };
        match (&intent.action, answer) {
            (Action::Place(content), Ok(_)) if content.day.is_some() => {
                self.doubts.answered_in.insert(request, self.doubts.watch);
                if self.doubts.skipped.remove(&request) {
                    self.doubts.orders.insert(request, 0);
                }
                false
            }
            (Action::Replace { key, .. } | Action::Cancel { key }, answer) => {
                let key = *key;
                let is_live_day = self
                    .order(key)
                    .is_some_and(|order| order.content.day.is_some() && order.status.is_live());
                match answer {
                    Ok(answer) if is_live_day => {
                        let at_once = match answer {
                            Answer::Day(reply) => Some(AtOnce::of(reply)),
                            Answer::Placed(_) | Answer::Bid(_) | Answer::Done => None,
                        };
                        self.doubts.confirmed.insert(request, at_once);
                        self.doubts.orders.insert(key, 0);
                        true
                    }
                    Err(failure) if is_live_day && failure.is_unknown_order() => {
                        self.doubts.orders.insert(key, 0);
                        false
                    }
                    _ => false,
                }
            }
            (Action::Place(_), _) => {
                self.doubts.skipped.remove(&request);
                false
            }
        }
    }

    /// Returns true if a new state of the account is needed, because events about an order have not come. It is asked
    /// from time to time, and gives events the time between two questions.
    pub fn needs_state(&mut self) -> bool {
        let mut needs = false;
        let orders = &self.orders;
        self.doubts.orders.retain(|key, checks| {
            let is_live = orders.get(key).is_some_and(|order| order.status.is_live());
            *checks = checks.saturating_add(1);
            needs |= is_live && *checks == 2;
            is_live
        });
        needs
    }

    /// Returns the orders of days that a state of the account must be compared with, and notes those whose number is not
    /// known yet.
    pub fn days_to_compare(&mut self) -> Vec<Key> {
        self.doubts.held.clear();
        let of_day = |order: &&Order| order.content.day.is_some();
        let placing = self
            .orders
            .values()
            .filter(|order| order.status == Status::PendingNew);
        let placing = placing.filter(of_day).map(|order| order.key);
        self.doubts.skipped = placing.collect();
        let live = self
            .orders
            .values()
            .filter(|order| order.status == Status::New);
        live.filter(of_day).map(|order| order.key).collect()
    }

    /// Compares an order of a day with a state of the account.
    pub fn day_compared(&mut self, key: Key, state: &[StandingDayOrder]) -> Vec<Reported> {
        let Some(order) = self.orders.get(&key).cloned() else {
            return Vec::new();
        };
        let found = state.iter().find(|standing| {
            (standing.lot, Some(standing.order.order)) == (order.content.lot, order.place)
        });
        let change = self.confirmed_change(key);
        let is_changing = self.is_changing(key);
        match found {
            Some(standing) => {
                self.doubts.orders.remove(&key);
                self.day_found(&order, &standing.order, change, is_changing)
            }
            // Its answer tells whether the order ended by it.
            None if is_changing && change.is_none() => Vec::new(),
            None if change.is_some() || self.was_answered_before(key) => {
                self.day_absent(&order, change)
            }
            None => {
                self.doubts.orders.insert(key, 0);
                Vec::new()
            }
        }
    }

    /// Returns true if the order was answered before the current watch began.
    fn was_answered_before(&self, key: Key) -> bool {
        let answered = self.doubts.answered_in.get(&key);
        answered.is_none_or(|watch| *watch < self.doubts.watch)
    }

    fn confirmed_change(&self, of: Key) -> Option<u64> {
        let is_of = |request: &&u64| match self.pending.get(*request).map(|intent| &intent.action) {
            Some(Action::Replace { key, .. } | Action::Cancel { key }) => *key == of,
            Some(Action::Place(_)) | None => false,
        };
        self.doubts.confirmed.keys().find(is_of).copied()
    }

    fn day_found(
        &self,
        order: &Order,
        found: &OwnDayOrder,
        change: Option<u64>,
        is_changing: bool,
    ) -> Vec<Reported> {
        let mut reports = Vec::new();
        let mut order = order.clone();
        let open = found.content.quantity.get();
        if let Some(request) = change
            && let Some(Action::Replace { .. }) =
                self.pending.get(&request).map(|intent| &intent.action)
        {
            let replaced = self.day_replaced(&order, open, found.content.limit);
            if let (Body::Execution(execution), _) = &replaced {
                order = execution.order.clone();
            }
            reports.push(replaced);
        }
        if found.traded > order.filled {
            let trade = order.caught_up(found.traded, found.value, open);
            order = trade.order.clone();
            reports.push((trade.body(), None));
        }
        let is_as_known = (order.leaves(), order.content.price) == (open, found.content.limit);
        if !is_as_known && (change.is_some() || !is_changing) {
            let mut restated = order.execution(Exec::Restated, Status::New);
            restated.order.set_open(open);
            restated.order.content.price = found.content.limit;
            restated.restatement = Some(OTHER);
            let text = "changed while the gateway had no connection to the market";
            reports.push((restated.with_text(text).body(), None));
        }
        reports
    }

    fn day_absent(&self, order: &Order, change: Option<u64>) -> Vec<Reported> {
        let mut reports = Vec::new();
        let mut order = order.clone();
        let intent = change.and_then(|request| self.pending.get(&request));
        let mut at_once = order.at_once;
        match intent.map(|intent| &intent.action) {
            Some(Action::Cancel { .. }) => return vec![self.day_cancelled(&order)],
            Some(Action::Replace { content, .. }) => {
                let open = content.quantity.get().saturating_sub(order.filled);
                let replaced = self.day_replaced(&order, open, content.price);
                if let (Body::Execution(execution), _) = &replaced {
                    order = execution.order.clone();
                }
                reports.push(replaced);
                // What it traded at once comes on top of what had traded.
                let more = change.and_then(|request| self.doubts.confirmed.get(&request).copied());
                at_once = more.flatten().map(|more| AtOnce {
                    traded: order.filled + more.traded,
                    value: Value(order.value.0 + more.value.0),
                    ..more
                });
            }
            Some(Action::Place(_)) | None => {}
        }
        if let Some(at_once) = at_once
            && at_once.traded > order.filled
        {
            let left = order.content.quantity.get().saturating_sub(at_once.traded);
            let trade = order.caught_up(at_once.traded, at_once.value.0, left);
            order = trade.order.clone();
            reports.push((trade.body(), None));
        }
        if order.status.is_live() {
            let lapsed = at_once.and_then(|at_once| at_once.lapsed);
            let end = match lapsed {
                Some(because) => order.lapsed(because),
                None => order.execution(Exec::Done, Status::Done).with_text(
                    "it ended while the gateway had no connection to the market: what it traded meanwhile is not \
                     known here; compare with the account",
                ),
            };
            reports.push((end.body(), None));
        }
        reports
    }

    /// Returns the report of a replacement, by this session or another one of the account.
    fn day_replaced(&self, order: &Order, open: u64, limit: Option<Price>) -> Reported {
        let replacing = self.pending.values().find(
            |intent| matches!(&intent.action, Action::Replace { key, .. } if *key == order.key),
        );
        let replaced = replacing.and_then(|intent| {
            let Action::Replace { content, .. } = &intent.action else {
                return None;
            };
            let mut replaced = self.changed(intent, order.key, Exec::Replaced, Status::New)?;
            replaced.order.content = content.clone();
            Some((replaced, intent.request))
        });
        let (mut report, answers) = match replaced {
            Some((replaced, request)) => (replaced, Some(request)),
            None => {
                let mut restated = order.execution(Exec::Restated, Status::New);
                restated.restatement = Some(OTHER);
                let text = "replaced in another session of the account";
                (restated.with_text(text), None)
            }
        };
        report.order.content.price = limit;
        report.order.set_open(open);
        (report.body(), answers)
    }

    fn day_cancelled(&self, order: &Order) -> Reported {
        let cancelling = self
            .pending
            .values()
            .find(|intent| matches!(intent.action, Action::Cancel { key } if key == order.key));
        let own = cancelling.and_then(|intent| {
            let cancelled = self.changed(intent, order.key, Exec::Cancelled, Status::Cancelled)?;
            Some((cancelled.body(), Some(intent.request)))
        });
        own.unwrap_or_else(|| {
            let cancelled = order.execution(Exec::Cancelled, Status::Cancelled);
            (cancelled.with_text("cancelled in the market").body(), None)
        })
    }

    fn is_placing_of_day(&self, lot: LotId) -> bool {
        self.pending.values().any(|intent| {
            matches!(&intent.action, Action::Place(content) if content.lot == lot && content.day.is_some())
        })
    }
}

impl Order {
    /// Sets the quantity so that so many shares are open.
    fn set_open(&mut self, open: u64) {
        if let Some(quantity) = Quantity::new(self.filled + open) {
            self.content.quantity = quantity;
        }
    }

    /// Returns the trade after which the order has these sums.
    fn traded_to(&self, filled: u64, value: u128, left: u64) -> Execution {
        let status = match left {
            0 => Status::Filled,
            _ => Status::New,
        };
        let price = average(value, filled);
        let mut trade = self.execution(
            Exec::Trade {
                quantity: filled.saturating_sub(self.filled),
                price,
            },
            status,
        );
        trade.order.filled = filled;
        trade.order.value = Value(value);
        trade.order.average = Some(price);
        trade.order.set_open(left);
        trade
    }

    /// Returns the trade for what traded at once and whose events were lost. They come before all others of the order, so a
    /// change that leaves no room for them, or is no trade, proves the loss.
    fn missed_before(&self, kind: ChangeKind) -> Option<Execution> {
        let at_once = self
            .at_once
            .filter(|at_once| at_once.traded > self.filled)?;
        let left = match kind {
            ChangeKind::Filled { quantity, left, .. } => {
                Some(quantity + left).filter(|open| *open < self.leaves())?
            }
            _ => self.leaves().saturating_sub(at_once.traded - self.filled),
        };
        Some(self.caught_up(at_once.traded, at_once.value.0, left))
    }

    /// Returns one trade for those whose events were lost, at their average price.
    fn caught_up(&self, filled: u64, value: u128, left: u64) -> Execution {
        let quantity = filled.saturating_sub(self.filled);
        let price = average(value.saturating_sub(self.value.0), quantity);
        let mut trade = self.traded_to(filled, value, left);
        trade.exec = Exec::Trade { quantity, price };
        trade.with_text(
            "trades while the gateway had no connection to the market; LastPx is their average price",
        )
    }

    fn lapsed(&self, because: LapseReason) -> Execution {
        let execution = match because {
            LapseReason::Rest
            | LapseReason::FillOrKill
            | LapseReason::SelfTrade
            | LapseReason::Funds => self.execution(Exec::Cancelled, Status::Cancelled),
            LapseReason::Uncross | LapseReason::Until | LapseReason::Close => {
                self.execution(Exec::Expired, Status::Expired)
            }
        };
        execution.with_text(because.label())
    }
}

/// `ExecRestatementReason`: the quantity was reduced.
const PARTIAL_DECLINE: u32 = 5;
const OTHER: u32 = 99;

/// Returns the average price, to the nearest unit.
fn average(value: u128, shares: u64) -> Price {
    let shares = u128::from(shares.max(1));
    let units = (value + shares / 2) / shares;
    let units = u64::try_from(units).ok().and_then(Price::from_units);
    units.unwrap_or(Price::ZERO)
}

fn changes(event: &AccountEvent) -> [Option<DayChange>; 2] {
    let one = |lot, order, kind| [Some(DayChange { lot, order, kind }), None];
    match *event {
        AccountEvent::DayOrderReplaced {
            lot,
            order,
            quantity,
            limit,
            ..
        } => one(
            lot,
            order,
            ChangeKind::Replaced {
                open: quantity,
                limit,
            },
        ),
        AccountEvent::DayOrderFilled {
            lot,
            order,
            trade,
            price,
            quantity,
            role,
            left,
        } => {
            let trade = DayTrade {
                number: trade,
                role,
            };
            let quantity = quantity.get();
            one(
                lot,
                order,
                ChangeKind::Filled {
                    trade,
                    price,
                    quantity,
                    left,
                },
            )
        }
        AccountEvent::DayOrdersDecremented {
            lot,
            resting,
            incoming,
            resting_left,
            incoming_left,
            ..
        } => [(resting, resting_left), (incoming, incoming_left)].map(|(order, left)| {
            let kind = ChangeKind::Decremented { left };
            Some(DayChange { lot, order, kind })
        }),
        AccountEvent::DayOrderLapsed {
            lot,
            order,
            quantity,
            because,
        } => one(lot, order, ChangeKind::Lapsed { quantity, because }),
        AccountEvent::OrderCancelled { lot, order } => one(lot, order, ChangeKind::Cancelled),
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::super::day_content::DayPart;
    use super::super::{Content, OrderType};
    use super::*;
    use auction_core::{FillRole, SelfTrade, Side, Symbol, TimeInForce};

    const LOT: LotId = LotId(1);
    const PLACE: OrderId = OrderId(4);

    /// An order for 100, answered with this much traded at once at 10.00, and so many of its events seen.
    fn orders(at_once: u64, seen: u64) -> Orders {
        let price = Price::parse("10").unwrap();
        let value = |shares: u64| Value(u128::from(price.units()) * u128::from(shares));
        let day = DayPart {
            time_in_force: TimeInForce::Day,
            post_only: false,
            self_trade: SelfTrade::Refuse,
        };
        let mut orders = Orders::default();
        orders.put(Order {
            key: 1,
            cl_ord_ids: vec!["a".to_owned()],
            content: Content {
                lot: LOT,
                symbol: Symbol::parse("DAY").unwrap(),
                side: Side::Buy,
                quantity: Quantity::new(100).unwrap(),
                order_type: OrderType::Limit,
                price: Some(price),
                time_in_force: None,
                is_order: true,
                day: Some(day),
            },
            status: Status::New,
            place: Some(PLACE),
            filled: seen,
            average: None,
            value: value(seen),
            at_once: Some(AtOnce {
                traded: at_once,
                value: value(at_once),
                lapsed: None,
            }),
        });
        orders
    }

    fn filled(quantity: u64, left: u64) -> ChangeKind {
        ChangeKind::Filled {
            trade: DayTrade {
                number: 7,
                role: FillRole::Maker,
            },
            price: Price::parse("10").unwrap(),
            quantity,
            left,
        }
    }

    /// Shares traded by each report, and `CumQty` and the status behind it.
    fn reported(orders: &Orders, kind: ChangeKind) -> Vec<(u64, u64, Status)> {
        let change = DayChange {
            lot: LOT,
            order: PLACE,
            kind,
        };
        let reports = orders.day_changed(&change).into_iter();
        let execution = |(body, _)| match body {
            Body::Execution(execution) => execution,
            other => panic!("{other:?}"),
        };
        let reports = reports.map(execution).map(|execution| {
            let traded = match execution.exec {
                Exec::Trade { quantity, .. } => quantity,
                _ => 0,
            };
            (traded, execution.order.filled, execution.order.status)
        });
        reports.collect()
    }

    #[test]
    fn trades_at_once_are_reported_if_their_events_were_lost() {
        use Status::{Cancelled, Filled, New};
        for (at_once, seen, kind, expected) in [
            // The event of what the answer told, and the ones behind it.
            (10, 0, filled(10, 90), vec![(10, 10, New)]),
            (10, 0, filled(4, 96), vec![(4, 4, New)]),
            (10, 4, filled(6, 90), vec![(6, 10, New)]),
            (10, 10, filled(90, 0), vec![(90, 100, Filled)]),
            (10, 10, ChangeKind::Cancelled, vec![(0, 10, Cancelled)]),
            (100, 0, filled(100, 0), vec![(100, 100, Filled)]),
            // The first event is lost, or the first two of three.
            (10, 0, filled(90, 0), vec![(10, 10, New), (90, 100, Filled)]),
            (10, 0, filled(1, 89), vec![(10, 10, New), (1, 11, New)]),
            (10, 4, filled(90, 0), vec![(6, 10, New), (90, 100, Filled)]),
            (
                10,
                0,
                ChangeKind::Cancelled,
                vec![(10, 10, New), (0, 10, Cancelled)],
            ),
        ] {
            let orders = orders(at_once, seen);
            assert_eq!(
                reported(&orders, kind),
                expected,
                "{at_once} {seen} {kind:?}"
            );
        }
    }
}
