//! The order book again, as a plain list of orders that is sorted again for every trade. Nothing looks ahead: an order is
//! tried on a copy of the list, and the copy is thrown away when the order should have been refused.

use auction_core::clearing::book::{
    Corridor, Event, Execution, LapsedBecause, NewOrder, OrderKey, Refused, Replacement, SelfTrade,
};
use auction_core::clearing::call::OrderError;
use auction_core::{Price, Quantity, Side, UserId};

/// An order that rests. Its place is the number of orders that had rested before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    pub place: usize,
    pub owner: UserId,
    pub side: Side,
    pub limit: Price,
    pub open: u64,
    pub execution: Execution,
    pub self_trade: SelfTrade,
}

/// Effects on resting orders, which are named by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Trade(usize, Price, u64, u64),
    Decremented(usize, u64, u64),
    Lapsed(usize, u64),
    Replaced(usize),
    Cancelled(usize, u64),
}

impl Effect {
    /// The effect of an event, when the book's key of the order at each place is known.
    pub fn of(event: &Event, keys: &[OrderKey]) -> Self {
        let place = |key: OrderKey| keys.iter().position(|other| *other == key).unwrap();
        match *event {
            Event::Trade {
                resting,
                price,
                quantity,
                left,
                ..
            } => Self::Trade(place(resting), price, quantity.get(), left),
            Event::Decremented {
                resting,
                quantity,
                left,
            } => Self::Decremented(place(resting), quantity.get(), left),
            Event::Lapsed { resting, quantity } => Self::Lapsed(place(resting), quantity.get()),
            Event::Replaced { order } => Self::Replaced(place(order)),
            Event::Cancelled { order, quantity } => Self::Cancelled(place(order), quantity.get()),
        }
    }
}

/// End of the incoming order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Done,
    Rests(u64),
    Lapsed(u64, LapsedBecause),
    Interrupted(u64, Price),
    Kept,
}

/// Effects, shares traded, and the rest's fate.
pub type Done = (Vec<Effect>, u64, Fate);

pub type Answer = Result<Done, Refused>;

#[derive(Clone, Debug)]
pub struct Oracle {
    pub tick: u64,
    pub round_lot: u64,
    pub orders_max: usize,
    pub close: Option<Price>,
    pub orders: Vec<Plain>,
    /// Number of orders that have rested.
    pub rested: usize,
}

impl Oracle {
    pub fn enter(&mut self, order: &NewOrder, corridor: &Corridor) -> Answer {
        let limit = self.checked(order)?;
        let had = self.orders.len();
        let (after, answer) = self.tried(order, limit, corridor)?;
        if matches!(answer.2, Fate::Rests(_)) && had == self.orders_max && answer.0.is_empty() {
            let most = self.orders_max as u32;
            return Err(OrderError::BookFull { most }.into());
        }
        *self = after;
        Ok(answer)
    }

    pub fn replace(
        &mut self,
        place: usize,
        key: OrderKey,
        owner: UserId,
        replacement: &Replacement,
        corridor: &Corridor,
        always_anew: bool,
    ) -> Answer {
        let found = self.orders.iter().position(|order| order.place == place);
        let index = found
            .filter(|index| self.orders[*index].owner == owner)
            .ok_or(Refused::UnknownOrder { order: key })?;
        let old = self.orders[index];
        let open = Quantity::new(old.open).unwrap();
        if replacement
            .believed
            .is_some_and(|believed| believed != open)
        {
            return Err(Refused::OpenDiffers { open });
        }
        let quantity = replacement.quantity.get();
        let same_limit = replacement.limit == old.limit;
        if !always_anew && same_limit && quantity == old.open {
            return Err(OrderError::Unchanged.into());
        }
        let new = NewOrder {
            owner,
            entry: auction_core::clearing::call::Entry {
                side: old.side,
                quantity: replacement.quantity,
                limit: Some(replacement.limit),
            },
            execution: old.execution,
            self_trade: old.self_trade,
        };
        let limit = self.checked(&new)?;
        if !always_anew && same_limit && quantity < old.open {
            self.orders[index].open = quantity;
            return Ok((Vec::new(), 0, Fate::Kept));
        }
        let mut without = self.clone();
        without.orders.remove(index);
        let (after, (mut effects, traded, fate)) = without.tried(&new, limit, corridor)?;
        *self = after;
        effects.insert(0, Effect::Replaced(place));
        Ok((effects, traded, fate))
    }

    pub fn cancel(&mut self, place: usize, key: OrderKey, owner: UserId) -> Result<u64, Refused> {
        let mine = |order: &Plain| order.place == place && order.owner == owner;
        let found = self.orders.iter().position(mine);
        let index = found.ok_or(Refused::UnknownOrder { order: key })?;
        Ok(self.orders.remove(index).open)
    }

    pub fn cancel_all(&mut self, owner: UserId) -> Vec<Effect> {
        let of_owner = self.orders.iter().filter(|order| order.owner == owner);
        let effects = of_owner.map(|order| Effect::Cancelled(order.place, order.open));
        let effects = effects.collect();
        self.orders.retain(|order| order.owner != owner);
        effects
    }

    /// From now on all trades are at this price; `false`: orders of both sides accept it.
    pub fn begin_at_last(&mut self, price: Price) -> bool {
        let accepts = |order: &&mut Plain| match order.side {
            Side::Buy => order.limit >= price,
            Side::Sell => order.limit <= price,
        };
        let mut accepting: Vec<&mut Plain> = self.orders.iter_mut().filter(accepts).collect();
        if accepting
            .iter()
            .any(|order| order.side != accepting[0].side)
        {
            return false;
        }
        for order in &mut accepting {
            order.limit = price;
        }
        self.close = Some(price);
        true
    }

    /// A side's orders, the first to trade first.
    pub fn by_priority(&self, side: Side) -> Vec<Plain> {
        let mut orders: Vec<Plain> = self.orders.clone();
        orders.retain(|order| order.side == side);
        orders.sort_by_key(|order| {
            let limit = order.limit.units() as i64;
            let price = if side == Side::Buy { -limit } else { limit };
            (price, order.place)
        });
        orders
    }

    /// The order's limit, or the closing price for one that joins at last; `None`: a market order.
    fn checked(&self, order: &NewOrder) -> Result<Option<Price>, Refused> {
        let entry = order.entry;
        if let Some(limit) = entry.limit
            && (!limit.units().is_multiple_of(self.tick) || limit == Price::ZERO)
        {
            let above = (limit.units() / self.tick + 1) * self.tick;
            let greatest = Price::MAX.units() / self.tick * self.tick;
            let tick = Price::from_units(self.tick).unwrap();
            let above = Price::from_units(above.min(greatest)).unwrap();
            return Err(OrderError::OffTick { tick, above }.into());
        }
        if !entry.quantity.get().is_multiple_of(self.round_lot) {
            let round_lot = Quantity::new(self.round_lot).unwrap();
            return Err(OrderError::OffRoundLot { round_lot }.into());
        }
        let Some(price) = self.close else {
            return Ok(entry.limit);
        };
        let accepts = entry.limit.is_none_or(|limit| match entry.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        });
        if accepts {
            Ok(Some(price))
        } else {
            Err(Refused::NotAtClose { price })
        }
    }

    /// The list as it would be, and what would happen.
    fn tried(
        &self,
        order: &NewOrder,
        limit: Option<Price>,
        corridor: &Corridor,
    ) -> Result<(Self, Done), Refused> {
        let side = order.entry.side;
        let quantity = order.entry.quantity.get();
        let post_only = order.execution == Execution::PostOnly && self.close.is_none();
        if post_only && limit.is_none() {
            return Err(Refused::PostOnlyMustRest);
        }
        let mut after = self.clone();
        let mut effects = Vec::new();
        let (mut left, mut traded) = (quantity, 0);
        let mut fate = None;
        while left > 0 && fate.is_none() {
            let best = after.by_priority(side.opposite()).first().copied();
            let reached = best.filter(|best| {
                limit.is_none_or(|limit| match side {
                    Side::Buy => best.limit <= limit,
                    Side::Sell => best.limit >= limit,
                })
            });
            let Some(best) = reached else { break };
            if post_only {
                return Err(Refused::WouldTrade { price: best.limit });
            }
            let index = after
                .orders
                .iter()
                .position(|other| *other == best)
                .unwrap();
            let smaller = left.min(best.open);
            let own = best.owner == order.owner;
            if own && order.self_trade == SelfTrade::Refuse {
                let own = Some(best.limit);
                return Err(OrderError::WouldSelfTrade { own }.into());
            }
            if own && order.self_trade == SelfTrade::Decrement {
                after.orders[index].open -= smaller;
                left -= smaller;
                effects.push(Effect::Decremented(
                    best.place,
                    smaller,
                    best.open - smaller,
                ));
            } else if own {
                let cancels_resting = order.self_trade != SelfTrade::CancelNewest;
                if cancels_resting {
                    after.orders.remove(index);
                    effects.push(Effect::Lapsed(best.place, best.open));
                }
                if order.self_trade != SelfTrade::CancelOldest {
                    fate = Some(Fate::Lapsed(left, LapsedBecause::SelfTrade));
                }
            } else if !corridor.passes(best.limit) {
                fate = Some(match order.execution {
                    Execution::Day | Execution::PostOnly => Fate::Interrupted(left, best.limit),
                    _ => Fate::Lapsed(left, LapsedBecause::Rest),
                });
            } else {
                after.orders[index].open -= smaller;
                left -= smaller;
                traded += smaller;
                effects.push(Effect::Trade(
                    best.place,
                    best.limit,
                    smaller,
                    best.open - smaller,
                ));
            }
            after.orders.retain(|order| order.open > 0);
        }
        if order.execution == Execution::FillOrKill && traded < quantity {
            let fate = Fate::Lapsed(quantity, LapsedBecause::FillOrKill);
            return Ok((self.clone(), (Vec::new(), 0, fate)));
        }
        let fate = match (fate, limit) {
            (Some(fate), _) => fate,
            (None, _) if left == 0 => Fate::Done,
            (None, Some(limit))
                if matches!(order.execution, Execution::Day | Execution::PostOnly) =>
            {
                after.orders.push(Plain {
                    place: after.rested,
                    owner: order.owner,
                    side,
                    limit,
                    open: left,
                    execution: order.execution,
                    self_trade: order.self_trade,
                });
                after.rested += 1;
                Fate::Rests(left)
            }
            (None, _) => Fate::Lapsed(left, LapsedBecause::Rest),
        };
        Ok((after, (effects, traded, fate)))
    }
}
