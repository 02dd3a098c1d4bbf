//! Snapshots, each encoded once and shared: also a storm of clients that reconnect while others bid makes few.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::Market;

use super::replay_buffer::ReplayBuffer;
use super::{FeedMessage, Snapshot};

/// How many snapshots can be on their way to slow clients; with as many, `Hub::snapshot` is busy, and who
/// begins to watch is given the latest of them, with what came since.
pub const SNAPSHOTS_MAX: usize = 64;

/// A snapshot of no more bytes is made anew for each sequence at which someone begins to watch.
const SMALL_BYTES: usize = 64 << 10;

/// The latest snapshot, and those that are still on their way to someone.
#[derive(Default)]
pub(super) struct Snapshots {
    latest: Option<Arc<Snapshot>>,
    /// How many bytes of batches came after the latest.
    since_bytes: usize,
    in_use: Vec<Weak<Snapshot>>,
}

impl Snapshots {
    /// So many bytes of batches came.
    pub(super) fn note_batch(&mut self, bytes: usize) {
        self.since_bytes = self.since_bytes.saturating_add(bytes);
        let useless = |latest: &Arc<Snapshot>| {
            let bytes = latest.bytes();
            // It is longer to go on from than to make anew.
            bytes <= SMALL_BYTES || self.since_bytes > bytes
        };
        if self.latest.as_ref().is_some_and(useless) && self.has_room() {
            self.latest = None;
        }
    }

    /// The market as it stands; `None` when too many are under way.
    pub(super) fn newest(&mut self, market: &Market) -> Option<Arc<Snapshot>> {
        let latest = self.latest.as_ref();
        let newest = latest.filter(|latest| latest.feed_sequence == market.feed_sequence());
        match newest {
            Some(newest) => Some(newest.clone()),
            None if self.has_room() => Some(self.make(market)),
            None => None,
        }
    }

    /// A snapshot to go on from, and what came since: together no more than twice the market, or the latest
    /// one of all when too many are under way.
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
