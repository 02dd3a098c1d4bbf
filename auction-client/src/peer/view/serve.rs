//! Answers to other peers, within their rate limits.

use std::time::Duration;

use auction_core::MarketId;
use auction_proto::{AnySigned, MarketKey};

use super::View;
use crate::peer::message::{PeerRequest, PeerResponse};
use crate::peer::snapshot_download::Snapshot;
use crate::peer::view::events::PinnedMarket;

impl<P: Copy + Ord> View<P> {
    pub(super) fn answer(
        &mut self,
        now: Duration,
        from: P,
        market: MarketId,
        ask: PeerRequest,
    ) -> PeerResponse {
        if !self.may_ask(now, from) {
            return PeerResponse::Busy;
        }
        let Some(pinned) = self.pinned() else {
            return PeerResponse::NotHere;
        };
        if ask != PeerRequest::Market && market != pinned.market {
            return PeerResponse::NotHere;
        }
        match ask {
            PeerRequest::Market => self
                .market_response(pinned)
                .map_or(PeerResponse::NotHere, |(key, signed)| {
                    PeerResponse::Market { key, signed }
                }),
            // The view knows no addresses.
            PeerRequest::Peers => PeerResponse::NotHere,
            PeerRequest::Batches { after } => match self.past.since(after) {
                messages if messages.is_empty() => PeerResponse::NotHere,
                messages => PeerResponse::Batches(messages),
            },
            PeerRequest::Snapshot { beyond } => match self.servable() {
                Some(snapshot) if beyond.0 == 0 || snapshot.statement.feed_sequence > beyond => {
                    PeerResponse::Snapshot(snapshot.signed.clone())
                }
                _ => PeerResponse::NotHere,
            },
            PeerRequest::Part { of, index } => {
                let snapshot = self.snapshot.as_ref();
                let part = snapshot
                    .filter(|snapshot| snapshot.statement.feed_sequence == of)
                    .and_then(|snapshot| snapshot.parts.get(index as usize));
                part.map_or(PeerResponse::NotHere, |part| {
                    PeerResponse::Part(part.clone())
                })
            }
        }
    }

    pub(super) fn market_response(&self, pinned: &PinnedMarket) -> Option<(MarketKey, AnySigned)> {
        let newest = self.past.newest();
        let batch = newest.map(|newest| AnySigned::Batch(newest.message.batch.clone()));
        let snapshot = self.snapshot.as_ref();
        let snapshot = || snapshot.map(|snapshot| AnySigned::Snapshot(snapshot.signed.clone()));
        let PinnedMarket { market, key } = *pinned;
        Some((MarketKey { market, key }, batch.or_else(snapshot)?))
    }

    /// Counts a request of a peer; returns false if the peer exceeds its rate.
    pub fn may_ask(&mut self, now: Duration, from: P) -> bool {
        let peer = self.peers.get_mut(&from);
        peer.is_some_and(|peer| peer.asks.allow(now))
    }

    /// Returns the snapshot, if the cached batches continue it without a gap.
    pub(super) fn servable(&self) -> Option<&Snapshot> {
        let snapshot = self.snapshot.as_deref()?;
        let at = snapshot.statement.feed_sequence;
        let bridged = match self.past.begins() {
            Some(begins) => begins <= at,
            None => self.place == Some(at),
        };
        bridged.then_some(snapshot)
    }
}
