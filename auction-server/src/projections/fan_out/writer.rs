//! A writer: goes from one leased feed to the next whenever the hub has something new.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::lease::{LEASES_WAITING_MAX, LeaseState, LeasedFeed};
use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::{Sent, WriteHalf};
use crate::projections::feed::{FeedNotify, Subscription, SubscriptionError};

/// How much is gathered of a feed that is behind before it is written, and the next one's turn comes.
const AT_ONCE_BYTES: usize = 64 * 1_024;
/// How many writes before others on this thread have their turn.
const WRITES_AT_ONCE: u64 = 64;

/// One of those who write.
pub(super) struct Writer {
    leased: Vec<Weak<LeasedFeed>>,
    /// With so many, those that were taken back are looked for.
    sweep_at: usize,
    gathered: Vec<u8>,
    /// Writes that were not counted yet.
    writes: u64,
    metrics: Arc<Metrics>,
}

/// What became of a feed.
enum Written {
    /// All there is was written.
    UpToDate,
    /// There is more of it.
    More,
    /// It is the connection's again.
    Over,
}

impl Writer {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            leased: Vec::new(),
            sweep_at: LEASES_WAITING_MAX,
            gathered: Vec::new(),
            writes: 0,
            metrics,
        }
    }

    /// Writes until the hub ends, and gives all feeds back then.
    pub(super) async fn run(
        mut self,
        mut leases: mpsc::Receiver<Weak<LeasedFeed>>,
        mut notify: FeedNotify,
    ) {
        loop {
            tokio::select! {
                changed = notify.changed() => {
                    if !changed {
                        return self.return_all(leases).await;
                    }
                    self.write_all().await;
                }
                Some(lease) = leases.recv() => self.add(lease).await,
            }
        }
    }

    async fn add(&mut self, lease: Weak<LeasedFeed>) {
        if self.leased.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = LEASES_WAITING_MAX.max(self.leased.len() * 2);
        }
        self.leased.push(lease);
        // What came in between rang for others.
        while let Written::More = self.write_next_of(self.leased.len() - 1) {
            self.yield_to_others().await;
        }
    }

    /// Writes to everyone all there is.
    async fn write_all(&mut self) {
        let mut is_over = false;
        while !is_over {
            is_over = true;
            let count = self.leased.len();
            // Nobody is always the first.
            let first = rand::random_range(0..count.max(1));
            let mut any_left = false;
            for place in (first..count).chain(0..first) {
                match self.write_next_of(place) {
                    Written::UpToDate => {}
                    Written::More => is_over = false,
                    Written::Over => {
                        self.leased[place] = Weak::new();
                        any_left = true;
                    }
                }
                if self.writes >= WRITES_AT_ONCE {
                    self.yield_to_others().await;
                }
            }
            if any_left {
                self.sweep();
            }
        }
        self.count_writes();
    }

    /// The hub has ended: each connection hears of it from its feed.
    async fn return_all(mut self, mut leases: mpsc::Receiver<Weak<LeasedFeed>>) {
        leases.close();
        while let Some(lease) = leases.recv().await {
            self.leased.push(lease);
        }
        for leased in self.leased.iter().filter_map(Weak::upgrade) {
            leased.reclaim(leased.feed(), Ok(()));
        }
    }

    fn write_next_of(&mut self, place: usize) -> Written {
        let Some(leased) = self.leased[place].upgrade() else {
            return Written::Over;
        };
        let mut feed = leased.feed();
        let LeaseState::Leased(following) = &mut *feed else {
            return Written::Over;
        };
        match self.write(following, &leased.write_half, leased.encoding) {
            Ok(write_next_of @ (Written::UpToDate | Written::More)) => return write_next_of,
            Ok(Written::Over) => leased.reclaim(feed, Ok(())),
            Err(why) => leased.reclaim(feed, Err(why)),
        }
        Written::Over
    }

    /// Writes what is next of a feed: as it is, when it is one message; else what can be gathered of it.
    fn write(
        &mut self,
        feed: &mut Subscription,
        write_half: &WriteHalf,
        encoding: Encoding,
    ) -> Result<Written, SubscriptionError> {
        let Some(gap) = write_half.between_messages() else {
            return Ok(Written::Over);
        };
        let Some(first) = feed.try_next()? else {
            return Ok(Written::UpToDate);
        };
        let mut bytes = first.encoded().for_all(encoding);
        let mut next = feed.try_next();
        let mut then = Written::UpToDate;
        if let Ok(Some(_)) = next {
            self.gathered.clear();
            self.gathered.extend_from_slice(bytes);
            while let Ok(Some(published)) = next {
                let more = published.encoded().for_all(encoding);
                self.gathered.extend_from_slice(more);
                if self.gathered.len() >= AT_ONCE_BYTES {
                    then = Written::More;
                    next = Ok(None);
                } else {
                    next = feed.try_next();
                }
            }
            bytes = &self.gathered;
        }
        self.writes += 1;
        let sent = gap.write(bytes);
        next?;
        Ok(match sent {
            Sent::Written => then,
            // It waits for its client.
            Sent::Partial | Sent::Deferred => Written::Over,
        })
    }

    /// Others on this thread have their turn.
    async fn yield_to_others(&mut self) {
        self.count_writes();
        yield_now().await;
    }

    fn count_writes(&mut self) {
        self.metrics.writes.add(std::mem::take(&mut self.writes));
    }

    fn sweep(&mut self) {
        self.leased.retain(|leased| leased.strong_count() > 0);
    }
}
