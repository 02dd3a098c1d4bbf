//! Byte strings.

use core::fmt;
use core::marker::PhantomData;

use auction_core::{Credential, DeviceKey, Digest, EndCommitment, MarketId, Seed, TokenHash};
use serde::de::Visitor;
use serde::{Deserializer, Serializer};

use super::{Wire, read_text};

/// Writes bytes: raw in the binary form, as hexadecimal digits in JSON.
pub(crate) fn write_bytes<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    struct Hex<'a>(&'a [u8]);

    impl fmt::Display for Hex<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
    }

    if to.is_human_readable() {
        to.collect_str(&Hex(bytes))
    } else {
        to.serialize_bytes(bytes)
    }
}

/// Reads at most `N` bytes into a buffer, and passes it with their number to `make`.
pub(crate) fn read_bytes<'de, D, T, const N: usize>(
    from: D,
    make: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Bytes<F, T, const N: usize>(F, PhantomData<T>);

    impl<T, F: FnOnce(&[u8]) -> Option<T>, const N: usize> Visitor<'_> for Bytes<F, T, N> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{N} bytes")
        }

        fn visit_bytes<R: serde::de::Error>(self, bytes: &[u8]) -> Result<T, R> {
            let length = bytes.len();
            (self.0)(bytes).ok_or_else(|| R::invalid_length(length, &"another number of bytes"))
        }
    }

    if !from.is_human_readable() {
        return from.deserialize_bytes(Bytes::<_, T, N>(make, PhantomData));
    }
    read_text(from, "bytes as hexadecimal digits", |text| {
        let mut bytes = [0; N];
        let read = unhex(text.as_bytes(), &mut bytes);
        read.and_then(make)
            .ok_or("is not the right number of hexadecimal digits")
    })
}

pub(crate) fn unhex<'a>(digits: &[u8], bytes: &'a mut [u8]) -> Option<&'a [u8]> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let bytes = bytes.get_mut(..pairs.len())?;
    let digit = |digit: u8| char::from(digit).to_digit(16);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    }
    Some(bytes)
}

/// Byte strings of a fixed length.
macro_rules! as_array {
    ($($type:ident($length:literal)),* $(,)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                write_bytes(&self.0, to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                read_bytes::<D, _, $length>(from, |bytes| bytes.try_into().ok().map($type))
            }
        }
    )*};
}

as_array!(
    MarketId(16),
    Digest(32),
    TokenHash(32),
    DeviceKey(32),
    EndCommitment(32),
    Seed(32)
);

impl<const N: usize> Wire for [u8; N] {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(self, to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_bytes::<D, _, N>(from, |bytes| bytes.try_into().ok())
    }
}

impl Wire for Credential {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write_bytes(self.as_bytes(), to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        const MAX: usize = auction_core::limits::CREDENTIAL_BYTES_MAX;
        read_bytes::<D, _, MAX>(from, Credential::new)
    }
}
