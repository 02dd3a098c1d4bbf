//! Splitting of a market into parts of bounded size, and assembly of a market from them.

use alloc::collections::btree_map::Values;
use alloc::vec::Vec;

use auction_core::limits::{LOTS_MAX, STOCKS_MAX, USERS_MAX};
use auction_core::{FoldError, Lot, Market, MarketParts, Stock, Symbol, User, UserId};

use crate::encoding::list::List;
use crate::limits::{PART_LOTS_MAX, PART_STOCKS_MAX, PART_USERS_MAX};
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
        let stocks = self.stocks.by_ref().take(PART_STOCKS_MAX).copied();
        let lots = split_first(&mut self.lots, PART_LOTS_MAX);
        let (users, stocks) = (users.collect(), stocks.collect());
        let done = self.users.is_empty() && self.stocks.len() == 0 && self.lots.is_empty();
        self.next = (!done).then(|| index + 1);
        Some(SnapshotPart {
            market: self.parts.id,
            index,
            follows: if done {
                Follows::Nothing
            } else {
                Follows::More
            },
            feed_sequence: self.parts.feed_sequence,
            at: self.parts.at,
            accounts: self.parts.accounts,
            users: bounded(users),
            stocks: bounded(stocks),
            lots: bounded(lots.to_vec()),
        })
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
        if follows == Follows::More {
            return Ok(None);
        }
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
        parts.lots.extend(part.lots);
        Ok(())
    }
}
