//! Snapshots, each encoded once and shared: even many clients that reconnect while others bid cause few snapshots.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::Market;

use super::replay_buffer::ReplayBuffer;
use super::{FeedMessage, Snapshot};

/// Maximum number of snapshots that are being sent to slow clients. At the maximum `Hub::snapshot` is busy, and a new
/// watcher gets the latest one with the batches since.
pub const SNAPSHOTS_MAX: usize = 64;

/// Up to this size, a new snapshot is made for each sequence number at which a watch starts.
const SMALL_BYTES: usize = 64 << 10;

/// The latest snapshot, and those that are still being sent.
#[derive(Default)]
pub(super) struct Snapshots {
    latest: Option<Arc<Snapshot>>,
    /// Bytes of the batches after the latest snapshot.
    since_bytes: usize,
    in_use: Vec<Weak<Snapshot>>,
}

impl Snapshots {
    /// Counts the bytes of a batch.
    pub(super) fn note_batch(&mut self, bytes: usize) {
        self.since_bytes = self.since_bytes.saturating_add(bytes);
        let useless = |latest: &Arc<Snapshot>| {
            let bytes = latest.bytes();
            // To catch up from it costs more than a new snapshot.
            bytes <= SMALL_BYTES || self.since_bytes > bytes
        };
        if self.latest.as_ref().is_some_and(useless) && self.has_room() {
            self.latest = None;
        }
    }

    /// Returns a snapshot of the current market; `None` when too many are being sent.
    pub(super) fn newest(&mut self, market: &Market) -> Option<Arc<Snapshot>> {
        let latest = self.latest.as_ref();
        let newest = latest.filter(|latest| latest.feed_sequence == market.feed_sequence());
        match newest {
            Some(newest) => Some(newest.clone()),
            None if self.has_room() => Some(self.make(market)),
            None => None,
        }
    }

    /// Returns a snapshot and the batches since: together at most twice the size of the market, or more from the latest
    /// snapshot when too many are being sent.
    pub(super) fn recent(
        &mut self,
        market: &Market,
        replay_buffer: &ReplayBuffer,
    ) -> (Arc<Snapshot>, VecDeque<Weak<FeedMessage>>) {
        if let Some(latest) = &self.latest
            && let Ok(missed) = replay_buffer.since(latest.feed_sequence, market.feed_sequence())
        {
            return (latest.clone(), missed);
        }
        (self.make(market), VecDeque::new())
    }

    fn make(&mut self, market: &Market) -> Arc<Snapshot> {
        let snapshot = Arc::new(Snapshot::of(market));
        self.in_use.retain(|snapshot| snapshot.strong_count() > 0);
        self.in_use.push(Arc::downgrade(&snapshot));
        self.latest = Some(snapshot.clone());
        self.since_bytes = 0;
        snapshot
    }

    fn has_room(&self) -> bool {
        let in_use = |snapshot: &&Weak<Snapshot>| snapshot.strong_count() > 0;
        self.in_use.iter().filter(in_use).count() < SNAPSHOTS_MAX
    }
}
