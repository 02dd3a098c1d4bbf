//! Texts for people: bounded, and without control characters that could disturb a terminal or a log.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use serde::{Deserializer, Serializer};

use crate::encoding::wire::{Wire, read_text};

/// A text of at most `MAX` bytes without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

/// Reason why a text is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text has too many bytes.
    #[error("is too long; at most {most} bytes can be")]
    TooLong {
        /// Maximum number of bytes.
        most: usize,
    },
    /// A line end, an escape or another control character.
    #[error("holds a control character; expected one line of plain text")]
    ControlCharacter,
}

impl<const MAX: usize> Text<MAX> {
    /// Creates a text.
    ///
    /// # Errors
    /// [`TextError`] when the text is too long or contains control characters.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.len() > MAX {
            return Err(TextError::TooLong { most: MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(TextError::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// Formats a value as text, cut to the limit, with spaces in place of control characters.
    #[must_use]
    pub fn of(value: impl fmt::Display) -> Self {
        let mut cut = Cut::<MAX>(String::new());
        // The error only means that the text is full.
        let _ = fmt::write(&mut cut, format_args!("{value}"));
        Self(cut.0)
    }
}

struct Cut<const MAX: usize>(String);

impl<const MAX: usize> fmt::Write for Cut<MAX> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            let char = if char.is_control() { ' ' } else { char };
            if self.0.len() + char.len_utf8() > MAX {
                return Err(fmt::Error);
            }
            self.0.push(char);
        }
        Ok(())
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX: usize> Wire for Text<MAX> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_text(from, "one line of text", Self::new)
    }
}
