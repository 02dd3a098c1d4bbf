//! The orders of a trading day that everyone sees, in continuous trading and at last.

use alloc::collections::BTreeMap;

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
    by_number: BTreeMap<u64, Shown>,
    /// Number of each order by rank and place, by [`Side`].
    queues: [BTreeMap<(u64, u64), u64>; 2],
    places: u64,
    totals: [ShownTotals; 2],
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    side: Side,
    price: Price,
    open: Quantity,
    place: u64,
}

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
        let queue = self.queues[side as usize].values();
        queue.map(|number| self.order_of(*number))
    }

    /// Returns all orders, so that [`from_orders`](Self::from_orders) gives the same book: first those to buy, then
    /// those to sell, the best of each side first.
    pub fn iter(&self) -> impl Iterator<Item = ShownOrder> {
        self.side(Side::Buy).chain(self.side(Side::Sell))
    }

    /// Returns an order.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<ShownOrder> {
        self.by_number
            .contains_key(&number)
            .then(|| self.order_of(number))
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
        self.by_number.len()
    }

    /// Returns true if no order is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Returns the sums over the orders of a side.
    #[must_use]
    pub fn totals(&self, side: Side) -> ShownTotals {
        self.totals[side as usize]
    }

    /// Shows an order, behind all others at its price; `false`: its number is shown already.
    pub(crate) fn show(&mut self, order: ShownOrder) -> bool {
        let ShownOrder {
            number,
            side,
            price,
            open,
        } = order;
        if self.by_number.contains_key(&number) {
            return false;
        }
        self.places += 1;
        let shown = Shown {
            side,
            price,
            open,
            place: self.places,
        };
        self.by_number.insert(number, shown);
        self.queues[side as usize].insert(shown.key(), number);
        let totals = &mut self.totals[side as usize];
        totals.orders += 1;
        totals.add(number, price, open.get());
        true
    }

    /// Takes shares off an order, which leaves when it has no more; `None`: it has fewer, or is not shown.
    pub(crate) fn reduce(&mut self, number: u64, shares: u64) -> Option<ShownOrder> {
        let shown = self.by_number.get_mut(&number)?;
        let before = *shown;
        let left = before.open.get().checked_sub(shares)?;
        let totals = &mut self.totals[before.side as usize];
        totals.subtract(number, before.price, shares);
        match Quantity::new(left) {
            Some(open) => shown.open = open,
            None => {
                totals.orders -= 1;
                self.queues[before.side as usize].remove(&before.key());
                self.by_number.remove(&number);
            }
        }
        Some(ShownOrder {
            number,
            side: before.side,
            price: before.price,
            open: before.open,
        })
    }

    /// Takes an order out; `false`: it is not shown.
    pub(crate) fn remove(&mut self, number: u64) -> bool {
        let open = self.by_number.get(&number).map(|shown| shown.open.get());
        open.is_some_and(|open| self.reduce(number, open).is_some())
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn order_of(&self, number: u64) -> ShownOrder {
        let shown = self.by_number[&number];
        ShownOrder {
            number,
            side: shown.side,
            price: shown.price,
            open: shown.open,
        }
    }
}

impl Shown {
    /// Rank and place: the lowest is the best.
    fn key(&self) -> (u64, u64) {
        let rank = match self.side {
            Side::Buy => !self.price.units(),
            Side::Sell => self.price.units(),
        };
        (rank, self.place)
    }
}

impl ShownTotals {
    fn add(&mut self, number: u64, price: Price, shares: u64) {
        self.open = self.open.wrapping_add(shares);
        self.value = self.value.wrapping_add(price.units().wrapping_mul(shares));
        self.numbers = self.numbers.wrapping_add(number.wrapping_mul(shares));
    }

    fn subtract(&mut self, number: u64, price: Price, shares: u64) {
        self.open = self.open.wrapping_sub(shares);
        self.value = self.value.wrapping_sub(price.units().wrapping_mul(shares));
        self.numbers = self.numbers.wrapping_sub(number.wrapping_mul(shares));
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
        serializer.collect_seq(self.iter())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for ShownOrders {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let orders = alloc::vec::Vec::<ShownOrder>::deserialize(deserializer)?;
        Self::from_orders(orders)
            .ok_or_else(|| serde::de::Error::custom("two orders have the same number"))
    }
}
