//! The orders of a trading day that everyone sees, in continuous trading and at last.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::numbers::Numbers;
use crate::clearing::call::Side;
use crate::{Price, Quantity};

/// A shown order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShownOrder {
    /// Its public number.
    pub number: u64,
    /// Buy or sell.
    pub side: Side,
    /// Its limit; in trading at last the closing price.
    pub price: Price,
    /// Shares not yet traded.
    pub open: Quantity,
}

/// The orders at one price that everyone sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownLevel {
    /// The price.
    pub price: Price,
    /// Shares of all its orders.
    pub open: u64,
    /// Number of its orders.
    pub orders: u32,
}

/// All orders that everyone sees: price, then place, in the order in which they were shown.
#[derive(Clone, Debug, Default)]
pub struct ShownOrders {
    arena: Vec<Shown>,
    /// Positions in the arena that hold no order.
    free: Vec<u32>,
    /// Position of each order.
    numbers: Numbers,
    /// Queue of each price by rank, the best first, by [`Side`].
    queues: [BTreeMap<u64, Queue>; 2],
    totals: [ShownTotals; 2],
}

/// An order in the arena, between its neighbours in the queue of its price.
#[derive(Clone, Copy, Debug)]
struct Shown {
    order: ShownOrder,
    before: u32,
    after: u32,
}

/// Positions of the first and the last order at a price.
#[derive(Clone, Copy, Debug)]
struct Queue {
    first: u32,
    last: u32,
}

/// No position: the end of a queue.
const NONE: u32 = u32::MAX;

/// Sums over the shown orders of a side, modulo 2^64, which the digest of a lot holds instead of every order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownTotals {
    /// Number of orders.
    pub orders: u64,
    /// Sum of the open shares.
    pub open: u64,
    /// Sum of price x open shares.
    pub value: u64,
    /// Sum of number x open shares.
    pub numbers: u64,
}

impl ShownOrders {
    /// The orders of a snapshot, each behind those before it. `None`: two have the same number.
    #[must_use]
    pub fn from_orders(orders: impl IntoIterator<Item = ShownOrder>) -> Option<Self> {
        let mut shown = Self::default();
        for order in orders {
            if !shown.show(order) {
                return None;
            }
        }
        Some(shown)
    }

    /// Returns the orders of a side, the best first.
    pub fn side(&self, side: Side) -> impl Iterator<Item = ShownOrder> {
        let queues = self.queues[side as usize].values();
        queues.flat_map(|queue| {
            let next = |at: &u32| Some(self.arena[*at as usize].after).filter(|at| *at != NONE);
            let positions = core::iter::successors(Some(queue.first), next);
            positions.map(|at| self.arena[at as usize].order)
        })
    }

    /// Returns all orders, so that [`from_orders`](Self::from_orders) gives the same book: first those to buy, then
    /// those to sell, the best of each side first.
    pub fn iter(&self) -> impl Iterator<Item = ShownOrder> {
        self.side(Side::Buy).chain(self.side(Side::Sell))
    }

    /// Returns an order.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<ShownOrder> {
        let at = self.find(number)?;
        Some(self.arena[at as usize].order)
    }

    /// Returns the orders of a side added up by price, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = ShownLevel> {
        let mut orders = self.side(side).peekable();
        core::iter::from_fn(move || {
            let first = orders.next()?;
            let mut level = ShownLevel {
                price: first.price,
                open: first.open.get(),
                orders: 1,
            };
            while let Some(next) = orders.next_if(|next| next.price == level.price) {
                level.open += next.open.get();
                level.orders += 1;
            }
            Some(level)
        })
    }

    /// Returns the number of orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns true if no order is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.len() == 0
    }

    /// Returns the sums over the orders of a side.
    #[must_use]
    pub fn totals(&self, side: Side) -> ShownTotals {
        self.totals[side as usize]
    }

    /// Shows an order, behind all others at its price; `false`: its number is shown already.
    pub(crate) fn show(&mut self, order: ShownOrder) -> bool {
        if self.find(order.number).is_some() {
            return false;
        }
        let at = self.free.pop().unwrap_or(self.arena.len() as u32);
        let queues = &mut self.queues[order.side as usize];
        let queue = queues.entry(rank(&order)).or_insert(Queue {
            first: at,
            last: NONE,
        });
        let before = core::mem::replace(&mut queue.last, at);
        let shown = Shown {
            order,
            before,
            after: NONE,
        };
        match self.arena.get_mut(at as usize) {
            Some(place) => *place = shown,
            None => self.arena.push(shown),
        }
        if let Some(before) = self.arena.get_mut(before as usize) {
            before.after = at;
        }
        self.numbers.insert(order.number, at);
        let totals = &mut self.totals[order.side as usize];
        totals.orders += 1;
        totals.add(&order, order.open.get());
        true
    }

    /// Takes shares off an order, which leaves when it has no more; `None`: it has fewer, or is not shown.
    pub(crate) fn reduce(&mut self, number: u64, shares: u64) -> Option<ShownOrder> {
        let at = self.find(number)?;
        self.reduce_at(at, shares)
    }

    /// Takes an order out; `false`: it is not shown.
    pub(crate) fn remove(&mut self, number: u64) -> bool {
        let Some(at) = self.find(number) else {
            return false;
        };
        let open = self.arena[at as usize].order.open.get();
        self.reduce_at(at, open).is_some()
    }

    fn reduce_at(&mut self, at: u32, shares: u64) -> Option<ShownOrder> {
        let shown = &mut self.arena[at as usize].order;
        let before = *shown;
        let left = before.open.get().checked_sub(shares)?;
        let totals = &mut self.totals[before.side as usize];
        totals.subtract(&before, shares);
        match Quantity::new(left) {
            Some(open) => shown.open = open,
            None => {
                totals.orders -= 1;
                self.take_out(at);
            }
        }
        Some(before)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn find(&self, number: u64) -> Option<u32> {
        self.numbers
            .find(number, |at| self.arena[at as usize].order.number)
    }

    fn take_out(&mut self, at: u32) {
        let Shown {
            order,
            before,
            after,
        } = self.arena[at as usize];
        self.numbers.remove(order.number, at);
        self.free.push(at);
        if let Some(before) = self.arena.get_mut(before as usize) {
            before.after = after;
        }
        if let Some(after) = self.arena.get_mut(after as usize) {
            after.before = before;
        }
        // An order between two others leaves its queue's ends as they are.
        if before != NONE && after != NONE {
            return;
        }
        let queues = &mut self.queues[order.side as usize];
        if before == NONE && after == NONE {
            queues.remove(&rank(&order));
        } else if let Some(queue) = queues.get_mut(&rank(&order)) {
            match before {
                NONE => queue.first = after,
                _ => queue.last = before,
            }
        }
    }
}

/// Rank of an order's price: the lowest is the best.
fn rank(order: &ShownOrder) -> u64 {
    match order.side {
        Side::Buy => !order.price.units(),
        Side::Sell => order.price.units(),
    }
}

impl ShownTotals {
    fn add(&mut self, order: &ShownOrder, shares: u64) {
        let value = order.price.units().wrapping_mul(shares);
        self.open = self.open.wrapping_add(shares);
        self.value = self.value.wrapping_add(value);
        self.numbers = self.numbers.wrapping_add(order.number.wrapping_mul(shares));
    }

    fn subtract(&mut self, order: &ShownOrder, shares: u64) {
        let value = order.price.units().wrapping_mul(shares);
        self.open = self.open.wrapping_sub(shares);
        self.value = self.value.wrapping_sub(value);
        self.numbers = self.numbers.wrapping_sub(order.number.wrapping_mul(shares));
    }
}

/// Equal when the same orders have the same priority.
impl PartialEq for ShownOrders {
    fn eq(&self, other: &Self) -> bool {
        self.totals == other.totals && self.iter().eq(other.iter())
    }
}

impl Eq for ShownOrders {}

#[cfg(feature = "serde")]
impl serde::Serialize for ShownOrders {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Compact formats write the length first, which the iterator of linked queues does not know.
        let mut orders = serializer.serialize_seq(Some(self.len()))?;
        for order in self.iter() {
            serde::ser::SerializeSeq::serialize_element(&mut orders, &order)?;
        }
        serde::ser::SerializeSeq::end(orders)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for ShownOrders {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let orders = Vec::<ShownOrder>::deserialize(deserializer)?;
        Self::from_orders(orders)
            .ok_or_else(|| serde::de::Error::custom("two orders have the same number"))
    }
}
