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
    FEED_BEHIND_MAX, Following, NoNext, Published, SNAPSHOTS_MAX, WeakHub,
};

/// How long events wait to be signed together.
pub const SIGN_WITHIN: Duration = Duration::from_millis(20);
/// How long it is between two signed signs of life at most.
pub const SIGNED_HEARTBEAT_MAX: Duration = Duration::from_secs(1);
/// How many can wait to be let in; with one more, the answer is [`NotSigned`].
const WATCHERS_WAITING_MAX: usize = 256;
/// How many signed batches are kept for those who resume, and for those who are behind.
const PAST_BATCHES: usize = 4_096;
/// How many bytes of them.
const PAST_BYTES: usize = 16 << 20;
/// A snapshot of no more bytes is made anew whenever someone begins to watch.
const SMALL_BYTES: usize = 64 << 10;
/// How long the feed is signed when nobody watches any more.
const LINGER: Duration = Duration::from_secs(60);

/// The way to the signed feed.
#[derive(Clone, Debug)]
pub struct SignedStream(mpsc::Sender<Asking>);

/// The feed cannot be signed now: too many ask, or the server is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSigned;

/// Someone who watches what is signed.
#[derive(Debug)]
pub struct SignedWatching {
    /// How it begins.
    pub start: SignedStart,
    /// What comes after it.
    pub feed: SignedFollowing,
}

/// How a signed watch begins.
#[derive(Debug)]
pub enum SignedStart {
    /// With all there is; and why, for one who would have gone on.
    Snapshot(Arc<SignedParts>, Option<ResyncBecause>),
    /// Where it was.
    Resumed,
}

/// A signed snapshot, encoded once for all.
#[derive(Debug)]
pub struct SignedParts {
    place: FeedSequence,
    /// What is signed.
    pub statement: Encoded,
    /// Its parts.
    pub parts: Vec<Encoded>,
}

/// The signed feed from a place on.
#[derive(Debug)]
pub struct SignedFollowing {
    missed: VecDeque<Handed>,
    feed: broadcast::Receiver<Handed>,
}

#[derive(Debug)]
struct Asking {
    resume: Option<(MarketId, FeedSequence)>,
    answer: oneshot::Sender<SignedWatching>,
}

/// A signed batch, as long as it is kept.
#[derive(Debug)]
pub struct SignedBytes {
    after: FeedSequence,
    through: FeedSequence,
    encoded: Encoded,
}

#[derive(Clone, Debug)]
enum Handed {
    Batch(Weak<SignedBytes>),
    /// A sign of life; it is small.
    Life(Arc<SignedBytes>),
    /// What an uncross would give: not signed, for it is part of no market. It is small.
    Beside(Arc<Published>),
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
    /// [`NotSigned`].
    pub async fn watch(
        &self,
        resume: Option<(MarketId, FeedSequence)>,
    ) -> Result<SignedWatching, NotSigned> {
        let (answer, answered) = oneshot::channel();
        let asked = self.0.try_send(Asking { resume, answer });
        asked.map_err(|_| NotSigned)?;
        answered.await.map_err(|_| NotSigned)
    }
}

impl SignedFollowing {
    /// Waits for what is next. Can be given up without loss. `None`: this watcher was too slow, or the feed begins anew.
    pub async fn next(&mut self) -> Option<SignedNext> {
        let next = match self.missed.pop_front() {
            Some(missed) => missed,
            None => self.feed.recv().await.ok()?,
        };
        match next {
            Handed::Batch(batch) => batch.upgrade().map(SignedNext::Signed),
            Handed::Life(life) => Some(SignedNext::Signed(life)),
            Handed::Beside(published) => Some(SignedNext::Beside(published)),
        }
    }
}

/// Something to be sent.
#[derive(Debug)]
pub enum SignedNext {
    /// A signed batch.
    Signed(Arc<SignedBytes>),
    /// What an uncross of a call auction would give. It is not signed.
    Beside(Arc<Published>),
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
enum Over {
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
    mut asking: mpsc::Receiver<Asking>,
) {
    while let Some(first) = asking.recv().await {
        let Some(hub) = hub.upgrade() else { return };
        let begun = hub.market().await;
        // Its end is ours to notice.
        drop(hub);
        let Ok((market, feed)) = begun else { return };
        proofs.begin();
        let live = Live {
            signer,
            proofs,
            heartbeat,
            market,
            feed,
            gathered: BatchBuilder::new(),
            past: VecDeque::new(),
            past_bytes: 0,
            told: broadcast::channel(FEED_BEHIND_MAX).0,
            latest: None,
            since_bytes: 0,
            under_way: Vec::new(),
            indicatives: BTreeMap::new(),
            untold: BTreeSet::new(),
        };
        if let Over::Ended = live.run(first, &mut asking).await {
            return;
        }
    }
}

/// The feed while it is signed.
struct Live<'a> {
    signer: &'a Signer,
    proofs: &'a Proofs,
    heartbeat: Duration,
    market: Market,
    feed: Following,
    gathered: BatchBuilder,
    past: VecDeque<Arc<SignedBytes>>,
    past_bytes: usize,
    told: broadcast::Sender<Handed>,
    latest: Option<Arc<SignedParts>>,
    /// How many bytes were signed since the latest snapshot.
    since_bytes: usize,
    under_way: Vec<Weak<SignedParts>>,
    /// What an uncross of each running call would give.
    indicatives: BTreeMap<LotId, Arc<Published>>,
    /// Those that have changed since they were told.
    untold: BTreeSet<LotId>,
}

impl Live<'_> {
    async fn run(mut self, first: Asking, asking: &mut mpsc::Receiver<Asking>) -> Over {
        self.answer(first);
        let mut sign_at: Option<Instant> = None;
        let mut life_at = Instant::now() + self.heartbeat;
        let mut watched_at = Instant::now();
        loop {
            let due = sign_at.unwrap_or(life_at);
            tokio::select! {
                published = self.feed.next() => match published {
                    Ok(published) => {
                        match &*published {
                            Published::Batch(batch) => batch.feed.entries.iter().for_each(|entry| self.take(entry)),
                            Published::Indicative(indicated) => {
                                let lot = indicated.indicative.lot;
                                self.indicatives.insert(lot, published.clone());
                                self.untold.insert(lot);
                            }
                            Published::Heartbeat(_) => continue,
                        }
                        sign_at.get_or_insert_with(|| Instant::now() + SIGN_WITHIN);
                    }
                    // Whoever watches begins anew with it.
                    Err(NoNext::Behind) => return Over::Idle,
                    Err(NoNext::Ended) => return Over::Ended,
                },
                asked = asking.recv() => match asked {
                    Some(asked) => self.answer(asked),
                    None => return Over::Ended,
                },
                () = sleep_until(due) => {}
            }
            let now = Instant::now();
            if sign_at.is_some_and(|at| at <= now) {
                self.sign();
                self.tell_indicatives();
                sign_at = None;
            }
            if life_at <= now {
                life_at = now + self.heartbeat;
                if self.told.receiver_count() > 0 {
                    watched_at = now;
                    self.show_life();
                } else if now - watched_at >= LINGER {
                    return Over::Idle;
                }
            }
        }
    }

    fn take(&mut self, entry: &FeedEntry) {
        if let Err(entry) = self.gathered.push(entry.clone()) {
            self.sign();
            let pushed = self.gathered.push(entry);
            pushed.expect("every event has room in an empty batch");
        }
        let applied = self.market.apply(entry.at, &entry.event);
        applied.expect("the hub took it as well");
    }

    /// Signs what was gathered, and hands it to all who watch.
    fn sign(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let kept = Arc::new(self.signed());
        // Nobody may be watching.
        let _ = self.told.send(Handed::Batch(Arc::downgrade(&kept)));
        let bytes = kept.bytes();
        self.since_bytes += bytes;
        self.past_bytes += bytes;
        self.past.push_back(kept);
        while self.past.len() > 1
            && (self.past.len() > PAST_BATCHES || self.past_bytes > PAST_BYTES)
        {
            if let Some(oldest) = self.past.pop_front() {
                self.past_bytes -= oldest.bytes();
            }
        }
    }

    /// Tells what uncrosses would give, behind the events that it comes from.
    fn tell_indicatives(&mut self) {
        let market = &self.market;
        let runs = |lot: &LotId| market.lot(*lot).is_some_and(|lot| !lot.is_closed());
        self.indicatives.retain(|lot, _| runs(lot));
        for lot in std::mem::take(&mut self.untold) {
            if let Some(published) = self.indicatives.get(&lot) {
                let _ = self.told.send(Handed::Beside(published.clone()));
            }
        }
    }

    fn show_life(&mut self) {
        self.sign();
        let life = Arc::new(self.signed());
        let _ = self.told.send(Handed::Life(life));
    }

    fn signed(&mut self) -> SignedBytes {
        let (head, through) = (self.head(), self.market.feed_sequence());
        let digest = self.market.digest();
        let statement = self.gathered.statement(head, through, digest);
        let signed = SignedBatch::sign(&statement, &self.signer.key);
        SignedBytes {
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

    fn answer(&mut self, Asking { resume, answer }: Asking) {
        // Snapshots and places are those of what is signed.
        self.sign();
        self.tell_indicatives();
        let feed = self.told.subscribe();
        let beside: Vec<_> = self.indicatives.values().cloned().collect();
        let following = |missed: VecDeque<Weak<SignedBytes>>| {
            let missed = missed.into_iter().map(Handed::Batch);
            let missed = missed
                .chain(beside.into_iter().map(Handed::Beside))
                .collect();
            SignedFollowing { missed, feed }
        };
        let because = match resume.map(|seen| self.missed_since(seen)) {
            Some(Ok(missed)) => {
                let (start, feed) = (SignedStart::Resumed, following(missed));
                let _ = answer.send(SignedWatching { start, feed });
                return;
            }
            Some(Err(because)) => Some(because),
            None => None,
        };
        // Without one the way back is dropped, which says so.
        if let Some((snapshot, missed)) = self.snapshot() {
            let start = SignedStart::Snapshot(snapshot, because);
            let feed = following(missed);
            let _ = answer.send(SignedWatching { start, feed });
        }
    }

    /// What was signed since a place. A batch that lies around it comes whole: what is known of it is passed over.
    fn missed_since(
        &self,
        (market, seen): (MarketId, FeedSequence),
    ) -> Result<VecDeque<Weak<SignedBytes>>, ResyncBecause> {
        let last = self.market.feed_sequence();
        if market != self.signer.market {
            return Err(ResyncBecause::UnknownPlace);
        }
        if seen > last {
            return Err(ResyncBecause::JournalLost);
        }
        let first = self.past.partition_point(|kept| kept.through <= seen);
        let missed = self.past.range(first..);
        let begins = self.past.get(first).map_or(last, |kept| kept.after);
        if begins > seen {
            return Err(ResyncBecause::TooLongAgo);
        }
        Ok(missed.map(Arc::downgrade).collect())
    }

    /// A snapshot to go on from, and what was signed since; `None` when too many are on their way to slow clients.
    fn snapshot(&mut self) -> Option<(Arc<SignedParts>, VecDeque<Weak<SignedBytes>>)> {
        self.under_way
            .retain(|snapshot| snapshot.strong_count() > 0);
        let has_room = self.under_way.len() < SNAPSHOTS_MAX;
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
        let snapshot = Arc::new(SignedParts {
            place,
            statement: Encoded::new(&signed),
            parts,
        });
        self.under_way.push(Arc::downgrade(&snapshot));
        self.latest = Some(snapshot.clone());
        self.since_bytes = 0;
        Some((snapshot, VecDeque::new()))
    }
}

impl SignedBytes {
    fn bytes(&self) -> usize {
        self.encoded.bytes() + size_of::<Self>()
    }
}

impl SignedParts {
    fn bytes(&self) -> usize {
        self.statement.bytes() + self.parts.iter().map(Encoded::bytes).sum::<usize>()
    }
}
