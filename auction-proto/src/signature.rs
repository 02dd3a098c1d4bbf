//! Signatures of a market: Ed25519, checked strictly.
//!
//! A signature covers a purpose and then the bytes as they are sent, so that a signature for one purpose is never
//! valid for another, and checked bytes are never encoded again.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserializer, Serializer};
use sha2::{Digest as _, Sha256};

use crate::encoding::wire::{Wire, read_bytes, unhex, write_bytes};

const FINGERPRINT_PURPOSE: &[u8] = b"auction.fingerprint.1";

/// Public half of a market's key, with which anyone can check the market's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// A signature of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

/// Secret half of a market's key. Its `Debug` shows nothing of it, and it is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Short form of a market's key, for people to compare: the first half of `SHA-256("auction.fingerprint.1" ‖ key)`,
/// in eight groups of four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint(pub [u8; 16]);

/// A signature that is not by this key over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not the market's over these bytes")]
pub struct SignatureError;

/// A text that is not a fingerprint of a market's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the fingerprint of a market's key; expected eight groups of four hexadecimal digits, such as \
     1f0a-9c3e-..."
)]
pub struct KeyFingerprintError;

impl PublicKey {
    /// Returns the short form of the key.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        let hash = Sha256::new_with_prefix(FINGERPRINT_PURPOSE).chain_update(self.0);
        let hash: [u8; 32] = hash.finalize().into();
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        KeyFingerprint(first)
    }

    /// Checks a signature over bytes for a purpose.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not by this key, or not in its only form.
    pub(crate) fn verify(
        &self,
        purpose: &[u8],
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| SignatureError)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        let signed = [purpose, bytes].concat();
        // Strict: a signature has exactly one form, so that nobody can derive a second valid message from it.
        let verified = key.verify_strict(&signed, &signature);
        verified.map_err(|_| SignatureError)
    }
}

impl SigningKey {
    /// Creates the key from these 32 bytes. They must come from a secure source of randomness; wipe them afterwards.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Returns the public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs bytes for a purpose.
    pub(crate) fn sign(&self, purpose: &[u8], bytes: &[u8]) -> Signature {
        let signed: Vec<u8> = [purpose, bytes].concat();
        Signature(self.0.sign(&signed).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, pair) in self.0.chunks(2).enumerate() {
            let dash = if place > 0 { "-" } else { "" };
            write!(f, "{dash}{:02x}{:02x}", pair[0], pair[1])?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFingerprint({self})")
    }
}

/// Parses a fingerprint; accepts capital digits and missing dashes.
impl FromStr for KeyFingerprint {
    type Err = KeyFingerprintError;

    fn from_str(text: &str) -> Result<Self, KeyFingerprintError> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let mut bytes = [0; 16];
        match unhex(&digits, &mut bytes) {
            Some(read) if read.len() == 16 => Ok(Self(bytes)),
            _ => Err(KeyFingerprintError),
        }
    }
}

impl Wire for PublicKey {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(&self.0, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_bytes::<D, _, 32>(from, |bytes| bytes.try_into().ok().map(Self))
    }
}

impl Wire for Signature {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(&self.0, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_bytes::<D, _, 64>(from, |bytes| bytes.try_into().ok().map(Self))
    }
}

#[cfg(feature = "schema")]
crate::encoding::schema::shaped! {
    PublicKey as "PublicKey", "The public half of a market's key: Ed25519.": crate::encoding::schema::bytes(32);
    Signature as "Signature", "A signature of a market: Ed25519.": crate::encoding::schema::bytes(64);
}
