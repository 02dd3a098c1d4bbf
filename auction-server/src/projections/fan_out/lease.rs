//! A feed in the hands of a writer, until its connection takes it back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::platform::encoding::Encoding;
use crate::platform::tcp::WriteHalf;
use crate::projections::feed::{Subscription, SubscriptionError};

/// How many feeds can wait to be looked at; one more is not leased, and its connection writes itself.
pub const LEASES_WAITING_MAX: usize = 1_024;

/// A feed that a connection has leased out. Nothing more of it is written once this is dropped.
#[derive(Debug)]
pub struct Lease(pub(super) Arc<LeasedFeed>);

/// A leased feed.
#[derive(Debug)]
pub(super) struct LeasedFeed {
    pub(super) write_half: Arc<WriteHalf>,
    pub(super) encoding: Encoding,
    feed: Mutex<LeaseState>,
    returned: Notify,
}

/// Where a feed is.
#[derive(Debug)]
pub(super) enum LeaseState {
    Leased(Subscription),
    /// The connection may take it, or has nothing to take any more.
    Returned(Result<Subscription, SubscriptionError>),
    Taken,
}

impl Lease {
    /// Waits until it is returned. The write half may hold the rest of what was written. Can be given up without loss.
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
            LeaseState::Leased(_) | LeaseState::Taken => {
                panic!("a feed is given back once, and taken once")
            }
        }
    }

    /// Reclaims it at once: nothing more of it is written. As above, the write half may hold a rest. `None`: it has ended,
    /// as [`returned`](Self::returned) says, or was taken before.
    #[must_use]
    pub fn reclaim(&self) -> Option<Subscription> {
        let mut feed = self.0.feed();
        match std::mem::replace(&mut *feed, LeaseState::Taken) {
            LeaseState::Leased(following) | LeaseState::Returned(Ok(following)) => Some(following),
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
    pub(super) fn new(
        feed: Subscription,
        write_half: Arc<WriteHalf>,
        encoding: Encoding,
    ) -> Arc<Self> {
        Arc::new(Self {
            write_half,
            encoding,
            feed: Mutex::new(LeaseState::Leased(feed)),
            returned: Notify::new(),
        })
    }

    pub(super) fn feed(&self) -> MutexGuard<'_, LeaseState> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns it if it is still leased, or why there is no more of it.
    pub(super) fn reclaim(
        &self,
        mut feed: MutexGuard<'_, LeaseState>,
        ended: Result<(), SubscriptionError>,
    ) {
        *feed = match std::mem::replace(&mut *feed, LeaseState::Taken) {
            LeaseState::Leased(following) => LeaseState::Returned(ended.map(|()| following)),
            given_back_or_taken => given_back_or_taken,
        };
        drop(feed);
        self.returned.notify_one();
    }
}
