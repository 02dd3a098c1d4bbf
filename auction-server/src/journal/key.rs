//! The journal's secret, and the checksums made with it.
//!
//! Keyed, because recovery searches the bytes after a torn frame for frames that follow, and those bytes
//! may have been chosen by a client. A checksum that anyone can compute (CRC, SHA-256) would let a bid hold
//! a "frame" that recovery takes for a later one. SipHash-2-4 with 128 bits is a keyed function
//! made for this, short in code and fast on small inputs.

use std::fmt;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use super::disk::{Access, Disk};
use super::error::{Damage, JournalError};
use super::layout::{Beginning, array_at};

/// The file that holds the key, beside the segments.
const KEY_NAME: &str = "journal.key";
const KEY_TMP_NAME: &str = "journal.key.tmp";

const BEGINNING: Beginning = Beginning {
    magic: b"AUCTKEY\n",
    version: 1,
};
const SECRET_AT: usize = 16;
const CHECKSUM_AT: usize = 32;
const FILE_BYTES: usize = 48;
const CHECKSUM_TAG: &[u8; 13] = b"auction.key.1";

/// A keyed checksum.
pub(super) type Checksum = [u8; 16];

/// The 16 secret bytes that key every checksum of a journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 16]);

/// What a checksum is for: bytes of one kind never verify as bytes of another. Permanent.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    SegmentHeader = 1,
    FrameHeader = 2,
    FrameBody = 3,
    SnapshotHeader = 4,
    SnapshotBody = 5,
    RelaxedMark = 6,
}

impl Key {
    /// A key of these bytes; they must come from a secure source of randomness.
    #[must_use]
    pub fn new(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// SipHash-2-4-128 over the purpose (u64 LE) and `parts`, one after the other.
    pub(super) fn checksum(&self, purpose: Purpose, parts: &[&[u8]]) -> Checksum {
        let mut password_pool = SipHasher24::new_with_key(&self.0);
        password_pool.write(&(purpose as u64).to_le_bytes());
        parts.iter().for_each(|part| password_pool.write(part));
        password_pool.finish128().as_bytes()
    }

    /// Reads the key of the journal in `dir`; `None` when there is none.
    pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>, JournalError> {
        let path = key_path(dir);
        let failed = |source| JournalError::Io {
            action: "read",
            path: path.clone(),
            source,
        };
        let file = match disk.open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let length = file.len().map_err(failed)?;
        if length != FILE_BYTES as u64 {
            let what = Damage::Length {
                expected: FILE_BYTES as u64,
                found: length,
            };
            return Err(JournalError::damaged(&path, length, what));
        }
        let mut bytes = [0; FILE_BYTES];
        file.read_at(&mut bytes, 0).map_err(failed)?;
        decode(&bytes, &path).map(Some)
    }

    /// Writes the key of a new journal, durably but for its name: the caller syncs the folder.
    pub(super) fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
        let path = key_path(dir);
        let aside = dir.join(KEY_TMP_NAME);
        let store = || {
            let file = disk.open(&aside, Access::Create)?;
            file.write_at(&encode(self), 0)?;
            file.sync_data()?;
            disk.rename(&aside, &path)
        };
        store().map_err(|source| JournalError::Io {
            action: "write",
            path: path.clone(),
            source,
        })
    }
}

/// Never shows the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Where the key of the journal in `dir` lies.
pub(super) fn key_path(dir: &Path) -> PathBuf {
    dir.join(KEY_NAME)
}

fn encode(key: &Key) -> [u8; FILE_BYTES] {
    let mut bytes = [0; FILE_BYTES];
    BEGINNING.write(&mut bytes);
    bytes[SECRET_AT..CHECKSUM_AT].copy_from_slice(&key.0);
    let checksum = self_checksum(&bytes);
    bytes[CHECKSUM_AT..].copy_from_slice(&checksum);
    bytes
}

fn decode(bytes: &[u8; FILE_BYTES], path: &Path) -> Result<Key, JournalError> {
    BEGINNING.check(bytes, path)?;
    if bytes[CHECKSUM_AT..] != self_checksum(bytes) {
        return Err(JournalError::damaged(path, 0, Damage::Header));
    }
    Ok(Key(array_at(bytes, SECRET_AT)))
}

/// Not keyed (the key is what it guards): a flipped bit here must not make every segment look damaged.
fn self_checksum(bytes: &[u8; FILE_BYTES]) -> Checksum {
    let hash = Sha256::new()
        .chain_update(CHECKSUM_TAG)
        .chain_update(&bytes[..CHECKSUM_AT])
        .finalize();
    array_at(&hash, 0)
}
