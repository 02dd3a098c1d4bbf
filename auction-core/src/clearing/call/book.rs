//! The book of a call auction: its orders, and the totals by price that are kept as they come and go.

use super::chunk::Level;
use super::ladder::{Depth, Indicative, Point, Quote};
use super::levels::Levels;
use super::order::{Entry, Order, OrderError, OrderId, Place, Rank, Side};
use super::owners::Owners;
use super::queue::{Queue, Slot, Spot};
use super::terms::{BookTerms, BookTermsError};
use crate::limits::{BOOK_ORDERS_MAX, BOOK_ORDERS_PER_TRADER_MAX, QUANTITY_MAX};
use crate::{Price, Quantity, UserId};

// A book's quantities together fit 63 bits, so that sums and surpluses do.
const _: () = assert!((BOOK_ORDERS_MAX as u64) < i64::MAX as u64 / QUANTITY_MAX);

/// The orders of one call auction. Its kept totals follow from its orders.
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
    /// An empty book.
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

    /// The terms, the reference rounded down to the tick.
    #[must_use]
    pub fn terms(&self) -> &BookTerms {
        &self.terms
    }

    /// The reference price, on the tick; `None`: there is none.
    #[must_use]
    pub fn reference(&self) -> Option<Price> {
        self.terms.reference()
    }

    /// Whether a trader's new order would be taken.
    ///
    /// # Errors
    /// [`OrderError`] says why not, and what would be.
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
    /// Those of [`check_add`](Self::check_add); then nothing has changed.
    ///
    /// # Panics
    /// When the number is not above that of every order before.
    pub fn add(&mut self, id: OrderId, trader: UserId, entry: Entry) -> Result<(), OrderError> {
        assert!(id > self.last_id, "the numbers of a book's orders rise");
        self.check_add(trader, &entry)?;
        self.last_id = id;
        let order = Order { id, trader, entry };
        self.queue.push(&order);
        self.count_in(&order);
        Ok(())
    }

    /// Whether a trader's replacement of their order would be taken, and whether the order would keep its place:
    /// with the same limit and a quantity not raised it does.
    ///
    /// # Errors
    /// [`OrderError`] says why not, and what would be.
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
    /// Those of [`check_replace`](Self::check_replace); then nothing has changed.
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
        // The new one first: a trader with no other order, and a price with none, would be forgotten in between.
        self.count_in(&new);
        self.count_out(&old);
        Ok(place)
    }

    /// Takes a trader's order out of the book, and returns it.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`] when it is not theirs, or there is none.
    pub fn cancel(&mut self, id: OrderId, trader: UserId) -> Result<Order, OrderError> {
        let (order, spot) = self.find(id, trader)?;
        self.queue.remove(spot);
        self.count_out(&order);
        Ok(order)
    }

    /// Takes all of a trader's orders out of the book, whose numbers these are.
    ///
    /// # Panics
    /// When they are not all.
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
        // At once, and not one by one: a trader can have many.
        self.owners.remove_all(trader);
    }

    /// A trader's own order.
    ///
    /// # Errors
    /// [`OrderError::UnknownOrder`] when it is not theirs, or there is none.
    pub fn order_of(&self, id: OrderId, trader: UserId) -> Result<Order, OrderError> {
        self.find(id, trader).map(|(order, _)| order)
    }

    /// All orders, by place in time.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        self.queue.iter()
    }

    /// How many orders there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there is no order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many traders have an order.
    #[must_use]
    pub fn trader_count(&self) -> usize {
        self.owners.traders()
    }

    /// Those who have an order, by number.
    pub fn traders(&self) -> impl Iterator<Item = UserId> {
        self.owners.iter()
    }

    /// How many orders a trader has.
    #[must_use]
    pub fn count_of(&self, trader: UserId) -> usize {
        self.owners.count(trader)
    }

    /// The limit orders added up by price, the lowest first: what an open book publishes.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = Level> {
        self.levels.iter()
    }

    /// The best limit of a side, and what is wanted or offered at it.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Quote> {
        match side {
            Side::Buy => self.buys().next(),
            Side::Sell => self.sells().next(),
        }
    }

    /// The limits to buy and what is wanted at each, the highest first. What is offered beside them costs little to
    /// pass over.
    pub fn buys(&self) -> impl Iterator<Item = Quote> {
        self.levels.buys()
    }

    /// The limits to sell and what is offered at each, the lowest first; as [`buys`](Self::buys).
    pub fn sells(&self) -> impl Iterator<Item = Quote> {
        self.levels.sells()
    }

    /// Shares of the market orders of a side.
    #[must_use]
    pub fn market_quantity(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.market_buy,
            Side::Sell => self.market_sell,
        }
    }

    /// What would be wanted and offered at any price.
    #[must_use]
    pub fn at(&self, price: Price) -> Point {
        self.levels.at(price, self.market_buy, self.market_sell)
    }

    /// What an uncross now would give, collar aside. Reads a few levels, whatever the number of orders.
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

    /// The number of the last order that was added; zero: there was none.
    #[must_use]
    pub fn last_id(&self) -> OrderId {
        self.last_id
    }

    /// A book of these orders, by place in time; `None` when they could not have come together so.
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

/// The same orders, in the same order of time: whatever lies between them in memory.
impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
            && self.last_id == other.last_id
            && self.orders().eq(other.orders())
    }
}

impl Eq for Book {}
