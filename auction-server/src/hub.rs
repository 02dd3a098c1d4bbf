//! The hub: the fold of what is durable, and the feed made of it. A thread of its own: it encodes each batch
//! once, hands it to everyone who watches, and makes one snapshot a sequence, however many ask.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use auction_core::{FeedSequence, Market, MarketId, PublicEvent, RequestId, Term, Timestamp};
use auction_proto::{Feed, FeedEntry, HEADER_BYTES, Heartbeat, SnapshotPart, encode_frame};
use tokio::sync::{broadcast, oneshot};

use crate::clock::Clock;

/// How many requests and batches can wait for the hub; a request more is answered `busy`, a batch more waits.
pub const HUB_INBOX: usize = 1_024;
/// How many batches a watcher can be behind; one more, and it is given a snapshot instead.
pub const FEED_BEHIND_MAX: usize = 1_024;
/// How many bytes of past batches are kept for those who resume.
pub const RESUME_BYTES: usize = 16 << 20;
/// How often the hub tells time, sequence and digest.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// What everyone who watches is given.
#[derive(Debug)]
pub enum Published {
    /// The next batch of public events.
    Batch(FeedBatch),
    /// The time, and the digest to compare one's own fold with; a whole frame.
    Heartbeat(Vec<u8>),
}

/// One batch of public events.
#[derive(Debug)]
pub struct FeedBatch {
    /// The batch, for projections within the server.
    pub feed: Feed,
    /// The frame as it is sent: encoded once.
    pub frame: Vec<u8>,
}

/// The market as it is durable, in frames that are encoded once, however many ask.
#[derive(Debug)]
pub struct Snapshot {
    frames: Vec<Vec<u8>>,
}

impl Snapshot {
    fn of(market: &Market) -> Self {
        let frame = |part| {
            let mut frame = Vec::new();
            encode_frame(RequestId(0), &part, &mut frame);
            frame
        };
        Self {
            frames: SnapshotPart::of_market(market).map(frame).collect(),
        }
    }

    /// Its frames, as an answer to `request`: the head, which names the request, and the rest.
    pub fn frames(&self, request: RequestId) -> impl Iterator<Item = ([u8; HEADER_BYTES], &[u8])> {
        self.frames.iter().map(move |frame| {
            let (head, rest) = frame.split_first_chunk().expect("a frame has a header");
            let mut head: [u8; HEADER_BYTES] = *head;
            head[HEADER_BYTES - size_of::<u64>()..].copy_from_slice(&request.0.to_le_bytes());
            (head, rest)
        })
    }
}

/// The way to the hub.
#[derive(Clone, Debug)]
pub struct Hub(Arc<SyncSender<Message>>);

/// A way to the hub that does not keep it running.
#[derive(Clone, Debug)]
pub struct WeakHub(Weak<SyncSender<Message>>);

impl WeakHub {
    /// The hub, if it still runs.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hub> {
        self.0.upgrade().map(Hub)
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
    /// With all there is.
    Snapshot(Arc<Snapshot>),
    /// With the batches missed since.
    Resumed(Vec<Arc<Published>>),
}

/// What is asked of the hub.
#[derive(Debug)]
enum Message {
    Settled(Vec<(Timestamp, PublicEvent)>),
    Watch(Option<(MarketId, FeedSequence)>, oneshot::Sender<Watching>),
    Snapshot(oneshot::Sender<Arc<Snapshot>>),
    Market(oneshot::Sender<(Market, broadcast::Receiver<Arc<Published>>)>),
}

/// The hub has too much to do, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubBusy;

impl Hub {
    /// Starts the thread with the market as it is durable. It ends when all clones of the way to it are gone.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(market: Market, term: Term, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (sender, inbox) = sync_channel(HUB_INBOX);
        let (feed, _) = broadcast::channel(FEED_BEHIND_MAX);
        let past = Past::default();
        let hub = Running {
            market,
            term,
            clock,
            inbox,
            feed,
            past,
            snapshot: None,
        };
        thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || hub.run())?;
        Ok(Self(Arc::new(sender)))
    }

    /// A way to the hub that does not keep it running.
    #[must_use]
    pub fn downgrade(&self) -> WeakHub {
        WeakHub(Arc::downgrade(&self.0))
    }

    /// Takes what has become durable. The sequencer's alone; it waits here when the hub is far behind, which
    /// answers everyone `busy` in time.
    pub(crate) fn settled(&self, events: Vec<(Timestamp, PublicEvent)>) {
        if !events.is_empty() {
            // Without a hub nobody watches.
            let _ = self.0.send(Message::Settled(events));
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
        match self.0.try_send(message(reply)) {
            Ok(()) => answer.await.map_err(|_| HubBusy),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(HubBusy),
        }
    }
}

struct Running {
    market: Market,
    term: Term,
    clock: Arc<dyn Clock>,
    inbox: Receiver<Message>,
    feed: broadcast::Sender<Arc<Published>>,
    past: Past,
    snapshot: Option<Arc<Snapshot>>,
}

impl Running {
    fn run(mut self) {
        let mut heartbeat_at = Instant::now() + HEARTBEAT;
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
                heartbeat_at = Instant::now() + HEARTBEAT;
                self.heartbeat();
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Settled(events) => self.publish(events),
            Message::Watch(resume, reply) => {
                let feed = self.feed.subscribe();
                let start = match resume.and_then(|seen| self.missed_since(seen)) {
                    Some(missed) => Start::Resumed(missed),
                    None => Start::Snapshot(self.snapshot()),
                };
                // Who has left need not be told; here and below.
                let _ = reply.send(Watching { start, feed });
            }
            Message::Snapshot(reply) => drop(reply.send(self.snapshot())),
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
            let mut frame = Vec::new();
            encode_frame(RequestId(0), &feed, &mut frame);
            let published = Arc::new(Published::Batch(FeedBatch { feed, frame }));
            self.past.keep(published.clone());
            // Nobody may be watching.
            let _ = self.feed.send(published);
        }
    }

    fn heartbeat(&mut self) {
        let heartbeat = Heartbeat {
            time: self.clock.now(),
            feed_sequence: self.market.feed_sequence(),
            digest: self.market.digest(),
        };
        let mut frame = Vec::new();
        encode_frame(RequestId(0), &heartbeat, &mut frame);
        let _ = self.feed.send(Arc::new(Published::Heartbeat(frame)));
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
    ) -> Option<Vec<Arc<Published>>> {
        let last = self.market.feed_sequence();
        if market != self.market.id() {
            return None;
        }
        if seen > last {
            tracing::error!(
                client = seen.0,
                server = last.0,
                "a client has seen more of the feed than the journal holds: the journal's end was lost"
            );
            return None;
        }
        self.past.since(seen, last)
    }
}

/// The latest batches, for those who resume.
#[derive(Default)]
struct Past {
    batches: VecDeque<Arc<Published>>,
    bytes: usize,
}

impl Past {
    fn keep(&mut self, published: Arc<Published>) {
        self.bytes += published.bytes();
        self.batches.push_back(published);
        while self.bytes > RESUME_BYTES {
            let Some(oldest) = self.batches.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    /// All batches after `seen`, or `None` when they are not all here, or `seen` lies within one.
    fn since(&self, seen: FeedSequence, last: FeedSequence) -> Option<Vec<Arc<Published>>> {
        if seen == last {
            return Some(Vec::new());
        }
        let begins = |published: &Arc<Published>| match &**published {
            Published::Batch(batch) => batch.feed.after < seen,
            Published::Heartbeat(_) => true,
        };
        let at = self.batches.partition_point(begins);
        let first = self.batches.get(at)?;
        let fits = matches!(&**first, Published::Batch(batch) if batch.feed.after == seen);
        fits.then(|| self.batches.range(at..).cloned().collect())
    }
}

impl Published {
    /// The frame as it is sent.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        match self {
            Self::Batch(batch) => &batch.frame,
            Self::Heartbeat(frame) => frame,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => {
                batch.frame.len() + batch.feed.entries.len() * size_of::<FeedEntry>()
            }
            Self::Heartbeat(frame) => frame.len(),
        }
    }
}
