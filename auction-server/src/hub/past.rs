//! The latest batches, for those who resume.

use std::collections::VecDeque;
use std::sync::Arc;

use auction_core::FeedSequence;
use auction_proto::ResyncBecause;

use super::{Published, RESUME_BYTES};

/// The latest batches, for those who resume.
#[derive(Default)]
pub(super) struct Past {
    batches: VecDeque<Arc<Published>>,
    bytes: usize,
}

impl Past {
    /// Keeps a batch, and forgets the oldest beyond [`RESUME_BYTES`].
    pub(super) fn keep(&mut self, published: Arc<Published>) {
        self.bytes += published.bytes();
        self.batches.push_back(published);
        while self.bytes > RESUME_BYTES {
            let Some(oldest) = self.batches.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    /// All batches after `seen`; or why not: they are not all here, or `seen` lies within one.
    pub(super) fn since(
        &self,
        seen: FeedSequence,
        last: FeedSequence,
    ) -> Result<Vec<Arc<Published>>, ResyncBecause> {
        if seen == last {
            return Ok(Vec::new());
        }
        let after = |published: &Arc<Published>| match &**published {
            Published::Batch(batch) => batch.feed.after,
            Published::Heartbeat(_) => unreachable!("only batches are kept"),
        };
        let at = self
            .batches
            .partition_point(|published| after(published) < seen);
        match self.batches.get(at) {
            Some(first) if after(first) == seen => Ok(self.batches.range(at..).cloned().collect()),
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
