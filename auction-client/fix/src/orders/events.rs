//! Changes of orders by the market itself or by others, as reports.

use auction_core::{
    AccountEvent, Lot, LotId, OrderState, Outcome, OwnOrder, Price, Timestamp, UserId,
};

use super::{Action, Body, Exec, Execution, Order, Orders, Status};

/// Consequence of an event of the account.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    pub reports: Vec<Body>,
    /// A lot whose orders must be read from the market and [compared](Orders::compared).
    pub read: Option<LotId>,
}

impl Orders {
    /// Returns what follows from an event of the account. Events of a lot on which an order waits for its answer are held
    /// until [`released`](Self::released).
    pub fn happened(&mut self, at: Timestamp, event: &AccountEvent) -> Consequence {
        let Some(lot) = lot_of(event) else {
            return Consequence::default();
        };
        if self.is_placing(lot) {
            self.held.push((at, *event));
            return Consequence::default();
        }
        let mut consequence = Consequence::default();
        match *event {
            AccountEvent::OrderCancelled { lot, order } => {
                if let Some(order) = self.live_at(lot, order)
                    && order.content.day.is_none()
                    && !self.is_changing(order.key)
                {
                    let cancelled = order.execution(Exec::Cancelled, Status::Cancelled);
                    consequence
                        .reports
                        .push(cancelled.with_text("cancelled in the market").body());
                }
            }
            AccountEvent::OrderReplaced {
                lot,
                order,
                quantity,
                limit,
            } => {
                if let Some(order) = self.live_at(lot, order)
                    && !self.is_changing(order.key)
                    && (order.content.quantity, order.content.price) != (quantity, limit)
                {
                    consequence
                        .reports
                        .push(restated(order, quantity, limit).body());
                }
            }
            AccountEvent::OrderFilled { lot, order, .. }
            | AccountEvent::OrderLapsed { lot, order } => {
                consequence.read = self.live_at(lot, order).map(|_| lot);
            }
            AccountEvent::Won { lot, price } => {
                consequence
                    .reports
                    .extend(self.live_bid(lot).map(|bid| won(bid, price).body()));
            }
            AccountEvent::Unsold { lot } => {
                consequence
                    .reports
                    .extend(self.live_bid(lot).map(|bid| unsold(bid).body()));
            }
            AccountEvent::Outbid { lot, price } => {
                let bid = self.live_bid(lot).filter(|bid| is_beaten_at(bid, price));
                let reports = bid.map(|bid| outbid(bid, Some(price)).body());
                consequence.reports.extend(reports);
            }
            _ => {}
        }
        consequence
    }

    /// Returns the held events whose lots wait no longer, in order.
    pub fn released(&mut self) -> Vec<(Timestamp, AccountEvent)> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let held = std::mem::take(&mut self.held);
        let (wait, released) = held
            .into_iter()
            .partition(|(_, event)| lot_of(event).is_some_and(|lot| self.is_placing(lot)));
        self.held = wait;
        released
    }

    /// Returns the lots with live orders, which must be compared after a gap in the account's events.
    pub fn lots_to_compare(&self) -> Vec<LotId> {
        let live = self.orders.values().filter(|order| order.status.is_live());
        let mut lots: Vec<_> = live.map(|order| order.content.lot).collect();
        lots.sort_unstable();
        lots.dedup();
        lots
    }

    /// Returns true if the lot has live orders that only a read of the trader's orders tells about.
    pub fn has_orders_on(&self, lot: LotId) -> bool {
        let is_one = |order: &Order| {
            order.status == Status::New
                && order.content.is_order
                && order.content.day.is_none()
                && order.content.lot == lot
        };
        self.orders.values().any(is_one)
    }

    /// Compares the live orders of a lot with the trader's own orders as the market has them.
    pub fn compared(&self, lot: LotId, own: &[OwnOrder]) -> Vec<Body> {
        let live = self
            .orders
            .values()
            .filter(|order| order.status == Status::New && order.content.lot == lot);
        let mut reports = Vec::new();
        for order in live.filter(|order| order.content.is_order && order.content.day.is_none()) {
            let Some(found) = own.iter().find(|own| Some(own.order) == order.place) else {
                // A cancel that waits for its answer reports it.
                if !self.is_changing(order.key) {
                    let cancelled = order.execution(Exec::Cancelled, Status::Cancelled);
                    reports.push(cancelled.with_text("cancelled in the market").body());
                }
                continue;
            };
            let is_as_known =
                (found.quantity, found.limit) == (order.content.quantity, order.content.price);
            match found.state {
                OrderState::Live if is_as_known || self.is_changing(order.key) => {}
                OrderState::Live => {
                    reports.push(restated(order, found.quantity, found.limit).body())
                }
                OrderState::Closed { filled, price } => {
                    reports.extend(closed(order, found, filled, price))
                }
            }
        }
        reports
    }

    /// Compares the live bid of a lot with the public lot.
    pub fn bid_compared(&self, lot: &Lot, user: UserId) -> Option<Body> {
        let bid = self.live_bid(lot.id)?;
        match lot.outcome() {
            Some(Outcome::Sold { winner, price, .. }) if winner == user => {
                Some(won(bid, price).body())
            }
            Some(_) => Some(unsold(bid).body()),
            None if lot.leader() == Some(user) => None,
            // The lot may be as it was before the bid.
            None if lot.price().is_none_or(|price| !is_beaten_at(bid, price)) => None,
            None => Some(outbid(bid, lot.price()).body()),
        }
    }

    /// Returns true if an order of the market is or was known here.
    pub fn has_placed(&self, lot: LotId, order: auction_core::OrderId) -> bool {
        self.by_place.contains_key(&(lot, order))
    }

    /// Returns the live bid on a lot.
    pub fn bid_on(&self, lot: LotId) -> Option<&Order> {
        self.live_bid(lot)
    }

    fn is_placing(&self, lot: LotId) -> bool {
        let is_one = |action: &Action| matches!(action, Action::Place(content) if content.lot == lot && content.day.is_none());
        self.pending.values().any(|intent| is_one(&intent.action))
    }

    pub(super) fn live_at(&self, lot: LotId, place: auction_core::OrderId) -> Option<&Order> {
        let order = self.order(*self.by_place.get(&(lot, place))?)?;
        order.status.is_live().then_some(order)
    }

    fn live_bid(&self, lot: LotId) -> Option<&Order> {
        self.order(*self.bids.get(&lot)?)
    }
}

fn lot_of(event: &AccountEvent) -> Option<LotId> {
    match *event {
        AccountEvent::OrderPlaced(order) => Some(order.lot),
        AccountEvent::Leads(lead) => Some(lead.lot),
        AccountEvent::OrderReplaced { lot, .. }
        | AccountEvent::OrderCancelled { lot, .. }
        | AccountEvent::OrderFilled { lot, .. }
        | AccountEvent::OrderLapsed { lot, .. }
        | AccountEvent::Outbid { lot, .. }
        | AccountEvent::Won { lot, .. }
        | AccountEvent::Unsold { lot } => Some(lot),
        AccountEvent::DeadManSet { .. }
        | AccountEvent::DeadManFired { .. }
        | AccountEvent::SessionOpened { .. }
        | AccountEvent::SessionClosed { .. }
        | AccountEvent::Suspended
        | AccountEvent::Reinstated
        | AccountEvent::Deposited { .. }
        | AccountEvent::Withdrawn { .. }
        // Changes of a day's orders are held one by one.
        | AccountEvent::DayOrderAccepted { .. }
        | AccountEvent::DayOrderReplaced { .. }
        | AccountEvent::DayOrderParked { .. }
        | AccountEvent::DayOrderRests { .. }
        | AccountEvent::DayOrderFilled { .. }
        | AccountEvent::DayOrdersDecremented { .. }
        | AccountEvent::DayOrderLapsed { .. }
        | AccountEvent::OrderKept { .. }
        | AccountEvent::AllCancelled { .. }
        | AccountEvent::LimitsSet { .. } => None,
    }
}

fn won(bid: &Order, price: Price) -> Execution {
    let quantity = bid.content.quantity.get();
    let mut trade = bid.execution(Exec::Trade { quantity, price }, Status::Filled);
    (trade.order.filled, trade.order.average) = (quantity, Some(price));
    trade
}

fn unsold(bid: &Order) -> Execution {
    let expired = bid.execution(Exec::Expired, Status::Expired);
    expired.with_text("the lot closed and was not sold to this bid")
}

/// Returns true if another trader who leads at this price has beaten the bid. A lower price tells of an earlier bid of the
/// trader: the account's events can come after the answer to the next one.
fn is_beaten_at(bid: &Order, price: Price) -> bool {
    bid.content.price.is_none_or(|offer| price >= offer)
}

fn outbid(bid: &Order, price: Option<Price>) -> Execution {
    let text = match price {
        Some(price) => format!("outbid: another trader leads at {price}"),
        None => "outbid: another trader leads".to_owned(),
    };
    bid.execution(Exec::Cancelled, Status::Cancelled)
        .with_text(text)
}

fn restated(order: &Order, quantity: auction_core::Quantity, limit: Option<Price>) -> Execution {
    let mut restated = order.execution(Exec::Restated, Status::New);
    (
        restated.order.content.quantity,
        restated.order.content.price,
    ) = (quantity, limit);
    restated.with_text("replaced in another session of the account")
}

/// Returns the reports of an order whose lot has closed: its trade, and the end of what did not trade.
fn closed(order: &Order, found: &OwnOrder, filled: u64, price: Option<Price>) -> Vec<Body> {
    let mut order = order.clone();
    (order.content.quantity, order.content.price) = (found.quantity, found.limit);
    let mut reports = Vec::new();
    let lapsed = found.quantity.get().saturating_sub(filled);
    if let (1.., Some(price)) = (filled, price) {
        let status = if lapsed == 0 {
            Status::Filled
        } else {
            Status::New
        };
        let exec = Exec::Trade {
            quantity: filled,
            price,
        };
        let mut trade = order.execution(exec, status);
        (trade.order.filled, trade.order.average) = (filled, Some(price));
        order = trade.order.clone();
        reports.push(trade.body());
    }
    if lapsed > 0 {
        let expired = order.execution(Exec::Expired, Status::Expired);
        reports.push(expired.with_text("the lot has closed").body());
    }
    reports
}
