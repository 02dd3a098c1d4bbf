//! The hub: the fold of what is durable, and the feed made of it. A thread of its own: it encodes each batch
//! once, hands it to everyone who watches, and makes one snapshot a sequence, however many ask.

mod published;
mod past;

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use auction_core::{FeedSequence, Market, MarketId, PublicEvent, Term, Timestamp};
use auction_proto::{Feed, FeedEntry, ResyncBecause};
use tokio::sync::{broadcast, oneshot, watch};

use crate::clock::Clock;
use crate::encoding::Encoded;
use crate::metrics::Metrics;

use past::Past;
pub use published::{Beat, FeedBatch, Published, Snapshot};
use published::{beat, symbol_of};

/// How many requests and batches can wait for the hub; a request more is answered `busy`, a batch more waits.
pub const HUB_INBOX: usize = 1_024;
/// How many batches a watcher can be behind; one more, and it is given a snapshot instead.
pub const FEED_BEHIND_MAX: usize = 1_024;
/// How many bytes of past batches are kept for those who resume.
pub const RESUME_BYTES: usize = 64 << 20;
/// The way to the hub.
#[derive(Clone, Debug)]
pub struct Hub {
    inbox: Arc<SyncSender<Message>>,
    metrics: Arc<Metrics>,
    beats: watch::Receiver<Arc<Published>>,
}

/// A way to the hub that does not keep it running.
#[derive(Clone, Debug)]
pub struct WeakHub {
    inbox: Weak<SyncSender<Message>>,
    metrics: Arc<Metrics>,
    beats: watch::Receiver<Arc<Published>>,
}

impl WeakHub {
    /// The hub, if it still runs.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hub> {
        let inbox = self.inbox.upgrade()?;
        Some(Hub {
            inbox,
            metrics: self.metrics.clone(),
            beats: self.beats.clone(),
        })
    }
}

/// Someone who watches.
#[derive(Debug)]
pub struct Watching {
    /// What was missed, or everything.
    pub start: Start,
    /// What comes after it.
    pub feed: broadcast::Receiver<Arc<Published>>,
}

/// How a watch begins.
#[derive(Debug)]
pub enum Start {
    /// With all there is; and why, for one who would have gone on.
    Snapshot(Arc<Snapshot>, Option<ResyncBecause>),
    /// With the batches missed since.
    Resumed(Vec<Arc<Published>>),
}

/// What is asked of the hub.
#[derive(Debug)]
enum Message {
    Settled(Vec<(Timestamp, PublicEvent)>),
    Watch(Option<(MarketId, FeedSequence)>, oneshot::Sender<Watching>),
    Snapshot(oneshot::Sender<Arc<Snapshot>>),
    Answer(oneshot::Sender<()>),
    Market(oneshot::Sender<(Market, broadcast::Receiver<Arc<Published>>)>),
}

/// The hub has too much to do, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubBusy;

impl Hub {
    /// Starts the thread with the market as it is durable; every `heartbeat` it tells time, sequence and digest.
    /// It ends when all clones of the way to it are gone.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        mut market: Market,
        term: Term,
        clock: Arc<dyn Clock>,
        heartbeat: Duration,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (sender, inbox) = sync_channel(HUB_INBOX);
        let (feed, _) = broadcast::channel(FEED_BEHIND_MAX);
        let past = Past::default();
        let (beats, beats_told) = watch::channel(beat(&mut market, term, &*clock));
        let hub = Running {
            market,
            term,
            clock,
            heartbeat,
            inbox,
            feed,
            beats,
            past,
            snapshot: None,
            metrics: metrics.clone(),
        };
        thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || hub.run())?;
        Ok(Self {
            inbox: Arc::new(sender),
            metrics,
            beats: beats_told,
        })
    }

    /// A way to the hub that does not keep it running.
    #[must_use]
    pub fn downgrade(&self) -> WeakHub {
        WeakHub {
            inbox: Arc::downgrade(&self.inbox),
            metrics: self.metrics.clone(),
            beats: self.beats.clone(),
        }
    }

    /// The heartbeats alone, for those who do not watch: the latest, and each that comes.
    #[must_use]
    pub fn beats(&self) -> watch::Receiver<Arc<Published>> {
        self.beats.clone()
    }

    /// Takes what has become durable. The sequencer's alone; it waits here when the hub is far behind, which
    /// answers everyone `busy` in time.
    pub(crate) fn settled(&self, events: Vec<(Timestamp, PublicEvent)>) {
        if !events.is_empty() {
            self.metrics.hub_inbox.add(1);
            // Without a hub nobody watches.
            let _ = self.inbox.send(Message::Settled(events));
        }
    }

    /// Begins to watch, from what was last seen if the hub still has all since.
    ///
    /// # Errors
    /// [`HubBusy`].
    pub async fn watch(
        &self,
        resume: Option<(MarketId, FeedSequence)>,
    ) -> Result<Watching, HubBusy> {
        self.ask(|reply| Message::Watch(resume, reply)).await
    }

    /// The market as it is durable, encoded: shared by all who ask at the same sequence.
    ///
    /// # Errors
    /// [`HubBusy`].
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, HubBusy> {
        self.ask(Message::Snapshot).await
    }

    /// Waits until the hub has done all that was asked before.
    ///
    /// # Errors
    /// [`HubBusy`].
    pub async fn answers(&self) -> Result<(), HubBusy> {
        self.ask(Message::Answer).await
    }

    /// The market as it is durable, and what comes after it: for projections within the server.
    ///
    /// # Errors
    /// [`HubBusy`].
    pub async fn market(&self) -> Result<(Market, broadcast::Receiver<Arc<Published>>), HubBusy> {
        self.ask(Message::Market).await
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, HubBusy> {
        let (reply, answer) = oneshot::channel();
        self.metrics.hub_inbox.add(1);
        match self.inbox.try_send(message(reply)) {
            Ok(()) => answer.await.map_err(|_| HubBusy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.metrics.hub_inbox.subtract(1);
                Err(HubBusy)
            }
        }
    }
}

struct Running {
    market: Market,
    term: Term,
    clock: Arc<dyn Clock>,
    heartbeat: Duration,
    inbox: Receiver<Message>,
    feed: broadcast::Sender<Arc<Published>>,
    beats: watch::Sender<Arc<Published>>,
    past: Past,
    snapshot: Option<Arc<Snapshot>>,
    metrics: Arc<Metrics>,
}

impl Running {
    fn run(mut self) {
        let mut heartbeat_at = Instant::now() + self.heartbeat;
        loop {
            match self
                .inbox
                .recv_timeout(heartbeat_at.saturating_duration_since(Instant::now()))
            {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= heartbeat_at {
                heartbeat_at = Instant::now() + self.heartbeat;
                self.beat();
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.metrics.hub_inbox.subtract(1);
        match message {
            Message::Settled(events) => self.publish(events),
            Message::Watch(resume, reply) => {
                let feed = self.feed.subscribe();
                let start = match resume.map(|seen| self.missed_since(seen)) {
                    Some(Ok(missed)) => Start::Resumed(missed),
                    Some(Err(because)) => Start::Snapshot(self.snapshot(), Some(because)),
                    None => Start::Snapshot(self.snapshot(), None),
                };
                // Who has left need not be told; here and below.
                let _ = reply.send(Watching { start, feed });
            }
            Message::Snapshot(reply) => drop(reply.send(self.snapshot())),
            Message::Answer(reply) => drop(reply.send(())),
            Message::Market(reply) => {
                drop(reply.send((self.market.clone(), self.feed.subscribe())));
            }
        }
    }

    fn publish(&mut self, events: Vec<(Timestamp, PublicEvent)>) {
        self.snapshot = None;
        let entries = events
            .into_iter()
            .map(|(at, event)| FeedEntry { at, event });
        let (id, after) = (self.market.id(), self.market.feed_sequence());
        for feed in Feed::of_commit(id, self.term, after, entries) {
            feed.apply_to(&mut self.market)
                .expect("the engine decided what follows");
            let about = |entry: &FeedEntry| symbol_of(&self.market, &entry.event);
            let symbols = feed.entries.iter().map(about).collect();
            let encoded = Encoded::new(&feed);
            let batch = FeedBatch {
                feed,
                symbols,
                encoded,
            };
            let published = Arc::new(Published::Batch(batch));
            self.past.keep(published.clone());
            // Nobody may be watching.
            let _ = self.feed.send(published);
        }
    }

    fn beat(&mut self) {
        let beat = beat(&mut self.market, self.term, &*self.clock);
        let _ = self.feed.send(beat.clone());
        self.beats.send_replace(beat);
    }

    fn snapshot(&mut self) -> Arc<Snapshot> {
        let market = &self.market;
        self.snapshot
            .get_or_insert_with(|| Arc::new(Snapshot::of(market)))
            .clone()
    }

    fn missed_since(
        &self,
        (market, seen): (MarketId, FeedSequence),
    ) -> Result<Vec<Arc<Published>>, ResyncBecause> {
        let last = self.market.feed_sequence();
        if market != self.market.id() {
            return Err(ResyncBecause::UnknownPlace);
        }
        if seen > last {
            tracing::error!(
                client = seen.0,
                server = last.0,
                "a client has seen more of the feed than the journal holds: the journal's end was lost"
            );
            return Err(ResyncBecause::JournalLost);
        }
        self.past.since(seen, last)
    }
}
