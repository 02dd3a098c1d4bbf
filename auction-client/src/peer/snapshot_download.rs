//! Signed snapshots: taken from others part by part, each checked as it comes, and kept for those who ask.

use auction_core::Market;
use auction_proto::{
    SignedSnapshot, SnapshotAssembler, SnapshotBytes, SnapshotError, SnapshotStatement,
};

use super::limits::SNAPSHOT_BYTES_MAX;

/// A signed snapshot with all its parts, checked.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// As it was signed.
    pub signed: SignedSnapshot,
    /// What was signed.
    pub statement: SnapshotStatement,
    /// Its parts, in order.
    pub parts: Vec<SnapshotBytes>,
}

impl Snapshot {
    /// The market that it shows.
    ///
    /// # Errors
    /// [`SnapshotError`] when the market signed what does not fit together.
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

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct SnapshotDownload {
    snapshot: Snapshot,
    bytes: usize,
}

/// How a part was taken.
#[derive(Debug)]
pub(super) enum PartOutcome {
    /// More are to come.
    More(SnapshotDownload),
    /// It was the last.
    Whole(Snapshot),
    /// It is not what was signed; what was taken before stays good.
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

    /// The part that comes next.
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
