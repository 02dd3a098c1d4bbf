//! Snapshots: what the records up to some place add up to, so that a start need not read them all.
//!
//! They are disposable: the journal alone is the truth, and a snapshot that does not verify is passed over
//! with a warning. What one holds is the caller's business.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::chain::{MarketId, Position};
use super::chunks::write_in_chunks;
use super::disk::{Access, Disk};
use super::error::{Damage, JournalError};
use super::key::{Key, key_path};
use super::reader::Reader;
use super::recovery::SNAPSHOT_SUFFIX;
use super::segment::list_numbered;
use super::snapshot_header::{MARKET_AT, SEQUENCE_AT, SNAPSHOT_HEADER_BYTES, SnapshotHeader};

/// The largest snapshot, in bytes: 4 GiB.
pub const SNAPSHOT_BYTES_MAX: u64 = 4 << 30;
/// How many are kept: the newest, and one more in case it does not verify.
const SNAPSHOTS_KEPT: usize = 2;
/// A rest between two pieces of a snapshot, for the appends to have the disk: one of 100 MiB takes two seconds more.
const PIECE_PAUSE: Duration = Duration::from_millis(2);

/// The snapshots of a journal, in its folder.
pub struct SnapshotStore {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// A snapshot that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The market it is of.
    pub market: MarketId,
    /// Where it stands: give this to [`Journal::open`](super::Journal::open).
    pub position: Position,
    /// The caller's bytes.
    pub payload: Vec<u8>,
}

/// What [`SnapshotStore::newest_valid`] found.
#[derive(Debug, Default)]
pub struct Newest {
    /// The newest that verifies, if one does.
    pub snapshot: Option<Snapshot>,
    /// Newer ones that don't: to be told to the operator, and nothing worse.
    pub skipped: Vec<Skipped>,
}

/// A snapshot that was passed over.
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// Why: names the file too.
    pub why: JournalError,
}

impl SnapshotStore {
    /// The snapshots of the journal in `dir`. Touches nothing yet.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
        }
    }

    /// Keeps `payload` as the snapshot at `position`, and lets go of all but the newest two.
    ///
    /// `position` must be durable: a snapshot ahead of the journal's end is evidence that the end was lost,
    /// and the next start refuses.
    ///
    /// # Errors
    /// [`JournalError::SnapshotTooLarge`]; what the disk says. A snapshot that fails harms nothing: say it,
    /// and try again later.
    pub fn save(&self, position: Position, payload: &[u8]) -> Result<(), JournalError> {
        let bytes = payload.len() as u64;
        if bytes > SNAPSHOT_BYTES_MAX {
            return Err(JournalError::SnapshotTooLarge {
                bytes,
                bytes_max: SNAPSHOT_BYTES_MAX,
            });
        }
        let key = Key::load(&*self.disk, &self.dir)?;
        let key = key.ok_or_else(|| JournalError::KeyMissing {
            path: key_path(&self.dir),
        })?;
        let mut reader = Reader::with_key(self.disk.clone(), &self.dir, key.clone());
        reader.seek(position.sequence + 1);
        reader.locate()?;
        let market = reader
            .market()
            .expect("a position is given by a journal that has segments");
        let header = SnapshotHeader::new(market, position, payload, &key).encode(&key);

        let path = self.path(position.sequence);
        let aside = path.with_extension("snap.tmp");
        let write = || {
            let file = self.disk.open(&aside, Access::Create)?;
            file.write_at(&header, 0)?;
            let offset = SNAPSHOT_HEADER_BYTES as u64;
            write_in_chunks(&*file, payload, offset, PIECE_PAUSE)?;
            // There may be no payload.
            file.sync_data()?;
            self.disk.rename(&aside, &path)?;
            self.disk.sync_dir(&self.dir)
        };
        if let Err(source) = write() {
            // It may be the disk that is full.
            let _ = self.disk.remove(&aside);
            return Err(JournalError::Io {
                action: "write",
                path,
                source,
            });
        }
        self.remove_old()
    }

    /// The newest snapshot that verifies and, where the journal still tells, has the journal's chain.
    ///
    /// One that is ahead of the journal's end is returned: opening from it says that the end was lost.
    ///
    /// # Errors
    /// A missing key, damage of the journal where the snapshot's chain was to be compared, what the disk
    /// says; never a damaged snapshot.
    pub fn newest_valid(&self) -> Result<Newest, JournalError> {
        let mut newest = Newest::default();
        let sequences = match list_numbered(&*self.disk, &self.dir, SNAPSHOT_SUFFIX) {
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(newest);
            }
            sequences => sequences?,
        };
        for sequence in sequences.into_iter().rev() {
            let mut reader = Reader::open(self.disk.clone(), &self.dir)?;
            let read = self.read(sequence, reader.key());
            let checked = match read {
                Ok(snapshot) => {
                    agrees(&mut reader, &snapshot, &self.path(sequence))?.map(|()| snapshot)
                }
                Err(why) => Err(why),
            };
            match checked {
                Ok(snapshot) => {
                    newest.snapshot = Some(snapshot);
                    break;
                }
                Err(why) => newest.skipped.push(Skipped {
                    file: self.path(sequence),
                    why,
                }),
            }
        }
        Ok(newest)
    }

    fn path(&self, sequence: u64) -> PathBuf {
        self.dir.join(format!("{sequence:020}{SNAPSHOT_SUFFIX}"))
    }

    fn remove_old(&self) -> Result<(), JournalError> {
        let sequences = list_numbered(&*self.disk, &self.dir, SNAPSHOT_SUFFIX)?;
        for &sequence in sequences.iter().rev().skip(SNAPSHOTS_KEPT) {
            let path = self.path(sequence);
            let removed = self.disk.remove(&path);
            removed.map_err(|source| JournalError::Io {
                action: "remove",
                path,
                source,
            })?;
        }
        Ok(())
    }

    fn read(&self, sequence: u64, key: &Key) -> Result<Snapshot, JournalError> {
        let path = self.path(sequence);
        let failed = |source| JournalError::Io {
            action: "read",
            path: path.clone(),
            source,
        };
        let damaged = |offset, what| JournalError::damaged(&path, offset, what);
        let file = self.disk.open(&path, Access::Read).map_err(failed)?;
        let length = file.len().map_err(failed)?;
        if length < SNAPSHOT_HEADER_BYTES as u64 {
            let what = Damage::Length {
                expected: SNAPSHOT_HEADER_BYTES as u64,
                found: length,
            };
            return Err(damaged(length, what));
        }
        let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        let header = SnapshotHeader::decode(&bytes, &path, key)?;
        let expected = SNAPSHOT_HEADER_BYTES as u64 + header.payload_bytes;
        if length != expected || header.payload_bytes > SNAPSHOT_BYTES_MAX {
            let what = Damage::Length {
                expected,
                found: length,
            };
            return Err(damaged(length.min(expected), what));
        }
        if header.position.sequence != sequence {
            return Err(damaged(SEQUENCE_AT as u64, Damage::Name));
        }
        let mut payload = vec![0; header.payload_bytes as usize];
        file.read_at(&mut payload, SNAPSHOT_HEADER_BYTES as u64)
            .map_err(failed)?;
        if !header.matches(&payload, key) {
            return Err(damaged(SNAPSHOT_HEADER_BYTES as u64, Damage::Content));
        }
        Ok(Snapshot {
            market: header.market,
            position: header.position,
            payload,
        })
    }
}

/// Whether the journal knows the place the snapshot stands at. The outer error is about the journal, the
/// inner one about the snapshot.
fn agrees(
    reader: &mut Reader,
    snapshot: &Snapshot,
    path: &Path,
) -> Result<Result<(), JournalError>, JournalError> {
    let sequence = snapshot.position.sequence;
    reader.seek(sequence + 1);
    let reached = loop {
        if !reader.locate()? {
            // No segments: opening says which are missing.
            return Ok(Ok(()));
        }
        let reached = reader.position().expect("located above");
        if reached.sequence >= sequence {
            break reached;
        }
        if reader.advance()?.is_none() {
            // The journal ends before it: opening says so.
            return Ok(Ok(()));
        }
    };
    if reader.market() != Some(snapshot.market) {
        let (file, what) = (path.to_owned(), Damage::Market);
        return Ok(Err(JournalError::Damaged {
            file,
            offset: MARKET_AT as u64,
            what,
        }));
    }
    if reached != snapshot.position {
        return Ok(Err(reader.disagrees(sequence)));
    }
    Ok(Ok(()))
}
