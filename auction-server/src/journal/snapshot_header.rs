//! Header before a snapshot's payload.

use std::path::Path;

use super::chain::{Chain, MarketId, Position};
use super::error::{Damage, JournalError};
use super::key::{Checksum, Key, Purpose};
use super::layout::{Beginning, array_at};

const BEGINNING: Beginning = Beginning {
    magic: b"AUCTSNP\n",
    version: 1,
};
pub(super) const MARKET_AT: usize = 16;
pub(super) const SEQUENCE_AT: usize = 32;
const CHAIN_AT: usize = 40;
const LENGTH_AT: usize = 72;
const BODY_CHECKSUM_AT: usize = 80;
const HEADER_CHECKSUM_AT: usize = 96;
pub(super) const SNAPSHOT_HEADER_BYTES: usize = 112;

/// Header of a snapshot.
pub(super) struct SnapshotHeader {
    pub market: MarketId,
    /// Its position.
    pub position: Position,
    pub payload_bytes: u64,
    payload_checksum: Checksum,
}

impl SnapshotHeader {
    pub fn new(market: MarketId, position: Position, payload: &[u8], key: &Key) -> Self {
        Self {
            market,
            position,
            payload_bytes: payload.len() as u64,
            payload_checksum: key.checksum(Purpose::SnapshotBody, &[payload]),
        }
    }

    /// Returns whether `payload` is the payload that was written with this header.
    pub fn matches(&self, payload: &[u8], key: &Key) -> bool {
        key.checksum(Purpose::SnapshotBody, &[payload]) == self.payload_checksum
    }

    pub fn encode(&self, key: &Key) -> [u8; SNAPSHOT_HEADER_BYTES] {
        let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
        BEGINNING.write(&mut bytes);
        bytes[MARKET_AT..SEQUENCE_AT].copy_from_slice(&self.market);
        bytes[SEQUENCE_AT..CHAIN_AT].copy_from_slice(&self.position.sequence.to_le_bytes());
        bytes[CHAIN_AT..LENGTH_AT].copy_from_slice(&self.position.chain.0);
        bytes[LENGTH_AT..BODY_CHECKSUM_AT].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[BODY_CHECKSUM_AT..HEADER_CHECKSUM_AT].copy_from_slice(&self.payload_checksum);
        let checksum = key.checksum(Purpose::SnapshotHeader, &[&bytes[..HEADER_CHECKSUM_AT]]);
        bytes[HEADER_CHECKSUM_AT..].copy_from_slice(&checksum);
        bytes
    }

    pub fn decode(
        bytes: &[u8; SNAPSHOT_HEADER_BYTES],
        path: &Path,
        key: &Key,
    ) -> Result<Self, JournalError> {
        BEGINNING.check(bytes, path)?;
        let checksum = key.checksum(Purpose::SnapshotHeader, &[&bytes[..HEADER_CHECKSUM_AT]]);
        if bytes[HEADER_CHECKSUM_AT..] != checksum {
            return Err(JournalError::damaged(path, 0, Damage::Header));
        }
        Ok(Self {
            market: array_at(bytes, MARKET_AT),
            position: Position {
                sequence: u64::from_le_bytes(array_at(bytes, SEQUENCE_AT)),
                chain: Chain(array_at(bytes, CHAIN_AT)),
            },
            payload_bytes: u64::from_le_bytes(array_at(bytes, LENGTH_AT)),
            payload_checksum: array_at(bytes, BODY_CHECKSUM_AT),
        })
    }
}
