//! The signed feed: a thread that follows the hub while someone watches what is signed. What is committed within
//! [`SIGN_WITHIN`] is signed once, however many watch.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auction_core::{FeedSequence, LotId, Market, MarketId};
use auction_proto::{
    BatchBuilder, FeedEntry, ResyncBecause, SignedBatch, SignedSnapshot, SnapshotBytes,
    SnapshotPart, SnapshotStatement, StatementHead,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::{Proofs, Signer};
use crate::platform::encoding::Encoded;
use crate::projections::feed::{
    FEED_LAG_MAX, FeedMessage, SNAPSHOTS_MAX, Subscription, SubscriptionError, WeakHub,
};

/// How long events wait to be signed together.
pub const SIGN_WITHIN: Duration = Duration::from_millis(20);
/// How long it is between two signed signs of life at most.
pub const SIGNED_HEARTBEAT_MAX: Duration = Duration::from_secs(1);
/// How many can wait to be let in; with one more, the answer is [`SigningUnavailable`].
const WATCHERS_WAITING_MAX: usize = 256;
/// How many signed batches are kept for those who resume, and for those who are behind.
const REPLAY_BATCHES_MAX: usize = 4_096;
/// How many bytes of them.
const REPLAY_BYTES_MAX: usize = 16 << 20;
/// A snapshot of no more bytes is made anew whenever someone begins to watch.
const SMALL_BYTES: usize = 64 << 10;
/// How long the feed is signed when nobody watches any more.
const LINGER: Duration = Duration::from_secs(60);

/// The way to the signed feed.
#[derive(Clone, Debug)]
pub struct SignedStream(mpsc::Sender<WatchRequest>);

/// The feed cannot be signed now: too many ask, or the server is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningUnavailable;

/// Someone who watches what is signed.
#[derive(Debug)]
pub struct SignedSubscribed {
    /// How it begins.
    pub start: SignedStart,
    /// What comes after it.
    pub feed: SignedSubscription,
}

/// How a signed watch begins.
#[derive(Debug)]
pub enum SignedStart {
    /// With all there is; and why, for one who would have gone on.
    Snapshot(Arc<EncodedSnapshot>, Option<ResyncBecause>),
    /// Where it was.
    Resumed,
}

/// A signed snapshot, encoded once for all.
#[derive(Debug)]
pub struct EncodedSnapshot {
    place: FeedSequence,
    /// What is signed.
    pub statement: Encoded,
    /// Its parts.
    pub parts: Vec<Encoded>,
}

/// The signed feed from a place on.
#[derive(Debug)]
pub struct SignedSubscription {
    missed: VecDeque<BroadcastItem>,
    feed: broadcast::Receiver<BroadcastItem>,
}

#[derive(Debug)]
struct WatchRequest {
    resume: Option<(MarketId, FeedSequence)>,
    answer: oneshot::Sender<SignedSubscribed>,
}

/// A signed batch, as long as it is kept.
#[derive(Debug)]
pub struct EncodedBatch {
    after: FeedSequence,
    through: FeedSequence,
    encoded: Encoded,
}

#[derive(Clone, Debug)]
enum BroadcastItem {
    Batch(Weak<EncodedBatch>),
    /// A sign of life; it is small.
    Life(Arc<EncodedBatch>),
    /// What an uncross would give: not signed, for it is part of no market. It is small.
    Beside(Arc<FeedMessage>),
}

impl SignedStream {
    pub(super) fn start(
        signer: Signer,
        hub: WeakHub,
        proofs: Proofs,
        heartbeat: Duration,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, asking) = mpsc::channel(WATCHERS_WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let heartbeat = heartbeat.min(SIGNED_HEARTBEAT_MAX);
        let thread = thread::Builder::new().name("signer".to_owned());
        let run = async move { run(&signer, &hub, &proofs, heartbeat, asking).await };
        let thread = thread.spawn(move || runtime.block_on(run))?;
        Ok((Self(sender), thread))
    }

    /// Begins to watch, from what was last seen if all since is still kept.
    ///
    /// # Errors
    /// [`SigningUnavailable`].
    pub async fn watch(
        &self,
        resume: Option<(MarketId, FeedSequence)>,
    ) -> Result<SignedSubscribed, SigningUnavailable> {
        let (answer, answered) = oneshot::channel();
        let asked = self.0.try_send(WatchRequest { resume, answer });
        asked.map_err(|_| SigningUnavailable)?;
        answered.await.map_err(|_| SigningUnavailable)
    }
}

impl SignedSubscription {
    /// Waits for what is next. Can be given up without loss. `None`: this watcher was too slow, or the feed begins anew.
    pub async fn next(&mut self) -> Option<SignedNext> {
        let next = match self.missed.pop_front() {
            Some(missed) => missed,
            None => self.feed.recv().await.ok()?,
        };
        match next {
            BroadcastItem::Batch(batch) => batch.upgrade().map(SignedNext::Signed),
            BroadcastItem::Life(heartbeat) => Some(SignedNext::Signed(heartbeat)),
            BroadcastItem::Beside(published) => Some(SignedNext::Beside(published)),
        }
    }
}

/// Something to be sent.
#[derive(Debug)]
pub enum SignedNext {
    /// A signed batch.
    Signed(Arc<EncodedBatch>),
    /// What an uncross of a call auction would give. It is not signed.
    Beside(Arc<FeedMessage>),
}

impl SignedNext {
    /// As it is sent.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        match self {
            Self::Signed(signed) => &signed.encoded,
            Self::Beside(published) => published.encoded(),
        }
    }
}

/// Why the feed is not signed any more.
enum StopReason {
    /// Nobody watches, or it must begin anew: when someone asks, it does.
    Idle,
    /// The server is ending.
    Ended,
}

async fn run(
    signer: &Signer,
    hub: &WeakHub,
    proofs: &Proofs,
    heartbeat: Duration,
    mut asking: mpsc::Receiver<WatchRequest>,
) {
    while let Some(first) = asking.recv().await {
        let Some(hub) = hub.upgrade() else { return };
        let begun = hub.market().await;
        // Its end is ours to notice.
        drop(hub);
        let Ok((market, feed)) = begun else { return };
        proofs.begin();
        let live = SignedFeed {
            signer,
            proofs,
            heartbeat,
            market,
            feed,
            batch: BatchBuilder::new(),
            replay_buffer: VecDeque::new(),
            replay_bytes: 0,
            sender: broadcast::channel(FEED_LAG_MAX).0,
            latest: None,
            since_bytes: 0,
            in_use: Vec::new(),
            indicatives: BTreeMap::new(),
            unsent: BTreeSet::new(),
        };
        if let StopReason::Ended = live.run(first, &mut asking).await {
            return;
        }
    }
}

/// The feed while it is signed.
struct SignedFeed<'a> {
    signer: &'a Signer,
    proofs: &'a Proofs,
    heartbeat: Duration,
    market: Market,
    feed: Subscription,
    batch: BatchBuilder,
    replay_buffer: VecDeque<Arc<EncodedBatch>>,
    replay_bytes: usize,
    sender: broadcast::Sender<BroadcastItem>,
    latest: Option<Arc<EncodedSnapshot>>,
    /// How many bytes were signed since the latest snapshot.
    since_bytes: usize,
    in_use: Vec<Weak<EncodedSnapshot>>,
    /// What an uncross of each running call would give.
    indicatives: BTreeMap<LotId, Arc<FeedMessage>>,
    /// Those that have changed since they were told.
    unsent: BTreeSet<LotId>,
}

impl SignedFeed<'_> {
    async fn run(
        mut self,
        first: WatchRequest,
        asking: &mut mpsc::Receiver<WatchRequest>,
    ) -> StopReason {
        self.answer(first);
        let mut sign_at: Option<Instant> = None;
        let mut heartbeat_at = Instant::now() + self.heartbeat;
        let mut watched_at = Instant::now();
        loop {
            let due = sign_at.unwrap_or(heartbeat_at);
            tokio::select! {
                published = self.feed.next() => match published {
                    Ok(published) => {
                        match &*published {
                            FeedMessage::Batch(batch) => batch.feed.entries.iter().for_each(|entry| self.apply(entry)),
                            FeedMessage::Indicative(indicated) => {
                                let lot = indicated.indicative.lot;
                                self.indicatives.insert(lot, published.clone());
                                self.unsent.insert(lot);
                            }
                            FeedMessage::Heartbeat(_) => continue,
                        }
                        sign_at.get_or_insert_with(|| Instant::now() + SIGN_WITHIN);
                    }
                    // Whoever watches begins anew with it.
                    Err(SubscriptionError::Lagged) => return StopReason::Idle,
                    Err(SubscriptionError::Ended) => return StopReason::Ended,
                },
                asked = asking.recv() => match asked {
                    Some(asked) => self.answer(asked),
                    None => return StopReason::Ended,
                },
                () = sleep_until(due) => {}
            }
            let now = Instant::now();
            if sign_at.is_some_and(|at| at <= now) {
                self.sign();
                self.send_indicatives();
                sign_at = None;
            }
            if heartbeat_at <= now {
                heartbeat_at = now + self.heartbeat;
                if self.sender.receiver_count() > 0 {
                    watched_at = now;
                    self.send_heartbeat();
                } else if now - watched_at >= LINGER {
                    return StopReason::Idle;
                }
            }
        }
    }

    fn apply(&mut self, entry: &FeedEntry) {
        if let Err(entry) = self.batch.push(entry.clone()) {
            self.sign();
            let pushed = self.batch.push(entry);
            pushed.expect("every event has room in an empty batch");
        }
        let applied = self.market.apply(entry.at, &entry.event);
        applied.expect("the hub took it as well");
    }

    /// Signs what was gathered, and hands it to all who watch.
    fn sign(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let kept = Arc::new(self.signed());
        // Nobody may be watching.
        let _ = self
            .sender
            .send(BroadcastItem::Batch(Arc::downgrade(&kept)));
        let bytes = kept.bytes();
        self.since_bytes += bytes;
        self.replay_bytes += bytes;
        self.replay_buffer.push_back(kept);
        while self.replay_buffer.len() > 1
            && (self.replay_buffer.len() > REPLAY_BATCHES_MAX
                || self.replay_bytes > REPLAY_BYTES_MAX)
        {
            if let Some(oldest) = self.replay_buffer.pop_front() {
                self.replay_bytes -= oldest.bytes();
            }
        }
    }

    /// Tells what uncrosses would give, behind the events that it comes from.
    fn send_indicatives(&mut self) {
        let market = &self.market;
        let runs = |lot: &LotId| market.lot(*lot).is_some_and(|lot| !lot.is_closed());
        self.indicatives.retain(|lot, _| runs(lot));
        for lot in std::mem::take(&mut self.unsent) {
            if let Some(published) = self.indicatives.get(&lot) {
                let _ = self.sender.send(BroadcastItem::Beside(published.clone()));
            }
        }
    }

    fn send_heartbeat(&mut self) {
        self.sign();
        let heartbeat = Arc::new(self.signed());
        let _ = self.sender.send(BroadcastItem::Life(heartbeat));
    }

    fn signed(&mut self) -> EncodedBatch {
        let (head, through) = (self.head(), self.market.feed_sequence());
        let digest = self.market.digest();
        let statement = self.batch.statement(head, through, digest);
        let signed = SignedBatch::sign(&statement, &self.signer.key);
        EncodedBatch {
            after: statement.after,
            through,
            encoded: Encoded::new(&signed),
        }
    }

    fn head(&self) -> StatementHead {
        StatementHead {
            market: self.signer.market,
            term: self.signer.term,
            time: self.signer.clock.now(),
            checkpoint: self.proofs.newest(),
        }
    }

    fn answer(&mut self, WatchRequest { resume, answer }: WatchRequest) {
        // Snapshots and places are those of what is signed.
        self.sign();
        self.send_indicatives();
        let feed = self.sender.subscribe();
        let beside: Vec<_> = self.indicatives.values().cloned().collect();
        let following = |missed: VecDeque<Weak<EncodedBatch>>| {
            let missed = missed.into_iter().map(BroadcastItem::Batch);
            let missed = missed
                .chain(beside.into_iter().map(BroadcastItem::Beside))
                .collect();
            SignedSubscription { missed, feed }
        };
        let because = match resume.map(|seen| self.missed_since(seen)) {
            Some(Ok(missed)) => {
                let (start, feed) = (SignedStart::Resumed, following(missed));
                let _ = answer.send(SignedSubscribed { start, feed });
                return;
            }
            Some(Err(because)) => Some(because),
            None => None,
        };
        // Without one the way back is dropped, which says so.
        if let Some((snapshot, missed)) = self.snapshot() {
            let start = SignedStart::Snapshot(snapshot, because);
            let feed = following(missed);
            let _ = answer.send(SignedSubscribed { start, feed });
        }
    }

    /// What was signed since a place. A batch that lies around it comes whole: what is known of it is passed over.
    fn missed_since(
        &self,
        (market, seen): (MarketId, FeedSequence),
    ) -> Result<VecDeque<Weak<EncodedBatch>>, ResyncBecause> {
        let last = self.market.feed_sequence();
        if market != self.signer.market {
            return Err(ResyncBecause::UnknownPlace);
        }
        if seen > last {
            return Err(ResyncBecause::JournalLost);
        }
        let first = self
            .replay_buffer
            .partition_point(|kept| kept.through <= seen);
        let missed = self.replay_buffer.range(first..);
        let begins = self
            .replay_buffer
            .get(first)
            .map_or(last, |kept| kept.after);
        if begins > seen {
            return Err(ResyncBecause::TooLongAgo);
        }
        Ok(missed.map(Arc::downgrade).collect())
    }

    /// A snapshot to go on from, and what was signed since; `None` when too many are on their way to slow clients.
    fn snapshot(&mut self) -> Option<(Arc<EncodedSnapshot>, VecDeque<Weak<EncodedBatch>>)> {
        self.in_use.retain(|snapshot| snapshot.strong_count() > 0);
        let has_room = self.in_use.len() < SNAPSHOTS_MAX;
        if let Some(latest) = &self.latest {
            let is_short = self.since_bytes <= latest.bytes().max(SMALL_BYTES);
            let missed = self.missed_since((self.signer.market, latest.place));
            if let (true, Ok(missed)) = (is_short || !has_room, missed) {
                return Some((latest.clone(), missed));
            }
        }
        if !has_room {
            return None;
        }
        let mut parts = Vec::new();
        let mut hashes = Vec::new();
        for part in SnapshotPart::of_market(&self.market) {
            let (bytes, hash) = SnapshotBytes::of(&part);
            parts.push(Encoded::new(&bytes));
            hashes.push(hash);
        }
        let head = self.head();
        let place = self.market.feed_sequence();
        let statement = SnapshotStatement {
            market: head.market,
            term: head.term,
            time: head.time,
            checkpoint: head.checkpoint,
            feed_sequence: place,
            digest: self.market.digest(),
            parts: hashes.try_into().expect("no market has more parts"),
        };
        let signed = SignedSnapshot::sign(&statement, &self.signer.key);
        let snapshot = Arc::new(EncodedSnapshot {
            place,
            statement: Encoded::new(&signed),
            parts,
        });
        self.in_use.push(Arc::downgrade(&snapshot));
        self.latest = Some(snapshot.clone());
        self.since_bytes = 0;
        Some((snapshot, VecDeque::new()))
    }
}

impl EncodedBatch {
    fn bytes(&self) -> usize {
        self.encoded.bytes() + size_of::<Self>()
    }
}

impl EncodedSnapshot {
    fn bytes(&self) -> usize {
        self.statement.bytes() + self.parts.iter().map(Encoded::bytes).sum::<usize>()
    }
}
