//! Layout that all files of a journal share: the first bytes, and the encoding of numbers.

use std::path::Path;

use super::error::{Damage, JournalError};

/// The first bytes of a kind of file: eight bytes that identify it, then its version as u16.
pub(super) struct Beginning {
    pub magic: &'static [u8; 8],
    pub version: u16,
}

const VERSION_AT: usize = 8;

impl Beginning {
    pub fn write(&self, bytes: &mut [u8]) {
        bytes[..VERSION_AT].copy_from_slice(self.magic);
        bytes[VERSION_AT..VERSION_AT + 2].copy_from_slice(&self.version.to_le_bytes());
    }

    /// Checked before any checksum: another version may have moved the checksum.
    pub fn check(&self, bytes: &[u8], path: &Path) -> Result<(), JournalError> {
        if bytes[..VERSION_AT] != *self.magic {
            return Err(JournalError::damaged(path, 0, Damage::Magic));
        }
        let version = u16::from_le_bytes(array_at(bytes, VERSION_AT));
        if version != self.version {
            return Err(JournalError::UnknownVersion {
                file: path.to_owned(),
                offset: VERSION_AT as u64,
                found: version,
                known: self.version,
            });
        }
        Ok(())
    }
}

/// The `N` bytes at `at`.
///
/// # Panics
/// There are fewer bytes.
pub(super) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the length is N")
}
