//! Postcard, made strict: every value has exactly one encoding, and no byte may follow it.
//!
//! Postcard writes numbers as varints and also reads overlong ones: `80 00` as 0. Here they are refused. A zero byte
//! directly after a byte with its high bit set ends an overlong varint; other single bytes (the tags of options and
//! the values of `bool`) never have their high bit set, and strings and bytes are read as a whole. This holds as long
//! as no body has a field of type `u8` or `i8`.

use alloc::vec::Vec;
use core::slice;

use postcard::de_flavors::Flavor as Source;
use postcard::ser_flavors::Flavor as Sink;
use postcard::{Deserializer, Error, Result};
use serde::{Deserialize, Serialize};

/// Bytes in which most numbers fit.
const WORD_BYTES: usize = size_of::<u64>();

/// Appends a value's encoding.
///
/// # Panics
/// When the value cannot be encoded. All values of this crate can be.
pub(crate) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, Append(out)).expect("every body can be encoded");
}

/// Reads a value whose encoding must be all of `bytes`.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T> {
    let mut reader = Reader::new(bytes);
    let value = reader.value()?;
    reader.finish()?;
    Ok(value)
}

/// Reads like [`read`], and on failure reports the value at which reading stopped. A little slower.
pub(crate) fn read_or_stop<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
) -> core::result::Result<T, Stopped> {
    let mut from = Deserializer::from_flavor(Watched {
        strict: Strict::new(bytes),
        at: 0,
        length: bytes.len(),
    });
    let read = T::deserialize(&mut from);
    let (at, left) = from.finalize().expect("it has no end to miss");
    match read {
        Ok(value) if left == 0 => Ok(value),
        Ok(_) => Err(Stopped {
            at: bytes.len() - left,
            error: Error::DeserializeBadEncoding,
        }),
        Err(error) => Err(Stopped { at, error }),
    }
}

/// Position and reason of a failed read.
pub(crate) struct Stopped {
    /// Offset of the value that could not be read, or of the first surplus byte.
    pub(crate) at: usize,
    pub(crate) error: Error,
}

/// Reads consecutive values, in the order of a struct's fields.
pub(crate) struct Reader<'de>(Deserializer<'de, Strict<'de>>);

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self(Deserializer::from_flavor(Strict::new(bytes)))
    }

    pub(crate) fn value<T: Deserialize<'de>>(&mut self) -> Result<T> {
        T::deserialize(&mut self.0)
    }

    /// Fails when bytes are left.
    pub(crate) fn finish(self) -> Result<()> {
        if self.0.finalize()?.is_empty() {
            Ok(())
        } else {
            Err(Error::DeserializeBadEncoding)
        }
    }
}

struct Append<'a>(&'a mut Vec<u8>);

impl Sink for Append<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= WORD_BYTES {
            // Postcard has just stored a number byte by byte; loading it in larger pieces would stall until those
            // stores are done. The bytes are therefore combined into one word, and capacity is reserved once.
            let first_last = bytes.iter().rev();
            let word = first_last.fold(0, |word, byte| word << 8 | u64::from(*byte));
            let end = self.0.len() + bytes.len();
            self.0.extend_from_slice(&word.to_le_bytes());
            self.0.truncate(end);
        } else {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(self) -> Result<()> {
        Ok(())
    }
}

struct Strict<'de> {
    rest: slice::Iter<'de, u8>,
    /// The preceding single byte: a number continues after a byte with its high bit set.
    before: u8,
}

impl<'de> Strict<'de> {
    fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes.iter(),
            before: 0,
        }
    }

    /// Returns true inside a number, after a byte that another must follow.
    fn carries(&self) -> bool {
        self.before >= 0x80
    }
}

impl<'de> Source<'de> for Strict<'de> {
    type Remainder = &'de [u8];
    type Source = &'de [u8];

    #[inline]
    fn pop(&mut self) -> Result<u8> {
        let byte = *self.rest.next().ok_or(Error::DeserializeUnexpectedEnd)?;
        if byte == 0 && self.carries() {
            return Err(Error::DeserializeBadVarint);
        }
        self.before = byte;
        Ok(byte)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }

    fn try_take_n(&mut self, count: usize) -> Result<&'de [u8]> {
        let (taken, rest) = self
            .rest
            .as_slice()
            .split_at_checked(count)
            .ok_or(Error::DeserializeUnexpectedEnd)?;
        self.rest = rest.iter();
        Ok(taken)
    }

    fn finalize(self) -> Result<&'de [u8]> {
        Ok(self.rest.as_slice())
    }
}

/// Like `Strict`, and also records where the current value begins.
struct Watched<'de> {
    strict: Strict<'de>,
    at: usize,
    length: usize,
}

impl<'de> Source<'de> for Watched<'de> {
    /// Start of the last value, and number of bytes left.
    type Remainder = (usize, usize);
    type Source = &'de [u8];

    fn pop(&mut self) -> Result<u8> {
        // The bytes of texts and hashes follow their length and are read as a whole.
        if !self.strict.carries() {
            self.at = self.length - self.strict.rest.len();
        }
        self.strict.pop()
    }

    fn size_hint(&self) -> Option<usize> {
        self.strict.size_hint()
    }

    fn try_take_n(&mut self, count: usize) -> Result<&'de [u8]> {
        self.strict.try_take_n(count)
    }

    fn finalize(self) -> Result<(usize, usize)> {
        Ok((self.at, self.strict.rest.len()))
    }
}
