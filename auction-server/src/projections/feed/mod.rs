//! The hub: the state of the durable market, and the feed made from it. A thread of its own encodes each batch once,
//! passes it to all watchers, and makes one snapshot per sequence number for all requests.

mod handle;
mod snapshots;
mod replay_buffer;
mod subscription;
mod indicatives;
mod accounts;
mod demand;
mod message;
mod lots;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use auction_core::{
    AccountEvent, Accounts, Engine, Event, FeedSequence, Market, MarketId, PublicEvent, Reject,
    SessionId, StandingOrder, Term, Terms, Timestamp, UserId,
};
use auction_proto::{Feed, FeedEntry, Indicative, Lots, LotsOf, ResyncBecause};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use tokio::time::sleep;

use crate::market::indicative;
use crate::platform::clock::Clock;
use crate::platform::encoding::Encoded;
use crate::platform::metrics::Metrics;

use accounts::AccountFeeds;
use demand::Demand;
use handle::HubQueue;
use indicatives::IndicativeCache;
use replay_buffer::ReplayBuffer;
use snapshots::Snapshots;
use subscription::BroadcastItem;

pub use accounts::{AccountSubscribed, AccountSubscription};
pub use message::{FeedBatch, FeedMessage, Snapshot};
use message::{heartbeat_message, symbol_of};
pub use snapshots::SNAPSHOTS_MAX;
pub use subscription::{FeedNotify, Subscription, SubscriptionError};

/// Maximum number of batches in the hub's queue; with one more the sequencer waits, and in time commands are
/// answered `busy`.
pub const HUB_QUEUE: usize = 1_024;
/// Maximum number of questions in the hub's queue; further ones wait in line for a place.
pub const HUB_QUESTIONS: usize = 256;
/// Maximum number of messages that a watcher can be behind. With one more, or when the next is no longer kept, it gets
/// a snapshot.
pub const FEED_LAG_MAX: usize = 1_024;
/// Longest time that durable events wait for the hub while no client watches: only people read them then.
pub const HUB_DELAY_MAX: Duration = Duration::from_millis(20);
/// Pause before a retry when the queue is full of batches.
const INBOX_PAUSE: Duration = Duration::from_millis(5);

/// Handle to the hub.
#[derive(Clone, Debug)]
pub struct Hub {
    inbox: Arc<HubQueue<HubRequest>>,
    questions: Arc<Semaphore>,
    demand: Demand,
    metrics: Arc<Metrics>,
    heartbeats: watch::Receiver<Arc<FeedMessage>>,
    notify: watch::Receiver<()>,
    tells_days: watch::Receiver<bool>,
}

/// Handle to the hub that does not keep it running.
#[derive(Clone, Debug)]
pub struct WeakHub {
    inbox: Weak<HubQueue<HubRequest>>,
    questions: Arc<Semaphore>,
    demand: Demand,
    metrics: Arc<Metrics>,
    heartbeats: watch::Receiver<Arc<FeedMessage>>,
    notify: watch::Receiver<()>,
    tells_days: watch::Receiver<bool>,
}

impl WeakHub {
    /// Returns the handle if the hub still runs.
    #[must_use]
    pub fn upgrade(&self) -> Option<Hub> {
        let inbox = self.inbox.upgrade()?;
        Some(Hub {
            inbox,
            questions: self.questions.clone(),
            demand: self.demand.clone(),
            metrics: self.metrics.clone(),
            heartbeats: self.heartbeats.clone(),
            notify: self.notify.clone(),
            tells_days: self.tells_days.clone(),
        })
    }
}

/// A watch: its start, and the feed.
#[derive(Debug)]
pub struct Subscribed {
    /// The start.
    pub start: Start,
    /// The messages after the start, missed ones first.
    pub feed: Subscription,
}

/// Start of a watch.
#[derive(Debug)]
pub enum Start {
    /// With a snapshot; and, for a watcher that wanted to resume, the reason.
    Snapshot(Arc<Snapshot>, Option<ResyncBecause>),
    /// From the watcher's position.
    Resumed,
}

/// A request to the hub.
#[derive(Debug)]
enum HubRequest {
    Committed(Vec<(Timestamp, Event)>, Vec<Indicative>),
    Watch(
        Option<(MarketId, FeedSequence)>,
        oneshot::Sender<Subscribed>,
    ),
    Snapshot(oneshot::Sender<Option<Arc<Snapshot>>>),
    Lots(LotsOf, oneshot::Sender<Result<Lots, Reject>>),
    WatchAccount(SessionId, oneshot::Sender<Option<AccountSubscribed>>),
    Orders(UserId, oneshot::Sender<Vec<StandingOrder>>),
    NotifyAccount(Timestamp, UserId, AccountEvent),
    Ping(oneshot::Sender<()>),
    Market(oneshot::Sender<(Market, Subscription)>),
}

/// The hub and the server have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubStopped;

/// Reason why there is no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Too many snapshots are being sent to slow clients.
    Busy,
    /// The hub and the server have ended.
    Ended,
}

impl Hub {
    /// Starts the thread with the state of an engine, all of which is durable. Every `heartbeat` it sends time,
    /// sequence number and digest. It ends when all handles to it are dropped.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(
        engine: &Engine,
        term: Term,
        clock: Arc<dyn Clock>,
        heartbeat: Duration,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let mut market = engine.market().clone();
        let (sender, inbox) = sync_channel(HUB_QUEUE + HUB_QUESTIONS);
        let (feed, _) = broadcast::channel(FEED_LAG_MAX);
        let replay_buffer = ReplayBuffer::default();
        let (heartbeats, heartbeats_receiver) =
            watch::channel(heartbeat_message(&mut market, term, &*clock));
        let (notify, bell_receiver) = watch::channel(());
        let (tells_days, tells_days_receiver) = watch::channel(needs_days(&market));
        let demand = Demand::default();
        let mut hub = Worker {
            demand: demand.clone(),
            market,
            term,
            clock,
            heartbeat,
            inbox,
            feed,
            notify,
            tells_days,
            heartbeats,
            replay_buffer,
            snapshots: Snapshots::default(),
            indicatives: IndicativeCache::new(),
            accounts: AccountFeeds::new(Accounts::of(engine)),
            metrics: metrics.clone(),
        };
        hub.note(indicative::all(engine));
        hub.indicatives.flush();
        let builder = thread::Builder::new().name("hub".to_owned());
        let thread = builder.spawn(move || hub.run())?;
        Ok(Self {
            inbox: Arc::new(HubQueue::new(sender, thread.thread().clone())),
            questions: Arc::new(Semaphore::new(HUB_QUESTIONS)),
            demand,
            metrics,
            heartbeats: heartbeats_receiver,
            notify: bell_receiver,
            tells_days: tells_days_receiver,
        })
    }

    /// Returns a handle that does not keep the hub running.
    #[must_use]
    pub fn downgrade(&self) -> WeakHub {
        WeakHub {
            inbox: Arc::downgrade(&self.inbox),
            questions: self.questions.clone(),
            demand: self.demand.clone(),
            metrics: self.metrics.clone(),
            heartbeats: self.heartbeats.clone(),
            notify: self.notify.clone(),
            tells_days: self.tells_days.clone(),
        }
    }

    /// Returns the heartbeats alone, for connections without a feed: the latest one and each new one.
    #[must_use]
    pub fn heartbeats(&self) -> watch::Receiver<Arc<FeedMessage>> {
        self.heartbeats.clone()
    }

    /// Returns whether the feed has told, or can tell, of trading days or halts of the whole market, which only clients of
    /// [`VERSION_OF_DAYS`](auction_proto::VERSION_OF_DAYS) can read. It is set before the first such event is published,
    /// and never cleared.
    #[must_use]
    pub fn tells_days(&self) -> watch::Receiver<bool> {
        self.tells_days.clone()
    }

    /// Returns notifications for a task that reads many feeds at once.
    #[must_use]
    pub fn notify(&self) -> FeedNotify {
        FeedNotify(self.notify.clone())
    }

    /// Publishes durable events, and the indicatives of the call auctions that they changed. Only the sequencer calls
    /// this; it [wakes](Self::wake) the hub after its replies. It waits here when the hub is far behind, and in time
    /// commands are answered `busy`.
    pub(crate) fn publish(&self, events: Vec<(Timestamp, Event)>, indicatives: Vec<Indicative>) {
        self.metrics.hub_inbox.add(1);
        self.inbox.put(HubRequest::Committed(events, indicatives));
    }

    /// Makes the hub read its queue. A question does the same, so that its answer includes all events whose replies
    /// were sent.
    pub(crate) fn wake(&self) {
        self.inbox.wake();
    }

    /// Returns whether a watcher needs each batch at once; otherwise the hub can sleep for [`HUB_DELAY_MAX`].
    pub(crate) fn is_watched(&self) -> bool {
        self.demand.is_any()
    }

    /// Publishes and wakes.
    #[cfg(test)]
    pub(crate) fn publish_and_wake(
        &self,
        events: Vec<(Timestamp, Event)>,
        indicatives: Vec<Indicative>,
    ) {
        self.publish(events, indicatives);
        self.wake();
    }

    /// Starts a watch, from the last seen position if the hub still has all batches since. Waits in line with other
    /// questions.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn watch(
        &self,
        resume: Option<(MarketId, FeedSequence)>,
    ) -> Result<Subscribed, HubStopped> {
        self.ask(|reply| HubRequest::Watch(resume, reply)).await
    }

    /// Returns the durable market, encoded: shared by all requests at the same sequence number.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, SnapshotError> {
        let snapshot = self.ask(HubRequest::Snapshot).await;
        let snapshot = snapshot.map_err(|HubStopped| SnapshotError::Ended)?;
        snapshot.ok_or(SnapshotError::Busy)
    }

    /// Returns the durable lots of a stock, or one lot; or why there are none.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn lots(&self, of: LotsOf) -> Result<Result<Lots, Reject>, HubStopped> {
        self.ask(|reply| HubRequest::Lots(of, reply)).await
    }

    /// Returns the state of the account of a session's user, and its events from there on until the session is closed;
    /// `None` if it is closed already. Only that user may see the result.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn watch_account(
        &self,
        session: SessionId,
    ) -> Result<Option<AccountSubscribed>, HubStopped> {
        self.ask(|reply| HubRequest::WatchAccount(session, reply))
            .await
    }

    /// Returns a user's orders on lots that have not closed.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn orders_of(&self, user: UserId) -> Result<Vec<StandingOrder>, HubStopped> {
        self.ask(|reply| HubRequest::Orders(user, reply)).await
    }

    /// Sends a user an account event that comes from no event of the market.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn notify_account(
        &self,
        at: Timestamp,
        user: UserId,
        event: AccountEvent,
    ) -> Result<(), HubStopped> {
        self.send(HubRequest::NotifyAccount(at, user, event)).await
    }

    /// Waits until the hub has done all earlier requests.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn ping(&self) -> Result<(), HubStopped> {
        self.ask(HubRequest::Ping).await
    }

    /// Returns the durable market, and the feed after it: for projections within the server.
    ///
    /// # Errors
    /// [`HubStopped`].
    pub async fn market(&self) -> Result<(Market, Subscription), HubStopped> {
        self.ask(HubRequest::Market).await
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> HubRequest,
    ) -> Result<T, HubStopped> {
        // The permit is held until the answer comes.
        let _in_line = self.questions.acquire().await.map_err(|_| HubStopped)?;
        let (reply, answer) = oneshot::channel();
        self.send(message(reply)).await?;
        answer.await.map_err(|_| HubStopped)
    }

    async fn send(&self, mut message: HubRequest) -> Result<(), HubStopped> {
        self.metrics.hub_inbox.add(1);
        loop {
            message = match self.inbox.send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(message)) => message,
                Err(TrySendError::Disconnected(_)) => {
                    self.metrics.hub_inbox.subtract(1);
                    return Err(HubStopped);
                }
            };
            sleep(INBOX_PAUSE).await;
        }
    }
}

struct Worker {
    demand: Demand,
    market: Market,
    term: Term,
    clock: Arc<dyn Clock>,
    heartbeat: Duration,
    inbox: Receiver<HubRequest>,
    feed: broadcast::Sender<BroadcastItem>,
    notify: watch::Sender<()>,
    tells_days: watch::Sender<bool>,
    heartbeats: watch::Sender<Arc<FeedMessage>>,
    replay_buffer: ReplayBuffer,
    snapshots: Snapshots,
    indicatives: IndicativeCache,
    accounts: AccountFeeds,
    metrics: Arc<Metrics>,
}

impl Worker {
    fn run(mut self) {
        let mut heartbeat_at = Instant::now() + self.heartbeat;
        loop {
            let due = self.indicatives.due();
            let until = due.map_or(heartbeat_at, |due| due.min(heartbeat_at));
            match self.inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
                Err(TryRecvError::Disconnected) => return,
            }
            let now = Instant::now();
            if self.indicatives.due().is_some_and(|due| now >= due) && self.indicatives.flush() {
                // There may be no watcher.
                let _ = self.feed.send(BroadcastItem::Indicatives);
                self.notify.send_replace(());
            }
            if now >= heartbeat_at {
                heartbeat_at = now + self.heartbeat;
                self.heartbeat_message();
            }
        }
    }

    fn take(&mut self, message: HubRequest) {
        self.metrics.hub_inbox.subtract(1);
        match message {
            HubRequest::Committed(events, indicatives) => {
                self.publish(events);
                self.note(indicatives);
            }
            // Ignore send errors: the requester may be gone; here and below.
            HubRequest::Watch(resume, reply) => drop(reply.send(self.watch(resume))),
            HubRequest::Snapshot(reply) => {
                let snapshot = self.snapshots.newest(&self.market);
                drop(reply.send(snapshot));
            }
            HubRequest::Lots(of, reply) => drop(reply.send(lots::lots(&self.market, of))),
            HubRequest::WatchAccount(session, reply) => {
                drop(reply.send(self.accounts.watch(session, &self.demand)))
            }
            HubRequest::Orders(user, reply) => drop(reply.send(self.accounts.orders_of(user))),
            HubRequest::NotifyAccount(at, user, event) => {
                self.accounts.note(at, user, event);
                self.accounts.flush();
            }
            HubRequest::Ping(reply) => drop(reply.send(())),
            HubRequest::Market(reply) => {
                let feed = self.following(self.market.feed_sequence(), VecDeque::new());
                drop(reply.send((self.market.clone(), feed)));
            }
        }
    }

    fn watch(&mut self, resume: Option<(MarketId, FeedSequence)>) -> Subscribed {
        let because = match resume.map(|seen| (seen.1, self.missed_since(seen))) {
            Some((place, Ok(missed))) => {
                let (start, feed) = (Start::Resumed, self.following(place, missed));
                return Subscribed { start, feed };
            }
            Some((_, Err(because))) => Some(because),
            None => None,
        };
        let (snapshot, missed) = self.snapshots.recent(&self.market, &self.replay_buffer);
        let feed = self.following(snapshot.feed_sequence, missed);
        let start = Start::Snapshot(snapshot, because);
        Subscribed { start, feed }
    }

    fn following(&self, place: FeedSequence, missed: VecDeque<Weak<FeedMessage>>) -> Subscription {
        Subscription::new(
            place,
            missed,
            self.feed.subscribe(),
            self.indicatives.changes(),
            self.demand.register(),
        )
    }

    fn publish(&mut self, events: Vec<(Timestamp, Event)>) {
        if !*self.tells_days.borrow() && events.iter().any(|(_, event)| is_of_days(event)) {
            self.tells_days.send_replace(true);
        }
        for (at, event) in &events {
            self.accounts.take(*at, event);
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
                if let PublicEvent::LotClosed { lot, .. } | PublicEvent::CallUncrossed { lot, .. } =
                    entry.event
                {
                    self.indicatives.forget(lot);
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
            let published = Arc::new(FeedMessage::Batch(batch));
            self.snapshots.note_batch(published.bytes());
            // There may be no watcher.
            let _ = self
                .feed
                .send(BroadcastItem::Batch(Arc::downgrade(&published)));
            self.replay_buffer.keep(published);
        }
        self.notify.send_replace(());
        self.accounts.flush();
    }

    fn note(&mut self, indicatives: Vec<Indicative>) {
        let place = self.market.feed_sequence();
        for indicative in indicatives {
            if let Some(lot) = self.market.lot(indicative.lot) {
                self.indicatives.note(place, lot.symbol, indicative);
            }
        }
    }

    fn heartbeat_message(&mut self) {
        let heartbeat_message = heartbeat_message(&mut self.market, self.term, &*self.clock);
        let _ = self
            .feed
            .send(BroadcastItem::Heartbeat(heartbeat_message.clone()));
        self.notify.send_replace(());
        self.heartbeats.send_replace(heartbeat_message);
    }

    fn missed_since(
        &self,
        (market, seen): (MarketId, FeedSequence),
    ) -> Result<VecDeque<Weak<FeedMessage>>, ResyncBecause> {
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
        self.replay_buffer.since(seen, last)
    }
}

/// Returns whether a market has what only clients of [`VERSION_OF_DAYS`](auction_proto::VERSION_OF_DAYS) can read.
fn needs_days(market: &Market) -> bool {
    let mut lots = market.lots().iter();
    market.halted_since().is_some() || lots.any(|lot| matches!(lot.terms, Terms::Day(_)))
}

/// Returns whether an event is the first of a trading day, or of a halt of the whole market.
fn is_of_days(event: &Event) -> bool {
    match event {
        Event::Public(PublicEvent::LotOpened(opened)) => matches!(opened.terms, Terms::Day(_)),
        Event::Public(PublicEvent::MarketHalted | PublicEvent::MarketResumed) => true,
        _ => false,
    }
}
