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

mod text;
mod number;
mod bytes;

use alloc::boxed::Box;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use bytes::{read_bytes, write_bytes};
pub(crate) use text::read_text;

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
