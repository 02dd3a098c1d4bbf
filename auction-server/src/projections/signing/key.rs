//! The market's secret: made at the first start, kept in the data folder, for its owner alone.
//!
//! ```text
//! market.key, 64 bytes
//!   0   8  "AUCTSGN\n"
//!   8   2  version = 1, little-endian
//!  16  32  the secret, drawn at random
//!  48  16  first half of SHA-256 over "auction.market-key.1" and 0..48
//! ```
//!
//! What is signed with is `SHA-256("auction.key.sign.1" ‖ secret)`. What envelopes are opened with is `DeriveKeyPair` of
//! RFC 9180 over `SHA-256("auction.key.open.1" ‖ secret)`.

use std::io;
use std::path::PathBuf;

use auction_proto::SigningKey;
use auction_proto::seal::OpeningKey;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::config::data_dir::DataDir;
use crate::journal::Disk;
use crate::journal::disk::Access;

const MAGIC: &[u8; 8] = b"AUCTSGN\n";
const VERSION: u16 = 1;
const SECRET_AT: usize = 16;
const CHECKSUM_AT: usize = 48;
const FILE_BYTES: usize = 64;
const CHECKSUM_PURPOSE: &[u8] = b"auction.market-key.1";
const SIGN_PURPOSE: &[u8] = b"auction.key.sign.1";
const OPEN_PURPOSE: &[u8] = b"auction.key.open.1";

/// The market's keys.
#[derive(Clone, Debug)]
pub struct Keys {
    /// What it signs with.
    pub signing: SigningKey,
    /// What it opens envelopes with.
    pub opening: OpeningKey,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is damaged.
    #[error(
        "{path} is no key of a market, or was damaged; restore it from a copy. Without it the market gets another key \
         at its next start, which everyone who knows the old one refuses"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The keys of the market in a data folder; new ones, durably, when there are none.
///
/// # Errors
/// [`KeyError`].
pub fn open_keys(disk: &dyn Disk, data: &DataDir) -> Result<Keys, KeyError> {
    let path = data.market_key();
    let failed = |source| KeyError::Io {
        path: path.clone(),
        source,
    };
    let mut bytes = Zeroizing::new([0; FILE_BYTES]);
    match disk.open(&path, Access::Read) {
        Ok(file) => {
            if file.len().map_err(failed)? != FILE_BYTES as u64 {
                return Err(KeyError::Damaged { path });
            }
            file.read_at(&mut *bytes, 0).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            *bytes = encode(&Zeroizing::new(rand::random()));
            store(disk, data, &*bytes).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    decode(&bytes).ok_or(KeyError::Damaged { path })
}

fn store(disk: &dyn Disk, data: &DataDir, bytes: &[u8]) -> io::Result<()> {
    let path = data.market_key();
    let aside = path.with_extension("key.tmp");
    let file = disk.open(&aside, Access::Create)?;
    file.write_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&aside, &path)?;
    disk.sync_dir(data.path())
}

fn encode(secret: &[u8; 32]) -> [u8; FILE_BYTES] {
    let mut bytes = [0; FILE_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[SECRET_AT..CHECKSUM_AT].copy_from_slice(secret);
    let sum = checksum(&bytes);
    bytes[CHECKSUM_AT..].copy_from_slice(&sum);
    bytes
}

fn decode(bytes: &[u8; FILE_BYTES]) -> Option<Keys> {
    let begins = bytes[..8] == *MAGIC && bytes[8..10] == VERSION.to_le_bytes();
    if !begins || bytes[CHECKSUM_AT..] != checksum(bytes) {
        return None;
    }
    let secret = |purpose: &[u8]| {
        let hash = Sha256::new_with_prefix(purpose).chain_update(&bytes[SECRET_AT..CHECKSUM_AT]);
        Zeroizing::new(<[u8; 32]>::from(hash.finalize()))
    };
    Some(Keys {
        signing: SigningKey::new(&secret(SIGN_PURPOSE)),
        opening: OpeningKey::new(&secret(OPEN_PURPOSE)),
    })
}

fn checksum(bytes: &[u8; FILE_BYTES]) -> [u8; 16] {
    let hash = Sha256::new_with_prefix(CHECKSUM_PURPOSE).chain_update(&bytes[..CHECKSUM_AT]);
    let hash: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::journal::RealDisk;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_no_changed_bit_of_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let publics = || {
            let keys = open_keys(&RealDisk, &data).unwrap();
            (keys.signing.public(), keys.opening.public())
        };
        assert_eq!(publics(), publics());
        let path = data.market_key();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let whole = fs::read(&path).unwrap();
        // Bytes 10 to 16 are zeros, and covered too.
        for bit in 0..8 * whole.len() {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, changed).unwrap();
            let opened = open_keys(&RealDisk, &data);
            assert!(matches!(opened, Err(KeyError::Damaged { .. })), "bit {bit}");
        }
        fs::write(&path, &whole[..63]).unwrap();
        assert!(matches!(
            open_keys(&RealDisk, &data),
            Err(KeyError::Damaged { .. })
        ));
    }
}
