//! An incoming order, in the units of the book.

use super::order::{Execution, SelfTrade};
use crate::UserId;
use crate::clearing::call::{Rank, Side};

/// An incoming order that was checked against the terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) owner: UserId,
    pub(super) side: Side,
    pub(super) quantity: u64,
    pub(super) rank: Rank,
    /// The limit in ticks.
    pub(super) ticks: u64,
    pub(super) execution: Execution,
    pub(super) self_trade: SelfTrade,
}

impl Incoming {
    /// Returns true when a rest would get a place in the book.
    #[inline]
    pub(super) fn may_rest(&self) -> bool {
        self.rank != Rank::MARKET && matches!(self.execution, Execution::Day | Execution::PostOnly)
    }
}
