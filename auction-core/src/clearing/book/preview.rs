//! A look at what an incoming order would do, for a caller that decides first and applies afterwards; and the changes
//! with which it applies what it has decided.

use super::corridor::Corridor;
use super::key::OrderKey;
use super::matching::Ahead;
use super::order::{Event, Execution, LapsedBecause, NewOrder, Refused, SelfTrade};
use super::order_book::{Book, price_of};
use crate::clearing::call::{OrderError, Side};
use crate::{Price, Quantity};

/// Cash that an incoming order can spend: it stops at the greatest multiple of the round lot that it pays for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// In ten-thousandths.
    pub(crate) cash: u64,
    pub(crate) round_lot: Quantity,
}

/// End of an incoming order that would enter now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// There is no rest.
    Done,
    /// The rest gets a place in the book.
    Rests(Quantity),
    /// The rest is gone.
    Lapsed(Quantity, LapsedBecause),
    /// The rest is gone: the budget is spent.
    Spent(Quantity),
    /// The next price, this one, lies outside the corridor.
    Interrupted(Quantity, Price),
}

impl Book {
    /// Returns what [`enter`](Self::enter) would do now, with its effects, and changes nothing. A budget bounds what a
    /// market order pays; a fill-or-kill that it does not cover is short.
    pub(crate) fn preview(
        &self,
        order: &NewOrder,
        corridor: &Corridor,
        budget: Option<Budget>,
        mut sink: impl FnMut(Event),
    ) -> Result<Fate, Refused> {
        let incoming = self.incoming(order)?;
        if incoming.may_rest() && !self.crosses(&incoming) {
            if self.arena.is_full() {
                let most = self.arena.orders_max();
                return Err(OrderError::BookFull { most }.into());
            }
            return Ok(Fate::Rests(order.entry.quantity));
        }
        let short = Fate::Lapsed(order.entry.quantity, LapsedBecause::FillOrKill);
        if budget.is_none() {
            if self.look_ahead(&incoming, corridor)? == Ahead::Short {
                return Ok(short);
            }
        } else {
            // It looks no further than the budget goes.
            let mut traded = 0;
            self.walk_through(order, corridor, budget, &mut |effect| {
                if let Event::Trade { quantity, .. } = effect {
                    traded += quantity.get();
                }
            })?;
            // What is decremented has not traded.
            if incoming.execution == Execution::FillOrKill && traded < incoming.quantity {
                return Ok(short);
            }
        }
        self.walk_through(order, corridor, budget, &mut sink)
    }

    fn walk_through(
        &self,
        order: &NewOrder,
        corridor: &Corridor,
        budget: Option<Budget>,
        sink: &mut dyn FnMut(Event),
    ) -> Result<Fate, Refused> {
        let incoming = self.incoming(order)?;
        let opposite = incoming.side.opposite();
        let mut cash = budget.map_or(u64::MAX, |budget| budget.cash);
        let mut left = incoming.quantity;
        for (_, level) in self.walk(opposite) {
            if left == 0 || !incoming.rank.crosses(level.rank) {
                break;
            }
            let price = price_of(level, opposite);
            for slot in self.queue(level.head) {
                if left == 0 {
                    break;
                }
                let resting = *self.arena.slot(slot);
                let key = self.arena.key(slot).expect("a queue holds orders");
                let most = resting.open.min(left);
                if resting.owner == incoming.owner {
                    let lapsed = Event::Lapsed {
                        resting: key,
                        quantity: shares(resting.open),
                    };
                    let ends = Fate::Lapsed(shares(left), LapsedBecause::SelfTrade);
                    match incoming.self_trade {
                        SelfTrade::Refuse => {
                            let own = Some(price);
                            return Err(OrderError::WouldSelfTrade { own }.into());
                        }
                        SelfTrade::CancelNewest => return Ok(ends),
                        SelfTrade::CancelOldest => sink(lapsed),
                        SelfTrade::CancelBoth => {
                            sink(lapsed);
                            return Ok(ends);
                        }
                        SelfTrade::Decrement => {
                            left -= most;
                            sink(Event::Decremented {
                                resting: key,
                                quantity: shares(most),
                                left: resting.open - most,
                            });
                        }
                    }
                    continue;
                }
                if !corridor.passes(price) {
                    let open = shares(left);
                    return Ok(match incoming.execution {
                        Execution::Day | Execution::PostOnly => Fate::Interrupted(open, price),
                        Execution::ImmediateOrCancel | Execution::FillOrKill => {
                            Fate::Lapsed(open, LapsedBecause::Rest)
                        }
                    });
                }
                let paid = match budget {
                    None => most,
                    Some(Budget { round_lot, .. }) => {
                        let pays = cash / price.units();
                        most.min(pays - pays % round_lot.get())
                    }
                };
                if let Some(quantity) = Quantity::new(paid) {
                    left -= paid;
                    cash = cash.saturating_sub(price.units().saturating_mul(paid));
                    sink(Event::Trade {
                        resting: key,
                        owner: resting.owner,
                        price,
                        quantity,
                        left: resting.open - paid,
                    });
                }
                if paid < most {
                    return Ok(Fate::Spent(shares(left)));
                }
            }
        }
        Ok(match Quantity::new(left) {
            None => Fate::Done,
            Some(open) if incoming.may_rest() => Fate::Rests(open),
            Some(open) => Fate::Lapsed(open, LapsedBecause::Rest),
        })
    }

    /// Gives an order a place behind all others at its price, whatever it crosses; `None`: it has no price, or the book
    /// no place.
    pub(crate) fn put(&mut self, order: &NewOrder) -> Option<OrderKey> {
        let incoming = self.incoming(order).ok()?;
        let rests = incoming.may_rest() && !self.arena.is_full();
        rests.then(|| self.rest(&incoming, incoming.quantity))
    }

    /// Takes shares off an order, which leaves when it has no more; `false`: it has fewer, or has left.
    #[must_use]
    pub(crate) fn take(&mut self, order: OrderKey, taken: u64) -> bool {
        let Some(slot) = self.arena.find(order) else {
            return false;
        };
        let found = *self.arena.slot(slot);
        if found.open < taken {
            return false;
        }
        self.reduce(slot, found.marks().side(), taken);
        true
    }

    /// Returns true if orders of the two sides could trade with each other.
    pub(crate) fn is_crossed(&self) -> bool {
        let [buy, sell] = [Side::Buy, Side::Sell].map(|side| self.side(side).best_rank());
        buy.zip(sell).is_some_and(|(buy, sell)| buy.crosses(sell))
    }
}

fn shares(number: u64) -> Quantity {
    Quantity::new(number).expect("a part of a quantity, and not zero")
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::UserId;
    use crate::clearing::book::{BookTerms, End};
    use crate::clearing::call::{Collar, Entry};
    use proptest::prelude::*;

    fn order() -> impl Strategy<Value = NewOrder> {
        let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
        let limit = prop_oneof![4 => (1..8_u64).prop_map(Some), 1 => Just(None)];
        let execution = prop_oneof![
            4 => Just(Execution::Day),
            1 => Just(Execution::PostOnly),
            1 => Just(Execution::ImmediateOrCancel),
            1 => Just(Execution::FillOrKill),
        ];
        let self_trade = prop_oneof![
            Just(SelfTrade::Refuse),
            Just(SelfTrade::CancelNewest),
            Just(SelfTrade::CancelOldest),
            Just(SelfTrade::CancelBoth),
            Just(SelfTrade::Decrement),
        ];
        let all = (1..4_u32, side, 1..9_u64, limit, execution, self_trade);
        all.prop_map(
            |(owner, side, quantity, limit, execution, self_trade)| NewOrder {
                owner: UserId(owner),
                entry: Entry {
                    side,
                    quantity: shares(quantity),
                    limit: limit.map(|limit| Price::from_units(limit * 100).unwrap()),
                },
                execution,
                self_trade,
            },
        )
    }

    proptest! {
        #![proptest_config(crate::property_config())]

        #[test]
        fn a_preview_says_what_entering_does(
            orders in prop::collection::vec(order(), 1..if cfg!(miri) { 10 } else { 40 }),
            closes in prop::option::weighted(0.3, 1..8_u64),
        ) {
            let mut book = Book::new(BookTerms::default()).unwrap();
            let collar = Collar { absolute: Price::from_units(200).unwrap(), basis_points: 0 };
            let middle = Price::from_units(400).unwrap();
            let corridor = Corridor::OPEN.within(&collar, middle);
            for (number, order) in orders.iter().enumerate() {
                if let (Some(price), true) = (closes, number == 20) {
                    let price = Price::from_units(price * 100).unwrap();
                    let accept = |side| book.best(side).is_some_and(|best| match side {
                        Side::Buy => best.price >= price,
                        Side::Sell => best.price <= price,
                    });
                    if !(accept(Side::Buy) && accept(Side::Sell)) {
                        book.begin_at_last(price);
                    }
                }
                let before: Vec<_> = book.orders_by_time().collect();
                let mut previewed = Vec::new();
                let fate = book.preview(order, &corridor, None, |event| previewed.push(event));
                prop_assert!(before.iter().copied().eq(book.orders_by_time()));
                let mut happened = Vec::new();
                let outcome = book.enter(*order, &corridor, |event| happened.push(event));
                match (fate, outcome) {
                    (Ok(fate), Ok(outcome)) => {
                        let end = match outcome.end {
                            End::Done => Fate::Done,
                            End::Rests { open, .. } => Fate::Rests(open),
                            End::Lapsed { quantity, because } => Fate::Lapsed(quantity, because),
                            End::Interrupted { open, price } => Fate::Interrupted(open, price),
                        };
                        prop_assert_eq!(fate, end);
                        prop_assert_eq!(previewed, happened);
                    }
                    (fate, outcome) => prop_assert_eq!(fate.err(), outcome.err()),
                }
            }
        }
    }
}
