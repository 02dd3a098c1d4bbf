//! Signed snapshots: downloaded from other peers part by part, each part checked on arrival, and kept for others.

use auction_core::Market;
use auction_proto::{
    SignedSnapshot, SnapshotAssembler, SnapshotBytes, SnapshotError, SnapshotStatement,
};

use super::limits::SNAPSHOT_BYTES_MAX;

/// A signed snapshot with all its parts, checked.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The signed statement.
    pub signed: SignedSnapshot,
    /// Content of the signed statement.
    pub statement: SnapshotStatement,
    /// Its parts, in order.
    pub parts: Vec<SnapshotBytes>,
}

impl Snapshot {
    /// Returns the market in this snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] when the market signed an inconsistent snapshot.
    pub fn market(&self) -> Result<Market, SnapshotError> {
        let mut assembler = SnapshotAssembler::new();
        let mut next = 0;
        for bytes in &self.parts {
            let out_of_place = SnapshotError::OutOfPlace {
                found: bytes.index,
                expected: next,
            };
            next += 1;
            let part = self.statement.part(bytes).map_err(|_| out_of_place)?;
            if let Some(market) = assembler.add(part)? {
                return Ok(market);
            }
        }
        Err(SnapshotError::OutOfPlace {
            found: next,
            expected: next,
        })
    }
}

/// A snapshot of which some parts are missing.
#[derive(Debug)]
pub(super) struct SnapshotDownload {
    snapshot: Snapshot,
    bytes: usize,
}

/// Result of adding a part.
#[derive(Debug)]
pub(super) enum PartOutcome {
    /// More parts are missing.
    More(SnapshotDownload),
    /// The last part: the snapshot is complete.
    Whole(Snapshot),
    /// The part is not the signed one; the earlier parts remain valid.
    Refused(SnapshotDownload),
    /// The snapshot is too large.
    TooLarge,
}

impl SnapshotDownload {
    pub(super) fn new(signed: SignedSnapshot, statement: SnapshotStatement) -> Self {
        let snapshot = Snapshot {
            signed,
            statement,
            parts: Vec::new(),
        };
        Self { snapshot, bytes: 0 }
    }

    pub(super) fn statement(&self) -> &SnapshotStatement {
        &self.snapshot.statement
    }

    /// Returns the index of the next part.
    pub(super) fn next(&self) -> u32 {
        u32::try_from(self.snapshot.parts.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn take(mut self, part: SnapshotBytes) -> PartOutcome {
        if part.index != self.next() || self.statement().part(&part).is_err() {
            return PartOutcome::Refused(self);
        }
        self.bytes += part.part.len();
        if self.bytes > SNAPSHOT_BYTES_MAX {
            return PartOutcome::TooLarge;
        }
        self.snapshot.parts.push(part);
        if self.snapshot.parts.len() == self.statement().parts.len() {
            return PartOutcome::Whole(self.snapshot);
        }
        PartOutcome::More(self)
    }
}
