//! A segment: a file of fixed length with a header page.

use std::io;
use std::path::{Path, PathBuf};

use super::chain::{Chain, MarketId};
use super::disk::{Access, Disk, DiskFile};
use super::error::{Damage, JournalError};
use super::key::{Key, Purpose};
use super::layout::{Beginning, array_at};

/// Offset of the first frame: the header has a separate page, so that no later write touches it.
pub(super) const SEGMENT_HEADER_BYTES: u64 = 4096;

const BEGINNING: Beginning = Beginning {
    magic: b"AUCTSEG\n",
    version: 1,
};
const MARKET_AT: usize = 16;
pub(super) const TERM_AT: usize = 32;
const FIRST_AT: usize = 40;
const BYTES_AT: usize = 48;
pub(super) const CHAIN_AT: usize = 56;
const CHECKSUM_AT: usize = 88;
const HEADER_END: usize = 104;

/// Header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub market: MarketId,
    pub term: u64,
    /// The sequence of its first record, which is also the file's name.
    pub first: u64,
    /// The length of the file.
    pub bytes: u64,
    /// The chain after the segment before it; genesis in the first.
    pub chain_before: Chain,
}

impl SegmentHeader {
    pub fn encode(&self, key: &Key) -> [u8; HEADER_END] {
        let mut bytes = [0; HEADER_END];
        BEGINNING.write(&mut bytes);
        bytes[MARKET_AT..TERM_AT].copy_from_slice(&self.market);
        bytes[TERM_AT..FIRST_AT].copy_from_slice(&self.term.to_le_bytes());
        bytes[FIRST_AT..BYTES_AT].copy_from_slice(&self.first.to_le_bytes());
        bytes[BYTES_AT..CHAIN_AT].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[CHAIN_AT..CHECKSUM_AT].copy_from_slice(&self.chain_before.0);
        let checksum = key.checksum(Purpose::SegmentHeader, &[&bytes[..CHECKSUM_AT]]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum);
        bytes
    }

    /// Reads and checks the header of the open segment `file` at `path`, which is named after record `first`.
    pub fn read(
        file: &dyn DiskFile,
        path: &Path,
        first: u64,
        key: &Key,
    ) -> Result<Self, JournalError> {
        let damaged = |offset, what| JournalError::damaged(path, offset, what);
        let failed = |source| JournalError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let length = file.len().map_err(failed)?;
        // A segment has its whole length before it gets its name, so a short one was cut.
        if length < SEGMENT_HEADER_BYTES {
            let what = Damage::Length {
                expected: SEGMENT_HEADER_BYTES,
                found: length,
            };
            return Err(damaged(length, what));
        }
        let mut bytes = [0; HEADER_END];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        let header = Self::decode(&bytes, path, key)?;
        if header.bytes != length {
            let what = Damage::Length {
                expected: header.bytes,
                found: length,
            };
            return Err(damaged(length.min(header.bytes), what));
        }
        if header.first != first {
            return Err(damaged(FIRST_AT as u64, Damage::Name));
        }
        Ok(header)
    }

    fn decode(bytes: &[u8; HEADER_END], path: &Path, key: &Key) -> Result<Self, JournalError> {
        BEGINNING.check(bytes, path)?;
        let checksum = key.checksum(Purpose::SegmentHeader, &[&bytes[..CHECKSUM_AT]]);
        if bytes[CHECKSUM_AT..] != checksum {
            return Err(JournalError::damaged(path, 0, Damage::Header));
        }
        Ok(Self {
            market: array_at(bytes, MARKET_AT),
            term: u64::from_le_bytes(array_at(bytes, TERM_AT)),
            first: u64::from_le_bytes(array_at(bytes, FIRST_AT)),
            bytes: u64::from_le_bytes(array_at(bytes, BYTES_AT)),
            chain_before: Chain(array_at(bytes, CHAIN_AT)),
        })
    }
}

/// An open segment whose header has been checked.
pub(super) struct Segment {
    pub file: Box<dyn DiskFile>,
    pub path: PathBuf,
    pub header: SegmentHeader,
}

impl Segment {
    /// Opens the segment that begins with record `first`.
    pub fn open(
        disk: &dyn Disk,
        dir: &Path,
        first: u64,
        access: Access,
        key: &Key,
    ) -> Result<Self, JournalError> {
        let path = segment_path(dir, first);
        let file = disk
            .open(&path, access)
            .map_err(|source| JournalError::Io {
                action: "open",
                path: path.clone(),
                source,
            })?;
        let header = SegmentHeader::read(&*file, &path, first, key)?;
        Ok(Self { file, path, header })
    }

    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), JournalError> {
        self.file
            .read_at(buffer, offset)
            .map_err(|source| self.failed("read", source))
    }

    pub fn failed(&self, action: &'static str, source: io::Error) -> JournalError {
        JournalError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }

    pub fn damaged(&self, offset: u64, what: Damage) -> JournalError {
        JournalError::damaged(&self.path, offset, what)
    }
}

/// Path of the segment that begins with record `first`.
pub(super) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// The first records of the segments in `dir`, in ascending order.
pub(super) fn list_segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, JournalError> {
    list_numbered(disk, dir, ".seg")
}

/// The numbers of the files in `dir` that are named by twenty digits and `suffix`, in ascending order.
pub(super) fn list_numbered(
    disk: &dyn Disk,
    dir: &Path,
    suffix: &str,
) -> Result<Vec<u64>, JournalError> {
    let names = disk.list(dir).map_err(|source| JournalError::Io {
        action: "list",
        path: dir.to_owned(),
        source,
    })?;
    let number = |name: &String| {
        let digits = name.strip_suffix(suffix)?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
