//! The latest batches: for those who resume, and for those who watch and are behind.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::FeedSequence;
use auction_proto::ResyncBecause;

use super::FeedMessage;

/// How many batches are kept for those who resume, and for those who watch and are behind.
pub const REPLAY_BATCHES_MAX: usize = 16_384;
/// How many bytes of them, their JSON counted whether anyone asks for it or not.
pub const REPLAY_BYTES_MAX: usize = 64 << 20;

/// The latest batches, bounded by their number and by their bytes. It alone keeps them: whoever is slower than
/// this is behind for good.
pub(super) struct ReplayBuffer {
    batches: VecDeque<Arc<FeedMessage>>,
    bytes: usize,
    bounds: Bounds,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) batches: usize,
    pub(super) bytes: usize,
}

impl Default for ReplayBuffer {
    fn default() -> Self {
        Self::with_bounds(Bounds {
            batches: REPLAY_BATCHES_MAX,
            bytes: REPLAY_BYTES_MAX,
        })
    }
}

impl ReplayBuffer {
    pub(super) fn with_bounds(bounds: Bounds) -> Self {
        Self {
            batches: VecDeque::new(),
            bytes: 0,
            bounds,
        }
    }

    /// Keeps a batch, and forgets the oldest beyond the bounds. The newest stays, however large it is.
    pub(super) fn keep(&mut self, published: Arc<FeedMessage>) {
        self.bytes += published.bytes();
        self.batches.push_back(published);
        while self.batches.len() > 1
            && (self.bytes > self.bounds.bytes || self.batches.len() > self.bounds.batches)
        {
            if let Some(oldest) = self.batches.pop_front() {
                self.bytes -= oldest.bytes();
            }
        }
    }

    /// All batches after `seen`; or why not: they are not all here, or `seen` lies within one.
    pub(super) fn since(
        &self,
        seen: FeedSequence,
        last: FeedSequence,
    ) -> Result<VecDeque<Weak<FeedMessage>>, ResyncBecause> {
        if seen == last {
            return Ok(VecDeque::new());
        }
        let after = |published: &Arc<FeedMessage>| match &**published {
            FeedMessage::Batch(batch) => batch.feed.after,
            FeedMessage::Heartbeat(_) | FeedMessage::Indicative(_) => {
                unreachable!("only batches are kept")
            }
        };
        let at = self
            .batches
            .partition_point(|published| after(published) < seen);
        match self.batches.get(at) {
            Some(first) if after(first) == seen => {
                Ok(self.batches.range(at..).map(Arc::downgrade).collect())
            }
            _ if self
                .batches
                .front()
                .is_none_or(|oldest| after(oldest) > seen) =>
            {
                Err(ResyncBecause::TooLongAgo)
            }
            _ => Err(ResyncBecause::UnknownPlace),
        }
    }
}
