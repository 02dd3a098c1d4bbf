//! One to many: the feed is written straight to the streams of those who watch all of it, one after the other.
//!
//! A connection that has nothing else to write leases its feed, and its own task is not woken for what is next of it.
//! It has the feed back as soon as its stream does not take all of something, or it is writing itself: then it goes on
//! at its own pace, and leases the feed again when it has come to its end. So all that holds for a feed holds here too:
//! nothing is left out, and who is too slow keeps nobody waiting and holds nothing in memory.
//!
//! There are as many who write as the runtime has threads, and each has a part of the watchers.

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
    /// Whose turn it is to be given one.
    turn: Arc<AtomicUsize>,
}

impl FanOut {
    /// Starts the tasks, which end with the hub. Must be called within a tokio runtime.
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

    /// Lends a feed, all of which is to be written to this stream.
    ///
    /// # Errors
    /// The feed, when too many wait already or the hub has ended.
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
