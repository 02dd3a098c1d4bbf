//! Single values on the wire: compact numbers and bytes in the binary form, and in JSON a form that people and
//! programs of any language can read, without numbers that a `double` would round.
//!
//! | value | binary | JSON |
//! |---|---|---|
//! | 16- and 32-bit numbers, user, lot | varint | number |
//! | 64-bit numbers, sequences, sessions, quantities | varint | decimal string |
//! | 64-bit numbers of either sign | zigzag varint | decimal string, `"-120"` |
//! | time (microseconds UTC), span (microseconds) | varint | decimal string |
//! | price, amount | varint of ten-thousandths | decimal string, `"1.40"` |
//! | profit | zigzag varint of ten-thousandths | decimal string, `"-12.5"` |
//! | symbol, security code, name | length and ASCII | string |
//! | market id, digest, token, hash | length and bytes | string of hexadecimal digits |
//!
//! In the binary form every value has exactly one encoding, so that decoding and encoding again gives the same
//! bytes. Reading JSON is more tolerant: `"aapl"` is read as `"AAPL"`.

mod text;
mod number;
mod bytes;

use alloc::boxed::Box;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use bytes::{read_bytes, unhex, write_bytes};
pub(crate) use text::read_text;

/// A value that can be part of a body.
pub(crate) trait Wire: Sized {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// Function for `#[serde(with = "crate::encoding::wire")]`.
pub(crate) fn serialize<T: Wire, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write(to)
}

/// Function for `#[serde(with = "crate::encoding::wire")]`.
pub(crate) fn deserialize<'de, T: Wire, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::read(from)
}

/// Implements serde's `Serialize` for a borrowed value.
pub(crate) struct Ref<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Ref<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

/// Implements serde's `Deserialize` for a value.
pub(crate) struct Own<T>(pub(crate) T);

impl<'de, T: Wire> Deserialize<'de> for Own<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Own)
    }
}

/// Reads structs in JSON by the names of their fields only; serde would also accept an array, with the fields by
/// position.
pub(crate) struct Named<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<D> {
    type Error = D::Error;

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if self.0.is_human_readable() {
            self.0.deserialize_map(visitor)
        } else {
            self.0.deserialize_struct(name, fields, visitor)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_bool(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_u16(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_u32(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_u128(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
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

/// Implements `Wire` for types whose serde form is already the wire's.
macro_rules! as_serde {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::encoding::wire::Wire for $type {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize($crate::encoding::wire::Named(from))
            }
        }
    )*};
}
pub(crate) use as_serde;

as_serde!(bool, u16, u32);
