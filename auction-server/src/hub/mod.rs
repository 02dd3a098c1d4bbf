//! The hub: the fold of what is durable, and the feed made of it. A thread of its own: it encodes each batch
//! once, hands it to everyone who watches, and makes one snapshot a sequence, however many ask.

mod published;
mod eager;
mod past;
mod board;
mod way;
mod following;
mod snapshots;
mod desk;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use auction_core::{
    AccountEvent, Accounts, Engine, Event, FeedSequence, Market, MarketId, PublicEvent, SessionId,
    StandingOrder, Term, Timestamp, UserId,
};
use auction_proto::{Feed, FeedEntry, Indicative, ResyncBecause};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::encoding::Encoded;
use crate::indicative;
use crate::metrics::Metrics;

use board::Board;
use desk::Desk;
use eager::Eager;
use following::Handed;
use past::Past;
use snapshots::Snapshots;
use way::Way;

pub use board::INDICATIVE_EVERY;
pub use desk::{AccountWatching, OwnFeed};
pub use following::{Bell, Following, NoNext};
pub use published::{Beat, FeedBatch, Indicated, Published, Snapshot};
use published::{beat, symbol_of};

/// How many batches can wait for the hub; with one more, the sequencer waits, which answers everyone `busy` in time.
pub const HUB_INBOX: usize = 1_024;
/// How many questions can wait in the hub's inbox; who asks one more waits in line before it.
pub const HUB_QUESTIONS: usize = 256;
/// How many batches are kept for those who resume, and for those who watch and are behind.
pub const PAST_BATCHES: usize = 16_384;
/// How many bytes of them, their JSON counted whether anyone asks for it or not.
pub const PAST_BYTES: usize = 64 << 20;
/// How many messages a watcher can be behind; one more, or one that is no longer kept, and it is given a snapshot.
pub const FEED_BEHIND_MAX: usize = 1_024;
/// How many snapshots can be on their way to slow clients; with as many, [`Hub::snapshot`] is busy, and who
/// begins to watch is given the latest of them, with what came since.
pub const SNAPSHOTS_MAX: usize = 64;
/// How long what became durable waits for the hub at most while nobody watches: news is for people.
pub const HUB_WAITS_MAX: Duration = Duration::from_millis(20);
/// How long to wait when the inbox is full of batches.
const INBOX_PAUSE: Duration = Duration::from_millis(5);

/// The way to the hub.
#[derive(Clone, Debug)]
pub struct Hub {
    inbox: Arc<Way>,
    questions: Arc<Semaphore>,
    eager: Eager,
    metrics: Arc<Metrics>,
    beats: watch::Receiver<Arc<Published>>,
    bell: watch::Receiver<()>,
}

/// A way to the hub that does not keep it running.
#[derive(Clone, Debug)]
pub struct WeakHub {
    inbox: Weak<Way>,
    questions: Arc<Semaphore>,
    eager: Eager,
    metrics: Arc<Metrics>,
    beats: watch::Receiver<Arc<Published>>,
    bell: watch::Receiver<()>,
}

impl WeakHub {
    /// The hub, if it still runs.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hub> {
        let inbox = self.inbox.upgrade()?;
        Some(Hub {
            inbox,
            questions: self.questions.clone(),
            eager: self.eager.clone(),
            metrics: self.metrics.clone(),
            beats: self.beats.clone(),
            bell: self.bell.clone(),
        })
    }
}

/// Someone who watches.
#[derive(Debug)]
pub struct Watching {
    /// How it begins.
    pub start: Start,
    /// What comes after it, what was missed first.
    pub feed: Following,
}

/// How a watch begins.
#[derive(Debug)]
pub enum Start {
    /// With all there is; and why, for one who would have gone on.
    Snapshot(Arc<Snapshot>, Option<ResyncBecause>),
    /// Where it was.
    Resumed,
}

/// What is asked of the hub.
#[derive(Debug)]
enum Message {
    Settled(Vec<(Timestamp, Event)>, Vec<Indicative>),
    Watch(Option<(MarketId, FeedSequence)>, oneshot::Sender<Watching>),
    Snapshot(oneshot::Sender<Option<Arc<Snapshot>>>),
    WatchAccount(SessionId, oneshot::Sender<Option<AccountWatching>>),
    Orders(UserId, oneshot::Sender<Vec<StandingOrder>>),
    Tell(Timestamp, UserId, AccountEvent),
    Answer(oneshot::Sender<()>),
    Market(oneshot::Sender<(Market, Following)>),
}

/// The hub has ended, and the server with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubEnded;

/// Why there is no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSnapshot {
    /// Too many are on their way to slow clients.
    Busy,
    /// The hub has ended, and the server with it.
    Ended,
}

impl Hub {
    /// Starts the thread with what an engine knows, all of which is durable; every `heartbeat` it tells time, sequence
    /// and digest. It ends when all clones of the way to it are gone.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        engine: &Engine,
        term: Term,
        clock: Arc<dyn Clock>,
        heartbeat: Duration,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let mut market = engine.market().clone();
        let (sender, inbox) = sync_channel(HUB_INBOX + HUB_QUESTIONS);
        let (feed, _) = broadcast::channel(FEED_BEHIND_MAX);
        let past = Past::default();
        let (beats, beats_told) = watch::channel(beat(&mut market, term, &*clock));
        let (bell, bell_heard) = watch::channel(());
        let eager = Eager::default();
        let mut hub = Running {
            eager: eager.clone(),
            market,
            term,
            clock,
            heartbeat,
            inbox,
            feed,
            bell,
            beats,
            past,
            snapshots: Snapshots::default(),
            board: Board::new(),
            desk: Desk::new(Accounts::of(engine)),
            metrics: metrics.clone(),
        };
        hub.note(indicative::all(engine));
        hub.board.tell();
        let builder = thread::Builder::new().name("hub".to_owned());
        let thread = builder.spawn(move || hub.run())?;
        Ok(Self {
            inbox: Arc::new(Way::new(sender, thread.thread().clone())),
            questions: Arc::new(Semaphore::new(HUB_QUESTIONS)),
            eager,
            metrics,
            beats: beats_told,
            bell: bell_heard,
        })
    }

    /// A way to the hub that does not keep it running.
    #[must_use]
    pub fn downgrade(&self) -> WeakHub {
        WeakHub {
            inbox: Arc::downgrade(&self.inbox),
            questions: self.questions.clone(),
            eager: self.eager.clone(),
            metrics: self.metrics.clone(),
            beats: self.beats.clone(),
            bell: self.bell.clone(),
        }
    }

    /// The heartbeats alone, for those who do not watch: the latest, and each that comes.
    #[must_use]
    pub fn beats(&self) -> watch::Receiver<Arc<Published>> {
        self.beats.clone()
    }

    /// For those who look at many feeds at once.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(self.bell.clone())
    }

    /// Hands over what has become durable, and what an uncross of the calls that it touched would give. The
    /// sequencer's alone, which [wakes](Self::wake) the hub when it has told those who wait. It waits here when the
    /// hub is far behind, which answers everyone `busy` in time.
    pub(crate) fn hand(&self, events: Vec<(Timestamp, Event)>, indicatives: Vec<Indicative>) {
        self.metrics.hub_inbox.add(1);
        self.inbox.put(Message::Settled(events, indicatives));
    }

    /// Has the hub look at what was handed to it. Whoever asks it something has it look too, so that nobody is
    /// shown less than they were told.
    pub(crate) fn wake(&self) {
        self.inbox.wake();
    }

    /// Whether someone wants to be told at once; else the hub need not be woken for [`HUB_WAITS_MAX`].
    pub(crate) fn is_watched(&self) -> bool {
        self.eager.is_anyone()
    }

    /// Hands over and wakes.
    #[cfg(test)]
    pub(crate) fn settled(&self, events: Vec<(Timestamp, Event)>, indicatives: Vec<Indicative>) {
        self.hand(events, indicatives);
        self.wake();
    }

    /// Begins to watch, from what was last seen if the hub still has all since. Waits while many others ask.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn watch(
        &self,
        resume: Option<(MarketId, FeedSequence)>,
    ) -> Result<Watching, HubEnded> {
        self.ask(|reply| Message::Watch(resume, reply)).await
    }

    /// The market as it is durable, encoded: shared by all who ask at the same sequence.
    ///
    /// # Errors
    /// [`NoSnapshot`].
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, NoSnapshot> {
        let snapshot = self.ask(Message::Snapshot).await;
        let snapshot = snapshot.map_err(|HubEnded| NoSnapshot::Ended)?;
        snapshot.ok_or(NoSnapshot::Busy)
    }

    /// What stands of the account of a session's user, and what happens to it from there on until the session is closed.
    /// Nothing: it is closed already. Tell it to that user alone.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn watch_account(
        &self,
        session: SessionId,
    ) -> Result<Option<AccountWatching>, HubEnded> {
        self.ask(|reply| Message::WatchAccount(session, reply))
            .await
    }

    /// A user's orders on lots that have not closed.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn orders_of(&self, user: UserId) -> Result<Vec<StandingOrder>, HubEnded> {
        self.ask(|reply| Message::Orders(user, reply)).await
    }

    /// Tells a user what no event of the market tells.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn tell(
        &self,
        at: Timestamp,
        user: UserId,
        event: AccountEvent,
    ) -> Result<(), HubEnded> {
        self.send(Message::Tell(at, user, event)).await
    }

    /// Waits until the hub has done all that was asked before.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn answers(&self) -> Result<(), HubEnded> {
        self.ask(Message::Answer).await
    }

    /// The market as it is durable, and what comes after it: for projections within the server.
    ///
    /// # Errors
    /// [`HubEnded`].
    pub async fn market(&self) -> Result<(Market, Following), HubEnded> {
        self.ask(Message::Market).await
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, HubEnded> {
        // Held until the answer is there.
        let _in_line = self.questions.acquire().await.map_err(|_| HubEnded)?;
        let (reply, answer) = oneshot::channel();
        self.send(message(reply)).await?;
        answer.await.map_err(|_| HubEnded)
    }

    async fn send(&self, mut message: Message) -> Result<(), HubEnded> {
        self.metrics.hub_inbox.add(1);
        loop {
            message = match self.inbox.send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(message)) => message,
                Err(TrySendError::Disconnected(_)) => {
                    self.metrics.hub_inbox.subtract(1);
                    return Err(HubEnded);
                }
            };
            sleep(INBOX_PAUSE).await;
        }
    }
}

struct Running {
    eager: Eager,
    market: Market,
    term: Term,
    clock: Arc<dyn Clock>,
    heartbeat: Duration,
    inbox: Receiver<Message>,
    feed: broadcast::Sender<Handed>,
    bell: watch::Sender<()>,
    beats: watch::Sender<Arc<Published>>,
    past: Past,
    snapshots: Snapshots,
    board: Board,
    desk: Desk,
    metrics: Arc<Metrics>,
}

impl Running {
    fn run(mut self) {
        let mut heartbeat_at = Instant::now() + self.heartbeat;
        loop {
            let due = self.board.due();
            let until = due.map_or(heartbeat_at, |due| due.min(heartbeat_at));
            match self.inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
                Err(TryRecvError::Disconnected) => return,
            }
            let now = Instant::now();
            if self.board.due().is_some_and(|due| now >= due) && self.board.tell() {
                // Nobody may be watching.
                let _ = self.feed.send(Handed::Indicatives);
                self.bell.send_replace(());
            }
            if now >= heartbeat_at {
                heartbeat_at = now + self.heartbeat;
                self.beat();
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.metrics.hub_inbox.subtract(1);
        match message {
            Message::Settled(events, indicatives) => {
                self.publish(events);
                self.note(indicatives);
            }
            // Who has left need not be told; here and below.
            Message::Watch(resume, reply) => drop(reply.send(self.watch(resume))),
            Message::Snapshot(reply) => {
                let snapshot = self.snapshots.newest(&self.market);
                drop(reply.send(snapshot));
            }
            Message::WatchAccount(session, reply) => {
                drop(reply.send(self.desk.watch(session, &self.eager)))
            }
            Message::Orders(user, reply) => drop(reply.send(self.desk.orders_of(user))),
            Message::Tell(at, user, event) => {
                self.desk.note(at, user, event);
                self.desk.tell();
            }
            Message::Answer(reply) => drop(reply.send(())),
            Message::Market(reply) => {
                let feed = self.following(self.market.feed_sequence(), VecDeque::new());
                drop(reply.send((self.market.clone(), feed)));
            }
        }
    }

    fn watch(&mut self, resume: Option<(MarketId, FeedSequence)>) -> Watching {
        let because = match resume.map(|seen| (seen.1, self.missed_since(seen))) {
            Some((place, Ok(missed))) => {
                let (start, feed) = (Start::Resumed, self.following(place, missed));
                return Watching { start, feed };
            }
            Some((_, Err(because))) => Some(because),
            None => None,
        };
        let (snapshot, missed) = self.snapshots.recent(&self.market, &self.past);
        let feed = self.following(snapshot.feed_sequence, missed);
        let start = Start::Snapshot(snapshot, because);
        Watching { start, feed }
    }

    fn following(&self, place: FeedSequence, missed: VecDeque<Weak<Published>>) -> Following {
        Following::new(
            place,
            missed,
            self.feed.subscribe(),
            self.board.changes(),
            self.eager.one(),
        )
    }

    fn publish(&mut self, events: Vec<(Timestamp, Event)>) {
        for (at, event) in &events {
            self.desk.take(*at, event);
        }
        let entries = events.into_iter().filter_map(|(at, event)| match event {
            Event::Public(event) => Some(FeedEntry { at, event }),
            Event::Private(_) => None,
        });
        let (id, after) = (self.market.id(), self.market.feed_sequence());
        for feed in Feed::of_commit(id, self.term, after, entries) {
            feed.apply_to(&mut self.market)
                .expect("the engine decided what follows");
            for entry in feed.entries.iter() {
                if let PublicEvent::LotClosed { lot, .. } = entry.event {
                    self.board.forget(lot);
                }
            }
            let about = |entry: &FeedEntry| symbol_of(&self.market, &entry.event);
            let symbols = feed.entries.iter().map(about).collect();
            let encoded = Encoded::new(&feed);
            let batch = FeedBatch {
                feed,
                symbols,
                encoded,
            };
            let published = Arc::new(Published::Batch(batch));
            self.snapshots.followed_by(published.bytes());
            // Nobody may be watching.
            let _ = self.feed.send(Handed::Batch(Arc::downgrade(&published)));
            self.past.keep(published);
        }
        self.bell.send_replace(());
        self.desk.tell();
    }

    fn note(&mut self, indicatives: Vec<Indicative>) {
        let place = self.market.feed_sequence();
        for indicative in indicatives {
            if let Some(lot) = self.market.lot(indicative.lot) {
                self.board.note(place, lot.symbol, indicative);
            }
        }
    }

    fn beat(&mut self) {
        let beat = beat(&mut self.market, self.term, &*self.clock);
        let _ = self.feed.send(Handed::Heartbeat(beat.clone()));
        self.bell.send_replace(());
        self.beats.send_replace(beat);
    }

    fn missed_since(
        &self,
        (market, seen): (MarketId, FeedSequence),
    ) -> Result<VecDeque<Weak<Published>>, ResyncBecause> {
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
