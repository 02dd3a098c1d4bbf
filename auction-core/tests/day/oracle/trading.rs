//! Trading against the book: continuous, and at the closing price.

use super::{Collar, Day, Event, Kind, Order, OwnOrder, Refusal, Side, Tif, Why};

/// Reason why an incoming order went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing is left of it.
    Done,
    /// No order is left that it could trade with.
    Rests,
    Lapses(Why),
    /// The next price, this one, is outside a corridor.
    Interrupted(u64),
}

impl Day {
    /// Trades an incoming order at once, then rests, lapses or interrupts.
    pub fn trade_at_once(&mut self, order: Order) -> Result<(), Refusal> {
        let quantity = order.open;
        let mut after = self.clone();
        let (order, traded, end) = after.walk(order)?;
        // Unless all of it trades, a fok changes nothing, not even own orders.
        if order.tif == Tif::Fok && traded < quantity {
            self.events
                .push(Event::Lapsed(order.id, quantity, Why::Fok));
            return Ok(());
        }
        *self = after;
        let at_last = self.phase.kind == Kind::AtLast;
        let lapses = order.tif == Tif::Ioc || (order.limit.is_none() && !at_last);
        let why = match end {
            End::Done => return Ok(()),
            End::Lapses(why) => why,
            End::Interrupted(price) if order.tif != Tif::Ioc => {
                self.interrupt(order, price);
                return Ok(());
            }
            End::Rests if !lapses => {
                self.rest(order);
                return Ok(());
            }
            End::Interrupted(_) | End::Rests => Why::Rest,
        };
        self.events.push(Event::Lapsed(order.id, order.open, why));
        Ok(())
    }

    /// Price of the best order that it would meet.
    pub fn first_met(&self, order: &Order) -> Option<u64> {
        self.best_against(order).map(|(_, price)| price)
    }

    /// Meets resting orders one after the other. Returns what is left of the order, and the quantity traded.
    fn walk(&mut self, mut order: Order) -> Result<(Order, u64, End), Refusal> {
        // Both references stand still while one order trades.
        let corridors = self.corridors();
        let mut traded = 0;
        loop {
            if order.open == 0 {
                return Ok((order, traded, End::Done));
            }
            let Some((met, price)) = self.best_against(&order) else {
                return Ok((order, traded, End::Rests));
            };
            // An own order is dealt with before the corridors are looked at.
            if met.owner == order.owner {
                if order.own == OwnOrder::Refuse {
                    // Named by the price at which they would trade.
                    return Err(Refusal::WouldSelfTrade(Some(price)));
                }
                if let Some(end) = self.meet_own(&mut order, &met) {
                    return Ok((order, traded, end));
                }
                continue;
            }
            let inside = |(corridor, reference): &(Collar, u64)| corridor.has(*reference, price);
            if !corridors.iter().all(inside) {
                return Ok((order, traded, End::Interrupted(price)));
            }
            let wanted = order.open.min(met.open);
            let quantity = self.payable(&order, wanted, price);
            if quantity > 0 {
                self.trade(&mut order, &met, price, quantity);
                traded += quantity;
            }
            if quantity < wanted {
                return Ok((order, traded, End::Lapses(Why::Funds)));
            }
        }
    }

    fn trade(&mut self, order: &mut Order, met: &Order, price: u64, quantity: u64) {
        order.open -= quantity;
        self.reduce(met.id, quantity);
        self.settle(order.owner, order.side, price, quantity);
        self.settle(met.owner, met.side, price, quantity);
        self.trades.push((price, quantity));
        self.events.push(Event::Trade {
            resting: met.id,
            incoming: order.id,
            price,
            quantity,
        });
    }

    /// Does what an incoming order says that was not refused; `None`: it goes on.
    fn meet_own(&mut self, order: &mut Order, met: &Order) -> Option<End> {
        match order.own {
            OwnOrder::Refuse | OwnOrder::CancelNewest => Some(End::Lapses(Why::SelfTrade)),
            OwnOrder::CancelOldest => {
                self.lapse(met.id, Why::SelfTrade);
                None
            }
            OwnOrder::CancelBoth => {
                self.lapse(met.id, Why::SelfTrade);
                Some(End::Lapses(Why::SelfTrade))
            }
            OwnOrder::Decrement => {
                let quantity = order.open.min(met.open);
                order.open -= quantity;
                self.reduce(met.id, quantity);
                self.events.push(Event::Decremented {
                    resting: met.id,
                    incoming: order.id,
                    quantity,
                });
                None
            }
        }
    }

    /// A market buy stops where the trader's cash ends.
    fn payable(&self, order: &Order, wanted: u64, price: u64) -> u64 {
        let is_bounded = self.terms.funds && order.side == Side::Buy && order.limit.is_none();
        match self.phase.kind {
            Kind::Continuous if is_bounded => wanted.min(self.affordable(order.owner, price)),
            _ => wanted,
        }
    }

    /// The order that it meets first, and the price: in continuous trading the resting order's, the best first, then
    /// the oldest; at last the closing price, the oldest first.
    fn best_against(&self, order: &Order) -> Option<(Order, u64)> {
        let others = self.by_priority(order.side.opposite()).into_iter();
        if self.phase.kind == Kind::AtLast {
            let price = self.last()?;
            let taking = others.filter(|other| other.takes(price));
            let first = taking.min_by_key(|other| other.place)?;
            return Some((first, price));
        }
        let first = others.into_iter().next()?;
        let price = first.limit?;
        order.takes(price).then_some((first, price))
    }

    pub fn is_outside_static(&self, price: u64) -> bool {
        let still = self.terms.static_corridor;
        still.is_some_and(|corridor| !corridor.has(self.static_reference(), price))
    }

    /// Corridors that bind, and their references: around the last call's price and around the last trade's.
    fn corridors(&self) -> Vec<(Collar, u64)> {
        if self.phase.kind != Kind::Continuous {
            return Vec::new();
        }
        let still = self.static_reference();
        let moving = self.last().unwrap_or(still);
        let both = [
            self.terms.static_corridor.map(|corridor| (corridor, still)),
            self.terms
                .dynamic_corridor
                .map(|corridor| (corridor, moving)),
        ];
        both.into_iter().flatten().collect()
    }

    /// Price of the last call that found one, before one the reference of the last call.
    pub fn static_reference(&self) -> u64 {
        self.call_price.unwrap_or(self.call_reference)
    }
}
