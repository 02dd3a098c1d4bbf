//! A watcher's access to the feed: it reads at its own pace from the batches that the hub keeps. A slow watcher holds
//! nothing in memory: a batch that the hub has dropped is gone for all.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::FeedSequence;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

use super::FeedMessage;
use super::demand::DemandGuard;
use super::indicatives::Changes;

/// An item that the hub sends to all watchers.
#[derive(Clone, Debug)]
pub(super) enum BroadcastItem {
    /// A batch, as long as the hub keeps it.
    Batch(Weak<FeedMessage>),
    /// A heartbeat; it is small.
    Heartbeat(Arc<FeedMessage>),
    /// The indicatives have changed: each watcher takes the newest from their table when it comes to this item.
    Indicatives,
}

/// The feed from a position on, and the indicatives of call auctions beside it.
#[derive(Debug)]
pub struct Subscription {
    place: FeedSequence,
    missed: VecDeque<Weak<FeedMessage>>,
    feed: broadcast::Receiver<BroadcastItem>,
    indicatives: Changes,
    /// `None`: this watcher does not need each batch at once.
    demand: Option<DemandGuard>,
}

/// Reason why there is no next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionError {
    /// The watcher was too slow: the next batch is no longer kept. Start again with a snapshot.
    Lagged,
    /// The hub has ended.
    Ended,
}

/// Notification of new messages, without the messages.
#[derive(Debug)]
pub struct FeedNotify(pub(super) watch::Receiver<()>);

impl FeedNotify {
    /// Waits until there is something new since the last call; returns `false` when the hub has ended.
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

    /// Drops the demand, for a watcher that does not need each batch at once: no commit wakes the hub for it.
    #[must_use]
    pub fn without_demand(mut self) -> Self {
        self.demand = None;
        self
    }

    /// Returns whether all items of the hub were taken. There may be new indicatives.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.missed.is_empty() && self.feed.is_empty()
    }

    /// Waits for the next message. Cancel safe.
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

    /// Returns the next message if there is one already.
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

    /// Waits for the next message, on a thread that may block.
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

    /// Returns the next message that needs no wait: a missed batch, or an indicative that a watcher at this position
    /// may see.
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
