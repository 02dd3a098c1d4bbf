//! Totals by price, in order of price, with sums over ranges of prices: the crossing is found by adding up ranges and
//! then searching one of them, whatever the orders did before.
//!
//! A range (chunk) holds at most [`CHUNK_LEVELS_MAX`] prices. Chunks that shrink are joined, so that a book of n prices
//! has no more than about 4n / [`CHUNK_LEVELS_MAX`] of them.

use alloc::vec::Vec;

use smallvec::SmallVec;

use super::chunk::{CHUNK_LEVELS_MAX, Chunk, Level};
use super::ladder::{Point, Quote};
use super::order::Side;
use crate::Price;

#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    chunks: Vec<Chunk>,
    /// Sum of all prices.
    buy: u64,
}

/// A position among the levels: at an existing level, or just after the last.
#[derive(Clone, Copy)]
struct Cursor {
    chunk: usize,
    level: usize,
    /// Wanted at lower prices.
    buy_below: u64,
    /// Offered at lower prices.
    sell_below: u64,
}

impl Levels {
    pub(super) fn add(&mut self, side: Side, price: Price, shares: u64) {
        let chunk = self.chunk_of(price);
        if self.chunks.is_empty() {
            self.chunks
                .push(Chunk::of(Vec::with_capacity(CHUNK_LEVELS_MAX)));
        }
        self.chunks[chunk].add(side, price, shares);
        if side == Side::Buy {
            self.buy += shares;
        }
        if self.chunks[chunk].levels.len() == CHUNK_LEVELS_MAX {
            let upper = self.chunks[chunk].split();
            self.chunks.insert(chunk + 1, upper);
        }
    }

    pub(super) fn remove(&mut self, side: Side, price: Price, shares: u64) {
        let chunk = self.chunk_of(price);
        self.chunks[chunk].remove(side, price, shares);
        if side == Side::Buy {
            self.buy -= shares;
        }
        if self.chunks[chunk].levels.is_empty() {
            self.chunks.remove(chunk);
        } else {
            self.join(chunk);
            if let Some(lower) = chunk.checked_sub(1) {
                self.join(lower);
            }
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Level> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.levels.iter().copied())
    }

    /// Returns the quantity wanted at each limit, the highest first.
    pub(super) fn buys(&self) -> impl Iterator<Item = Quote> {
        let chunks = self.chunks.iter().rev().filter(|chunk| chunk.buy > 0);
        let levels = chunks.flat_map(|chunk| chunk.levels.iter().rev());
        levels.filter_map(|level| quote(level.price, level.buy))
    }

    /// Returns the quantity offered at each limit, the lowest first.
    pub(super) fn sells(&self) -> impl Iterator<Item = Quote> {
        let chunks = self.chunks.iter().filter(|chunk| chunk.sell > 0);
        let levels = chunks.flat_map(|chunk| chunk.levels.iter());
        levels.filter_map(|level| quote(level.price, level.sell))
    }

    /// Returns both cumulative quantities at any price.
    pub(super) fn at(&self, price: Price, market_buy: u64, market_sell: u64) -> Point {
        let (mut buy_below, mut sell) = (0, 0);
        let own = self.chunk_of(price);
        for chunk in self.chunks.iter().take(own) {
            buy_below += chunk.buy;
            sell += chunk.sell;
        }
        let levels = self.chunks.get(own).map_or(&[][..], |chunk| &chunk.levels);
        for level in levels.iter().take_while(|level| level.price <= price) {
            if level.price < price {
                buy_below += level.buy;
            }
            sell += level.sell;
        }
        Point {
            price,
            buy: market_buy + self.buy - buy_below,
            sell: market_sell + sell,
        }
    }

    /// Returns every limit price with its cumulative quantities, the lowest first.
    pub(super) fn points(&self, market_buy: u64, market_sell: u64) -> impl Iterator<Item = Point> {
        let (mut buy, mut sell) = (market_buy + self.buy, market_sell);
        self.iter().map(move |level| {
            sell += level.sell;
            let point = Point {
                price: level.price,
                buy,
                sell,
            };
            buy -= level.buy;
            point
        })
    }

    /// Returns the two highest prices without a sell surplus and the two lowest with one: the ladder's result for all
    /// prices is its result for these.
    ///
    /// The surplus falls as the price rises, and is equal at no more than two neighbours (a price with sell orders
    /// only, then one with buy orders only). So the volume is greatest at one of the two middle prices, any other price
    /// with the same surplus is its outer neighbour, and the neighbours also show if other prices share the greatest
    /// volume.
    pub(super) fn crossing(&self, market_buy: u64, market_sell: u64) -> SmallVec<[Point; 4]> {
        let mut cursor = self.first_oversold(market_buy + self.buy, market_sell);
        for _ in 0..2 {
            cursor = self.back(cursor).unwrap_or(cursor);
        }
        let mut points = SmallVec::new();
        while points.len() < 4
            && let Some(level) = self.level(cursor)
        {
            points.push(Point {
                price: level.price,
                buy: market_buy + self.buy - cursor.buy_below,
                sell: market_sell + cursor.sell_below + level.sell,
            });
            cursor = self.forward(cursor, level);
        }
        points
    }

    /// Returns the lowest price with a sell surplus: `buy - buy_below < sell + sell_below + own sell`.
    fn first_oversold(&self, buy: u64, sell: u64) -> Cursor {
        let mut cursor = Cursor {
            chunk: 0,
            level: 0,
            buy_below: 0,
            sell_below: 0,
        };
        let oversold = |buy_below: u64, sell_to: u64| sell + sell_to + buy_below > buy;
        while let Some(chunk) = self.chunks.get(cursor.chunk) {
            // If even all of the chunk's quantity makes no sell surplus, neither does any of its prices.
            let (buy_to, sell_to) = (cursor.buy_below + chunk.buy, cursor.sell_below + chunk.sell);
            if oversold(buy_to, sell_to) {
                for level in &chunk.levels {
                    if oversold(cursor.buy_below, cursor.sell_below + level.sell) {
                        return cursor;
                    }
                    cursor.level += 1;
                    cursor.buy_below += level.buy;
                    cursor.sell_below += level.sell;
                }
            }
            cursor = Cursor {
                chunk: cursor.chunk + 1,
                level: 0,
                buy_below: buy_to,
                sell_below: sell_to,
            };
        }
        cursor
    }

    fn level(&self, cursor: Cursor) -> Option<Level> {
        self.chunks
            .get(cursor.chunk)?
            .levels
            .get(cursor.level)
            .copied()
    }

    fn back(&self, cursor: Cursor) -> Option<Cursor> {
        let (chunk, level) = match cursor.level.checked_sub(1) {
            Some(level) => (cursor.chunk, level),
            None => {
                let chunk = cursor.chunk.checked_sub(1)?;
                (chunk, self.chunks[chunk].levels.len() - 1)
            }
        };
        let before = self.chunks[chunk].levels[level];
        Some(Cursor {
            chunk,
            level,
            buy_below: cursor.buy_below - before.buy,
            sell_below: cursor.sell_below - before.sell,
        })
    }

    fn forward(&self, cursor: Cursor, level: Level) -> Cursor {
        let is_last = cursor.level + 1 == self.chunks[cursor.chunk].levels.len();
        Cursor {
            chunk: cursor.chunk + usize::from(is_last),
            level: if is_last { 0 } else { cursor.level + 1 },
            buy_below: cursor.buy_below + level.buy,
            sell_below: cursor.sell_below + level.sell,
        }
    }

    /// Returns the chunk that holds a price or would hold it.
    fn chunk_of(&self, price: Price) -> usize {
        let above = self.chunks.partition_point(|chunk| chunk.from <= price);
        above.saturating_sub(1)
    }

    /// Joins a chunk with the next if together they are at most half full.
    fn join(&mut self, chunk: usize) {
        let Some(upper) = Some(chunk + 1).filter(|upper| *upper < self.chunks.len()) else {
            return;
        };
        let together = self.chunks[chunk].levels.len() + self.chunks[upper].levels.len();
        if together <= CHUNK_LEVELS_MAX / 2 {
            let upper = self.chunks.remove(upper);
            self.chunks[chunk].append(upper);
        }
    }
}

fn quote(price: Price, quantity: u64) -> Option<Quote> {
    (quantity > 0).then_some(Quote { price, quantity })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reading every chunk's sums must stay fast whatever orders came and went.
    #[test]
    #[cfg_attr(miri, ignore = "ten thousand levels take miri many minutes")]
    fn chunks_that_have_grown_empty_are_joined() {
        let price = |units| Price::from_units(units).unwrap();
        let mut levels = Levels::default();
        for units in 1..=10_000 {
            levels.add(Side::Buy, price(units), 1);
        }
        for units in (1..=10_000).filter(|units| units % 50 != 0) {
            levels.remove(Side::Buy, price(units), 1);
        }
        let left = levels.iter().count();
        assert_eq!(left, 200);
        assert!(levels.chunks.len() <= 4 * left / CHUNK_LEVELS_MAX + 1);
        for units in (1..=200).rev().map(|nth| nth * 50) {
            levels.remove(Side::Buy, price(units), 1);
        }
        assert!(levels.chunks.is_empty());
    }
}
