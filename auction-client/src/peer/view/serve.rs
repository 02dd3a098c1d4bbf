//! What others ask: what a peer has of the market, as far as they may ask.

use std::time::Duration;

use auction_core::MarketId;
use auction_proto::{AnySigned, MarketKey};

use super::View;
use crate::peer::message::{Answer, Ask};
use crate::peer::snapshot_download::Snapshot;
use crate::peer::view::events::Pinned;

impl<P: Copy + Ord> View<P> {
    pub(super) fn answer(&mut self, now: Duration, from: P, market: MarketId, ask: Ask) -> Answer {
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

    pub(super) fn tell_market(&self, pinned: &Pinned) -> Option<(MarketKey, AnySigned)> {
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
