//! Splitting of a market into parts of bounded size, and assembly of a market from them.

use alloc::boxed::Box;
use alloc::collections::btree_map::Values;
use alloc::vec::{self, Vec};

use auction_core::limits::{DAY_ORDERS_MAX, LOTS_MAX, STOCKS_MAX, USERS_MAX};
use auction_core::{
    Book, DayBook, FoldError, Lot, Market, MarketParts, ShownOrder, ShownOrders, Stock, Symbol,
    User, UserId,
};

use crate::encoding::list::List;
use crate::limits::{PART_DAY_ORDERS_MAX, PART_LOTS_MAX, PART_STOCKS_MAX, PART_USERS_MAX};
use crate::message::body::{Follows, SnapshotPart, SnapshotUser};

impl SnapshotPart {
    /// Returns the parts of the market's current state: at least one.
    #[must_use]
    pub fn of_market(market: &Market) -> SnapshotParts<'_> {
        let parts = market.parts();
        SnapshotParts {
            parts,
            next: Some(0),
            users: &parts.users,
            users_done: 0,
            stocks: parts.stocks.values(),
            lots: &parts.lots,
            orders: None,
        }
    }
}

/// Parts of a market, made one by one, so that a large market is never in memory twice.
#[derive(Clone, Debug)]
pub struct SnapshotParts<'a> {
    parts: &'a MarketParts,
    /// Place of the next part; `None` after the last.
    next: Option<u32>,
    users: &'a [User],
    users_done: usize,
    stocks: Values<'a, Symbol, Stock>,
    lots: &'a [Lot],
    /// Shown orders of the first of these lots that are not in a part yet, if some are.
    orders: Option<vec::IntoIter<ShownOrder>>,
}

impl Iterator for SnapshotParts<'_> {
    type Item = SnapshotPart;

    fn next(&mut self) -> Option<SnapshotPart> {
        let index = self.next?;
        let users = split_first(&mut self.users, PART_USERS_MAX);
        let first_user = self.users_done;
        self.users_done += users.len();
        let users = users.iter().enumerate().map(|(place, user)| SnapshotUser {
            user: user_at(first_user + place),
            name: user.name,
            role: user.role,
        });
        let users = users.collect();
        let stocks = self.stocks.by_ref().take(PART_STOCKS_MAX).copied();
        let stocks = stocks.collect();
        let lots = self.next_lots();
        let done = self.users.is_empty() && self.stocks.len() == 0 && self.lots.is_empty();
        self.next = (!done).then(|| index + 1);
        Some(SnapshotPart {
            market: self.parts.id,
            index,
            follows: match (done, self.parts.halted_since) {
                (false, _) => Follows::More,
                (true, None) => Follows::Nothing,
                (true, Some(since)) => Follows::Halted(since),
            },
            feed_sequence: self.parts.feed_sequence,
            at: self.parts.at,
            accounts: self.parts.accounts,
            users: bounded(users),
            stocks: bounded(stocks),
            lots: bounded(lots),
        })
    }
}

impl SnapshotParts<'_> {
    /// Returns the lots of the next part. One with more shown orders than fit comes again in the parts that follow, each
    /// time with the next of them.
    fn next_lots(&mut self) -> Vec<Lot> {
        let mut lots = Vec::new();
        let mut left = PART_DAY_ORDERS_MAX;
        while let Some((lot, others)) = self.lots.split_first() {
            if lots.len() == PART_LOTS_MAX || left == 0 {
                break;
            }
            let Book::Day(book) = &lot.book else {
                lots.push(lot.clone());
                self.lots = others;
                continue;
            };
            let mut orders = self.orders.take().unwrap_or_else(|| {
                let orders: Vec<_> = book.orders.iter().collect();
                orders.into_iter()
            });
            let first: Vec<_> = orders.by_ref().take(left).collect();
            left -= first.len();
            lots.push(with_orders(lot, book, first));
            if orders.len() == 0 {
                self.lots = others;
            } else {
                self.orders = Some(orders);
            }
        }
        lots
    }
}

/// A copy of a lot with some of its orders.
fn with_orders(lot: &Lot, book: &DayBook, orders: Vec<ShownOrder>) -> Lot {
    let book = DayBook {
        ends: book.ends.clone(),
        lengths: book.lengths.clone(),
        orders: ShownOrders::from_orders(orders)
            .expect("orders of a book have numbers of their own"),
        ..*book
    };
    Lot {
        terms: lot.terms.clone(),
        book: Book::Day(Box::new(book)),
        ..*lot
    }
}

fn split_first<'a, T>(rest: &mut &'a [T], most: usize) -> &'a [T] {
    let (first, others) = rest.split_at(most.min(rest.len()));
    *rest = others;
    first
}

fn bounded<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    List::new(elements).expect("no more were taken")
}

fn user_at(index: usize) -> UserId {
    UserId(u32::try_from(index + 1).expect("limits keep numbers within 32 bits"))
}

/// Reason why a part does not fit. Ask for the snapshot again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A part is missing or repeated.
    #[error("part {found} of a snapshot came where part {expected} was expected")]
    OutOfPlace {
        /// Place of the part that arrived.
        found: u32,
        /// Place of the expected part.
        expected: u32,
    },
    /// The part belongs to another snapshot.
    #[error("part {index} belongs to another snapshot")]
    OtherSnapshot {
        /// Place of the part that arrived.
        index: u32,
    },
    /// The users or stocks of the part are not in order.
    #[error(
        "part {index} is out of order: users come by their numbers from 1, stocks by their symbols"
    )]
    OutOfOrder {
        /// Place of the part that arrived.
        index: u32,
    },
    /// The parts contradict each other.
    #[error("the snapshot contradicts itself: {0}")]
    Contradiction(#[from] FoldError),
}

/// Assembles a market from its parts.
#[derive(Clone, Debug, Default)]
pub struct SnapshotAssembler {
    parts: MarketParts,
    next: u32,
    /// Shown orders of the last lot, while parts can bring more of them.
    orders: Vec<ShownOrder>,
}

impl SnapshotAssembler {
    /// Creates an assembler without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part, and returns the market if it was the last; the assembler is then empty again.
    ///
    /// # Errors
    /// [`SnapshotError`] when the part does not fit. The assembler cannot be used any more.
    pub fn add(&mut self, part: SnapshotPart) -> Result<Option<Market>, SnapshotError> {
        let follows = part.follows;
        self.check_place(&part)?;
        self.accept(part)?;
        match follows {
            Follows::More => return Ok(None),
            Follows::Nothing => {}
            Follows::Halted(since) => self.parts.halted_since = Some(since),
        }
        self.complete_lot()?;
        let whole = core::mem::take(self);
        Ok(Some(Market::from_parts(whole.parts)?))
    }

    fn check_place(&mut self, part: &SnapshotPart) -> Result<(), SnapshotError> {
        let index = part.index;
        if index != self.next {
            return Err(SnapshotError::OutOfPlace {
                found: index,
                expected: self.next,
            });
        }
        if index == 0 {
            self.parts.id = part.market;
            self.parts.feed_sequence = part.feed_sequence;
            self.parts.at = part.at;
            self.parts.accounts = part.accounts;
        }
        let same = self.parts.id == part.market
            && self.parts.feed_sequence == part.feed_sequence
            && self.parts.at == part.at
            && self.parts.accounts == part.accounts;
        if !same {
            return Err(SnapshotError::OtherSnapshot { index });
        }
        self.next += 1;
        Ok(())
    }

    fn accept(&mut self, part: SnapshotPart) -> Result<(), SnapshotError> {
        let index = part.index;
        let parts = &mut self.parts;
        // Checked before the part is stored: a server that sends parts without end must not fill the memory.
        let full = parts.users.len() + part.users.len() > USERS_MAX
            || parts.stocks.len() + part.stocks.len() > STOCKS_MAX
            || parts.lots.len() + part.lots.len() > LOTS_MAX;
        if full {
            return Err(FoldError::Full.into());
        }
        for SnapshotUser { user, name, role } in part.users {
            if user != user_at(parts.users.len()) {
                return Err(SnapshotError::OutOfOrder { index });
            }
            parts.users.push(User { name, role });
        }
        for stock in part.stocks {
            let symbol = stock.listing.symbol;
            if parts
                .stocks
                .last_key_value()
                .is_some_and(|(last, _)| *last >= symbol)
            {
                return Err(SnapshotError::OutOfOrder { index });
            }
            parts.stocks.insert(symbol, stock);
        }
        for lot in part.lots {
            self.add_lot(lot)?;
        }
        Ok(())
    }

    /// Adds a lot, or more of the orders of the last one.
    fn add_lot(&mut self, mut lot: Lot) -> Result<(), SnapshotError> {
        let last = self.parts.lots.last().map(|last| last.id);
        let is_again = last == Some(lot.id);
        if !is_again {
            self.complete_lot()?;
        }
        if let Book::Day(book) = &mut lot.book {
            let orders = core::mem::take(&mut book.orders);
            if self.orders.len() + orders.len() > DAY_ORDERS_MAX {
                return Err(FoldError::Full.into());
            }
            self.orders.extend(orders.iter());
        }
        if !is_again {
            self.parts.lots.push(lot);
        } else if self.parts.lots.last() != Some(&lot) {
            return Err(FoldError::NotForLot(lot.id).into());
        }
        Ok(())
    }

    /// Gives the last lot its orders: no part brings more of them.
    fn complete_lot(&mut self) -> Result<(), SnapshotError> {
        let orders = core::mem::take(&mut self.orders);
        let Some(Lot {
            id,
            book: Book::Day(book),
            ..
        }) = self.parts.lots.last_mut()
        else {
            return Ok(());
        };
        book.orders = ShownOrders::from_orders(orders).ok_or(FoldError::NotForLot(*id))?;
        Ok(())
    }
}
