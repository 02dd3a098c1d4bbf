//! What can be wrong with a journal, said so that a person knows which file to look at.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::descriptors::is_out_of_descriptors;

/// Why a journal could not be opened or read.
///
/// Damage is never repaired by guessing: the error names the file and the byte, and the operator decides
/// (restore the file from a copy, or set the folder aside).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk itself said no.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `read`, `sync`.
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
    /// Another process writes this journal.
    #[error("{} is locked: another server runs on this journal; stop it, or use another folder", path.display())]
    Locked {
        /// The journal's folder.
        path: PathBuf,
    },
    /// There are segments, but the key that verifies them is gone.
    #[error(
        "{} is missing: it holds the key of this journal's checksums; restore it from a copy of the folder",
        path.display()
    )]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// A segment that must be there is not.
    #[error("{} is missing: the segment with record {sequence} and those after it", path.display())]
    SegmentMissing {
        /// The file that was expected, named by the record it should begin with.
        path: PathBuf,
        /// The first record that cannot be read.
        sequence: u64,
    },
    /// The bytes are not what was written.
    #[error("{} is damaged at byte {offset}: {what}; restore the file from a copy", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where the first thing that does not verify begins, in bytes.
        offset: u64,
        /// What does not verify.
        what: Damage,
    },
    /// The file was written by a program of another version, or its version bytes are damaged.
    #[error(
        "{} has format version {found} (at byte {offset}), this program knows version {known}; \
         use the program that wrote it",
        file.display()
    )]
    UnknownVersion {
        /// The file.
        file: PathBuf,
        /// Where the version stands, in bytes.
        offset: u64,
        /// What stands there.
        found: u16,
        /// What this program reads and writes.
        known: u16,
    },
    /// A valid snapshot is newer than the journal's last record: the journal's end was lost.
    #[error(
        "{} ends with record {last} at byte {offset}, but a snapshot holds everything to record {snapshot}: \
         the journal's end is lost; restore the file, or, to go on without those records, move the snapshot away",
        file.display()
    )]
    EndLost {
        /// The last segment.
        file: PathBuf,
        /// Where its last frame ends, in bytes.
        offset: u64,
        /// The last record that is there.
        last: u64,
        /// The record the snapshot stands at.
        snapshot: u64,
    },
    /// The position to start from is not one of this journal's: its chain differs there.
    #[error(
        "the snapshot at record {sequence} is not of this journal: {} has another chain there; \
         start from an older snapshot or from none",
        file.display()
    )]
    SnapshotDisagrees {
        /// The segment that was compared.
        file: PathBuf,
        /// The record the snapshot stands at.
        sequence: u64,
    },
    /// The frame is whole, but whoever reads the records could not make sense of it.
    #[error("{} at byte {offset}: record {first} and after: {source}", file.display())]
    Refused {
        /// The segment.
        file: PathBuf,
        /// Where the frame begins, in bytes.
        offset: u64,
        /// The frame's first record.
        first: u64,
        /// What the visitor said.
        source: VisitError,
    },
    /// A snapshot is too large to be kept.
    #[error("a snapshot of {bytes} bytes is over the limit of {bytes_max} bytes")]
    SnapshotTooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
}

impl JournalError {
    /// Whether a file could not be opened because there is no file descriptor left; it may be tried again.
    #[must_use]
    pub fn is_out_of_descriptors(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_out_of_descriptors(source))
    }

    pub(super) fn damaged(file: &Path, offset: u64, what: Damage) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            offset,
            what,
        }
    }
}

/// What a visitor of frames may answer when it cannot use one.
pub type VisitError = Box<dyn std::error::Error + Send + Sync>;

/// What does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// The first eight bytes are not those of such a file.
    #[error("it does not begin as such a file does")]
    Magic,
    /// The file is shorter or longer than it was made.
    #[error("it is {found} bytes long and should be {expected}")]
    Length {
        /// As stated in its header.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// The header's checksum does not match.
    #[error("the checksum of its header does not match")]
    Header,
    /// The checksum of what follows the header does not match.
    #[error("the checksum of its content does not match")]
    Content,
    /// No whole frame stands here, and yet a later record is there.
    #[error("record {expected} should begin here, and later records follow")]
    Frame {
        /// The record expected.
        expected: u64,
    },
    /// A whole frame stands here, but not the one that comes next.
    #[error("record {expected} should begin here, record {found} does")]
    Sequence {
        /// The record expected.
        expected: u64,
        /// The record found.
        found: u64,
    },
    /// The frame's chain is not made from what stands before it.
    #[error("the chain is broken at record {first}")]
    Chain {
        /// The frame's first record.
        first: u64,
    },
    /// The header names another first record than the file's name.
    #[error("its name and its header disagree on the first record")]
    Name,
    /// The file belongs to another market.
    #[error("it belongs to another market")]
    Market,
}
