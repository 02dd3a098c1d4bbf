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
use crate::platform::tcp::Outlet;
use crate::projections::feed::{Following, Hub, NoNext};

use writer::Writer;

/// How many feeds can wait to be looked at; one more is not lent, and its connection writes itself.
pub const LENT_WAITING_MAX: usize = 1_024;

/// Where feeds are lent.
#[derive(Clone, Debug)]
pub struct FanOut {
    writers: Arc<[mpsc::Sender<Weak<Lent>>]>,
    /// Whose turn it is to be given one.
    turn: Arc<AtomicUsize>,
}

/// A feed that a connection has lent. Nothing more of it is written once this is dropped.
#[derive(Debug)]
pub struct Loan(Arc<Lent>);

/// What was lent.
#[derive(Debug)]
struct Lent {
    outlet: Arc<Outlet>,
    encoding: Encoding,
    feed: Mutex<Feed>,
    given_back: Notify,
}

/// Where a feed is.
#[derive(Debug)]
enum Feed {
    Lent(Following),
    /// The connection may take it, or has nothing to take any more.
    GivenBack(Result<Following, NoNext>),
    Taken,
}

impl FanOut {
    /// Starts the tasks, which end with the hub. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(hub: &Hub, metrics: &Arc<Metrics>) -> Self {
        let writers = (0..Handle::current().metrics().num_workers()).map(|_| {
            let (sender, newcomers) = mpsc::channel(LENT_WAITING_MAX);
            tokio::spawn(Writer::new(metrics.clone()).run(newcomers, hub.bell()));
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
    pub fn lend(
        &self,
        feed: Following,
        outlet: Arc<Outlet>,
        encoding: Encoding,
    ) -> Result<Loan, Following> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let Ok(place) = self.writers[turn % self.writers.len()].try_reserve() else {
            return Err(feed);
        };
        let lent = Arc::new(Lent {
            outlet,
            encoding,
            feed: Mutex::new(Feed::Lent(feed)),
            given_back: Notify::new(),
        });
        place.send(Arc::downgrade(&lent));
        Ok(Loan(lent))
    }
}

impl Loan {
    /// Waits until it is given back. The outlet may hold the rest of what was written. Can be given up without loss.
    ///
    /// # Errors
    /// [`NoNext`], which the feed ended with.
    ///
    /// # Panics
    /// When it was taken back before.
    pub async fn given_back(&self) -> Result<Following, NoNext> {
        self.0.given_back.notified().await;
        match std::mem::replace(&mut *self.0.feed(), Feed::Taken) {
            Feed::GivenBack(feed) => feed,
            Feed::Lent(_) | Feed::Taken => panic!("a feed is given back once, and taken once"),
        }
    }

    /// Takes it back at once: nothing more of it is written. As above, the outlet may hold a rest. `None`: it has ended,
    /// as [`given_back`](Self::given_back) says, or was taken before.
    #[must_use]
    pub fn take_back(&self) -> Option<Following> {
        let mut feed = self.0.feed();
        match std::mem::replace(&mut *feed, Feed::Taken) {
            Feed::Lent(following) | Feed::GivenBack(Ok(following)) => Some(following),
            ended_or_taken => {
                *feed = ended_or_taken;
                None
            }
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // Someone may be about to write.
        *self.0.feed() = Feed::Taken;
    }
}

impl Lent {
    fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it back if it is still lent, or why there is no more of it.
    fn give_back(&self, mut feed: MutexGuard<'_, Feed>, ended: Result<(), NoNext>) {
        *feed = match std::mem::replace(&mut *feed, Feed::Taken) {
            Feed::Lent(following) => Feed::GivenBack(ended.map(|()| following)),
            given_back_or_taken => given_back_or_taken,
        };
        drop(feed);
        self.given_back.notify_one();
    }
}
