//! What a peer knows of the signed feed, and what it does about what others bring: without IO, on any clock.
//!
//! Nothing is believed before its signature was checked, nothing is told twice or out of order, and nothing that is old
//! rolls the view back or makes it fresh. Every store has a limit.

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

/// What a peer knows.
#[derive(Debug)]
pub struct View<P> {
    pin: Pin,
    freshness: Freshness,
    term: Term,
    status: Status,
    /// The place up to which everything was told.
    place: Option<FeedSequence>,
    /// No snapshot before this place is taken.
    floor: FeedSequence,
    /// The furthest place that was signed, as far as is known.
    ahead: FeedSequence,
    /// Since when something is missing.
    gap_since: Option<Duration>,
    waiting: PendingBatches,
    past: BatchCache,
    snapshot: Option<Arc<Snapshot>>,
    /// What follows it.
    behind_snapshot: Backlog,
    /// A newer one that the view has not reached yet.
    renewed: Option<Arc<Snapshot>>,
    /// Nobody is asked for a newer one before.
    renew_at: Option<Duration>,
    fetching: Option<SnapshotDownload>,
    /// Who said that there is this snapshot.
    fetching_from: Option<P>,
    /// What the market has signed, once it is known which it is.
    detector: Option<EquivocationDetector>,
    fraud: bool,
    peers: BTreeMap<P, Peer>,
    asked: Option<Asked<P>>,
    /// Nobody has what is missing any more: only a snapshot helps.
    unfillable: bool,
    /// Who does not have what is wanted now.
    without: BTreeSet<P>,
    /// Nobody is asked before.
    pause_until: Duration,
}

#[derive(Debug)]
struct Peer {
    batches: RateLimit,
    asks: RateLimit,
    misbehaviours: u32,
    /// When it was asked last, in the order of asking.
    asked_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Asked<P> {
    peer: P,
    ask: PeerRequest,
    at: Duration,
}

impl<P: Copy + Ord> View<P> {
    /// Nothing is known. `now` counts from any beginning. `wall_clock` is the machine's time now, if it can be relied on
    /// to some extent: with it, someone who is told only old things from the beginning on sees that they are old.
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

    /// How far the view can be relied on.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The place up to which everything was told.
    #[must_use]
    pub fn place(&self) -> Option<FeedSequence> {
        self.place
    }

    /// Which market it is, once that is known.
    #[must_use]
    pub fn pinned(&self) -> Option<&PinnedMarket> {
        match &self.pin {
            Pin::Key(_) => None,
            Pin::Market(pinned) => Some(pinned),
        }
    }

    /// The market's time, as far as it is known: what was signed takes a while to arrive.
    #[must_use]
    pub fn market_time(&self, now: Duration) -> Option<Timestamp> {
        self.freshness.market_time(now)
    }

    /// Whether those who join later need a newer snapshot: whoever has a line to the server asks it for one.
    #[must_use]
    pub fn renewal_is_due(&self) -> bool {
        self.place.is_some() && self.behind_snapshot.is_much()
    }

    /// When [`Input::Tick`] is due at the latest, if nothing happens before.
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

    /// Takes what happened, and gives what is to be done about it.
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
                // The line to the server checks nothing itself.
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

    /// It is known which market it is.
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
            // Someone new may know.
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
        // Before anything is read: a signature costs more to check than to invent.
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

    /// Takes a batch, whoever brought it.
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
            // The market itself signed nonsense: who passed it on is not to penalize.
            Err(_) => return Ok(Verdict::Ignore),
        };
        // Who led before has nothing to say any more.
        if statement.term < self.term {
            return Ok(Verdict::Ignore);
        }
        self.term = statement.term;
        let signed = AnySigned::Batch(message.batch.clone());
        let said = AnyStatement::Batch(statement);
        if let Some(fraud) = self.check_equivocation(&signed, &said) {
            let first_seen = !self.fraud;
            self.report_equivocation(fraud, actions);
            // Others shall see it too; but one proof is enough.
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
        // What holds nothing has said all with its time and its end.
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

    /// Tells what follows where the view stands.
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

    /// What proves that the market lies, together with what it signed before.
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
