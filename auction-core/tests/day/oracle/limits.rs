//! Limits of traders.

use super::{Day, Limit, Limits, Order, Owner, Refusal, Side};

impl Day {
    /// Sets limits; without limits of their own a trader has everybody's. `false`: they are so already.
    pub fn set_limits(&mut self, owner: Option<Owner>, limits: Option<Limits>) -> bool {
        let before = match owner {
            None => std::mem::replace(&mut self.limits_of_all, limits),
            Some(owner) => match limits {
                Some(limits) => self.limits.insert(owner, limits),
                None => self.limits.remove(&owner),
            },
        };
        before != limits
    }

    /// Limits that an order would break which is in no list; one that replaces another is not one more.
    pub fn over_limits(&self, order: &Order, is_new: bool) -> Vec<Refusal> {
        let own = self.limits.get(&order.owner).copied();
        let limits = own.or(self.limits_of_all).unwrap_or_default();
        let others: Vec<Order> = self.of_owner(order.owner);
        let of_side = others.iter().filter(|other| other.side == order.side);
        let open: u64 = of_side.map(|other| other.open).sum::<u64>() + order.open;
        let position = self.positions.get(&order.owner).copied().unwrap_or(0);
        let (side, held) = match order.side {
            Side::Buy => ((Limit::Long, limits.long), position),
            Side::Sell => ((Limit::Short, limits.short), -position),
        };
        let price = order.limit.unwrap_or_else(|| self.reference_now());
        let exposed = (held + open as i64).max(0) as u64;
        let counted = [
            (Limit::OrderQuantity, limits.order_quantity, order.open),
            (Limit::OrderValue, limits.order_value, price * order.open),
            (
                Limit::OpenOrders,
                limits.open_orders.filter(|_| is_new),
                others.len() as u64 + 1,
            ),
            (side.0, side.1, exposed),
        ];
        let over = counted.into_iter().filter_map(|(limit, most, counts)| {
            let most = most?;
            (counts > most).then_some(Refusal::OverLimit(limit, most))
        });
        over.collect()
    }
}
