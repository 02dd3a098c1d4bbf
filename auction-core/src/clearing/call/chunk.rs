//! A range of neighbouring prices, and their sums.

use alloc::vec::Vec;

use super::order::Side;
use crate::Price;

/// Maximum number of prices in a chunk. Finding the crossing reads every chunk's sums and then one chunk: with a
/// thousand prices about twenty chunks and a hundred prices.
pub(super) const CHUNK_LEVELS_MAX: usize = 128;

/// The limit orders at one price. Quantities in shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Level {
    /// The limit.
    pub price: Price,
    /// Wanted by buyers with this limit.
    pub buy: u64,
    /// Offered by sellers with this limit.
    pub sell: u64,
}

impl Level {
    fn side(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        }
    }
}

/// A range of prices, never empty, and its sums.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Prices from here to the next chunk's `from` belong to this chunk; the lowest chunk also holds all lower prices.
    pub(super) from: Price,
    pub(super) buy: u64,
    pub(super) sell: u64,
    pub(super) levels: Vec<Level>,
}

impl Chunk {
    pub(super) fn of(levels: Vec<Level>) -> Self {
        Self {
            from: levels.first().map_or(Price::ZERO, |level| level.price),
            buy: levels.iter().map(|level| level.buy).sum(),
            sell: levels.iter().map(|level| level.sell).sum(),
            levels,
        }
    }

    pub(super) fn add(&mut self, side: Side, price: Price, shares: u64) {
        let level = match self
            .levels
            .binary_search_by_key(&price, |level| level.price)
        {
            Ok(level) => level,
            Err(level) => {
                self.levels.insert(
                    level,
                    Level {
                        price,
                        buy: 0,
                        sell: 0,
                    },
                );
                level
            }
        };
        *self.levels[level].side(side) += shares;
        *self.side(side) += shares;
    }

    pub(super) fn remove(&mut self, side: Side, price: Price, shares: u64) {
        let level = self
            .levels
            .binary_search_by_key(&price, |level| level.price)
            .expect("a resting order's price has its level");
        *self.levels[level].side(side) -= shares;
        *self.side(side) -= shares;
        if self.levels[level].buy == 0 && self.levels[level].sell == 0 {
            self.levels.remove(level);
        }
    }

    /// Appends the chunk of higher prices that follows.
    pub(super) fn append(&mut self, mut upper: Self) {
        self.levels.append(&mut upper.levels);
        self.buy += upper.buy;
        self.sell += upper.sell;
    }

    /// Splits off the higher half.
    pub(super) fn split(&mut self) -> Self {
        let mut upper = Vec::with_capacity(CHUNK_LEVELS_MAX);
        upper.extend(self.levels.drain(CHUNK_LEVELS_MAX / 2..));
        let upper = Self::of(upper);
        self.buy -= upper.buy;
        self.sell -= upper.sell;
        upper
    }

    fn side(&mut self, side: Side) -> &mut u64 {
        match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        }
    }
}
