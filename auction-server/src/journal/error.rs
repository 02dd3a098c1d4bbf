//! Errors of a journal, with the file that an operator should look at.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::descriptors::is_out_of_descriptors;

/// Reason why a journal could not be opened or read.
///
/// Damage is never repaired by guessing: the error names the file and the byte, and the operator decides
/// (restore the file from a copy, or set the folder aside).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk reported an error.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// The operation that failed, as a verb: `open`, `read`, `sync`.
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process writes to this journal.
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
        /// The expected path of the key.
        path: PathBuf,
    },
    /// A required segment is missing.
    #[error("{} is missing: the segment with record {sequence} and those after it", path.display())]
    SegmentMissing {
        /// The file that was expected, named by the record it should begin with.
        path: PathBuf,
        /// The first record that cannot be read.
        sequence: u64,
    },
    /// A required segment was archived, and its file is not there.
    #[error(
        "{} was archived: it is a link to {}, which is not there; connect that disk, or copy the file back in place of \
         the link",
        path.display(),
        archive.display()
    )]
    SegmentArchived {
        /// The link.
        path: PathBuf,
        /// The file that it names.
        archive: PathBuf,
    },
    /// A folder for a copy holds another journal.
    #[error("{} holds a copy of another journal; choose another folder", path.display())]
    OtherJournal {
        /// The folder.
        path: PathBuf,
    },
    /// The bytes differ from those that were written.
    #[error("{} is damaged at byte {offset}: {what}; restore the file from a copy", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Offset of the first bytes that do not verify.
        offset: u64,
        /// The kind of damage.
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
        /// Offset of the version, in bytes.
        offset: u64,
        /// The version found.
        found: u16,
        /// The version that this program reads and writes.
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
        /// Offset of the end of its last frame, in bytes.
        offset: u64,
        /// The last record in the journal.
        last: u64,
        /// The record at which the snapshot was made.
        snapshot: u64,
    },
    /// The position to start from does not belong to this journal: its chain differs there.
    #[error(
        "the snapshot at record {sequence} is not of this journal: {} has another chain there; \
         start from an older snapshot or from none",
        file.display()
    )]
    SnapshotDisagrees {
        /// The segment that was compared.
        file: PathBuf,
        /// The record at which the snapshot was made.
        sequence: u64,
    },
    /// The frame is whole, but the reader of its records rejected them.
    #[error("{} at byte {offset}: record {first} and after: {source}", file.display())]
    Refused {
        /// The segment.
        file: PathBuf,
        /// Offset of the frame, in bytes.
        offset: u64,
        /// The frame's first record.
        first: u64,
        /// The error of the reader.
        source: VisitError,
    },
    /// A snapshot is too large to save.
    #[error("a snapshot of {bytes} bytes is over the limit of {bytes_max} bytes")]
    SnapshotTooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
}

impl JournalError {
    /// Returns whether a file could not be opened because no file descriptor was left; the caller may retry.
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

/// Error of a callback that cannot use a frame.
pub type VisitError = Box<dyn std::error::Error + Send + Sync>;

/// Kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// The first eight bytes are not those of this kind of file.
    #[error("its first bytes are not those of this kind of file")]
    Magic,
    /// The file is shorter or longer than it was created.
    #[error("it is {found} bytes long and should be {expected}")]
    Length {
        /// The length in its header.
        expected: u64,
        /// The actual length.
        found: u64,
    },
    /// The header's checksum does not match.
    #[error("the checksum of its header does not match")]
    Header,
    /// The checksum of what follows the header does not match.
    #[error("the checksum of its content does not match")]
    Content,
    /// No whole frame is here, although a later record exists.
    #[error("record {expected} should begin here, and later records follow")]
    Frame {
        /// The expected record.
        expected: u64,
    },
    /// There is a whole frame here, but not the next one.
    #[error("record {expected} should begin here, record {found} does")]
    Sequence {
        /// The expected record.
        expected: u64,
        /// The record found.
        found: u64,
    },
    /// The frame's chain does not follow from the chain before it.
    #[error("the chain is broken at record {first}")]
    Chain {
        /// The frame's first record.
        first: u64,
    },
    /// The first record in the header differs from the file's name.
    #[error("its name and its header disagree on the first record")]
    Name,
    /// The file belongs to another market.
    #[error("it belongs to another market")]
    Market,
    /// The term is lower than that of the segment before.
    #[error("it is of term {found}, and terms never fall: the segment before is of term {before}")]
    Term {
        /// Term of the segment before.
        before: u64,
        /// Term in the header.
        found: u64,
    },
}
