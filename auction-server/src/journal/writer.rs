//! Appending: one write and one sync for a group commit.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chain::{MarketId, Position};
use super::descriptors::{for_an_append, when_free};
use super::disk::{Disk, DiskFile};
use super::frame::{self, Batch, FRAME_BYTES_MAX};
use super::key::Key;
use super::lock::{DirLock, LockState};
use super::preallocate::{Preallocator, Prepared};
use super::relaxed::Syncer;
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, segment_path};

/// How often a journal looks whether its folder is still its own.
pub const LOCK_CHECK_EVERY: Duration = Duration::from_secs(1);

/// Where the sequencer makes its batches durable.
pub trait Log {
    /// Makes `batch` durable: when this returns, it survives a loss of power; of the process alone, when the log was
    /// opened so.
    ///
    /// # Errors
    /// Nothing is known of the batch then, and nothing may be appended after it: the process ends, and
    /// recovery finds out.
    fn append(&mut self, batch: &Batch<'_>) -> io::Result<()>;

    /// Whether what was acknowledged still holds. For who appends nothing for a while: a later append says it too.
    ///
    /// # Errors
    /// As [`append`](Self::append), with the same end: a sync that came after the acknowledgement has failed, or the
    /// journal's folder is no longer where it was.
    fn check(&mut self) -> io::Result<()>;

    /// What will stop appends before long, though they go on for now; said once, for the operator.
    fn early_warning(&mut self) -> Option<io::Error>;
}

/// A journal, open for appending. It holds the folder's lock until it is dropped.
pub struct Journal {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) key: Key,
    pub(super) market: MarketId,
    pub(super) term: u64,
    pub(super) segment_bytes_first: u64,
    pub(super) segment_bytes_max: u64,
    pub(super) active: Active,
    /// With relaxed durability: who syncs.
    pub(super) syncer: Option<Syncer>,
    pub(super) position: Position,
    pub(super) preallocator: Preallocator,
    pub(super) failed: bool,
    pub(super) buffer: Vec<u8>,
    /// Dropped last: the helper thread of `preallocator` has ended by then.
    pub(super) lock: Box<dyn DirLock>,
    pub(super) lock_checked_at: Instant,
}

/// The segment that is written.
pub(super) struct Active {
    pub file: Arc<dyn DiskFile>,
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Where the next frame begins.
    pub end: u64,
}

impl Log for Journal {
    /// # Errors
    /// `InvalidInput` for a batch over [`FRAME_BYTES_MAX`]; what the disk says; and after any failure every
    /// later append fails: the page cache may show what the disk does not hold.
    ///
    /// # Panics
    /// If the batch is empty or does not begin with the next record.
    fn append(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        let next = self.position.sequence + 1;
        assert_eq!(batch.first, next, "a batch begins with the next record");
        assert!(batch.count > 0, "a batch holds a record");
        if self.failed {
            return Err(io::Error::other(
                "an append to the journal failed before; restart to recover",
            ));
        }
        // Until the sync has returned. A panic in between leaves it so.
        self.failed = true;
        self.write(batch)?;
        self.failed = false;
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        let checked = match &self.syncer {
            None => Ok(()),
            Some(syncer) => syncer
                .check()
                .map_err(|error| failed("sync", &self.active.path, &error)),
        };
        let checked = checked.and_then(|()| self.check_lock_in_time());
        self.failed |= checked.is_err();
        checked
    }

    /// Why the next segment could not be prepared, if it could not (the disk is full, say): appends go on while
    /// the present segment has room.
    fn early_warning(&mut self) -> Option<io::Error> {
        self.preallocator.failure()
    }
}

impl Journal {
    /// The market's id.
    #[must_use]
    pub fn market(&self) -> MarketId {
        self.market
    }

    /// Who leads: stands in the header of each segment made from now on.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// The last durable record, and the chain after it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    fn write(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        let length = batch.frame_bytes();
        if length > FRAME_BYTES_MAX {
            let text = format!("a batch of {length} bytes is over the limit of {FRAME_BYTES_MAX}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.check_lock_in_time()?;
        if length > self.active.bytes - self.active.end {
            self.roll(length)?;
        }
        let chain = self
            .position
            .chain
            .next(batch.first, batch.count, batch.public);
        frame::encode(batch, &chain, &self.key, &mut self.buffer);
        let Active {
            file, path, end, ..
        } = &mut self.active;
        file.write_at(&self.buffer, *end)
            .map_err(|error| failed("write", path, &error))?;
        let last = batch.first + u64::from(batch.count) - 1;
        match &self.syncer {
            None => file.sync_data(),
            Some(syncer) => syncer.wrote(last),
        }
        .map_err(|error| failed("sync", path, &error))?;
        *end += length;
        self.preallocator.tell_full(*end, self.active.bytes);
        self.position = Position {
            sequence: last,
            chain,
        };
        Ok(())
    }

    /// Goes on to a new segment that has room for a frame of `length`.
    fn roll(&mut self, length: u64) -> io::Result<()> {
        // The new segment is made by its path, and must not come to lie in another folder.
        self.check_lock()?;
        let bytes_min = self.segment_bytes_first.max(SEGMENT_HEADER_BYTES + length);
        let first = self.position.sequence + 1;
        let chain_before = self.position.chain;
        let prepared = self
            .preallocator
            .take(bytes_min)
            .map_err(|error| failed("prepare", &segment_path(&self.dir, first), &error))?;
        let header = SegmentHeader {
            market: self.market,
            term: self.term,
            first,
            bytes: prepared.bytes,
            chain_before,
        };
        if self.syncer.is_some() {
            // A segment has a next one only when it is whole, after any crash.
            let Active { file, path, .. } = &self.active;
            let synced = file.sync_data();
            synced.map_err(|error| failed("sync", path, &error))?;
        }
        self.active = begin_segment(&*self.disk, &self.dir, &self.key, prepared, &header)?;
        if let Some(syncer) = &self.syncer {
            syncer.goes_on_in(self.active.file.clone());
        }
        self.request_next();
        Ok(())
    }

    fn check_lock_in_time(&mut self) -> io::Result<()> {
        if self.lock_checked_at.elapsed() < LOCK_CHECK_EVERY {
            return Ok(());
        }
        self.check_lock()
    }

    fn check_lock(&mut self) -> io::Result<()> {
        self.lock_checked_at = Instant::now();
        let dir = self.dir.display();
        match self.lock.check()? {
            LockState::Held => {}
            LockState::FileRemade => tracing::warn!(
                "journal.lock was removed from {dir} while the server runs, and is made again: it keeps a second \
                 server off; leave it there"
            ),
            LockState::FileMissing(error) => tracing::warn!(
                %error,
                "journal.lock was removed from {dir} and cannot be made again: a server of an earlier version is not \
                 kept off"
            ),
        }
        Ok(())
    }

    /// Has the segment after this one prepared.
    pub(super) fn request_next(&mut self) {
        self.preallocator
            .tell_full(self.active.end, self.active.bytes);
        let bytes = self
            .active
            .bytes
            .saturating_mul(2)
            .min(self.segment_bytes_max);
        self.preallocator
            .request(bytes.max(self.segment_bytes_first));
    }
}

/// Makes a prepared file the segment that `header` tells of. Its header is durable before it has a segment's
/// name, and its name before it has a frame: a crash at any point leaves a whole empty segment or none.
pub(super) fn begin_segment(
    disk: &dyn Disk,
    dir: &Path,
    key: &Key,
    prepared: Prepared,
    header: &SegmentHeader,
) -> io::Result<Active> {
    let path = segment_path(dir, header.first);
    let begin = || {
        prepared.file.write_at(&header.encode(key), 0)?;
        prepared.file.sync_data()?;
        disk.rename(&prepared.path, &path)?;
        // It opens the folder. A sync that failed does not say that there is no descriptor, and is not tried again.
        when_free(dir, for_an_append, || disk.sync_dir(dir))
    };
    begin().map_err(|error| failed("begin", &path, &error))?;
    Ok(Active {
        file: Arc::from(prepared.file),
        path,
        bytes: prepared.bytes,
        end: SEGMENT_HEADER_BYTES,
    })
}

fn failed(action: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{action} {}: {error}", path.display()),
    )
}
