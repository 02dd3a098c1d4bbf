//! Deadlines of lots: ordered by time, then by lot.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::{LotId, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers {
    queue: BTreeSet<(Timestamp, LotId)>,
    of_lot: BTreeMap<LotId, Timestamp>,
}

impl Timers {
    /// Sets the deadline of a lot, in place of the one it had; `None`: it has none.
    pub(crate) fn set(&mut self, lot: LotId, at: Option<Timestamp>) {
        let before = match at {
            Some(at) => self.of_lot.insert(lot, at),
            None => self.of_lot.remove(&lot),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, lot));
        }
        if let Some(at) = at {
            self.queue.insert((at, lot));
        }
    }

    /// Returns the deadline of a lot.
    pub(crate) fn of(&self, lot: LotId) -> Option<Timestamp> {
        self.of_lot.get(&lot).copied()
    }

    pub(crate) fn next(&self) -> Option<(Timestamp, LotId)> {
        self.queue.first().copied()
    }

    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, LotId)> {
        self.queue
            .iter()
            .copied()
            .take_while(move |(at, _)| *at <= now)
    }
}
