//! Fan-out: writes the feed directly to the streams of all connections that watch the whole feed, one after the other.
//!
//! A connection that has nothing else to write leases its feed, so that new messages do not wake its task. The feed is
//! returned as soon as the stream does not take a whole message, or the connection itself is writing: then the
//! connection goes on at its own pace, and leases the feed again when it has caught up. So all guarantees of a feed
//! hold here too: nothing is left out, and a slow client delays no one and holds nothing in memory.
//!
//! There are as many writers as the runtime has threads, and each has a part of the watchers.

mod writer;
mod lease;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::WriteHalf;
use crate::projections::feed::{Hub, Subscription};

use lease::LeasedFeed;
use writer::Writer;

pub use lease::{LEASES_WAITING_MAX, Lease};

/// The writers that feeds are leased to.
#[derive(Clone, Debug)]
pub struct FanOut {
    writers: Arc<[mpsc::Sender<Weak<LeasedFeed>>]>,
    /// Counter that spreads the leases over the writers.
    turn: Arc<AtomicUsize>,
}

impl FanOut {
    /// Starts the writer tasks, which end with the hub. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(hub: &Hub, metrics: &Arc<Metrics>) -> Self {
        let writers = (0..Handle::current().metrics().num_workers()).map(|_| {
            let (sender, leases) = mpsc::channel(LEASES_WAITING_MAX);
            tokio::spawn(Writer::new(metrics.clone()).run(leases, hub.notify()));
            sender
        });
        Self {
            writers: writers.collect(),
            turn: Arc::default(),
        }
    }

    /// Leases a feed to a writer, which writes all of it to this stream.
    ///
    /// # Errors
    /// The feed, when too many leases wait already or the hub has ended.
    pub fn hand_off(
        &self,
        feed: Subscription,
        write_half: Arc<WriteHalf>,
        encoding: Encoding,
    ) -> Result<Lease, Subscription> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let Ok(place) = self.writers[turn % self.writers.len()].try_reserve() else {
            return Err(feed);
        };
        let leased = LeasedFeed::new(feed, write_half, encoding);
        place.send(Arc::downgrade(&leased));
        Ok(Lease(leased))
    }
}
