//! Passwords and tokens: never printed, and wiped from memory when they are dropped.
//!
//! Only these values are wiped. The buffers from which they are read and to which they are written must be wiped by
//! their owners.

use alloc::string::String;
use core::fmt;

use auction_core::TokenHash;
use serde::de::Visitor;
use serde::{Deserializer, Serializer};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::encoding::wire::{Wire, read_bytes, write_bytes};
use crate::limits::PASSWORD_BYTES_MAX;

/// A password of 1 to [`PASSWORD_BYTES_MAX`] bytes. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// A text that is not a valid password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has 1 to {PASSWORD_BYTES_MAX} bytes")]
pub struct SecretError;

impl Secret {
    /// Creates a password from a text.
    ///
    /// # Errors
    /// [`SecretError`] when the text is empty or too long; the text is wiped in that case too.
    pub fn new(text: String) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text);
        if (1..=PASSWORD_BYTES_MAX).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(SecretError)
        }
    }

    /// The password in clear.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal_bytes(self.reveal().as_bytes(), other.reveal().as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Wire for Secret {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.reveal())
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Password;

        impl Visitor<'_> for Password {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a password of 1 to {PASSWORD_BYTES_MAX} bytes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
                if text.len() > PASSWORD_BYTES_MAX {
                    return Err(E::custom(SecretError));
                }
                Secret::new(text.into()).map_err(E::custom)
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Secret, E> {
                Secret::new(text).map_err(E::custom)
            }
        }

        from.deserialize_string(Password)
    }
}

/// Token with which a client continues a session: 32 random bytes. Its `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Creates a token from bytes. Draw them from the operating system's random source.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes in clear.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of the token: all that the market stores of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        equal_bytes(&self.0, &other.0)
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Wire for Token {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(&self.0, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_bytes::<D, _, 32>(from, |bytes| bytes.try_into().ok().map(Self))
    }
}

/// Compares every byte, so that the duration does not reveal where two secrets differ.
fn equal_bytes(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}
