//! Stores of batches: those that wait for earlier ones, and the latest in order, for other peers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use auction_core::FeedSequence;
use auction_proto::BatchStatement;

use super::limits::{
    CACHED_BATCHES_MAX, CACHED_BYTES_MAX, RANGE_BYTES_MAX, WAITING_BATCHES_MAX, WAITING_BYTES_MAX,
};
use crate::peer::message::GossipMessage;

/// A batch whose signature was checked. Clones share their content.
#[derive(Clone, Debug)]
pub(super) struct VerifiedBatch {
    pub(super) message: Arc<GossipMessage>,
    pub(super) statement: Arc<BatchStatement>,
}

/// Batches that cannot be emitted yet, because earlier ones are missing.
#[derive(Debug, Default)]
pub(super) struct PendingBatches {
    batches: BTreeMap<(FeedSequence, FeedSequence), VerifiedBatch>,
    bytes: usize,
}

impl PendingBatches {
    /// Adds a batch; drops the one furthest ahead when there is no room.
    pub(super) fn hold(&mut self, checked: VerifiedBatch) {
        let place = (checked.statement.after, checked.statement.through);
        self.bytes += checked.message.bytes.len();
        if let Some(before) = self.batches.insert(place, checked) {
            self.bytes -= before.message.bytes.len();
        }
        while self.batches.len() > WAITING_BATCHES_MAX || self.bytes > WAITING_BYTES_MAX {
            let Some((_, last)) = self.batches.pop_last() else {
                return;
            };
            self.bytes -= last.message.bytes.len();
        }
    }

    /// Removes the next batch that begins at a place or before it.
    pub(super) fn take(&mut self, place: FeedSequence) -> Option<VerifiedBatch> {
        let first = self.batches.first_entry()?;
        if first.key().0 > place {
            return None;
        }
        let checked = first.remove();
        self.bytes -= checked.message.bytes.len();
        Some(checked)
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.batches.len(), self.bytes)
    }
}

/// Number and size of the batches after a snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    batches: usize,
    bytes: usize,
}

impl Backlog {
    pub(super) fn add(&mut self, checked: &VerifiedBatch) {
        self.batches += 1;
        self.bytes += checked.message.bytes.len();
    }

    /// Returns true if half of the cache's capacity is used: once it is full, the snapshot is of no use to others.
    pub(super) fn is_much(&self) -> bool {
        self.batches > CACHED_BATCHES_MAX / 2 || self.bytes > CACHED_BYTES_MAX / 2
    }
}

/// The latest batches in order, without a gap.
#[derive(Debug, Default)]
pub(super) struct BatchCache {
    batches: VecDeque<VerifiedBatch>,
    bytes: usize,
}

impl BatchCache {
    pub(super) fn push(&mut self, checked: VerifiedBatch) {
        self.bytes += checked.message.bytes.len();
        self.batches.push_back(checked);
        while self.batches.len() > CACHED_BATCHES_MAX || self.bytes > CACHED_BYTES_MAX {
            let Some(oldest) = self.batches.pop_front() else {
                return;
            };
            self.bytes -= oldest.message.bytes.len();
        }
    }

    /// Returns the batches after a place, as many as fit one answer; none if the first of them is no longer cached.
    pub(super) fn since(&self, place: FeedSequence) -> Vec<Arc<GossipMessage>> {
        let from = self
            .batches
            .partition_point(|checked| checked.statement.through <= place);
        let reaches = |checked: &VerifiedBatch| checked.statement.after <= place;
        if !self.batches.get(from).is_some_and(reaches) {
            return Vec::new();
        }
        let mut bytes = 0;
        let messages = self.batches.range(from..).map(|checked| &checked.message);
        let fitting = messages.take_while(|message| {
            bytes += message.bytes.len();
            bytes <= RANGE_BYTES_MAX
        });
        fitting.cloned().collect()
    }

    /// Returns the number and size of the batches after a place.
    pub(super) fn behind(&self, place: FeedSequence) -> Backlog {
        let from = self
            .batches
            .partition_point(|checked| checked.statement.through <= place);
        let mut behind = Backlog::default();
        self.batches
            .range(from..)
            .for_each(|checked| behind.add(checked));
        behind
    }

    pub(super) fn newest(&self) -> Option<&VerifiedBatch> {
        self.batches.back()
    }

    /// Returns the place before the oldest cached batch.
    pub(super) fn begins(&self) -> Option<FeedSequence> {
        self.batches.front().map(|checked| checked.statement.after)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
