//! Opening: from whatever the last run left to a journal that can be appended to.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::chain::{Chain, MarketId, Position, genesis};
use super::disk::{Access, Disk};
use super::error::{JournalError, VisitError};
use super::frame::FrameView;
use super::key::{Key, key_path};
use super::options::{Durability, Options};
use super::preallocate::Preallocator;
use super::reader::{Reader, TailState, Torn};
use super::relaxed::{self, Syncer};
use super::segment::{
    SEGMENT_HEADER_BYTES, Segment, SegmentHeader, list_numbered, list_segments, segment_path,
};
use super::writer::{Active, Journal, begin_segment};

pub(super) const SNAPSHOT_SUFFIX: &str = ".snap";
/// A torn tail is wiped in pieces of this size.
const WIPE_BYTES: u64 = 1 << 20;

/// What was found when a journal was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The market's id.
    pub market: MarketId,
    /// The term of the last segment.
    pub term: u64,
    /// The last record; 0 when there is none.
    pub last_sequence: u64,
    /// The chain after it.
    pub chain: Chain,
    /// How many frames were visited.
    pub frames: u64,
    /// The remains of an append that was never acknowledged, or of several that were, with relaxed durability. They
    /// have been wiped out.
    pub torn: Option<Torn>,
    /// Whether it was written with relaxed durability last.
    pub was_relaxed: bool,
    /// Whether the journal was made just now.
    pub created: bool,
}

impl Journal {
    /// Opens the journal in `dir`, or makes a new one there, and passes each frame after `from` (all, when
    /// it is `None`) to `visit`, in order.
    ///
    /// `from` is where a snapshot stands; segments that end before it are not read, so that opening takes
    /// as long as what came after the snapshot. When this returns, every frame that was visited is
    /// durable, and the first append may follow.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process has it open. Damage and whatever else keeps a frame from
    /// being read, naming file and byte: then nothing was changed. What `visit` refuses.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        from: Option<Position>,
        visit: impl FnMut(&FrameView<'_>) -> Result<(), VisitError>,
    ) -> Result<(Self, Recovery), JournalError> {
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io {
                action,
                path,
                source,
            }
        };
        disk.create_dir(dir).map_err(at("create", dir))?;
        let lock = disk.try_lock(dir).map_err(at("lock", dir))?;
        let lock = lock.ok_or_else(|| JournalError::Locked {
            path: dir.to_owned(),
        })?;

        let created = list_segments(&*disk, dir)?.is_empty();
        let key = if created {
            create(&*disk, dir, &options)?
        } else {
            load_key(&*disk, dir)?
        };
        let mut reader = Reader::with_key(disk.clone(), dir, key.clone());
        let marked = relaxed::marked(&*disk, dir, &key)?;
        reader.relaxed_after(marked);
        let frames = replay(&mut reader, from, visit)?;
        let torn = match reader.tail_state()? {
            TailState::Torn(torn) => Some(torn),
            // Nobody writes: the lock is ours.
            TailState::Clean | TailState::Grew => None,
        };
        let (active, header) = resume(&*disk, dir, &key, &reader, torn.as_ref())?;
        // All is synced now.
        relaxed::unmark(&*disk, dir).map_err(at("unmark", dir))?;
        disk.sync_dir(dir).map_err(at("sync", dir))?;

        let position = reader.position().expect("there is a segment");
        let syncer = match options.durability {
            Durability::Strict => None,
            Durability::Relaxed => {
                let file = active.file.clone();
                let syncer = Syncer::start(&*disk, dir, &key, file, position.sequence);
                Some(syncer.map_err(at("mark", dir))?)
            }
        };
        let mut journal = Self {
            preallocator: Preallocator::start(disk.clone(), dir, options.prepare)?,
            disk,
            dir: dir.to_owned(),
            key,
            market: header.market,
            term: header.term,
            segment_bytes_first: options.segment_bytes_first,
            segment_bytes_max: options.segment_bytes_max,
            active,
            syncer,
            position,
            failed: false,
            buffer: Vec::new(),
            lock,
            lock_checked_at: Instant::now(),
        };
        journal.request_next();
        let recovery = Recovery {
            market: header.market,
            term: header.term,
            last_sequence: position.sequence,
            chain: position.chain,
            frames,
            torn,
            was_relaxed: marked.is_some(),
            created,
        };
        Ok((journal, recovery))
    }
}

/// Makes the key and the first segment. An earlier run may have got as far as the key; it had told nobody
/// anything, so that key will do.
fn create(disk: &dyn Disk, dir: &Path, options: &Options) -> Result<Key, JournalError> {
    if !list_numbered(disk, dir, SNAPSHOT_SUFFIX)?.is_empty() {
        // Not new: a snapshot is made from segments.
        return Err(JournalError::SegmentMissing {
            path: segment_path(dir, 1),
            sequence: 1,
        });
    }
    let key = match Key::load(disk, dir)? {
        Some(key) => key,
        None => {
            options.new.key.store(disk, dir)?;
            options.new.key.clone()
        }
    };
    // The key's name is durable before a segment has one: a segment without a key is a loss, never a crash.
    let failed = |source| JournalError::Io {
        action: "create",
        path: dir.to_owned(),
        source,
    };
    disk.sync_dir(dir).map_err(failed)?;
    let header = SegmentHeader {
        market: options.new.market,
        term: options.new.term,
        first: 1,
        bytes: options.segment_bytes_first.max(SEGMENT_HEADER_BYTES),
        chain_before: genesis(&options.new.market),
    };
    let prepared = Preallocator::make(disk, dir, header.bytes).map_err(failed)?;
    begin_segment(disk, dir, &key, prepared, &header).map_err(failed)?;
    Ok(key)
}

fn load_key(disk: &dyn Disk, dir: &Path) -> Result<Key, JournalError> {
    Key::load(disk, dir)?.ok_or_else(|| JournalError::KeyMissing {
        path: key_path(dir),
    })
}

/// Reads from the segment that holds `from` to the end. Returns how many frames were visited.
fn replay(
    reader: &mut Reader,
    from: Option<Position>,
    mut visit: impl FnMut(&FrameView<'_>) -> Result<(), VisitError>,
) -> Result<u64, JournalError> {
    let start = from.map_or(0, |from| from.sequence);
    reader.seek(start + 1);
    reader.locate()?;
    let mut frames = 0;
    loop {
        let reached = reader.position().expect("there is a segment");
        if let Some(from) =
            from.filter(|from| from.sequence == reached.sequence && *from != reached)
        {
            return Err(reader.disagrees(from.sequence));
        }
        let Some(header) = reader.advance()? else {
            break;
        };
        let frame = reader.view(header);
        if frame.last() <= start {
            continue;
        }
        if frame.first <= start {
            // Snapshots stand between frames, never within one.
            return Err(reader.disagrees(start));
        }
        visit(&frame).map_err(|source| JournalError::Refused {
            file: frame.file.to_owned(),
            offset: frame.offset,
            first: frame.first,
            source,
        })?;
        frames += 1;
    }
    let last = reader.position().expect("there is a segment").sequence;
    if last < start {
        // A frame that is damaged says so itself; one that looks like nothing is found here.
        reader.tail_state()?;
        return Err(reader.end_lost(last, start));
    }
    Ok(frames)
}

/// Makes the last segment fit to be appended to.
fn resume(
    disk: &dyn Disk,
    dir: &Path,
    key: &Key,
    reader: &Reader,
    torn: Option<&Torn>,
) -> Result<(Active, SegmentHeader), JournalError> {
    let (first, end, last_frame) = reader.tail().expect("there is a segment");
    let segment = Segment::open(disk, dir, first, Access::ReadWrite, key)?;
    if let Some(start) = last_frame {
        // Its sync may never have returned, or have failed: then the page cache shows it and believes that it
        // is clean, though the disk does not hold it. Written again, the sync below is about it.
        let mut bytes = vec![0; (end - start) as usize];
        segment.read_at(&mut bytes, start)?;
        segment
            .file
            .write_at(&bytes, start)
            .map_err(|error| segment.failed("write", error))?;
    }
    if let Some(torn) = torn {
        let zeros = vec![0; torn.bytes.min(WIPE_BYTES) as usize];
        let (mut at, end) = (torn.offset, torn.offset + torn.bytes);
        while at < end {
            let piece = &zeros[..(end - at).min(WIPE_BYTES) as usize];
            segment
                .file
                .write_at(piece, at)
                .map_err(|error| segment.failed("write", error))?;
            at += piece.len() as u64;
        }
    }
    segment
        .file
        .sync_data()
        .map_err(|error| segment.failed("sync", error))?;
    let Segment { file, path, header } = segment;
    Ok((
        Active {
            file: Arc::from(file),
            path,
            bytes: header.bytes,
            end,
        },
        header,
    ))
}
