//! One to many: the feed is written straight to the streams of those who watch all of it, one after the other.
//!
//! A connection that has nothing else to write lends its feed, and its own task is not woken for what is next of it.
//! It has the feed back as soon as its stream does not take all of something, or it is writing itself: then it goes on
//! at its own pace, and lends the feed again when it has come to its end. So all that holds for a feed holds here too:
//! nothing is left out, and who is too slow keeps nobody waiting and holds nothing in memory.
//!
//! There are as many who write as the runtime has threads, and each has a part of the watchers.

mod writer;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::WriteHalf;
use crate::projections::feed::{Hub, Subscription, SubscriptionError};

use writer::Writer;

/// How many feeds can wait to be looked at; one more is not lent, and its connection writes itself.
pub const LEASES_WAITING_MAX: usize = 1_024;

/// Where feeds are lent.
#[derive(Clone, Debug)]
pub struct FanOut {
    writers: Arc<[mpsc::Sender<Weak<LeasedFeed>>]>,
    /// Whose turn it is to be given one.
    turn: Arc<AtomicUsize>,
}

/// A feed that a connection has lent. Nothing more of it is written once this is dropped.
#[derive(Debug)]
pub struct Lease(Arc<LeasedFeed>);

/// What was lent.
#[derive(Debug)]
struct LeasedFeed {
    write_half: Arc<WriteHalf>,
    encoding: Encoding,
    feed: Mutex<LeaseState>,
    returned: Notify,
}

/// Where a feed is.
#[derive(Debug)]
enum LeaseState {
    LeasedFeed(Subscription),
    /// The connection may take it, or has nothing to take any more.
    Returned(Result<Subscription, SubscriptionError>),
    Taken,
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
        let leased = Arc::new(LeasedFeed {
            write_half,
            encoding,
            feed: Mutex::new(LeaseState::LeasedFeed(feed)),
            returned: Notify::new(),
        });
        place.send(Arc::downgrade(&leased));
        Ok(Lease(leased))
    }
}

impl Lease {
    /// Waits until it is given back. The outlet may hold the rest of what was written. Can be given up without loss.
    ///
    /// # Errors
    /// [`SubscriptionError`], which the feed ended with.
    ///
    /// # Panics
    /// When it was taken back before.
    pub async fn returned(&self) -> Result<Subscription, SubscriptionError> {
        self.0.returned.notified().await;
        match std::mem::replace(&mut *self.0.feed(), LeaseState::Taken) {
            LeaseState::Returned(feed) => feed,
            LeaseState::LeasedFeed(_) | LeaseState::Taken => {
                panic!("a feed is given back once, and taken once")
            }
        }
    }

    /// Takes it back at once: nothing more of it is written. As above, the outlet may hold a rest. `None`: it has ended,
    /// as [`returned`](Self::returned) says, or was taken before.
    #[must_use]
    pub fn reclaim(&self) -> Option<Subscription> {
        let mut feed = self.0.feed();
        match std::mem::replace(&mut *feed, LeaseState::Taken) {
            LeaseState::LeasedFeed(following) | LeaseState::Returned(Ok(following)) => {
                Some(following)
            }
            ended_or_taken => {
                *feed = ended_or_taken;
                None
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Someone may be about to write.
        *self.0.feed() = LeaseState::Taken;
    }
}

impl LeasedFeed {
    fn feed(&self) -> MutexGuard<'_, LeaseState> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it back if it is still lent, or why there is no more of it.
    fn reclaim(&self, mut feed: MutexGuard<'_, LeaseState>, ended: Result<(), SubscriptionError>) {
        *feed = match std::mem::replace(&mut *feed, LeaseState::Taken) {
            LeaseState::LeasedFeed(following) => LeaseState::Returned(ended.map(|()| following)),
            given_back_or_taken => given_back_or_taken,
        };
        drop(feed);
        self.returned.notify_one();
    }
}
