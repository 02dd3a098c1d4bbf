//! Reading the frames in order, without the lock: for recovery, export, `verify` and projections.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{MarketId, Position, genesis};
use super::disk::{Access, Disk};
use super::error::{Damage, JournalError};
use super::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameView, OwnedFrame};
use super::key::{Key, key_path};
use super::scan::{Found, read_frame, scan_rest};
use super::segment::{
    CHAIN_AT, SEGMENT_HEADER_BYTES, Segment, TERM_AT, list_segments, segment_path,
};

/// Reads a journal's frames in order, beside a running server or without one.
///
/// Every returned frame is whole, follows the one before it, and has a chain that was recomputed. A frame that the
/// server is just writing does not exist yet for the reader: it is never reported as damage. A frame may become visible
/// *before* its sync returns; a caller that needs durable records only (such as a snapshot) stops at the last sequence
/// that the server reported as durable.
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    key: Key,
    /// Frames that end before this record are verified, but not returned.
    wanted: u64,
    /// Holes after this record are no damage: it was written with relaxed durability, and nobody writes now.
    marked: Option<u64>,
    place: Option<Place>,
    body: Vec<u8>,
}

/// Position of a reader: after some frame of some segment.
struct Place {
    segment: Segment,
    /// Offset of the next frame.
    offset: u64,
    /// The position after the last frame that was read.
    position: Position,
    /// Offset of the last frame read from this segment.
    last_frame: Option<u64>,
}

/// A torn tail: the remains of a frame whose sync never returned, so it was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The last segment.
    pub file: PathBuf,
    /// Offset of the end of its last whole frame, in bytes.
    pub offset: u64,
    /// Number of bytes from there to the last byte that is not zero.
    pub bytes: u64,
}

/// State of the bytes after the last frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TailState {
    /// Empty: the journal ends with a whole frame.
    Clean,
    /// The remains of a frame. Beside a running server it may be a frame that is just being written.
    Torn(Torn),
    /// More frames were written: read on.
    Grew,
}

impl Reader {
    /// Opens the journal in `dir`, to read from its first record.
    ///
    /// # Errors
    /// [`JournalError::KeyMissing`] when there is no journal, or its key is missing; errors of the [`Disk`].
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        let key = Key::load(&*disk, dir)?;
        let key = key.ok_or_else(|| JournalError::KeyMissing {
            path: key_path(dir),
        })?;
        Ok(Self::with_key(disk, dir, key))
    }

    pub(super) fn with_key(disk: Arc<dyn Disk>, dir: &Path, key: Key) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            key,
            wanted: 1,
            marked: None,
            place: None,
            body: Vec::new(),
        }
    }

    /// Makes the frame that holds record `sequence` the next one, or the first after it once it is written.
    /// Reading begins with that frame's segment: those before it are not verified.
    pub fn seek(&mut self, sequence: u64) {
        self.wanted = sequence.max(1);
        self.place = None;
    }

    /// Returns the next frame, or `None` when there is nothing more yet: a later call continues.
    ///
    /// # Errors
    /// Damage, naming file and byte. The reader keeps its position; the next call returns the same error.
    #[expect(
        clippy::should_implement_trait,
        reason = "`None` is not the end: it may be asked again"
    )]
    pub fn next(&mut self) -> Result<Option<OwnedFrame>, JournalError> {
        Ok(self.next_view()?.map(|frame| frame.to_owned_frame()))
    }

    /// Like [`next`](Self::next), without a copy.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn next_view(&mut self) -> Result<Option<FrameView<'_>>, JournalError> {
        let header = loop {
            match self.advance()? {
                None => return Ok(None),
                Some(header) if last_of(&header) >= self.wanted => break header,
                Some(_) => {}
            }
        };
        Ok(Some(self.view(header)))
    }

    /// Returns the state of the bytes after the last frame, after [`next`](Self::next) has returned `None`. Searches
    /// the whole rest of the last segment.
    ///
    /// # Errors
    /// Damage that `next` does not see, because it looks like unwritten bytes: a frame that was wiped out.
    pub fn tail_state(&self) -> Result<TailState, JournalError> {
        let Some(place) = &self.place else {
            return Ok(TailState::Clean);
        };
        let expected = place.position.sequence + 1;
        let rest = scan_rest(&place.segment, place.offset, expected, &self.key)?;
        // Read after the rest: a running server may have written this frame meanwhile.
        let found = read_frame(&place.segment, place.offset, &self.key, &mut Vec::new())?;
        if matches!(found, Found::Frame(_)) || self.next_segment(place)?.is_some() {
            return Ok(TailState::Grew);
        }
        if rest.later_frame && !self.may_be_lost(expected) {
            return Err(place
                .segment
                .damaged(place.offset, Damage::Frame { expected }));
        }
        Ok(match rest.written_to {
            None => TailState::Clean,
            Some(end) => TailState::Torn(Torn {
                file: place.segment.path.clone(),
                offset: place.offset,
                bytes: end - place.offset,
            }),
        })
    }

    /// The position reached: the last record read and its chain. `None` before the first read.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.place.as_ref().map(|place| place.position)
    }

    /// The market of this journal. `None` before the first read.
    #[must_use]
    pub fn market(&self) -> Option<MarketId> {
        self.place.as_ref().map(|place| place.segment.header.market)
    }

    /// The term of the segment being read. `None` before the first read.
    #[must_use]
    pub fn term(&self) -> Option<u64> {
        self.place.as_ref().map(|place| place.segment.header.term)
    }

    /// Makes the records that were read durable, in case they are not: results derived from them must not outlive them.
    ///
    /// # Errors
    /// Errors of the disk.
    pub fn sync(&self) -> Result<(), JournalError> {
        let Some(Place { segment, .. }) = &self.place else {
            return Ok(());
        };
        // The segments before it were synced before it was created.
        let synced = segment.file.sync_data();
        synced.map_err(|error| segment.failed("sync", error))
    }

    /// All records to this one are synced; later ones may have holes.
    pub(super) fn relaxed_after(&mut self, marked: Option<u64>) {
        self.marked = marked;
    }

    fn may_be_lost(&self, record: u64) -> bool {
        self.marked.is_some_and(|marked| record > marked)
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Moves to the segment that holds the wanted record. `false`: there is no segment yet.
    pub(super) fn locate(&mut self) -> Result<bool, JournalError> {
        if self.place.is_some() {
            return Ok(true);
        }
        let segments = list_segments(&*self.disk, &self.dir)?;
        if segments.is_empty() {
            return Ok(false);
        }
        let Some(&first) = segments.iter().rfind(|&&first| first <= self.wanted) else {
            // Segments are kept for ever, so the first one must hold record 1.
            return Err(JournalError::SegmentMissing {
                path: segment_path(&self.dir, 1),
                sequence: self.wanted,
            });
        };
        self.enter(first)?;
        Ok(true)
    }

    /// Steps over the next whole frame; its body is in `self.body`.
    pub(super) fn advance(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        if !self.locate()? {
            return Ok(None);
        }
        // Whether later records are known to exist: then these bytes had been synced before this second look, and are
        // no longer just being written.
        let mut settled = false;
        loop {
            let place = self.place.as_ref().expect("located above");
            let found = read_frame(&place.segment, place.offset, &self.key, &mut self.body)?;
            if let Found::Frame(header) = found {
                return self.accept(header).map(Some);
            }
            if let Some(next) = self.next_segment(place)? {
                if settled {
                    self.enter(next)?;
                }
                settled = !settled;
                continue;
            }
            if matches!(found, Found::Nothing) {
                return Ok(None);
            }
            let expected = place.position.sequence + 1;
            let rest = scan_rest(&place.segment, place.offset, expected, &self.key)?;
            if !rest.later_frame || self.may_be_lost(expected) {
                return Ok(None);
            }
            if settled {
                return Err(place
                    .segment
                    .damaged(place.offset, Damage::Frame { expected }));
            }
            settled = true;
        }
    }

    /// The frame `advance` has just stepped over.
    pub(super) fn view(&self, header: FrameHeader) -> FrameView<'_> {
        let place = self.place.as_ref().expect("a frame was read");
        let (public, rest) = self.body.split_at(header.public_length);
        FrameView {
            first: header.first,
            count: header.count,
            public,
            private: &rest[..header.private_length],
            chain: header.chain,
            market: place.segment.header.market,
            term: place.segment.header.term,
            file: &place.segment.path,
            offset: place.offset - header.length,
        }
    }

    /// The error for a snapshot whose position is not in this journal.
    pub(super) fn disagrees(&self, sequence: u64) -> JournalError {
        let place = self.place.as_ref().expect("a segment was compared");
        JournalError::SnapshotDisagrees {
            file: place.segment.path.clone(),
            sequence,
        }
    }

    /// The error for a journal that ends with record `last`, though a snapshot at record `snapshot` was made from it.
    pub(super) fn end_lost(&self, last: u64, snapshot: u64) -> JournalError {
        let place = self.place.as_ref().expect("a segment was read to its end");
        let (file, offset) = (place.segment.path.clone(), place.offset);
        JournalError::EndLost {
            file,
            offset,
            last,
            snapshot,
        }
    }

    /// The reader's position, at which recovery continues writing: the segment's first record, and the offsets of the
    /// next frame and of the last one.
    pub(super) fn tail(&self) -> Option<(u64, u64, Option<u64>)> {
        let place = self.place.as_ref()?;
        Some((place.segment.header.first, place.offset, place.last_frame))
    }

    /// The first record of the segment after this one, if there is one.
    fn next_segment(&self, place: &Place) -> Result<Option<u64>, JournalError> {
        let segments = list_segments(&*self.disk, &self.dir)?;
        Ok(segments
            .into_iter()
            .find(|&first| first > place.segment.header.first))
    }

    /// Enters the segment that begins with record `first`, which must continue what was read.
    fn enter(&mut self, first: u64) -> Result<(), JournalError> {
        let segment = match Segment::open(&*self.disk, &self.dir, first, Access::Read, &self.key) {
            Err(JournalError::Io { path, source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                if let Ok(archive) = fs::read_link(&path) {
                    return Err(JournalError::SegmentArchived { path, archive });
                }
                return Err(JournalError::SegmentMissing {
                    path,
                    sequence: first,
                });
            }
            segment => segment?,
        };
        let header = &segment.header;
        if first == 1 && header.chain_before != genesis(&header.market) {
            return Err(segment.damaged(CHAIN_AT as u64, Damage::Chain { first }));
        }
        if let Some(before) = &self.place {
            let expected = before.position.sequence + 1;
            if header.market != before.segment.header.market {
                return Err(segment.damaged(0, Damage::Market));
            }
            let (term_before, found) = (before.segment.header.term, header.term);
            if found < term_before {
                let what = Damage::Term {
                    before: term_before,
                    found,
                };
                return Err(segment.damaged(TERM_AT as u64, what));
            }
            if first != expected {
                // Either frames at the end of the one segment were lost, or a whole segment between them.
                let what = Damage::Frame { expected };
                return Err(before.segment.damaged(before.offset, what));
            }
            if header.chain_before != before.position.chain {
                return Err(segment.damaged(CHAIN_AT as u64, Damage::Chain { first }));
            }
        }
        let position = Position {
            sequence: first - 1,
            chain: header.chain_before,
        };
        let offset = SEGMENT_HEADER_BYTES;
        self.place = Some(Place {
            segment,
            offset,
            position,
            last_frame: None,
        });
        Ok(())
    }

    /// Checks that the whole frame just read is the next one, and steps over it.
    fn accept(&mut self, header: FrameHeader) -> Result<FrameHeader, JournalError> {
        let place = self.place.as_mut().expect("a frame was read");
        let Position { sequence, chain } = place.position;
        let damaged = |what| place.segment.damaged(place.offset, what);
        let first = header.first;
        if first != sequence + 1 {
            return Err(damaged(Damage::Sequence {
                expected: sequence + 1,
                found: first,
            }));
        }
        let public = &self.body[..header.public_length];
        if header.chain != chain.next(first, header.count, public) {
            return Err(damaged(Damage::Chain { first }));
        }
        place.last_frame = Some(place.offset);
        place.offset += header.length;
        place.position = Position {
            sequence: last_of(&header),
            chain: header.chain,
        };
        Ok(header)
    }
}

fn last_of(header: &FrameHeader) -> u64 {
    header.first + u64::from(header.count) - 1
}

const _: () = assert!(SEGMENT_HEADER_BYTES as usize > FRAME_HEADER_BYTES);
