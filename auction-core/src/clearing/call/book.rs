//! The book of a call auction: its orders, and totals by price that are updated with every order.

use super::chunk::Level;
use super::ladder::{Depth, Indicative, Point, Quote};
use super::levels::Levels;
use super::order::{Entry, Order, OrderError, OrderId, Place, Rank, Side};
use super::owners::Owners;
use super::queue::{Queue, Slot, Spot};
use super::terms::{BookTerms, BookTermsError};
use crate::limits::{BOOK_ORDERS_MAX, BOOK_ORDERS_PER_TRADER_MAX, QUANTITY_MAX};
use crate::{Price, Quantity, UserId};

// 63 bits hold all quantities of a book together, and so its sums and surpluses.
const _: () = assert!((BOOK_ORDERS_MAX as u64) < i64::MAX as u64 / QUANTITY_MAX);

/// The orders of one call auction. Its totals are derived from its orders.
#[derive(Clone, Debug)]
pub struct Book {
    terms: BookTerms,
    last_id: OrderId,
    queue: Queue,
    owners: Owners,
    levels: Levels,
    market_buy: u64,
    market_sell: u64,
}

impl Book {
    /// Creates an empty book.
    ///
    /// # Errors
    /// [`BookTermsError`] for a tick of zero.
    pub fn new(terms: BookTerms) -> Result<Self, BookTermsError> {
        Ok(Self {
            terms: terms.on_the_tick()?,
            last_id: OrderId(0),
            queue: Queue::default(),
            owners: Owners::default(),
            levels: Levels::default(),
            market_buy: 0,
            market_sell: 0,
        })
    }

    /// Returns the terms, with the reference rounded down to the tick.
    #[must_use]
    pub fn terms(&self) -> &BookTerms {
        &self.terms
    }

    /// Returns the reference price, on the tick; `None`: no reference.
    #[must_use]
    pub fn reference(&self) -> Option<Price> {
        self.terms.reference()
    }

    /// Checks that a trader's new order would be accepted.
    ///
    /// # Errors
    /// [`OrderError`] gives the reason, and what would be accepted.
    pub fn check_add(&self, trader: UserId, entry: &Entry) -> Result<(), OrderError> {
        self.terms.check(entry)?;
        self.check_self_trade(trader, entry)?;
        if self.owners.count(trader) >= BOOK_ORDERS_PER_TRADER_MAX {
            let most = BOOK_ORDERS_PER_TRADER_MAX as u32;
            return Err(OrderError::TooManyOrders { most });
        }
        if self.queue.len() >= BOOK_ORDERS_MAX {
            let most = BOOK_ORDERS_MAX as u32;
            return Err(OrderError::BookFull { most });
        }
        Ok(())
    }

    /// Adds an order behind all the others.
    ///
    /// # Errors
    /// The errors of [`check_add`](Self::check_add); nothing has changed then.
    ///
    /// # Panics
    /// If the number is not above that of every earlier order.
    pub fn add(&mut self, id: OrderId, trader: UserId, entry: Entry) -> Result<(), OrderError> {
        assert!(id > self.last_id, "the numbers of a book's orders rise");
        self.check_add(trader, &entry)?;
        self.last_id = id;
        let order = Order { id, trader, entry };
        self.queue.push(&order);
        self.count_in(&order);
        Ok(())
    }

    /// Checks that a trader's replacement of their order would be accepted, and returns the order's place: kept if the
    /// limit is the same and the quantity not raised.
    ///
    /// # Errors
    /// [`OrderError`] gives the reason, and what would be accepted.
    pub fn check_replace(
        &self,
        id: OrderId,
        trader: UserId,
        limit: Option<Price>,
        quantity: Quantity,
    ) -> Result<(Order, Place), OrderError> {
        let old = self.order_of(id, trader)?;
        let side = old.entry.side;
        let entry = Entry {
            side,
            quantity,
            limit,
        };
        if entry == old.entry {
            return Err(OrderError::Unchanged);
        }
        self.terms.check(&entry)?;
        self.check_self_trade(trader, &entry)?;
        let keeps = limit == old.entry.limit && quantity <= old.entry.quantity;
        let place = if keeps { Place::Kept } else { Place::Lost };
        Ok((Order { entry, ..old }, place))
    }

    /// Replaces the limit and the quantity of a trader's order.
    ///
    /// # Errors
    /// The errors of [`check_replace`](Self::check_replace); nothing has changed then.
    pub fn replace(
        &mut self,
        id: OrderId,
        trader: UserId,
        limit: Option<Price>,
        quantity: Quantity,
    ) -> Result<Place, OrderError> {
        let (new, place) = self.check_replace(id, trader, limit, quantity)?;
        let (old, spot) = self.find(id, trader)?;
        match place {
            Place::Kept => self.queue.change(spot, &new),
            Place::Lost => self.queue.change_and_move(spot, &new),
        }
        // Count the new order in first: otherwise a trader without other orders, or a price without others, would be
        // removed in between.
        self.count_in(&new);
        self.count_out(&old);
        Ok(place)
    }

    /// Removes a trader's order from the book, and returns it.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`] when there is no such order, or it belongs to another trader.
    pub fn cancel(&mut self, id: OrderId, trader: UserId) -> Result<Order, OrderError> {
        let (order, spot) = self.find(id, trader)?;
        self.queue.remove(spot);
        self.count_out(&order);
        Ok(order)
    }

    /// Removes all orders of a trader from the book; `ids` are their numbers.
    ///
    /// # Panics
    /// If `ids` are not all of the trader's orders.
    pub fn cancel_all(&mut self, trader: UserId, ids: impl Iterator<Item = OrderId>) {
        let mut left = self.owners.count(trader);
        for id in ids {
            if let Ok((order, spot)) = self.find(id, trader) {
                self.queue.remove(spot);
                self.add_up_without(&order);
                left -= 1;
            }
        }
        assert_eq!(left, 0, "all of a trader's orders are taken out together");
        // All at once: a trader can have many orders.
        self.owners.remove_all(trader);
    }

    /// Returns a trader's own order.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`] when there is no such order, or it belongs to another trader.
    pub fn order_of(&self, id: OrderId, trader: UserId) -> Result<Order, OrderError> {
        self.find(id, trader).map(|(order, _)| order)
    }

    /// Returns all orders, by place in time.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        self.queue.iter()
    }

    /// Returns the number of orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns true if there are no orders.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of traders with an order.
    #[must_use]
    pub fn trader_count(&self) -> usize {
        self.owners.traders()
    }

    /// Returns the traders with an order, by number.
    pub fn traders(&self) -> impl Iterator<Item = UserId> {
        self.owners.iter()
    }

    /// Returns the number of a trader's orders.
    #[must_use]
    pub fn count_of(&self, trader: UserId) -> usize {
        self.owners.count(trader)
    }

    /// Returns the limit orders added up by price, the lowest first: the data that an open book publishes.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = Level> {
        self.levels.iter()
    }

    /// Returns the best limit of a side, and the quantity at it.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Quote> {
        match side {
            Side::Buy => self.buys().next(),
            Side::Sell => self.sells().next(),
        }
    }

    /// Returns the limits to buy and the quantity wanted at each, the highest first. Skipping prices with only sell
    /// orders costs little.
    pub fn buys(&self) -> impl Iterator<Item = Quote> {
        self.levels.buys()
    }

    /// Returns the limits to sell and the quantity offered at each, the lowest first; cost as for [`buys`](Self::buys).
    pub fn sells(&self) -> impl Iterator<Item = Quote> {
        self.levels.sells()
    }

    /// Returns the shares of the market orders of a side.
    #[must_use]
    pub fn market_quantity(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.market_buy,
            Side::Sell => self.market_sell,
        }
    }

    /// Returns the quantities that would be wanted and offered at any price.
    #[must_use]
    pub fn at(&self, price: Price) -> Point {
        self.levels.at(price, self.market_buy, self.market_sell)
    }

    /// Returns the result of an uncross now, ignoring the collar. Reads a few levels, whatever the number of orders.
    #[must_use]
    pub fn indicative(&self) -> Indicative {
        let (best_buy, best_sell) = (self.best(Side::Buy), self.best(Side::Sell));
        let depth = Depth {
            points: &self.levels.crossing(self.market_buy, self.market_sell),
            market_buy: self.market_buy,
            market_sell: self.market_sell,
            best_buy,
            best_sell,
            tick: self.terms.tick,
            reference: self.reference(),
        };
        match depth.cross() {
            Some(cross) => Indicative::Cross(cross),
            None => Indicative::NoCross {
                best_buy,
                best_sell,
            },
        }
    }

    /// Returns the number of the last order that was added; zero: there was none.
    #[must_use]
    pub fn last_id(&self) -> OrderId {
        self.last_id
    }

    /// Restores a book from its orders, by place in time; `None` when no sequence of commands could have led to them.
    #[cfg(feature = "serde")]
    pub(super) fn restored(terms: BookTerms, last_id: OrderId, orders: &[Order]) -> Option<Self> {
        let mut book = Self::new(terms).ok()?;
        for order in orders {
            book.check_add(order.trader, &order.entry).ok()?;
            book.count_in(order);
        }
        book.queue = Queue::of(orders).filter(|queue| queue.last_id() <= Some(last_id))?;
        book.last_id = last_id;
        Some(book)
    }

    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        self.levels.points(self.market_buy, self.market_sell)
    }

    pub(super) fn slots(&self) -> &[Slot] {
        self.queue.slots()
    }

    fn find(&self, id: OrderId, trader: UserId) -> Result<(Order, Spot), OrderError> {
        self.queue
            .find(id)
            .filter(|(order, _)| order.trader == trader)
            .ok_or(OrderError::UnknownOrder { order: id })
    }

    fn check_self_trade(&self, trader: UserId, entry: &Entry) -> Result<(), OrderError> {
        let opposite = entry.side.opposite();
        match self.owners.best(trader, opposite) {
            Some(own) if Rank::of(entry.side, entry.limit).crosses(own) => {
                let own = own.limit(opposite);
                Err(OrderError::WouldSelfTrade { own })
            }
            _ => Ok(()),
        }
    }

    fn count_in(&mut self, order: &Order) {
        let Entry {
            side,
            quantity,
            limit,
        } = order.entry;
        self.owners.add(order.trader, side, Rank::of(side, limit));
        match (limit, side) {
            (Some(limit), _) => self.levels.add(side, limit, quantity.get()),
            (None, Side::Buy) => self.market_buy += quantity.get(),
            (None, Side::Sell) => self.market_sell += quantity.get(),
        }
    }

    fn count_out(&mut self, order: &Order) {
        let Entry { side, limit, .. } = order.entry;
        self.owners
            .remove(order.trader, side, Rank::of(side, limit));
        self.add_up_without(order);
    }

    fn add_up_without(&mut self, order: &Order) {
        let Entry {
            side,
            quantity,
            limit,
        } = order.entry;
        match (limit, side) {
            (Some(limit), _) => self.levels.remove(side, limit, quantity.get()),
            (None, Side::Buy) => self.market_buy -= quantity.get(),
            (None, Side::Sell) => self.market_sell -= quantity.get(),
        }
    }
}

/// Equal when the orders and their order in time are equal, whatever the layout in memory.
impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
            && self.last_id == other.last_id
            && self.orders().eq(other.orders())
    }
}

impl Eq for Book {}
