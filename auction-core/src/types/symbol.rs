//! Names: symbols, security codes, user names. Short, ASCII, inline, valid by construction.

use core::fmt;
use core::str::FromStr;

use crate::limits::{NAME_BYTES_MAX, NAME_BYTES_MIN, SECURITY_BYTES_MAX, SYMBOL_BYTES_MAX};

/// A stock's ticker symbol, such as `AAPL` or `BRK.B`: 1 to 8 of `A-Z 0-9 . -`, beginning with a letter or a
/// digit. Lower case is folded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(InlineText<SYMBOL_BYTES_MAX>);

impl Symbol {
    /// Parses a symbol.
    ///
    /// # Errors
    /// [`NameError::Symbol`] when the text is no symbol.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        InlineText::fold(
            text,
            1,
            u8::is_ascii_alphanumeric,
            inner,
            u8::to_ascii_uppercase,
        )
        .map(Self)
        .ok_or(NameError::Symbol)
    }

    /// Returns the symbol as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A stock's security code, such as `01954`: a public number that people see, kept as text since some begin
/// with zero. 1 to 16 of `A-Z a-z 0-9 . - _`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecurityCode(InlineText<SECURITY_BYTES_MAX>);

impl SecurityCode {
    /// Parses a security code.
    ///
    /// # Errors
    /// [`NameError::SecurityCode`] when the text is no code.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        InlineText::fold(text, 1, u8::is_ascii_alphanumeric, inner, |byte| *byte)
            .map(Self)
            .ok_or(NameError::SecurityCode)
    }

    /// Returns the code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A user's name: `[a-z0-9][a-z0-9._-]{1,31}`. Upper case is folded, so that no two names differ by case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(InlineText<NAME_BYTES_MAX>);

impl Name {
    /// Parses a name.
    ///
    /// # Errors
    /// [`NameError::Name`] when the text is no name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let least = NAME_BYTES_MIN;
        InlineText::fold(
            text,
            least,
            u8::is_ascii_alphanumeric,
            inner,
            u8::to_ascii_lowercase,
        )
        .map(Self)
        .ok_or(NameError::Name)
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Reason why a text is no valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a symbol.
    #[error("is not a symbol; expected 1 to 8 of A-Z 0-9 . - such as BRK.B")]
    Symbol,
    /// Not a security code.
    #[error("is not a security code; expected 1 to 16 letters or digits such as 01954")]
    SecurityCode,
    /// Not a user name.
    #[error("is not a name; expected 2 to 32 of a-z 0-9 . _ - beginning with a letter or a digit")]
    Name,
}

macro_rules! text_type {
    ($($type:ident),*) => {$(
        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <&str as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

text_type!(Symbol, SecurityCode, Name);

/// ASCII text of at most `N` bytes, padded with zeros, so that comparing the bytes compares the texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct InlineText<const N: usize>([u8; N]);

impl<const N: usize> InlineText<N> {
    fn fold(
        text: &str,
        bytes_min: usize,
        first: impl Fn(&u8) -> bool,
        inner: impl Fn(u8) -> bool,
        fold: impl Fn(&u8) -> u8,
    ) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits = (bytes_min..=N).contains(&bytes.len());
        if !fits || !bytes.first().is_some_and(first) || !bytes.iter().all(|byte| inner(*byte)) {
            return None;
        }
        let mut inline = [0; N];
        for (to, from) in inline.iter_mut().zip(bytes) {
            *to = fold(from);
        }
        Some(Self(inline))
    }

    fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(N);
        core::str::from_utf8(&self.0[..end]).expect("only ASCII was let in")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_fold_to_upper_case_and_names_to_lower() {
        assert_eq!(Symbol::parse("brk.b").unwrap().as_str(), "BRK.B");
        assert_eq!(Name::parse("Mia-2").unwrap().as_str(), "mia-2");
        assert_eq!(SecurityCode::parse("01954").unwrap().as_str(), "01954");
    }

    #[test]
    fn texts_outside_the_pattern_are_refused() {
        for text in [
            "",
            "TOOLONGSY",
            ".A",
            "A B",
            "A,B",
            "\u{c4}",
            "A\0",
            "A\u{1b}",
        ] {
            assert_eq!(Symbol::parse(text), Err(NameError::Symbol), "{text:?}");
        }
        for text in [
            "",
            "a",
            "-ab",
            "a b",
            "a\n",
            "=cmd",
            "<b>",
            "caf\u{e9}",
            &"a".repeat(33),
        ] {
            assert_eq!(Name::parse(text), Err(NameError::Name), "{text:?}");
        }
        assert!(Name::parse(&"a".repeat(32)).is_ok());
        for text in ["", "12345678901234567", "0 1", "=1"] {
            assert_eq!(
                SecurityCode::parse(text),
                Err(NameError::SecurityCode),
                "{text:?}"
            );
        }
    }
}
