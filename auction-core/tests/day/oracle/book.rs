//! The list of orders, as a book.

use super::{Day, Event, Id, Order, Owner, Side, Why};

impl Day {
    pub fn order(&self, id: Id) -> Option<Order> {
        self.orders.iter().find(|order| order.id == id).copied()
    }

    /// A side's orders in the book, the first to trade first: market orders, then by price, then by place.
    pub fn by_priority(&self, side: Side) -> Vec<Order> {
        let mut orders: Vec<Order> = self.orders.clone();
        orders.retain(|order| order.side == side && order.place.is_some());
        orders.sort_by_key(|order| {
            let price = match (order.limit, side) {
                (None, _) => (0, 0),
                (Some(limit), Side::Buy) => (1, u64::MAX - limit),
                (Some(limit), Side::Sell) => (1, limit),
            };
            (price, order.place)
        });
        orders
    }

    /// Best limit of a side, and the open quantity there.
    pub fn best(&self, side: Side) -> Option<(u64, u64)> {
        let orders = self.by_priority(side);
        let best = orders.iter().find_map(|order| order.limit)?;
        let there = orders.iter().filter(|order| order.limit == Some(best));
        Some((best, there.map(|order| order.open).sum()))
    }

    /// Parked orders by last acceptance.
    pub fn parked(&self) -> Vec<Order> {
        let mut orders = self.orders.clone();
        orders.retain(|order| order.place.is_none());
        orders.sort_by_key(|order| order.accepted);
        orders
    }

    /// A trader's orders by last acceptance, parked ones too.
    pub fn of_owner(&self, owner: Owner) -> Vec<Order> {
        let mut orders = self.orders.clone();
        orders.retain(|order| order.owner == owner);
        orders.sort_by_key(|order| order.accepted);
        orders
    }

    /// All orders by last acceptance.
    pub fn by_acceptance(&self) -> Vec<Order> {
        let mut orders = self.orders.clone();
        orders.sort_by_key(|order| order.accepted);
        orders
    }

    /// Puts an order behind all that rest at its price.
    pub fn rest(&mut self, mut order: Order) {
        order.place = Some(self.rank());
        self.events.push(Event::Rests(order.id, order.open));
        self.orders.push(order);
    }

    pub fn park(&mut self, mut order: Order) {
        order.place = None;
        self.events.push(Event::Parked(order.id, order.open));
        self.orders.push(order);
    }

    pub fn lapse(&mut self, id: Id, why: Why) {
        let order = self.take_off(id);
        self.events.push(Event::Lapsed(id, order.open, why));
    }

    pub fn take_off(&mut self, id: Id) -> Order {
        let index = self.orders.iter().position(|order| order.id == id);
        self.orders.remove(index.expect("the order is alive"))
    }

    /// Takes this quantity off a resting order, which is gone at zero.
    pub fn reduce(&mut self, id: Id, quantity: u64) {
        for order in &mut self.orders {
            if order.id == id {
                order.open -= quantity;
            }
        }
        self.orders.retain(|order| order.open > 0);
    }

    /// The first order of the trader in the book that this one could trade with.
    pub fn own_met(&self, order: &Order) -> Option<Order> {
        let others = self.by_priority(order.side.opposite());
        let mut own = others
            .into_iter()
            .filter(|other| other.owner == order.owner);
        own.find(|other| order.could_trade_with(other))
    }

    /// Returns true if two limit orders in the book could trade.
    pub fn is_crossed(&self) -> bool {
        let limits = |order: &&Order| order.place.is_some() && order.limit.is_some();
        let resting: Vec<&Order> = self.orders.iter().filter(limits).collect();
        let crosses = |order: &&Order| resting.iter().any(|other| order.could_trade_with(other));
        resting.iter().any(crosses)
    }

    /// Cancels are refused in the no-cancel window, which does not bind parked orders.
    pub fn can_be_cancelled(&self, order: &Order, at: u64) -> bool {
        order.place.is_none() || self.no_cancel_since(at).is_none()
    }
}
