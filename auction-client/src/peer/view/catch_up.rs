//! Requests for missing data: selects the peer to ask, and handles the answers.

use std::sync::Arc;
use std::time::Duration;

use auction_core::FeedSequence;
use auction_proto::{AnySigned, MarketKey, SignedSnapshot, SnapshotBytes};

use super::super::limits::{ANSWER_TIMEOUT, ASK_AGAIN_AFTER, GAP_WAIT, RENEW_EVERY};
use super::{Asked, View};
use crate::peer::message::{GossipMessage, MessageError, PeerRequest, PeerResponse};
use crate::peer::snapshot_download::{PartOutcome, SnapshotDownload};
use crate::peer::view::events::{Action, Misbehaviour, PinnedMarket};

impl<P: Copy + Ord> View<P> {
    /// Asks a peer for missing data.
    pub(super) fn catch_up(&mut self, now: Duration, actions: &mut Vec<Action<P>>) {
        if let Some(asked) = self.asked.take_if(|asked| now >= asked.at + ANSWER_TIMEOUT) {
            self.without.insert(asked.peer);
        }
        if self.asked.is_some() || now < self.pause_until {
            return;
        }
        let mut wanted = self.wanted(now);
        if let Some(PeerRequest::Batches { .. }) = wanted
            && self.everyone_is_without()
        {
            self.unfillable = true;
            self.without.clear();
            wanted = self.wanted(now);
        }
        let Some(ask) = wanted else { return };
        if self.everyone_is_without() {
            self.without.clear();
            // Another snapshot may be complete; or new peers have the missing data.
            self.fetching = None;
            self.unfillable = false;
            self.pause_until = now + ASK_AGAIN_AFTER;
            self.renew_at = self.renew_at.map(|_| now + RENEW_EVERY);
            return;
        }
        let (without, from) = (&self.without, self.fetching_from);
        let others = self.peers.iter_mut();
        let with = others.filter(|(peer, _)| !without.contains(peer));
        // Prefer the peer that announced the snapshot, then the one asked longest ago.
        let has_parts = |peer: &P| matches!(ask, PeerRequest::Part { .. }) && from == Some(*peer);
        let next = with.min_by_key(|(peer, known)| (!has_parts(peer), known.asked_at));
        if let Some((&peer, known)) = next {
            known.asked_at = Some(now);
            self.asked = Some(Asked { peer, ask, at: now });
            actions.push(Action::Request { peer, ask });
        }
    }

    pub(super) fn answered(
        &mut self,
        now: Duration,
        from: P,
        ask: PeerRequest,
        answer: Option<Result<PeerResponse, MessageError>>,
        actions: &mut Vec<Action<P>>,
    ) {
        let asked = self
            .asked
            .take_if(|asked| asked.peer == from && asked.ask == ask);
        // A late answer is of no use, and no misbehaviour.
        if asked.is_none() {
            return;
        }
        let helped = match (ask, answer) {
            (_, None | Some(Ok(PeerResponse::NotHere | PeerResponse::Busy))) => Ok(false),
            (PeerRequest::Batches { after }, Some(Ok(PeerResponse::Batches(messages)))) => {
                self.take_range(now, after, messages, actions)
            }
            (PeerRequest::Snapshot { .. }, Some(Ok(PeerResponse::Snapshot(signed)))) => {
                self.begin_fetching(from, signed)
            }
            (PeerRequest::Part { .. }, Some(Ok(PeerResponse::Part(part)))) => {
                self.take_part(now, part, actions)
            }
            (PeerRequest::Market, Some(Ok(PeerResponse::Market { key, signed }))) => {
                self.learn_market(key, &signed)
            }
            (_, Some(Err(MessageError::TooLong(_)))) => Err(Misbehaviour::Oversize),
            (_, Some(Err(MessageError::Malformed))) => Err(Misbehaviour::Malformed),
            (_, Some(Ok(_))) => Err(Misbehaviour::WrongAnswer),
        };
        match helped {
            Ok(true) => {}
            Ok(false) => drop(self.without.insert(from)),
            Err(offence) => {
                self.without.insert(from);
                self.penalize(from, offence, actions);
            }
        }
    }

    /// Accepts the market that a peer names if a statement is signed with the pinned key.
    pub(super) fn learn_market(
        &mut self,
        told: MarketKey,
        signed: &AnySigned,
    ) -> Result<bool, Misbehaviour> {
        let MarketKey { market, key } = told;
        if key.fingerprint() != self.pin.fingerprint() {
            return Err(Misbehaviour::WrongAnswer);
        }
        if signed.verify(market, &key).is_err() {
            return Err(Misbehaviour::Forged);
        }
        self.know(PinnedMarket { market, key });
        self.without.clear();
        Ok(true)
    }

    pub(super) fn take_range(
        &mut self,
        now: Duration,
        after: FeedSequence,
        messages: Vec<Arc<GossipMessage>>,
        actions: &mut Vec<Action<P>>,
    ) -> Result<bool, Misbehaviour> {
        for message in messages {
            self.take(now, message, actions)?;
        }
        Ok(self.place.is_some_and(|place| place > after))
    }

    pub(super) fn begin_fetching(
        &mut self,
        from: P,
        signed: SignedSnapshot,
    ) -> Result<bool, Misbehaviour> {
        let Some(pinned) = self.pinned() else {
            return Ok(false);
        };
        let verified = signed.verify(pinned.market, &pinned.key);
        let Ok(statement) = verified else {
            return Err(Misbehaviour::Forged);
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
        self.fetching = Some(SnapshotDownload::new(signed, statement));
        self.fetching_from = Some(from);
        self.without.clear();
        Ok(true)
    }

    pub(super) fn take_part(
        &mut self,
        now: Duration,
        part: SnapshotBytes,
        actions: &mut Vec<Action<P>>,
    ) -> Result<bool, Misbehaviour> {
        let Some(fetching) = self.fetching.take() else {
            return Ok(false);
        };
        match fetching.take(part) {
            PartOutcome::More(fetching) => self.fetching = Some(fetching),
            PartOutcome::Whole(snapshot) if self.misses_snapshot() => {
                self.take_snapshot(now, snapshot, actions);
            }
            PartOutcome::Whole(snapshot) => self.renew(Arc::new(snapshot), actions),
            PartOutcome::Refused(fetching) => {
                self.fetching = Some(fetching);
                return Err(Misbehaviour::Forged);
            }
            PartOutcome::TooLarge => return Ok(false),
        }
        Ok(true)
    }

    /// Returns true if only a snapshot can close the gap.
    pub(super) fn misses_snapshot(&self) -> bool {
        self.place.is_none() || self.unfillable
    }

    pub(super) fn everyone_is_without(&self) -> bool {
        self.peers.keys().all(|peer| self.without.contains(peer))
    }

    pub(super) fn wanted(&mut self, now: Duration) -> Option<PeerRequest> {
        if self.pinned().is_none() {
            return Some(PeerRequest::Market);
        }
        // Missing data has priority over data for others.
        let needs_part = self.misses_snapshot() || self.gap_since.is_none();
        if let Some(fetching) = self.fetching.as_ref().filter(|_| needs_part) {
            return Some(PeerRequest::Part {
                of: fetching.statement().feed_sequence,
                index: fetching.next(),
            });
        }
        let Some(after) = self.place else {
            let beyond = FeedSequence(self.floor.0.saturating_sub(1));
            return Some(PeerRequest::Snapshot { beyond });
        };
        let Some(since) = self.gap_since else {
            return self.wanted_for_others(now);
        };
        let ask = match self.unfillable {
            true => PeerRequest::Snapshot { beyond: after },
            false => PeerRequest::Batches { after },
        };
        (now >= since + GAP_WAIT).then_some(ask)
    }

    /// Returns the request for a newer snapshot, unless one has just arrived from a peer connected to the server.
    pub(super) fn wanted_for_others(&mut self, now: Duration) -> Option<PeerRequest> {
        if !self.renewal_is_due() || self.renewed.is_some() {
            return None;
        }
        let renew_at = *self.renew_at.get_or_insert(now + RENEW_EVERY);
        let beyond = self.snapshot.as_ref()?.statement.feed_sequence;
        (now >= renew_at).then_some(PeerRequest::Snapshot { beyond })
    }
}
