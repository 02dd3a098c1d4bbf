//! Texts.

use core::fmt;

use auction_core::{Name, SecurityCode, Symbol};
use serde::de::Visitor;
use serde::{Deserializer, Serializer};

use super::Wire;

/// Implements `Wire` for names and symbols.
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

/// Reads a text and converts it with `parse`, without storing it.
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
