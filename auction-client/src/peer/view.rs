//! What a peer knows of the signed feed, and what it does about what others bring: without IO, on any clock.
//!
//! Nothing is believed before its signature was checked, nothing is told twice or out of order, and nothing that is old
//! rolls the view back or makes it fresh. Every store has a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use auction_core::{FeedSequence, MarketId, Term, Timestamp};
use auction_proto::{
    AnySigned, AnyStatement, Conflict, FraudProof, MarketKey, SignedSnapshot, SnapshotBytes,
    StatementError,
};

use super::claims::Claims;
use super::exchange::{Action, Input, Offence, Pin, Pinned, Standing, Told, Verdict};
use super::fetch::{Fetching, Snapshot, Taken};
use super::freshness::Freshness;
use super::kept::{Behind, Checked, Past, Waiting};
use super::letter::{Answer, Ask, Letter, LetterError};
use super::limits::{
    ANSWER_WITHIN, ASK_AGAIN_AFTER, ASKS_AT_ONCE, ASKS_PER_SECOND, BATCHES_AT_ONCE,
    BATCHES_PER_SECOND, GAP_WAIT, OFFENCES_MAX, PASSED_ON_WITHIN, PEERS_MAX, RENEW_EVERY,
    STALE_AFTER,
};
use super::rate::Rate;

/// What a peer knows.
#[derive(Debug)]
pub struct View<P> {
    pin: Pin,
    freshness: Freshness,
    term: Term,
    standing: Standing,
    /// The place up to which everything was told.
    place: Option<FeedSequence>,
    /// No snapshot before this place is taken.
    floor: FeedSequence,
    /// The furthest place that was signed, as far as is known.
    ahead: FeedSequence,
    /// Since when something is missing.
    gap_since: Option<Duration>,
    waiting: Waiting,
    past: Past,
    snapshot: Option<Arc<Snapshot>>,
    /// What follows it.
    behind_snapshot: Behind,
    /// A newer one that the view has not reached yet.
    renewed: Option<Arc<Snapshot>>,
    /// Nobody is asked for a newer one before.
    renew_at: Option<Duration>,
    fetching: Option<Fetching>,
    /// Who said that there is this snapshot.
    fetching_from: Option<P>,
    claims: Claims,
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
    batches: Rate,
    asks: Rate,
    offences: u32,
    /// When it was asked last, in the order of asking.
    asked_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Asked<P> {
    peer: P,
    ask: Ask,
    at: Duration,
}

impl<P: Copy + Ord> View<P> {
    /// Nothing is known. `now` counts from any beginning. `wall_clock` is the machine's time now, if it can be relied on
    /// to some extent: with it, someone who is told only old things from the beginning on sees that they are old.
    #[must_use]
    pub fn new(pin: Pin, now: Duration, wall_clock: Option<Timestamp>) -> Self {
        Self {
            pin,
            freshness: Freshness::new(now, wall_clock),
            term: Term::default(),
            standing: Standing::Joining,
            place: None,
            floor: FeedSequence(0),
            ahead: FeedSequence(0),
            gap_since: None,
            waiting: Waiting::default(),
            past: Past::default(),
            snapshot: None,
            behind_snapshot: Behind::default(),
            renewed: None,
            renew_at: None,
            fetching: None,
            fetching_from: None,
            claims: Claims::default(),
            fraud: false,
            peers: BTreeMap::new(),
            asked: None,
            unfillable: false,
            without: BTreeSet::new(),
            pause_until: now,
        }
    }

    /// How far the view can be relied on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The place up to which everything was told.
    #[must_use]
    pub fn place(&self) -> Option<FeedSequence> {
        self.place
    }

    /// Which market it is, once that is known.
    #[must_use]
    pub fn pinned(&self) -> Option<&Pinned> {
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
        if self.standing == Standing::Live {
            next = next.min(now + self.freshness.left(now));
            next = next.min(self.gap_since.map_or(next, |since| since + STALE_AFTER));
        }
        if let Some(asked) = &self.asked {
            next = next.min(asked.at + ANSWER_WITHIN);
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
        let mut to_do = Vec::new();
        match input {
            Input::Joined(peer) => self.join(now, peer),
            Input::Left(peer) => self.leave(peer),
            Input::Heard { from, bytes } => {
                let verdict = self.hear(now, from, &bytes, &mut to_do);
                to_do.push(Action::Judge(verdict));
            }
            Input::Signed(batch) => {
                let letter = Arc::new(Letter::of(batch));
                // The line to the server checks nothing itself.
                if let Ok(Verdict::Accept) = self.take(now, letter.clone(), &mut to_do) {
                    to_do.push(Action::Publish(letter));
                }
            }
            Input::Taken(snapshot) => self.take_snapshot(now, snapshot, &mut to_do),
            Input::Renewed(snapshot) => self.renew(Arc::new(snapshot), &mut to_do),
            Input::Answered { from, ask, answer } => {
                self.answered(now, from, ask, answer, &mut to_do);
            }
            Input::Asked { from, market, ask } => {
                let answer = self.answer(now, from, market, ask);
                to_do.push(Action::Answer(answer));
            }
            Input::Unfit => self.begin_anew(),
            Input::Tick => {}
        }
        self.pursue(now, &mut to_do);
        self.stand(now, &mut to_do);
        to_do
    }

    #[cfg(test)]
    pub(super) fn waiting_size(&self) -> (usize, usize) {
        self.waiting.size()
    }

    fn join(&mut self, now: Duration, peer: P) {
        if self.peers.len() < PEERS_MAX {
            self.peers.entry(peer).or_insert_with(|| Peer {
                batches: Rate::new(now, BATCHES_AT_ONCE, BATCHES_PER_SECOND),
                asks: Rate::new(now, ASKS_AT_ONCE, ASKS_PER_SECOND),
                offences: 0,
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

    fn hear(
        &mut self,
        now: Duration,
        from: P,
        bytes: &[u8],
        to_do: &mut Vec<Action<P>>,
    ) -> Verdict {
        let Some(peer) = self.peers.get_mut(&from) else {
            return Verdict::Ignore;
        };
        // Before anything is read: a signature costs more to check than to invent.
        if !peer.batches.take(now) {
            self.blame(from, Offence::Flooding, to_do);
            return Verdict::Ignore;
        }
        let taken = match Letter::read(bytes) {
            Ok(letter) => self.take(now, Arc::new(letter), to_do),
            Err(LetterError::TooLong(_)) => Err(Offence::Oversize),
            Err(LetterError::Malformed) => Err(Offence::Malformed),
        };
        taken.unwrap_or_else(|offence| {
            self.blame(from, offence, to_do);
            Verdict::Reject
        })
    }

    fn blame(&mut self, peer: P, because: Offence, to_do: &mut Vec<Action<P>>) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        known.offences += 1;
        if known.offences >= OFFENCES_MAX {
            self.leave(peer);
            to_do.push(Action::Cut { peer, because });
        }
    }

    /// Takes a batch, whoever brought it.
    fn take(
        &mut self,
        now: Duration,
        letter: Arc<Letter>,
        to_do: &mut Vec<Action<P>>,
    ) -> Result<Verdict, Offence> {
        let Some(pinned) = self.pinned() else {
            return Ok(Verdict::Ignore);
        };
        let statement = match letter.batch.verify(pinned.market, &pinned.key) {
            Ok(statement) => Arc::new(statement),
            Err(StatementError::Signature(_) | StatementError::OtherMarket { .. }) => {
                return Err(Offence::Forged);
            }
            // The market itself signed nonsense: who passed it on is not to blame.
            Err(_) => return Ok(Verdict::Ignore),
        };
        // Who led before has nothing to say any more.
        if statement.term < self.term {
            return Ok(Verdict::Ignore);
        }
        self.term = statement.term;
        let checked = Checked { letter, statement };
        if let Some(lie) = self.lie(&checked) {
            let first_seen = !self.fraud;
            self.tell_fraud(lie, to_do);
            // Others shall see it too; but one proof is enough.
            return Ok(match first_seen {
                true => Verdict::Accept,
                false => Verdict::Ignore,
            });
        }
        let statement = checked.statement.clone();
        let newer = self.freshness.hear(now, statement.time);
        let spreads = self.freshness.age(now, statement.time) < PASSED_ON_WITHIN;
        self.claims.keep(&checked);
        self.ahead = self.ahead.max(statement.through);
        let known = self.place.is_some_and(|place| statement.through <= place);
        // What holds nothing has said all with its time and its end.
        let empty = statement.after == statement.through;
        if !known && !empty {
            self.waiting.hold(checked);
            self.tell_waiting(to_do);
        }
        self.see_gap(now);
        Ok(match spreads && (newer || !empty) {
            true => Verdict::Accept,
            false => Verdict::Ignore,
        })
    }

    /// Tells what follows where the view stands.
    fn tell_waiting(&mut self, to_do: &mut Vec<Action<P>>) {
        let Some(mut place) = self.place else { return };
        while let Some(checked) = self.waiting.take(place) {
            if checked.statement.through > place {
                place = checked.statement.through;
                to_do.push(Action::Tell(Told::Batch(checked.statement.clone())));
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

    /// Takes a newer snapshot for those who join later, now or when the view has come as far.
    fn renew(&mut self, snapshot: Arc<Snapshot>, to_do: &mut Vec<Action<P>>) {
        let statement = &snapshot.statement;
        if statement.term < self.term
            || self.pinned().map(|pinned| pinned.market) != Some(statement.market)
        {
            return;
        }
        if let Some(other) = self.claims.against_snapshot(&snapshot) {
            return self.tell_fraud(other, to_do);
        }
        match self.place {
            Some(place) if statement.feed_sequence <= place => self.keep_for_others(snapshot),
            _ => self.renewed = Some(snapshot),
        }
    }

    fn keep_for_others(&mut self, snapshot: Arc<Snapshot>) {
        let at = snapshot.statement.feed_sequence;
        let older = self.snapshot.as_ref();
        if older.is_none_or(|older| older.statement.feed_sequence < at) {
            self.behind_snapshot = self.past.behind(at);
            self.renew_at = None;
            self.snapshot = Some(snapshot);
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

    /// An earlier message that this one contradicts.
    fn lie(&self, checked: &Checked) -> Option<(FraudProof, Conflict)> {
        let statement = &checked.statement;
        let (after, through) = (statement.after, statement.through);
        let overlaps = |other: &&Checked| {
            let other = &other.statement;
            other.after < through && after < other.through
        };
        let past = self.past.overlapping(after, through);
        let waiting = self.waiting.iter().filter(overlaps);
        let claims = self.claims.of(statement);
        // Its parts can be many: it is copied only when something can come of it.
        let near = self.snapshot.iter().filter(|snapshot| {
            let other = &snapshot.statement;
            let same_record = other.checkpoint.sequence == statement.checkpoint.sequence;
            let digest = other.feed_sequence == through && other.digest != statement.digest;
            digest || (same_record && other.checkpoint != statement.checkpoint)
        });
        let snapshot = near.filter_map(|snapshot| {
            let other = AnyStatement::Snapshot(snapshot.statement.clone());
            let conflict = AnyStatement::Batch((**statement).clone()).conflict(&other)?;
            Some((AnySigned::Snapshot(snapshot.signed.clone()), conflict))
        });
        let batches = past.chain(waiting).chain(claims).filter_map(|other| {
            let one = AnyStatement::Batch((**statement).clone());
            let conflict = one.conflict(&AnyStatement::Batch((*other.statement).clone()))?;
            Some((AnySigned::Batch(other.letter.batch.clone()), conflict))
        });
        let (first, conflict) = batches.chain(snapshot).next()?;
        let second = AnySigned::Batch(checked.letter.batch.clone());
        Some((FraudProof { first, second }, conflict))
    }

    fn tell_fraud(
        &mut self,
        (proof, conflict): (FraudProof, Conflict),
        to_do: &mut Vec<Action<P>>,
    ) {
        if !self.fraud {
            self.fraud = true;
            let proof = Box::new(proof);
            to_do.push(Action::Tell(Told::Fraud { proof, conflict }));
        }
    }

    fn take_snapshot(&mut self, now: Duration, snapshot: Snapshot, to_do: &mut Vec<Action<P>>) {
        let statement = &snapshot.statement;
        let at = statement.feed_sequence;
        if statement.term < self.term
            || self.pinned().map(|pinned| pinned.market) != Some(statement.market)
        {
            return;
        }
        if let Some(other) = self.claims.against_snapshot(&snapshot) {
            return self.tell_fraud(other, to_do);
        }
        self.term = statement.term;
        self.freshness.hear(now, statement.time);
        self.ahead = self.ahead.max(at);
        let snapshot = Arc::new(snapshot);
        if self.place.is_some_and(|place| at <= place) {
            // Nothing new for oneself; others can begin with it.
            return self.keep_for_others(snapshot);
        }
        if at < self.floor {
            return;
        }
        self.snapshot = Some(snapshot.clone());
        self.behind_snapshot = Behind::default();
        self.renewed = None;
        self.renew_at = None;
        self.fetching = None;
        self.place = Some(at);
        self.past.clear();
        self.unfillable = false;
        self.without.clear();
        to_do.push(Action::Tell(Told::Snapshot(snapshot)));
        self.tell_waiting(to_do);
        self.gap_since = None;
        self.see_gap(now);
    }

    fn begin_anew(&mut self) {
        self.floor = self.place.unwrap_or_default().max(self.floor);
        self.place = None;
        self.past.clear();
        self.waiting = Waiting::default();
        self.snapshot = None;
        self.behind_snapshot = Behind::default();
        self.renewed = None;
        self.renew_at = None;
        self.fetching = None;
        self.without.clear();
    }

    fn answered(
        &mut self,
        now: Duration,
        from: P,
        ask: Ask,
        answer: Option<Result<Answer, LetterError>>,
        to_do: &mut Vec<Action<P>>,
    ) {
        let asked = self
            .asked
            .take_if(|asked| asked.peer == from && asked.ask == ask);
        // What comes too late is of no use any more, and no offence.
        if asked.is_none() {
            return;
        }
        let helped = match (ask, answer) {
            (_, None | Some(Ok(Answer::NotHere | Answer::Busy))) => Ok(false),
            (Ask::Batches { after }, Some(Ok(Answer::Batches(letters)))) => {
                self.take_range(now, after, letters, to_do)
            }
            (Ask::Snapshot { .. }, Some(Ok(Answer::Snapshot(signed)))) => {
                self.begin_fetching(from, signed)
            }
            (Ask::Part { .. }, Some(Ok(Answer::Part(part)))) => self.take_part(now, part, to_do),
            (Ask::Market, Some(Ok(Answer::Market { key, signed }))) => {
                self.learn_market(key, &signed)
            }
            (_, Some(Err(LetterError::TooLong(_)))) => Err(Offence::Oversize),
            (_, Some(Err(LetterError::Malformed))) => Err(Offence::Malformed),
            (_, Some(Ok(_))) => Err(Offence::WrongAnswer),
        };
        match helped {
            Ok(true) => {}
            Ok(false) => drop(self.without.insert(from)),
            Err(offence) => {
                self.without.insert(from);
                self.blame(from, offence, to_do);
            }
        }
    }

    /// Takes what is said of the market when something is signed with the key that was pinned.
    fn learn_market(&mut self, told: MarketKey, signed: &AnySigned) -> Result<bool, Offence> {
        let MarketKey { market, key } = told;
        if key.fingerprint() != self.pin.fingerprint() {
            return Err(Offence::WrongAnswer);
        }
        if signed.verify(market, &key).is_err() {
            return Err(Offence::Forged);
        }
        self.pin = Pin::Market(Pinned { market, key });
        self.without.clear();
        Ok(true)
    }

    fn take_range(
        &mut self,
        now: Duration,
        after: FeedSequence,
        letters: Vec<Arc<Letter>>,
        to_do: &mut Vec<Action<P>>,
    ) -> Result<bool, Offence> {
        for letter in letters {
            self.take(now, letter, to_do)?;
        }
        Ok(self.place.is_some_and(|place| place > after))
    }

    fn begin_fetching(&mut self, from: P, signed: SignedSnapshot) -> Result<bool, Offence> {
        let Some(pinned) = self.pinned() else {
            return Ok(false);
        };
        let verified = signed.verify(pinned.market, &pinned.key);
        let Ok(statement) = verified else {
            return Err(Offence::Forged);
        };
        let at = statement.feed_sequence;
        let older = self
            .snapshot
            .as_ref()
            .map(|older| older.statement.feed_sequence);
        let helps = match self.misses_snapshot() {
            true => at >= self.floor && self.place.is_none_or(|place| at > place),
            false => older.is_none_or(|older| at > older),
        };
        if !helps || statement.term < self.term || statement.parts.is_empty() {
            return Ok(false);
        }
        self.fetching = Some(Fetching::new(signed, statement));
        self.fetching_from = Some(from);
        self.without.clear();
        Ok(true)
    }

    fn take_part(
        &mut self,
        now: Duration,
        part: SnapshotBytes,
        to_do: &mut Vec<Action<P>>,
    ) -> Result<bool, Offence> {
        let Some(fetching) = self.fetching.take() else {
            return Ok(false);
        };
        match fetching.take(part) {
            Taken::More(fetching) => self.fetching = Some(fetching),
            Taken::Whole(snapshot) if self.misses_snapshot() => {
                self.take_snapshot(now, snapshot, to_do);
            }
            Taken::Whole(snapshot) => self.renew(Arc::new(snapshot), to_do),
            Taken::Refused(fetching) => {
                self.fetching = Some(fetching);
                return Err(Offence::Forged);
            }
            Taken::TooLarge => return Ok(false),
        }
        Ok(true)
    }

    /// Whether only a snapshot helps.
    fn misses_snapshot(&self) -> bool {
        self.place.is_none() || self.unfillable
    }

    fn answer(&mut self, now: Duration, from: P, market: MarketId, ask: Ask) -> Answer {
        if !self.may_ask(now, from) {
            return Answer::Busy;
        }
        let Some(pinned) = self.pinned() else {
            return Answer::NotHere;
        };
        if ask != Ask::Market && market != pinned.market {
            return Answer::NotHere;
        }
        match ask {
            Ask::Market => self
                .tell_market(pinned)
                .map_or(Answer::NotHere, |(key, signed)| Answer::Market {
                    key,
                    signed,
                }),
            // What has to do with addresses is not known here.
            Ask::Peers => Answer::NotHere,
            Ask::Batches { after } => match self.past.since(after) {
                letters if letters.is_empty() => Answer::NotHere,
                letters => Answer::Batches(letters),
            },
            Ask::Snapshot { beyond } => match self.servable() {
                Some(snapshot) if beyond.0 == 0 || snapshot.statement.feed_sequence > beyond => {
                    Answer::Snapshot(snapshot.signed.clone())
                }
                _ => Answer::NotHere,
            },
            Ask::Part { of, index } => {
                let snapshot = self.snapshot.as_ref();
                let part = snapshot
                    .filter(|snapshot| snapshot.statement.feed_sequence == of)
                    .and_then(|snapshot| snapshot.parts.get(index as usize));
                part.map_or(Answer::NotHere, |part| Answer::Part(part.clone()))
            }
        }
    }

    fn tell_market(&self, pinned: &Pinned) -> Option<(MarketKey, AnySigned)> {
        let newest = self.past.newest();
        let batch = newest.map(|newest| AnySigned::Batch(newest.letter.batch.clone()));
        let snapshot = self.snapshot.as_ref();
        let snapshot = || snapshot.map(|snapshot| AnySigned::Snapshot(snapshot.signed.clone()));
        let Pinned { market, key } = *pinned;
        Some((MarketKey { market, key }, batch.or_else(snapshot)?))
    }

    /// Whether a peer may ask something now: it is one question more that it asked.
    pub fn may_ask(&mut self, now: Duration, from: P) -> bool {
        let peer = self.peers.get_mut(&from);
        peer.is_some_and(|peer| peer.asks.take(now))
    }

    /// The snapshot, as long as who begins with it can go on with what is kept.
    fn servable(&self) -> Option<&Snapshot> {
        let snapshot = self.snapshot.as_deref()?;
        let at = snapshot.statement.feed_sequence;
        let bridged = match self.past.begins() {
            Some(begins) => begins <= at,
            None => self.place == Some(at),
        };
        bridged.then_some(snapshot)
    }

    /// Asks someone for what is missing.
    fn pursue(&mut self, now: Duration, to_do: &mut Vec<Action<P>>) {
        if let Some(asked) = self.asked.take_if(|asked| now >= asked.at + ANSWER_WITHIN) {
            self.without.insert(asked.peer);
        }
        if self.asked.is_some() || now < self.pause_until {
            return;
        }
        let mut wanted = self.wanted(now);
        if let Some(Ask::Batches { .. }) = wanted
            && self.everyone_is_without()
        {
            self.unfillable = true;
            self.without.clear();
            wanted = self.wanted(now);
        }
        let Some(ask) = wanted else { return };
        if self.everyone_is_without() {
            self.without.clear();
            // Another may have one that all its parts can be had of; or those who come have what was missing.
            self.fetching = None;
            self.unfillable = false;
            self.pause_until = now + ASK_AGAIN_AFTER;
            self.renew_at = self.renew_at.map(|_| now + RENEW_EVERY);
            return;
        }
        let (without, from) = (&self.without, self.fetching_from);
        let others = self.peers.iter_mut();
        let with = others.filter(|(peer, _)| !without.contains(peer));
        // Who has the snapshot has its parts; else whoever was not asked for longest.
        let has_parts = |peer: &P| matches!(ask, Ask::Part { .. }) && from == Some(*peer);
        let next = with.min_by_key(|(peer, known)| (!has_parts(peer), known.asked_at));
        if let Some((&peer, known)) = next {
            known.asked_at = Some(now);
            self.asked = Some(Asked { peer, ask, at: now });
            to_do.push(Action::Ask { peer, ask });
        }
    }

    fn everyone_is_without(&self) -> bool {
        self.peers.keys().all(|peer| self.without.contains(peer))
    }

    fn wanted(&mut self, now: Duration) -> Option<Ask> {
        if self.pinned().is_none() {
            return Some(Ask::Market);
        }
        // What is missing goes before what others may need.
        let needs_part = self.misses_snapshot() || self.gap_since.is_none();
        if let Some(fetching) = self.fetching.as_ref().filter(|_| needs_part) {
            return Some(Ask::Part {
                of: fetching.statement().feed_sequence,
                index: fetching.next(),
            });
        }
        let Some(after) = self.place else {
            let beyond = FeedSequence(self.floor.0.saturating_sub(1));
            return Some(Ask::Snapshot { beyond });
        };
        let Some(since) = self.gap_since else {
            return self.wanted_for_others(now);
        };
        let ask = match self.unfillable {
            true => Ask::Snapshot { beyond: after },
            false => Ask::Batches { after },
        };
        (now >= since + GAP_WAIT).then_some(ask)
    }

    /// A newer snapshot, unless whoever has a line to the server has just brought one.
    fn wanted_for_others(&mut self, now: Duration) -> Option<Ask> {
        if !self.renewal_is_due() || self.renewed.is_some() {
            return None;
        }
        let renew_at = *self.renew_at.get_or_insert(now + RENEW_EVERY);
        let beyond = self.snapshot.as_ref()?.statement.feed_sequence;
        (now >= renew_at).then_some(Ask::Snapshot { beyond })
    }

    fn stand(&mut self, now: Duration, to_do: &mut Vec<Action<P>>) {
        let lasting = |since: Duration| now >= since + STALE_AFTER;
        let standing = match self.place {
            None if self.standing == Standing::Joining => Standing::Joining,
            None => Standing::Stale,
            Some(_) if self.freshness.is_stale(now) => Standing::Stale,
            Some(_) if self.gap_since.is_some_and(lasting) => Standing::Stale,
            Some(_) => Standing::Live,
        };
        if standing != self.standing {
            self.standing = standing;
            to_do.push(Action::Tell(Told::Standing(standing)));
        }
    }
}
