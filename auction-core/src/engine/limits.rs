//! Limits of traders on trading days: what was set, and orders of the running second.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::model::day::{TraderLimit, TraderLimits};
use crate::{Reject, Timestamp, UserId};

const MICROS_PER_SECOND: u64 = 1_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Limits {
    /// Of every trader without limits of their own.
    all: Option<TraderLimits>,
    own: BTreeMap<UserId, TraderLimits>,
    /// By user: the second of their last order, and how many orders they placed or replaced in it.
    seconds: Vec<(u64, u32)>,
}

impl Limits {
    pub(super) fn of(&self, trader: UserId) -> TraderLimits {
        let own = self.own.get(&trader).copied();
        own.or(self.all).unwrap_or_default()
    }

    /// Limits as they were set: a trader's own, or those of every trader.
    pub(super) fn set_for(&self, trader: Option<UserId>) -> Option<TraderLimits> {
        match trader {
            Some(trader) => self.own.get(&trader).copied(),
            None => self.all,
        }
    }

    pub(super) fn set(&mut self, trader: Option<UserId>, limits: Option<TraderLimits>) {
        match (trader, limits) {
            (None, limits) => self.all = limits,
            (Some(trader), Some(limits)) => {
                self.own.insert(trader, limits);
            }
            (Some(trader), None) => {
                self.own.remove(&trader);
            }
        }
    }

    /// Checks that a trader can place another order in this second.
    pub(super) fn check_rate(&self, now: Timestamp, trader: UserId) -> Result<(), Reject> {
        let Some(most) = self.of(trader).orders_per_second else {
            return Ok(());
        };
        let last = trader.index().and_then(|index| self.seconds.get(index));
        let placed = last.filter(|(second, _)| *second == second_of(now));
        if placed.map_or(0, |(_, orders)| *orders) < most {
            return Ok(());
        }
        Err(Reject::OverLimit {
            limit: TraderLimit::OrdersPerSecond,
            most: most.into(),
        })
    }

    /// Counts an order that was placed or replaced.
    pub(super) fn placed(&mut self, at: Timestamp, trader: UserId) {
        let Some(index) = trader.index() else {
            return;
        };
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, (0, 0));
        }
        let (second, orders) = &mut self.seconds[index];
        if *second != second_of(at) {
            (*second, *orders) = (second_of(at), 0);
        }
        *orders = orders.saturating_add(1);
    }
}

fn second_of(at: Timestamp) -> u64 {
    at.micros() / MICROS_PER_SECOND
}
