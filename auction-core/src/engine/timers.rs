//! Deadlines of lots: ordered by time, then by lot.

use alloc::collections::BTreeSet;

use crate::{LotId, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers(BTreeSet<(Timestamp, LotId)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Timestamp, lot: LotId) {
        self.0.insert((at, lot));
    }

    pub(crate) fn clear(&mut self, at: Timestamp, lot: LotId) {
        let was_set = self.0.remove(&(at, lot));
        assert!(was_set, "an open lot has its deadline");
    }

    pub(crate) fn next(&self) -> Option<(Timestamp, LotId)> {
        self.0.first().copied()
    }

    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, LotId)> {
        self.0.iter().copied().take_while(move |(at, _)| *at <= now)
    }
}
