//! The order book: resting orders, and the commands on them.

use alloc::vec::Vec;

use super::arena::{Arena, NONE, Slot};
use super::corridor::Corridor;
use super::incoming::Incoming;
use super::key::{OrderKey, PLACE_MAX};
use super::levels::{Level, Levels};
use super::marks::Marks;
use super::order::{End, Event, NewOrder, Order, Outcome, Refused, Replaced, Replacement};
use super::terms::{BookTerms, Grid};
use crate::clearing::call::{BookTermsError, Entry, OrderError, Quote, Rank, Side};
use crate::limits::{BOOK_ORDERS_MAX, QUANTITY_MAX};
use crate::{Price, Quantity, UserId};

// A book's quantities together fit 63 bits, so that a level's do.
const _: () = assert!((BOOK_ORDERS_MAX as u64) < i64::MAX as u64 / QUANTITY_MAX);

/// The order book of one stock in continuous trading: price, then time.
#[derive(Clone, Debug)]
pub struct Book {
    terms: BookTerms,
    pub(super) grid: Grid,
    pub(super) arena: Arena,
    /// By [`Side`]: an index is no branch to guess.
    sides: [Levels; 2],
    /// The last place in time that was given.
    last_place: u64,
    /// The closing price and how many ticks it is, in trading at last.
    pub(super) close: Option<(Price, u64)>,
}

/// The orders at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PriceLevel {
    /// The price.
    pub price: Price,
    /// Shares of all its orders.
    pub open: u64,
    /// Number of its orders.
    pub orders: u32,
}

impl Book {
    /// An empty book. It allocates nothing before the first order rests.
    ///
    /// # Errors
    /// [`BookTermsError`] for a tick of zero.
    pub fn new(terms: BookTerms) -> Result<Self, BookTermsError> {
        let orders_max = terms.orders_max.min(BOOK_ORDERS_MAX as u32);
        Ok(Self {
            terms: BookTerms {
                orders_max,
                ..terms
            },
            grid: Grid::of(&terms)?,
            arena: Arena::new(orders_max),
            sides: [Levels::new(), Levels::new()],
            last_place: 0,
            close: None,
        })
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &BookTerms {
        &self.terms
    }

    /// Enters an order: trades what its limit, its restriction and the corridor allow, best price first, at one price
    /// the oldest first, always at the resting order's price; then rests, lapses or interrupts.
    ///
    /// `sink` gets each effect on resting orders as it happens. An order is checked whole before the first: after
    /// an error there was none. In [trading at last](Self::begin_at_last) pass [`Corridor::OPEN`].
    ///
    /// # Errors
    /// [`Refused`] says why not, and what would be taken; then nothing has changed. A short fill-or-kill is no error:
    /// it is accepted and lapses.
    pub fn enter(
        &mut self,
        order: NewOrder,
        corridor: &Corridor,
        sink: impl FnMut(Event),
    ) -> Result<Outcome, Refused> {
        let incoming = self.incoming(&order)?;
        if incoming.may_rest() && !self.crosses(&incoming) {
            // Most orders meet nobody, and need neither the look ahead nor the loop of trades.
            if self.arena.is_full() {
                let most = self.arena.orders_max();
                return Err(OrderError::BookFull { most }.into());
            }
            let key = self.rest(&incoming, incoming.quantity);
            let end = End::Rests {
                order: key,
                open: order.entry.quantity,
            };
            return Ok(Outcome { traded: 0, end });
        }
        let ahead = self.look_ahead(&incoming, corridor)?;
        Ok(self.execute(&incoming, ahead, corridor, sink))
    }

    /// Replaces the limit and the open quantity of an owner's order.
    ///
    /// With the same limit and a quantity not raised the order keeps its place and its key. Otherwise it leaves
    /// ([`Event::Replaced`]) and enters as a new one, with all checks made before, in one step: a replacement that
    /// trades does so at once, and one that is refused leaves the order where it was.
    ///
    /// # Errors
    /// [`Refused`] says why not, and what would be taken; then nothing has changed.
    pub fn replace(
        &mut self,
        order: OrderKey,
        owner: UserId,
        replacement: Replacement,
        corridor: &Corridor,
        sink: impl FnMut(Event),
    ) -> Result<Replaced, Refused> {
        let (slot, old) = self.find(order, owner)?;
        old.check_believed(&replacement)?;
        let quantity = replacement.quantity;
        if replacement.limit == old.limit && quantity == old.open {
            return Err(OrderError::Unchanged.into());
        }
        let incoming = self.incoming(&old.replaced_by(&replacement))?;
        if replacement.limit == old.limit && quantity < old.open {
            let reduced = old.open.get() - quantity.get();
            self.lose(slot, old.side, reduced);
            return Ok(Replaced::Kept);
        }
        let outcome = self.enter_anew(slot, &old, &incoming, corridor, sink)?;
        Ok(Replaced::Anew(outcome))
    }

    /// Replaces an owner's order as [`replace`](Self::replace) does, with a new place and a new key in any case: for a
    /// change of what the book does not see, such as the limit behind a place in trading at last.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), except that nothing is too little a change.
    pub fn requeue(
        &mut self,
        order: OrderKey,
        owner: UserId,
        replacement: Replacement,
        corridor: &Corridor,
        sink: impl FnMut(Event),
    ) -> Result<Outcome, Refused> {
        let (slot, old) = self.find(order, owner)?;
        old.check_believed(&replacement)?;
        let incoming = self.incoming(&old.replaced_by(&replacement))?;
        self.enter_anew(slot, &old, &incoming, corridor, sink)
    }

    /// Takes an owner's order out of the book, and returns it.
    ///
    /// # Errors
    /// [`Refused::UnknownOrder`] when it is not theirs, or has left.
    #[inline]
    pub fn cancel(&mut self, order: OrderKey, owner: UserId) -> Result<Order, Refused> {
        let (slot, order) = self.find(order, owner)?;
        self.take_out(slot, order.side);
        Ok(order)
    }

    /// An owner's order.
    ///
    /// # Errors
    /// [`Refused::UnknownOrder`] when it is not theirs, or has left.
    pub fn order_of(&self, order: OrderKey, owner: UserId) -> Result<Order, Refused> {
        self.find(order, owner).map(|(_, order)| order)
    }

    /// The order of a key, or `None` when it has left.
    #[must_use]
    pub fn order(&self, order: OrderKey) -> Option<Order> {
        self.arena.find(order).map(|slot| self.order_at(slot))
    }

    /// Number of resting orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arena.len() as usize
    }

    /// Returns true when no order rests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The best price of a side and the shares at it, in constant time.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Quote> {
        let levels = self.side(side);
        if levels.best() == NONE {
            return None;
        }
        let best = levels.level(levels.best());
        Some(Quote {
            price: price_of(best, side),
            quantity: best.open,
        })
    }

    /// The orders of a side added up by price, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = PriceLevel> {
        self.walk(side).map(move |(_, level)| PriceLevel {
            price: price_of(level, side),
            open: level.open,
            orders: level.orders,
        })
    }

    /// The orders of a side in the order in which they would trade.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = Order> {
        self.walk(side)
            .flat_map(|(_, level)| self.queue(level.head))
            .map(|slot| self.order_at(slot))
    }

    /// The orders of both sides by place in time, as a call takes them. Allocates a list and sorts it.
    pub fn orders_by_time(&self) -> impl Iterator<Item = Order> {
        let keys = (0..self.arena.slot_count()).filter_map(|slot| self.arena.key(slot));
        let mut keys: Vec<OrderKey> = keys.collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| self.order_at(key.slot()))
    }

    pub(super) fn last_place(&self) -> u64 {
        self.last_place
    }

    #[inline]
    pub(super) fn side(&self, side: Side) -> &Levels {
        &self.sides[side as usize]
    }

    #[inline]
    pub(super) fn side_mut(&mut self, side: Side) -> (&mut Levels, &mut Arena) {
        (&mut self.sides[side as usize], &mut self.arena)
    }

    /// The levels of a side, the best first.
    pub(super) fn walk(&self, side: Side) -> impl Iterator<Item = (u32, &Level)> {
        let levels = self.side(side);
        let mut cursor = levels.best_first();
        core::iter::from_fn(move || {
            let number = levels.next(&mut cursor)?;
            Some((number, levels.level(number)))
        })
    }

    /// The slots of a queue from this one on.
    pub(super) fn queue(&self, head: u32) -> impl Iterator<Item = u32> {
        let after = |slot: &u32| Some(self.arena.next(*slot)).filter(|next| *next != NONE);
        core::iter::successors(Some(head), after)
    }

    /// Gives an order a place behind all others of its price.
    #[inline]
    pub(super) fn rest(&mut self, incoming: &Incoming, open: u64) -> OrderKey {
        self.last_place += 1;
        let Incoming {
            owner,
            side,
            execution,
            self_trade,
            rank,
            ticks,
            ..
        } = *incoming;
        let marks = Marks::new(side, execution, self_trade);
        let order = Slot::new(open, owner, self.last_place, marks);
        let slot = self.arena.insert(order);
        let (levels, arena) = self.side_mut(side);
        levels.push(arena, slot, rank, ticks);
        OrderKey::new(self.last_place, slot).expect("places begin with 1")
    }

    /// Takes an order out of its queue and frees its slot.
    #[inline]
    pub(super) fn take_out(&mut self, slot: u32, side: Side) {
        let (levels, arena) = self.side_mut(side);
        levels.remove(arena, slot);
        arena.remove(slot);
    }

    /// Takes shares off an order that keeps some.
    #[inline]
    pub(super) fn lose(&mut self, slot: u32, side: Side, shares: u64) {
        let (levels, arena) = self.side_mut(side);
        let order = arena.slot_mut(slot);
        order.open -= shares;
        levels.reduce(order.level, shares);
    }

    #[inline]
    pub(super) fn order_at(&self, slot: u32) -> Order {
        let order = self.arena.slot(slot);
        let marks = order.marks();
        let level = self.side(marks.side()).level(order.level);
        Order {
            key: self.arena.key(slot).expect("an order rests in the slot"),
            owner: order.owner,
            side: marks.side(),
            limit: price_of(level, marks.side()),
            open: Quantity::new(order.open).expect("a resting order has shares"),
            execution: marks.execution(),
            self_trade: marks.self_trade(),
        }
    }

    #[inline]
    fn find(&self, key: OrderKey, owner: UserId) -> Result<(u32, Order), Refused> {
        self.arena
            .find(key)
            .filter(|slot| self.arena.slot(*slot).owner == owner)
            .map(|slot| (slot, self.order_at(slot)))
            .ok_or(Refused::UnknownOrder { order: key })
    }

    /// The order as it is matched, its limit checked against the grid and, at last, moved to the closing price.
    #[inline]
    pub(super) fn incoming(&self, order: &NewOrder) -> Result<Incoming, Refused> {
        let mut ticks = self.grid.check(&order.entry)?;
        let Entry {
            side,
            quantity,
            limit,
        } = order.entry;
        let mut rank = Rank::of(side, limit);
        if let Some((price, ticks_at_close)) = self.close {
            let at_close = Rank::of(side, Some(price));
            if rank < at_close {
                return Err(Refused::NotAtClose { price });
            }
            (rank, ticks) = (at_close, ticks_at_close);
        }
        if self.last_place == PLACE_MAX {
            return Err(Refused::NoPlaceLeft);
        }
        Ok(Incoming {
            owner: order.owner,
            side,
            quantity: quantity.get(),
            rank,
            ticks,
            execution: order.execution,
            self_trade: order.self_trade,
        })
    }

    /// Lets an order leave its place and enter as a new one, unless that is refused.
    fn enter_anew(
        &mut self,
        slot: u32,
        old: &Order,
        incoming: &Incoming,
        corridor: &Corridor,
        mut sink: impl FnMut(Event),
    ) -> Result<Outcome, Refused> {
        // Its own place is on the other side of what it looks at.
        let ahead = self.look_ahead(incoming, corridor)?;
        self.take_out(slot, old.side);
        sink(Event::Replaced { order: old.key });
        Ok(self.execute(incoming, ahead, corridor, sink))
    }
}

impl Order {
    fn check_believed(&self, replacement: &Replacement) -> Result<(), Refused> {
        match replacement.believed {
            Some(believed) if believed != self.open => {
                Err(Refused::OpenDiffers { open: self.open })
            }
            _ => Ok(()),
        }
    }

    /// The order as its replacement enters.
    fn replaced_by(&self, replacement: &Replacement) -> NewOrder {
        NewOrder {
            owner: self.owner,
            entry: Entry {
                side: self.side,
                quantity: replacement.quantity,
                limit: Some(replacement.limit),
            },
            execution: self.execution,
            self_trade: self.self_trade,
        }
    }
}

pub(super) fn price_of(level: &Level, side: Side) -> Price {
    level.rank.limit(side).expect("a level has a limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearing::book::{Execution, SelfTrade};

    /// After some four million million orders: no other test gets there.
    #[test]
    fn after_the_last_place_no_order_enters_and_resting_ones_cancel() {
        let mut book = Book::new(BookTerms::default()).unwrap();
        book.last_place = PLACE_MAX - 1;
        let order = NewOrder {
            owner: UserId(1),
            entry: Entry {
                side: Side::Buy,
                quantity: Quantity::ONE,
                limit: Price::from_units(100),
            },
            execution: Execution::Day,
            self_trade: SelfTrade::Refuse,
        };
        let outcome = book.enter(order, &Corridor::OPEN, drop).unwrap();
        let End::Rests { order: last, .. } = outcome.end else {
            panic!("it rests: {outcome:?}")
        };
        assert_eq!(last.place(), PLACE_MAX);
        let refused = book.enter(order, &Corridor::OPEN, drop);
        assert_eq!(refused, Err(Refused::NoPlaceLeft));
        assert_eq!(
            book.cancel(last, UserId(1)).map(|order| order.key),
            Ok(last)
        );
    }
}
