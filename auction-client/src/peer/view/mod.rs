//! State machine of a peer that follows the signed feed: without IO, on any clock.
//!
//! Signatures are checked first, nothing is emitted twice or out of order, and old statements neither roll the view
//! back nor make it fresh. Every store has a limit.

pub(super) mod events;
pub(super) mod freshness;
mod snapshots;
mod catch_up;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use auction_core::{FeedSequence, Term, Timestamp};
use auction_proto::{AnySigned, AnyStatement, StatementError};

use super::limits::{
    ANSWER_TIMEOUT, BATCHES_BURST, BATCHES_PER_SECOND, GAP_WAIT, MISBEHAVIOURS_MAX,
    PASSED_ON_WITHIN, PEERS_MAX, REQUESTS_BURST, REQUESTS_PER_SECOND, STALE_AFTER,
};
use crate::audit::equivocation::{Equivocation, EquivocationDetector};
use crate::peer::batch_cache::{Backlog, BatchCache, PendingBatches, VerifiedBatch};
use crate::peer::message::{GossipMessage, MessageError, PeerRequest};
use crate::peer::rate_limit::RateLimit;
use crate::peer::snapshot_download::{Snapshot, SnapshotDownload};
use crate::peer::view::events::{
    Action, Input, Misbehaviour, Pin, PinnedMarket, Status, Verdict, ViewUpdate,
};
use crate::peer::view::freshness::Freshness;

/// State of a peer.
#[derive(Debug)]
pub struct View<P> {
    pin: Pin,
    freshness: Freshness,
    term: Term,
    status: Status,
    /// Place of the last event emitted.
    place: Option<FeedSequence>,
    /// Earliest place of an acceptable snapshot.
    floor: FeedSequence,
    /// Furthest signed place known.
    ahead: FeedSequence,
    /// Time at which the current gap was noticed.
    gap_since: Option<Duration>,
    waiting: PendingBatches,
    past: BatchCache,
    snapshot: Option<Arc<Snapshot>>,
    /// Number and size of the batches after the snapshot.
    behind_snapshot: Backlog,
    /// A newer snapshot that the view has not reached yet.
    renewed: Option<Arc<Snapshot>>,
    /// Time of the next request for a newer snapshot.
    renew_at: Option<Duration>,
    fetching: Option<SnapshotDownload>,
    /// Peer that announced this snapshot.
    fetching_from: Option<P>,
    /// Detector of contradictions, once the market is known.
    detector: Option<EquivocationDetector>,
    fraud: bool,
    peers: BTreeMap<P, Peer>,
    asked: Option<Asked<P>>,
    /// True if no peer has the missing batches any more: only a snapshot closes the gap.
    unfillable: bool,
    /// Peers that do not have the currently missing data.
    without: BTreeSet<P>,
    /// Time before which no peer is asked.
    pause_until: Duration,
}

#[derive(Debug)]
struct Peer {
    batches: RateLimit,
    asks: RateLimit,
    misbehaviours: u32,
    /// Time of the last request to it.
    asked_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Asked<P> {
    peer: P,
    ask: PeerRequest,
    at: Duration,
}

impl<P: Copy + Ord> View<P> {
    /// Creates an empty view. `now` counts from any origin. `wall_clock` is the machine's time now, if it is reasonably
    /// reliable: it lets a peer that receives only old data from the beginning on notice that it is old.
    #[must_use]
    pub fn new(pin: Pin, now: Duration, wall_clock: Option<Timestamp>) -> Self {
        let mut view = Self {
            pin,
            freshness: Freshness::new(now, wall_clock),
            term: Term::default(),
            status: Status::Joining,
            place: None,
            floor: FeedSequence(0),
            ahead: FeedSequence(0),
            gap_since: None,
            waiting: PendingBatches::default(),
            past: BatchCache::default(),
            snapshot: None,
            behind_snapshot: Backlog::default(),
            renewed: None,
            renew_at: None,
            fetching: None,
            fetching_from: None,
            detector: None,
            fraud: false,
            peers: BTreeMap::new(),
            asked: None,
            unfillable: false,
            without: BTreeSet::new(),
            pause_until: now,
        };
        if let Pin::Market(pinned) = pin {
            view.know(pinned);
        }
        view
    }

    /// Returns the reliability of the view.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the place of the last event emitted.
    #[must_use]
    pub fn place(&self) -> Option<FeedSequence> {
        self.place
    }

    /// Returns the market and its key, once known.
    #[must_use]
    pub fn pinned(&self) -> Option<&PinnedMarket> {
        match &self.pin {
            Pin::Key(_) => None,
            Pin::Market(pinned) => Some(pinned),
        }
    }

    /// Returns the market's time, as estimated; statements take a while to arrive.
    #[must_use]
    pub fn market_time(&self, now: Duration) -> Option<Timestamp> {
        self.freshness.market_time(now)
    }

    /// Returns true if later joiners need a newer snapshot: a peer connected to the server requests one there.
    #[must_use]
    pub fn renewal_is_due(&self) -> bool {
        self.place.is_some() && self.behind_snapshot.is_much()
    }

    /// Returns the latest time for [`Input::Tick`], if nothing happens before.
    #[must_use]
    pub fn next_tick(&self, now: Duration) -> Duration {
        let mut next = now + STALE_AFTER;
        if self.status == Status::Live {
            next = next.min(now + self.freshness.left(now));
            next = next.min(self.gap_since.map_or(next, |since| since + STALE_AFTER));
        }
        if let Some(asked) = &self.asked {
            next = next.min(asked.at + ANSWER_TIMEOUT);
        } else if self.place.is_none() {
            next = next.min(self.pause_until);
        } else if let Some(since) = self.gap_since {
            next = next.min((since + GAP_WAIT).max(self.pause_until));
        } else if let Some(renew_at) = self.renew_at {
            next = next.min(renew_at.max(self.pause_until));
        }
        next.max(now + Duration::from_millis(1))
    }

    /// Processes an input, and returns the actions that follow.
    pub fn update(&mut self, now: Duration, input: Input<P>) -> Vec<Action<P>> {
        let mut actions = Vec::new();
        match input {
            Input::Joined(peer) => self.join(now, peer),
            Input::Left(peer) => self.leave(peer),
            Input::Gossip { from, bytes } => {
                let verdict = self.on_gossip(now, from, &bytes, &mut actions);
                actions.push(Action::Validate(verdict));
            }
            Input::ServerBatch(batch) => {
                let message = Arc::new(GossipMessage::of(batch));
                // The connection to the server does not verify batches.
                if let Ok(Verdict::Accept) = self.take(now, message.clone(), &mut actions) {
                    actions.push(Action::Publish(message));
                }
            }
            Input::ServerSnapshot(snapshot) => self.take_snapshot(now, snapshot, &mut actions),
            Input::NewerSnapshot(snapshot) => self.renew(Arc::new(snapshot), &mut actions),
            Input::Response { from, ask, answer } => {
                self.answered(now, from, ask, answer, &mut actions);
            }
            Input::Request { from, market, ask } => {
                let answer = self.answer(now, from, market, ask);
                actions.push(Action::Respond(answer));
            }
            Input::FoldFailed => self.begin_anew(),
            Input::Tick => {}
        }
        self.catch_up(now, &mut actions);
        self.set_status(now, &mut actions);
        actions
    }

    #[cfg(test)]
    pub(super) fn waiting_size(&self) -> (usize, usize) {
        self.waiting.size()
    }

    /// Sets the market, once known.
    fn know(&mut self, pinned: PinnedMarket) {
        self.pin = Pin::Market(pinned);
        self.detector = Some(EquivocationDetector::new(pinned.market, pinned.key));
    }

    fn join(&mut self, now: Duration, peer: P) {
        if self.peers.len() < PEERS_MAX {
            self.peers.entry(peer).or_insert_with(|| Peer {
                batches: RateLimit::new(now, BATCHES_BURST, BATCHES_PER_SECOND),
                asks: RateLimit::new(now, REQUESTS_BURST, REQUESTS_PER_SECOND),
                misbehaviours: 0,
                asked_at: None,
            });
            // The new peer may have the data.
            self.pause_until = now;
        }
    }

    fn leave(&mut self, peer: P) {
        self.peers.remove(&peer);
        self.without.remove(&peer);
        self.asked.take_if(|asked| asked.peer == peer);
    }

    fn on_gossip(
        &mut self,
        now: Duration,
        from: P,
        bytes: &[u8],
        actions: &mut Vec<Action<P>>,
    ) -> Verdict {
        let Some(peer) = self.peers.get_mut(&from) else {
            return Verdict::Ignore;
        };
        // Limit the rate before decoding: checking a signature costs more than inventing one.
        if !peer.batches.allow(now) {
            self.penalize(from, Misbehaviour::Flooding, actions);
            return Verdict::Ignore;
        }
        let taken = match GossipMessage::read(bytes) {
            Ok(message) => self.take(now, Arc::new(message), actions),
            Err(MessageError::TooLong(_)) => Err(Misbehaviour::Oversize),
            Err(MessageError::Malformed) => Err(Misbehaviour::Malformed),
        };
        taken.unwrap_or_else(|offence| {
            self.penalize(from, offence, actions);
            Verdict::Reject
        })
    }

    fn penalize(&mut self, peer: P, because: Misbehaviour, actions: &mut Vec<Action<P>>) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        known.misbehaviours += 1;
        if known.misbehaviours >= MISBEHAVIOURS_MAX {
            self.leave(peer);
            actions.push(Action::Ban { peer, because });
        }
    }

    /// Verifies and stores a batch from any source.
    fn take(
        &mut self,
        now: Duration,
        message: Arc<GossipMessage>,
        actions: &mut Vec<Action<P>>,
    ) -> Result<Verdict, Misbehaviour> {
        let Some(pinned) = self.pinned() else {
            return Ok(Verdict::Ignore);
        };
        let statement = match message.batch.verify(pinned.market, &pinned.key) {
            Ok(statement) => statement,
            Err(StatementError::Signature(_) | StatementError::OtherMarket { .. }) => {
                return Err(Misbehaviour::Forged);
            }
            // The market itself signed nonsense: do not penalize the peer.
            Err(_) => return Ok(Verdict::Ignore),
        };
        // A batch of an earlier term is ignored.
        if statement.term < self.term {
            return Ok(Verdict::Ignore);
        }
        self.term = statement.term;
        let signed = AnySigned::Batch(message.batch.clone());
        let said = AnyStatement::Batch(statement);
        if let Some(fraud) = self.check_equivocation(&signed, &said) {
            let first_seen = !self.fraud;
            self.report_equivocation(fraud, actions);
            // Other peers must see it too; but one proof is enough.
            return Ok(match first_seen {
                true => Verdict::Accept,
                false => Verdict::Ignore,
            });
        }
        let AnyStatement::Batch(statement) = said else {
            unreachable!("a batch says what a batch says")
        };
        let statement = Arc::new(statement);
        let checked = VerifiedBatch {
            message,
            statement: statement.clone(),
        };
        let newer = self.freshness.hear(now, statement.time);
        let spreads = self.freshness.age(now, statement.time) < PASSED_ON_WITHIN;
        self.ahead = self.ahead.max(statement.through);
        let known = self.place.is_some_and(|place| statement.through <= place);
        // A heartbeat has only a time and an end, which are handled above.
        let empty = statement.after == statement.through;
        if !known && !empty {
            self.waiting.hold(checked);
            self.emit_ready(actions);
        }
        self.see_gap(now);
        Ok(match spreads && (newer || !empty) {
            true => Verdict::Accept,
            false => Verdict::Ignore,
        })
    }

    /// Emits the batches that follow the view's place.
    fn emit_ready(&mut self, actions: &mut Vec<Action<P>>) {
        let Some(mut place) = self.place else { return };
        while let Some(checked) = self.waiting.take(place) {
            if checked.statement.through > place {
                place = checked.statement.through;
                actions.push(Action::Emit(ViewUpdate::Batch(checked.statement.clone())));
                self.behind_snapshot.add(&checked);
                self.past.push(checked);
            }
        }
        self.place = Some(place);
        let reached = |renewed: &mut Arc<Snapshot>| renewed.statement.feed_sequence <= place;
        if let Some(renewed) = self.renewed.take_if(reached) {
            self.keep_for_others(renewed);
        }
    }

    fn see_gap(&mut self, now: Duration) {
        let missing = self.place.is_none_or(|place| place < self.ahead);
        match missing {
            true => {
                self.gap_since.get_or_insert(now);
            }
            false => {
                self.gap_since = None;
                self.unfillable = false;
                self.without.clear();
            }
        }
    }

    /// Returns the contradiction between a statement and earlier ones.
    fn check_equivocation(
        &mut self,
        signed: &AnySigned,
        said: &AnyStatement,
    ) -> Option<Equivocation> {
        self.detector.as_mut()?.compare(signed, said)
    }

    fn report_equivocation(&mut self, fraud: Equivocation, actions: &mut Vec<Action<P>>) {
        if !self.fraud {
            self.fraud = true;
            let Equivocation { proof, conflict } = fraud;
            let proof = Box::new(proof);
            actions.push(Action::Emit(ViewUpdate::Equivocation { proof, conflict }));
        }
    }

    fn begin_anew(&mut self) {
        self.floor = self.place.unwrap_or_default().max(self.floor);
        self.place = None;
        self.past.clear();
        self.waiting = PendingBatches::default();
        self.snapshot = None;
        self.behind_snapshot = Backlog::default();
        self.renewed = None;
        self.renew_at = None;
        self.fetching = None;
        self.without.clear();
    }

    fn set_status(&mut self, now: Duration, actions: &mut Vec<Action<P>>) {
        let lasting = |since: Duration| now >= since + STALE_AFTER;
        let status = match self.place {
            None if self.status == Status::Joining => Status::Joining,
            None => Status::Stale,
            Some(_) if self.freshness.is_stale(now) => Status::Stale,
            Some(_) if self.gap_since.is_some_and(lasting) => Status::Stale,
            Some(_) => Status::Live,
        };
        if status != self.status {
            self.status = status;
            actions.push(Action::Emit(ViewUpdate::Status(status)));
        }
    }
}
