//! The latest batches: for those who resume, and for those who watch and are behind.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::FeedSequence;
use auction_proto::ResyncBecause;

use super::{PAST_BATCHES, PAST_BYTES, Published};

/// The latest batches, bounded by their number and by their bytes. It alone keeps them: whoever is slower than
/// this is behind for good.
pub(super) struct Past {
    batches: VecDeque<Arc<Published>>,
    bytes: usize,
    most: Most,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) batches: usize,
    pub(super) bytes: usize,
}

impl Default for Past {
    fn default() -> Self {
        Self::keeping(Most {
            batches: PAST_BATCHES,
            bytes: PAST_BYTES,
        })
    }
}

impl Past {
    pub(super) fn keeping(most: Most) -> Self {
        Self {
            batches: VecDeque::new(),
            bytes: 0,
            most,
        }
    }

    /// Keeps a batch, and forgets the oldest beyond the bounds. The newest stays, however large it is.
    pub(super) fn keep(&mut self, published: Arc<Published>) {
        self.bytes += published.bytes();
        self.batches.push_back(published);
        while self.batches.len() > 1
            && (self.bytes > self.most.bytes || self.batches.len() > self.most.batches)
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
    ) -> Result<VecDeque<Weak<Published>>, ResyncBecause> {
        if seen == last {
            return Ok(VecDeque::new());
        }
        let after = |published: &Arc<Published>| match &**published {
            Published::Batch(batch) => batch.feed.after,
            Published::Heartbeat(_) | Published::Indicative(_) => {
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
