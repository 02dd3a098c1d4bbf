//! Deadlines of lots: ordered by time, then by lot.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::{LotId, Timestamp};

#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Timestamp, LotId)>,
    /// By lot, whose numbers are dense.
    of_lot: Vec<Option<Timestamp>>,
}

impl Timers {
    /// Sets the deadline of a lot, in place of the one it had; `None`: it has none.
    pub(crate) fn set(&mut self, lot: LotId, at: Option<Timestamp>) {
        let before = self.of(lot);
        if before == at {
            return;
        }
        let Some(index) = lot.index() else {
            return;
        };
        if self.of_lot.len() <= index {
            self.of_lot.resize(index + 1, None);
        }
        self.of_lot[index] = at;
        if let Some(before) = before {
            self.queue.remove(&(before, lot));
        }
        if let Some(at) = at {
            self.queue.insert((at, lot));
        }
    }

    /// Returns the deadline of a lot.
    pub(crate) fn of(&self, lot: LotId) -> Option<Timestamp> {
        *self.of_lot.get(lot.index()?)?
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
