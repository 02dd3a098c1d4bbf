//! A market that signs honestly or not, as the test requires.

use auction_core::{Digest, FeedSequence, Market, Sequence, Term, Timestamp};
use auction_proto::{
    BatchStatement, Checkpoint, FeedEntry, SignedBatch, SignedSnapshot, SigningKey, SnapshotBytes,
    SnapshotPart, SnapshotStatement,
};

use crate::script::MARKET;

/// Returns the secret key of `bytes`, 32 times.
pub fn key_of(bytes: u8) -> SigningKey {
    SigningKey::new(&[bytes; 32])
}

/// Returns a checkpoint; all checkpoints of the same record are equal.
pub fn checkpoint(record: u64) -> Checkpoint {
    Checkpoint {
        sequence: Sequence(record),
        chain: [record as u8; 32],
        root: [record as u8; 32],
    }
}

/// Returns a signed snapshot and its parts.
pub fn snapshot(market: &Market, key: &SigningKey) -> (SignedSnapshot, Vec<SnapshotBytes>) {
    let parts = SnapshotPart::of_market(market);
    let (parts, hashes): (Vec<_>, Vec<_>) = parts.map(|part| SnapshotBytes::of(&part)).unzip();
    let statement = SnapshotStatement {
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(2_000),
        checkpoint: checkpoint(1),
        feed_sequence: market.feed_sequence(),
        digest: market.clone().digest(),
        parts: hashes.try_into().unwrap(),
    };
    (SignedSnapshot::sign(&statement, key), parts)
}

/// Returns the statement of a batch: the events that lead to a market.
pub fn statement(market: &Market, entries: Vec<FeedEntry>) -> BatchStatement {
    let through = market.feed_sequence();
    BatchStatement {
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(2_000),
        checkpoint: checkpoint(1),
        after: FeedSequence(through.0 - entries.len() as u64),
        through,
        digest: market.clone().digest(),
        entries: entries.try_into().unwrap(),
    }
}

pub fn batch(market: &Market, entries: Vec<FeedEntry>, key: &SigningKey) -> SignedBatch {
    SignedBatch::sign(&statement(market, entries), key)
}

/// Returns a market after these events.
pub fn after(market: &Market, entries: &[FeedEntry]) -> Market {
    let mut market = market.clone();
    for entry in entries {
        market.apply(entry.at, &entry.event).unwrap();
    }
    market
}

/// A digest that no market has.
pub const NO_DIGEST: Digest = Digest([0xee; 32]);
