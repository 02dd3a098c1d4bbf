//! How a watcher takes the feed: at its own pace, from what the hub keeps. Nobody who is slow holds anything
//! in memory: a batch that the hub has forgotten is gone for all.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::FeedSequence;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

use super::FeedMessage;
use super::demand::DemandGuard;
use super::indicatives::Changes;

/// What the hub hands to everyone who watches.
#[derive(Clone, Debug)]
pub(super) enum BroadcastItem {
    /// A batch, as long as the hub keeps it.
    Batch(Weak<FeedMessage>),
    /// A heartbeat; it is small.
    Heartbeat(Arc<FeedMessage>),
    /// The indicatives have changed: each takes the newest from there when they come to it.
    Indicatives,
}

/// The feed from a place on, and beside it what an uncross of each call would give.
#[derive(Debug)]
pub struct Subscription {
    place: FeedSequence,
    missed: VecDeque<Weak<FeedMessage>>,
    feed: broadcast::Receiver<BroadcastItem>,
    indicatives: Changes,
    /// `None`: it need not be told at once.
    demand: Option<DemandGuard>,
}

/// Why there is no next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionError {
    /// The watcher was too slow: what comes next is no longer kept. Begin anew with a snapshot.
    Lagged,
    /// The hub has ended.
    Ended,
}

/// Says that there is something new, without what it is.
#[derive(Debug)]
pub struct FeedNotify(pub(super) watch::Receiver<()>);

impl FeedNotify {
    /// Waits until there was something new since this was asked last; `false`: the hub has ended.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl Subscription {
    pub(super) fn new(
        place: FeedSequence,
        missed: VecDeque<Weak<FeedMessage>>,
        feed: broadcast::Receiver<BroadcastItem>,
        indicatives: Changes,
        demand: DemandGuard,
    ) -> Self {
        Self {
            place,
            missed,
            feed,
            indicatives,
            demand: Some(demand),
        }
    }

    /// For someone who need not be told at once: no commit wakes the hub for them.
    #[must_use]
    pub fn without_demand(mut self) -> Self {
        self.demand = None;
        self
    }

    /// Whether all that the hub has handed out was taken. Of the calls there may be something new.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.missed.is_empty() && self.feed.is_empty()
    }

    /// Waits for what is next. Can be given up without loss.
    ///
    /// # Errors
    /// [`SubscriptionError`].
    pub async fn next(&mut self) -> Result<Arc<FeedMessage>, SubscriptionError> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(next);
            }
            let item = self.feed.recv().await;
            if let Some(next) = self.take(item.map_err(subscription_error)?)? {
                return Ok(next);
            }
        }
    }

    /// What is next, if it is there already.
    ///
    /// # Errors
    /// [`SubscriptionError`].
    pub fn try_next(&mut self) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(Some(next));
            }
            let item = match self.feed.try_recv() {
                Ok(item) => item,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Closed) => return Err(SubscriptionError::Ended),
                Err(TryRecvError::Lagged(_)) => return Err(SubscriptionError::Lagged),
            };
            if let Some(next) = self.take(item)? {
                return Ok(Some(next));
            }
        }
    }

    /// Waits for what is next, on a thread of its own.
    ///
    /// # Errors
    /// [`SubscriptionError`].
    pub fn blocking_next(&mut self) -> Result<Arc<FeedMessage>, SubscriptionError> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(next);
            }
            let item = self.feed.blocking_recv();
            if let Some(next) = self.take(item.map_err(subscription_error)?)? {
                return Ok(next);
            }
        }
    }

    /// What need not be waited for: what was missed, and of the calls what a watcher who has come so far can know.
    fn at_hand(&mut self) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
        if let Some(indicative) = self.indicatives.next(self.place) {
            return Ok(Some(indicative));
        }
        match self.missed.pop_front() {
            Some(batch) => self.take(BroadcastItem::Batch(batch)),
            None => Ok(None),
        }
    }

    fn take(&mut self, item: BroadcastItem) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
        let published = match item {
            BroadcastItem::Batch(batch) => batch.upgrade().ok_or(SubscriptionError::Lagged)?,
            BroadcastItem::Heartbeat(heartbeat_message) => heartbeat_message,
            BroadcastItem::Indicatives => {
                self.indicatives.refresh();
                return Ok(None);
            }
        };
        if let FeedMessage::Batch(batch) = &*published {
            self.place = batch.feed.through;
        }
        Ok(Some(published))
    }
}

fn subscription_error(error: RecvError) -> SubscriptionError {
    match error {
        RecvError::Lagged(_) => SubscriptionError::Lagged,
        RecvError::Closed => SubscriptionError::Ended,
    }
}
