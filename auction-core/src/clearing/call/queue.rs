//! The orders by place in time.
//!
//! They are stored in one vector, the earliest first, so that an uncross is one pass over memory. A removed order
//! leaves a gap; when there are more gaps than orders, the vector is compacted.

use alloc::vec::Vec;

use super::order::{Entry, Order, OrderId, Rank, Side};
use crate::{Quantity, UserId};

/// Minimum number of gaps before a compaction is worth its cost.
const GAPS_MIN: usize = 1_024;

#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    slots: Vec<Slot>,
    /// Index of each order, by number; numbers rise, so a new one is appended.
    places: Vec<(OrderId, Option<u32>)>,
    live: usize,
    /// New index of each slot during a compaction: kept, so that compacting allocates nothing.
    moved: Vec<u32>,
}

/// An order, or the gap that it left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) id: OrderId,
    /// Zero: a gap.
    pub(super) shares: u64,
    pub(super) rank: Rank,
    pub(super) trader: UserId,
    pub(super) side: Side,
}

/// Index of an order, valid until the queue changes.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    number: usize,
    place: usize,
}

impl Slot {
    fn of(order: &Order) -> Self {
        Self {
            id: order.id,
            shares: order.entry.quantity.get(),
            rank: Rank::of(order.entry.side, order.entry.limit),
            trader: order.trader,
            side: order.entry.side,
        }
    }

    fn order(&self) -> Option<Order> {
        let quantity = Quantity::new(self.shares)?;
        let (side, limit) = (self.side, self.rank.limit(self.side));
        Some(Order {
            id: self.id,
            trader: self.trader,
            entry: Entry {
                side,
                quantity,
                limit,
            },
        })
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Returns an order and its index.
    pub(super) fn find(&self, id: OrderId) -> Option<(Order, Spot)> {
        let number = self.places.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let place = self.places[number].1? as usize;
        let order = self.slots[place].order()?;
        Some((order, Spot { number, place }))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Order> {
        self.slots.iter().filter_map(Slot::order)
    }

    /// Returns the slots in order, gaps included.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Adds an order behind all the others. Its number is above all earlier ones.
    pub(super) fn push(&mut self, order: &Order) {
        self.places.push((order.id, Some(self.end())));
        self.slots.push(Slot::of(order));
        self.live += 1;
    }

    pub(super) fn remove(&mut self, spot: Spot) {
        self.slots[spot.place].shares = 0;
        self.places[spot.number].1 = None;
        self.live -= 1;
        self.close_up();
    }

    /// Replaces an order in its place.
    pub(super) fn change(&mut self, spot: Spot, order: &Order) {
        self.slots[spot.place] = Slot::of(order);
    }

    /// Removes the old order and adds the changed one behind all the others.
    pub(super) fn change_and_move(&mut self, spot: Spot, order: &Order) {
        self.slots[spot.place].shares = 0;
        self.places[spot.number].1 = Some(self.end());
        self.slots.push(Slot::of(order));
        self.close_up();
    }

    fn end(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("a book's limit keeps its row short")
    }

    fn close_up(&mut self) {
        if self.slots.len() <= 2 * self.live + GAPS_MIN
            && self.places.len() <= 2 * self.live + GAPS_MIN
        {
            return;
        }
        self.places.retain(|(_, place)| place.is_some());
        // Each order moves forward by the number of gaps before it.
        let mut closed: u32 = 0;
        let moved = (0_u32..).zip(&self.slots).map(|(place, slot)| {
            let to = place - closed;
            closed += u32::from(slot.shares == 0);
            to
        });
        self.moved.clear();
        self.moved.extend(moved);
        for (_, place) in &mut self.places {
            *place = place.map(|place| self.moved[place as usize]);
        }
        self.slots.retain(|slot| slot.shares > 0);
    }

    /// Creates a queue from orders by place in time, their numbers in any order; `None` when two have the same number.
    #[cfg(feature = "serde")]
    pub(super) fn of(orders: &[Order]) -> Option<Self> {
        let mut queue = Self::default();
        orders.iter().for_each(|order| queue.push(order));
        queue.places.sort_unstable_by_key(|(id, _)| *id);
        let rises = queue.places.is_sorted_by(|one, next| one.0 < next.0);
        rises.then_some(queue)
    }

    #[cfg(feature = "serde")]
    pub(super) fn last_id(&self) -> Option<OrderId> {
        self.places.last().map(|(id, _)| *id)
    }
}
