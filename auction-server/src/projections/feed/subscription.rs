//! How a watcher takes the feed: at its own pace, from what the hub keeps. Nobody who is slow holds anything
//! in memory: a batch that the hub has forgotten is gone for all.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use auction_core::FeedSequence;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

use super::Published;
use super::demand::One;
use super::indicatives::Changes;

/// What the hub hands to everyone who watches.
#[derive(Clone, Debug)]
pub(super) enum Handed {
    /// A batch, as long as the hub keeps it.
    Batch(Weak<Published>),
    /// A heartbeat; it is small.
    Heartbeat(Arc<Published>),
    /// The board has changed: each takes the newest from there when they come to it.
    Indicatives,
}

/// The feed from a place on, and beside it what an uncross of each call would give.
#[derive(Debug)]
pub struct Following {
    place: FeedSequence,
    missed: VecDeque<Weak<Published>>,
    feed: broadcast::Receiver<Handed>,
    indicatives: Changes,
    /// `None`: it need not be told at once.
    eager: Option<One>,
}

/// Why there is no next batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNext {
    /// The watcher was too slow: what comes next is no longer kept. Begin anew with a snapshot.
    Behind,
    /// The hub has ended.
    Ended,
}

/// Says that there is something new, without what it is.
#[derive(Debug)]
pub struct Bell(pub(super) watch::Receiver<()>);

impl Bell {
    /// Waits until there was something new since this was asked last; `false`: the hub has ended.
    pub async fn rings(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl Following {
    pub(super) fn new(
        place: FeedSequence,
        missed: VecDeque<Weak<Published>>,
        feed: broadcast::Receiver<Handed>,
        indicatives: Changes,
        eager: One,
    ) -> Self {
        Self {
            place,
            missed,
            feed,
            indicatives,
            eager: Some(eager),
        }
    }

    /// For someone who need not be told at once: no commit wakes the hub for them.
    #[must_use]
    pub fn at_leisure(mut self) -> Self {
        self.eager = None;
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
    /// [`NoNext`].
    pub async fn next(&mut self) -> Result<Arc<Published>, NoNext> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(next);
            }
            let handed = self.feed.recv().await;
            if let Some(next) = self.take(handed.map_err(no_next)?)? {
                return Ok(next);
            }
        }
    }

    /// What is next, if it is there already.
    ///
    /// # Errors
    /// [`NoNext`].
    pub fn try_next(&mut self) -> Result<Option<Arc<Published>>, NoNext> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(Some(next));
            }
            let handed = match self.feed.try_recv() {
                Ok(handed) => handed,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Closed) => return Err(NoNext::Ended),
                Err(TryRecvError::Lagged(_)) => return Err(NoNext::Behind),
            };
            if let Some(next) = self.take(handed)? {
                return Ok(Some(next));
            }
        }
    }

    /// Waits for what is next, on a thread of its own.
    ///
    /// # Errors
    /// [`NoNext`].
    pub fn blocking_next(&mut self) -> Result<Arc<Published>, NoNext> {
        loop {
            if let Some(next) = self.at_hand()? {
                return Ok(next);
            }
            let handed = self.feed.blocking_recv();
            if let Some(next) = self.take(handed.map_err(no_next)?)? {
                return Ok(next);
            }
        }
    }

    /// What need not be waited for: what was missed, and of the calls what a watcher who has come so far can know.
    fn at_hand(&mut self) -> Result<Option<Arc<Published>>, NoNext> {
        if let Some(indicative) = self.indicatives.next(self.place) {
            return Ok(Some(indicative));
        }
        match self.missed.pop_front() {
            Some(batch) => self.take(Handed::Batch(batch)),
            None => Ok(None),
        }
    }

    fn take(&mut self, handed: Handed) -> Result<Option<Arc<Published>>, NoNext> {
        let published = match handed {
            Handed::Batch(batch) => batch.upgrade().ok_or(NoNext::Behind)?,
            Handed::Heartbeat(beat) => beat,
            Handed::Indicatives => {
                self.indicatives.refresh();
                return Ok(None);
            }
        };
        if let Published::Batch(batch) = &*published {
            self.place = batch.feed.through;
        }
        Ok(Some(published))
    }
}

fn no_next(error: RecvError) -> NoNext {
    match error {
        RecvError::Lagged(_) => NoNext::Behind,
        RecvError::Closed => NoNext::Ended,
    }
}
