//! Limits of each trader in the book, to prevent trades with oneself.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::order::{Rank, Side};
use crate::UserId;

#[derive(Clone, Debug, Default)]
pub(super) struct Owners(BTreeMap<UserId, Owned>);

/// Ranks of a trader's orders, the most willing last.
#[derive(Clone, Debug, Default)]
struct Owned {
    buys: Vec<Rank>,
    sells: Vec<Rank>,
}

impl Owners {
    pub(super) fn add(&mut self, trader: UserId, side: Side, rank: Rank) {
        let ranks = self.0.entry(trader).or_default().side_mut(side);
        let place = ranks.partition_point(|other| *other < rank);
        ranks.insert(place, rank);
    }

    pub(super) fn remove(&mut self, trader: UserId, side: Side, rank: Rank) {
        let owned = self
            .0
            .get_mut(&trader)
            .expect("a resting order has its owner");
        let ranks = owned.side_mut(side);
        let place = ranks
            .binary_search(&rank)
            .expect("a resting order has its owner");
        ranks.remove(place);
        if owned.buys.is_empty() && owned.sells.is_empty() {
            self.0.remove(&trader);
        }
    }

    pub(super) fn remove_all(&mut self, trader: UserId) {
        self.0.remove(&trader);
    }

    /// Returns the number of traders with an order.
    pub(super) fn traders(&self) -> usize {
        self.0.len()
    }

    /// Returns the traders with an order.
    pub(super) fn iter(&self) -> impl Iterator<Item = UserId> {
        self.0.keys().copied()
    }

    pub(super) fn count(&self, trader: UserId) -> usize {
        self.0
            .get(&trader)
            .map_or(0, |owned| owned.buys.len() + owned.sells.len())
    }

    /// Returns the rank of the trader's most willing order of a side.
    pub(super) fn best(&self, trader: UserId, side: Side) -> Option<Rank> {
        let owned = self.0.get(&trader)?;
        match side {
            Side::Buy => owned.buys.last().copied(),
            Side::Sell => owned.sells.last().copied(),
        }
    }
}

impl Owned {
    fn side_mut(&mut self, side: Side) -> &mut Vec<Rank> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }
}
