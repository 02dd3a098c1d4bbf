//! Bytes that are passed on unchanged: bounded, and never decoded and encoded again on the way.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use serde::de::Visitor;
use serde::{Deserializer, Serializer};

use crate::encoding::list::TooMany;
use crate::encoding::wire::{Wire, read_text, unhex, write_bytes};

/// At most `MAX` bytes. JSON writes them as hexadecimal digits.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    /// Creates the value from bytes.
    ///
    /// # Errors
    /// [`TooMany`] for more than `MAX`.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooMany> {
        let found = bytes.len();
        if found <= MAX {
            Ok(Self(bytes))
        } else {
            Err(TooMany { found, most: MAX })
        }
    }

    /// The bytes.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<const MAX: usize> Deref for Bytes<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<Vec<u8>> for Bytes<MAX> {
    type Error = TooMany;

    fn try_from(bytes: Vec<u8>) -> Result<Self, TooMany> {
        Self::new(bytes)
    }
}

/// Prints the number of bytes only: there can be many, and the number is enough in a log.
impl<const MAX: usize> fmt::Debug for Bytes<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl<const MAX: usize> Wire for Bytes<MAX> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(&self.0, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bounded<const MAX: usize>;

        impl<const MAX: usize> Visitor<'_> for Bounded<MAX> {
            type Value = Bytes<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX} bytes")
            }

            // The bytes lie in the input buffer, so that nothing is allocated for a claimed length alone.
            fn visit_bytes<R: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes<MAX>, R> {
                let length = bytes.len();
                if length > MAX {
                    return Err(R::invalid_length(length, &self));
                }
                Ok(Bytes(bytes.to_vec()))
            }
        }

        if !from.is_human_readable() {
            return from.deserialize_bytes(Bounded::<MAX>);
        }
        read_text(from, "bytes as hexadecimal digits", |digits| {
            if digits.len() > 2 * MAX {
                return Err("are too many hexadecimal digits");
            }
            let mut bytes = alloc::vec![0; digits.len() / 2];
            let read = unhex(digits.as_bytes(), &mut bytes).is_some();
            read.then_some(Self(bytes))
                .ok_or("are not pairs of hexadecimal digits")
        })
    }
}
