//! A market that signs, as honestly as the test wants it to.

use auction_core::{Digest, FeedSequence, Market, Sequence, Term, Timestamp};
use auction_proto::{
    BatchStatement, Checkpoint, FeedEntry, SignedBatch, SignedSnapshot, SigningKey, SnapshotBytes,
    SnapshotPart, SnapshotStatement,
};

use crate::script::MARKET;

/// The secret key of `bytes`, 32 times.
pub fn key_of(bytes: u8) -> SigningKey {
    SigningKey::new(&[bytes; 32])
}

/// A checkpoint; all that name the same record must be the same.
pub fn checkpoint(record: u64) -> Checkpoint {
    Checkpoint {
        sequence: Sequence(record),
        chain: [record as u8; 32],
        root: [record as u8; 32],
    }
}

/// A signed snapshot and its parts.
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

/// What a batch says: the events that lead to a market.
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

/// A market with these events behind it.
pub fn after(market: &Market, entries: &[FeedEntry]) -> Market {
    let mut market = market.clone();
    for entry in entries {
        market.apply(entry.at, &entry.event).unwrap();
    }
    market
}

/// Another digest than any market's.
pub const NO_DIGEST: Digest = Digest([0xee; 32]);
