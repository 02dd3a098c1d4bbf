//! One of those who write: it goes from one to the next of the feeds that it was lent, whenever the hub rings.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::{Feed, LENT_WAITING_MAX, Lent};
use crate::platform::encoding::Encoding;
use crate::platform::metrics::Metrics;
use crate::platform::tcp::{Outlet, Sent};
use crate::projections::feed::{Bell, Following, NoNext};

/// How much is gathered of a feed that is behind before it is written, and the next one's turn comes.
const AT_ONCE_BYTES: usize = 64 * 1_024;
/// How many writes before others on this thread have their turn.
const WRITES_AT_ONCE: u64 = 64;

/// One of those who write.
pub(super) struct Writer {
    lent: Vec<Weak<Lent>>,
    /// With so many, those that were taken back are looked for.
    sweep_at: usize,
    gathered: Vec<u8>,
    /// Writes that were not counted yet.
    writes: u64,
    metrics: Arc<Metrics>,
}

/// What became of a feed.
enum Visit {
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
            lent: Vec::new(),
            sweep_at: LENT_WAITING_MAX,
            gathered: Vec::new(),
            writes: 0,
            metrics,
        }
    }

    /// Writes until the hub ends, and gives all feeds back then.
    pub(super) async fn run(mut self, mut newcomers: mpsc::Receiver<Weak<Lent>>, mut bell: Bell) {
        loop {
            tokio::select! {
                rings = bell.rings() => {
                    if !rings {
                        return self.give_all_back(newcomers).await;
                    }
                    self.write_all().await;
                }
                Some(newcomer) = newcomers.recv() => self.welcome(newcomer).await,
            }
        }
    }

    async fn welcome(&mut self, newcomer: Weak<Lent>) {
        if self.lent.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = LENT_WAITING_MAX.max(self.lent.len() * 2);
        }
        self.lent.push(newcomer);
        // What came in between rang for others.
        while let Visit::More = self.visit(self.lent.len() - 1) {
            self.let_others().await;
        }
    }

    /// Writes to everyone all there is.
    async fn write_all(&mut self) {
        let mut is_over = false;
        while !is_over {
            is_over = true;
            let count = self.lent.len();
            // Nobody is always the first.
            let first = rand::random_range(0..count.max(1));
            let mut any_left = false;
            for place in (first..count).chain(0..first) {
                match self.visit(place) {
                    Visit::UpToDate => {}
                    Visit::More => is_over = false,
                    Visit::Over => {
                        self.lent[place] = Weak::new();
                        any_left = true;
                    }
                }
                if self.writes >= WRITES_AT_ONCE {
                    self.let_others().await;
                }
            }
            if any_left {
                self.sweep();
            }
        }
        self.count_writes();
    }

    /// The hub has ended: each connection hears of it from its feed.
    async fn give_all_back(mut self, mut newcomers: mpsc::Receiver<Weak<Lent>>) {
        newcomers.close();
        while let Some(newcomer) = newcomers.recv().await {
            self.lent.push(newcomer);
        }
        for lent in self.lent.iter().filter_map(Weak::upgrade) {
            lent.give_back(lent.feed(), Ok(()));
        }
    }

    fn visit(&mut self, place: usize) -> Visit {
        let Some(lent) = self.lent[place].upgrade() else {
            return Visit::Over;
        };
        let mut feed = lent.feed();
        let Feed::Lent(following) = &mut *feed else {
            return Visit::Over;
        };
        match self.write(following, &lent.outlet, lent.encoding) {
            Ok(visit @ (Visit::UpToDate | Visit::More)) => return visit,
            Ok(Visit::Over) => lent.give_back(feed, Ok(())),
            Err(why) => lent.give_back(feed, Err(why)),
        }
        Visit::Over
    }

    /// Writes what is next of a feed: as it is, when it is one message; else what can be gathered of it.
    fn write(
        &mut self,
        feed: &mut Following,
        outlet: &Outlet,
        encoding: Encoding,
    ) -> Result<Visit, NoNext> {
        let Some(gap) = outlet.between_messages() else {
            return Ok(Visit::Over);
        };
        let Some(first) = feed.try_next()? else {
            return Ok(Visit::UpToDate);
        };
        let mut bytes = first.encoded().for_all(encoding);
        let mut next = feed.try_next();
        let mut then = Visit::UpToDate;
        if let Ok(Some(_)) = next {
            self.gathered.clear();
            self.gathered.extend_from_slice(bytes);
            while let Ok(Some(published)) = next {
                let more = published.encoded().for_all(encoding);
                self.gathered.extend_from_slice(more);
                if self.gathered.len() >= AT_ONCE_BYTES {
                    then = Visit::More;
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
            Sent::InPart | Sent::NotNow => Visit::Over,
        })
    }

    /// Others on this thread have their turn.
    async fn let_others(&mut self) {
        self.count_writes();
        yield_now().await;
    }

    fn count_writes(&mut self) {
        self.metrics.writes.add(std::mem::take(&mut self.writes));
    }

    fn sweep(&mut self) {
        self.lent.retain(|lent| lent.strong_count() > 0);
    }
}
