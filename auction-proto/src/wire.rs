//! How single values stand on the wire: as compact numbers and bytes in the binary form, and in JSON as people
//! and programs of any language can read them, with no number that a `double` would round.
//!
//! | value | binary | JSON |
//! |---|---|---|
//! | 16- and 32-bit numbers, user, lot | varint | number |
//! | 64-bit numbers, sequences, sessions, quantities | varint | decimal string |
//! | time (microseconds UTC), span (microseconds) | varint | decimal string |
//! | price | varint of ten-thousandths | decimal string, `"1.40"` |
//! | profit | zigzag varint of ten-thousandths | decimal string, `"-12.5"` |
//! | symbol, security code, name | length and ASCII | string |
//! | market id, digest, token, hash | length and bytes | string of hexadecimal digits |
//!
//! In the binary form every value has exactly one encoding, so that reading and writing again gives the same
//! bytes. In JSON reading is kinder: `"aapl"` is `"AAPL"`.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;

use auction_core::{
    Credential, Digest, FeedSequence, LotId, MarketId, Name, Price, Profit, Quantity, RequestId,
    SecurityCode, Sequence, SessionId, Span, Symbol, Term, Timestamp, TokenHash, UserId,
};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that can stand in a body.
pub(crate) trait Wire: Sized {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// For `#[serde(with = "crate::wire")]`.
pub(crate) fn serialize<T: Wire, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// For `#[serde(with = "crate::wire")]`.
pub(crate) fn deserialize<'de, T: Wire, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// Lets a borrowed value stand where serde wants `Serialize`.
pub(crate) struct Ref<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Ref<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

/// Lets a value come from where serde wants `Deserialize`.
pub(crate) struct Own<T>(pub(crate) T);

impl<'de, T: Wire> Deserialize<'de> for Own<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Own)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Ref).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<Own<T>>::deserialize(from)?.map(|own| own.0))
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().write(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Box::new)
    }
}

/// Types whose own serde form is the wire's.
macro_rules! as_serde {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::wire::Wire for $type {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(from)
            }
        }
    )*};
}
pub(crate) use as_serde;

as_serde!(bool, u16, u32);

impl Wire for u64 {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            to.serialize_u64(*self)
        }
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return Self::deserialize(from);
        }
        read_text(
            from,
            "a whole number in a string such as \"120\"",
            parse_u64,
        )
    }
}

fn parse_u64(text: &str) -> Result<u64, &'static str> {
    // `parse` alone would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or("is not a whole number of at most 64 bits; expected for example 120")
}

/// Numbers in a wrapper.
macro_rules! as_number {
    ($($type:ident($number:ty)),* $(,)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.write(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$number>::read(from).map($type)
            }
        }
    )*};
}

as_number!(
    UserId(u32),
    LotId(u32),
    SessionId(u64),
    RequestId(u64),
    Sequence(u64),
    FeedSequence(u64),
    Term(u64),
);

/// 64-bit numbers with a range of their own.
macro_rules! as_checked_u64 {
    ($($type:ident: $get:ident, $new:path, $range:literal);* $(;)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.$get().write(to)
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $new(u64::read(from)?).ok_or_else(|| D::Error::custom($range))
            }
        }
    )*};
}

as_checked_u64!(
    Quantity: get, Quantity::new, "a quantity is 1 to 1000000000000";
    Timestamp: micros, Timestamp::from_micros, "a time is in microseconds UTC, to the end of the year 9999";
    Span: micros, Span::from_micros, "a span is in microseconds, at most 366 days";
);

/// Money: a number of ten-thousandths, or a decimal text.
macro_rules! as_money {
    ($($type:ident: $number:ty, $write:ident, $expected:literal);* $(;)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    to.collect_str(self)
                } else {
                    to.$write(self.units())
                }
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return read_text(from, $expected, $type::parse);
                }
                let units = <$number>::deserialize(from)?;
                $type::from_units(units).ok_or_else(|| D::Error::custom($expected))
            }
        }
    )*};
}

as_money!(
    Price: u64, serialize_u64, "a price in a string such as \"1.40\"";
    Profit: i64, serialize_i64, "a profit in a string such as \"-12.5\"";
);

/// Texts that name things.
macro_rules! as_name {
    ($($type:ident: $expected:literal);* $(;)?) => {$(
        impl Wire for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return read_text(from, $expected, $type::parse);
                }
                read_text(from, $expected, |text| {
                    let folded = $type::parse(text).ok();
                    folded.filter(|folded| folded.as_str() == text).ok_or($expected)
                })
            }
        }
    )*};
}

as_name!(
    Symbol: "a symbol such as BRK.B";
    SecurityCode: "a security code such as 01954";
    Name: "a name of 2 to 32 of a-z 0-9 . _ -";
);

/// Reads a text that `parse` turns into a value, without keeping it.
pub(crate) fn read_text<'de, D, T, E>(
    from: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    struct Text<F>(&'static str, F);

    impl<T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<R: serde::de::Error>(self, text: &str) -> Result<T, R> {
            (self.1)(text).map_err(|error| R::custom(format_args!("{text:?} {error}")))
        }
    }

    from.deserialize_str(Text(expected, parse))
}

/// Writes bytes: as they are, or as hexadecimal digits.
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

/// Reads at most `N` bytes into a buffer, and hands it with their number to `make`.
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

fn unhex<'a>(digits: &[u8], bytes: &'a mut [u8]) -> Option<&'a [u8]> {
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

as_array!(MarketId(16), Digest(32), TokenHash(32));

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
