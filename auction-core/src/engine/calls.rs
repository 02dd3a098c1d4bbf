//! Open call auctions in which each trader has orders, which a suspension cancels. Derived from the lots.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::lot::LotSecret;
use crate::{LotId, UserId};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls(BTreeMap<UserId, BTreeSet<LotId>>);

impl Calls {
    pub(super) fn of_lots(hidden: &[LotSecret]) -> Self {
        let mut calls = Self::default();
        for (index, hidden) in hidden.iter().enumerate() {
            for trader in hidden.call_traders() {
                calls.set(trader, LotId::at_index(index), true);
            }
        }
        calls
    }

    /// Records that a trader has orders in a call auction, or has none.
    pub(super) fn set(&mut self, trader: UserId, lot: LotId, has_orders: bool) {
        if has_orders {
            self.0.entry(trader).or_default().insert(lot);
        } else if let Some(lots) = self.0.get_mut(&trader) {
            lots.remove(&lot);
            if lots.is_empty() {
                self.0.remove(&trader);
            }
        }
    }

    pub(super) fn count(&self, trader: UserId) -> usize {
        self.0.get(&trader).map_or(0, BTreeSet::len)
    }

    /// Returns the trader's call auctions, by number.
    pub(super) fn of(&self, trader: UserId) -> impl Iterator<Item = LotId> {
        self.0.get(&trader).into_iter().flatten().copied()
    }
}
