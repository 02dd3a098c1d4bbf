//! How a watcher takes the feed: at its own pace, from what the hub keeps. Nobody who is slow holds anything
//! in memory: a batch that the hub has forgotten is gone for all.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::Published;

/// What the hub hands to everyone who watches.
#[derive(Clone, Debug)]
pub(super) enum Handed {
    /// A batch, as long as the hub keeps it.
    Batch(Weak<Published>),
    /// A heartbeat; it is small.
    Heartbeat(Arc<Published>),
}

/// The feed from a place on.
#[derive(Debug)]
pub struct Following {
    missed: VecDeque<Weak<Published>>,
    feed: broadcast::Receiver<Handed>,
}

/// Why there is no next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNext {
    /// The watcher was too slow: what comes next is no longer kept. Begin anew with a snapshot.
    Behind,
    /// The hub has ended.
    Ended,
}

impl Following {
    pub(super) fn new(
        missed: VecDeque<Weak<Published>>,
        feed: broadcast::Receiver<Handed>,
    ) -> Self {
        Self { missed, feed }
    }

    /// Waits for what is next. Can be given up without loss.
    ///
    /// # Errors
    /// [`NoNext`].
    pub async fn next(&mut self) -> Result<Arc<Published>, NoNext> {
        match self.missed.pop_front() {
            Some(batch) => kept(&batch),
            None => taken(self.feed.recv().await),
        }
    }

    /// What is next, if it is there already.
    ///
    /// # Errors
    /// [`NoNext`].
    pub fn try_next(&mut self) -> Result<Option<Arc<Published>>, NoNext> {
        if let Some(batch) = self.missed.pop_front() {
            return kept(&batch).map(Some);
        }
        match self.feed.try_recv() {
            Ok(handed) => handed.take().map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Closed) => Err(NoNext::Ended),
            Err(TryRecvError::Lagged(_)) => Err(NoNext::Behind),
        }
    }

    /// Waits for what is next, on a thread of its own.
    ///
    /// # Errors
    /// [`NoNext`].
    pub fn blocking_next(&mut self) -> Result<Arc<Published>, NoNext> {
        match self.missed.pop_front() {
            Some(batch) => kept(&batch),
            None => taken(self.feed.blocking_recv()),
        }
    }
}

impl Handed {
    fn take(self) -> Result<Arc<Published>, NoNext> {
        match self {
            Self::Batch(batch) => kept(&batch),
            Self::Heartbeat(beat) => Ok(beat),
        }
    }
}

fn taken(received: Result<Handed, RecvError>) -> Result<Arc<Published>, NoNext> {
    match received {
        Ok(handed) => handed.take(),
        Err(RecvError::Lagged(_)) => Err(NoNext::Behind),
        Err(RecvError::Closed) => Err(NoNext::Ended),
    }
}

fn kept(batch: &Weak<Published>) -> Result<Arc<Published>, NoNext> {
    batch.upgrade().ok_or(NoNext::Behind)
}
