//! Batches that are kept: those that wait for others before them, and the latest in order, for those who ask.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use auction_core::FeedSequence;
use auction_proto::BatchStatement;

use super::limits::{
    KEPT_BATCHES_MAX, KEPT_BYTES_MAX, RANGE_BYTES_MAX, WAITING_BATCHES_MAX, WAITING_BYTES_MAX,
};
use crate::peer::message::Letter;

/// A batch whose signature was checked. Clones share all of it.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) letter: Arc<Letter>,
    pub(super) statement: Arc<BatchStatement>,
}

/// Batches that cannot be told yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    batches: BTreeMap<(FeedSequence, FeedSequence), Checked>,
    bytes: usize,
}

impl Waiting {
    /// Holds a batch; what is furthest ahead is let go when there is no room.
    pub(super) fn hold(&mut self, checked: Checked) {
        let place = (checked.statement.after, checked.statement.through);
        self.bytes += checked.letter.bytes.len();
        if let Some(before) = self.batches.insert(place, checked) {
            self.bytes -= before.letter.bytes.len();
        }
        while self.batches.len() > WAITING_BATCHES_MAX || self.bytes > WAITING_BYTES_MAX {
            let Some((_, last)) = self.batches.pop_last() else {
                return;
            };
            self.bytes -= last.letter.bytes.len();
        }
    }

    /// The next batch that begins at a place or before it.
    pub(super) fn take(&mut self, place: FeedSequence) -> Option<Checked> {
        let first = self.batches.first_entry()?;
        if first.key().0 > place {
            return None;
        }
        let checked = first.remove();
        self.bytes -= checked.letter.bytes.len();
        Some(checked)
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.batches.len(), self.bytes)
    }
}

/// How much follows a snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behind {
    batches: usize,
    bytes: usize,
}

impl Behind {
    pub(super) fn add(&mut self, checked: &Checked) {
        self.batches += 1;
        self.bytes += checked.letter.bytes.len();
    }

    /// Whether half of what can be kept is used up: when all is, the snapshot is of no use to others any more.
    pub(super) fn is_much(&self) -> bool {
        self.batches > KEPT_BATCHES_MAX / 2 || self.bytes > KEPT_BYTES_MAX / 2
    }
}

/// The latest batches in order, without a gap.
#[derive(Debug, Default)]
pub(super) struct Past {
    batches: VecDeque<Checked>,
    bytes: usize,
}

impl Past {
    pub(super) fn push(&mut self, checked: Checked) {
        self.bytes += checked.letter.bytes.len();
        self.batches.push_back(checked);
        while self.batches.len() > KEPT_BATCHES_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.batches.pop_front() else {
                return;
            };
            self.bytes -= oldest.letter.bytes.len();
        }
    }

    /// The batches behind a place, as many as one answer holds; none when the first of them is not kept any more.
    pub(super) fn since(&self, place: FeedSequence) -> Vec<Arc<Letter>> {
        let from = self
            .batches
            .partition_point(|checked| checked.statement.through <= place);
        let reaches = |checked: &Checked| checked.statement.after <= place;
        if !self.batches.get(from).is_some_and(reaches) {
            return Vec::new();
        }
        let mut bytes = 0;
        let letters = self.batches.range(from..).map(|checked| &checked.letter);
        let fitting = letters.take_while(|letter| {
            bytes += letter.bytes.len();
            bytes <= RANGE_BYTES_MAX
        });
        fitting.cloned().collect()
    }

    /// How many there are behind a place, and their bytes.
    pub(super) fn behind(&self, place: FeedSequence) -> Behind {
        let from = self
            .batches
            .partition_point(|checked| checked.statement.through <= place);
        let mut behind = Behind::default();
        self.batches
            .range(from..)
            .for_each(|checked| behind.add(checked));
        behind
    }

    pub(super) fn newest(&self) -> Option<&Checked> {
        self.batches.back()
    }

    /// The place before the oldest that is kept.
    pub(super) fn begins(&self) -> Option<FeedSequence> {
        self.batches.front().map(|checked| checked.statement.after)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
