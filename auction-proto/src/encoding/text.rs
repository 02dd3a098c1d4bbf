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

/// Returns whether a character could disturb how a text is displayed: control characters, characters that change the
/// direction of writing or end a line, and those that Unicode says are not displayed (`Default_Ignorable_Code_Point`).
///
/// Version 1 of the protocol allows the latter in a text. A program does not write them, and escapes them when it
/// displays a text of others.
#[must_use]
pub fn disturbs_display(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
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

    /// Formats a value as text, cut to the limit, with spaces in place of characters that
    /// [disturb its display](disturbs_display).
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
            let char = if disturbs_display(char) { ' ' } else { char };
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

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_written_text_holds_nothing_that_disturbs_its_display() {
        let harmful = [
            '\0',
            '\n',
            '\u{1b}',
            '\u{9f}',
            '\u{ad}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e007f}',
        ];
        for char in harmful {
            assert_eq!(&*Text::<64>::of(format!("a{char}b")), "a b", "{char:?}");
        }
        // The neighbours of the ranges, and letters of many scripts.
        for char in "\u{a0}\u{ae}\u{200a}\u{2010}\u{2027}\u{202f}\u{205f}\u{2070}\u{fffc}\u{e1000}é\u{5e9}\u{4e2d}€".chars() {
            assert_eq!(&*Text::<64>::of(format!("a{char}b")), format!("a{char}b"), "{char:?}");
        }
    }
}
