//! Escapes foreign text for a terminal: characters that could move the cursor, change colours or the direction of
//! writing are shown as codes.

use std::fmt;

use auction_proto::disturbs_display;

/// A text with safe display.
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::write(&mut Escaping(f), format_args!("{}", self.0))
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if disturbs_display(char) {
                write!(self.0, "{}", char.escape_unicode())?;
            } else {
                self.0.write_char(char)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_turns_of_direction_are_shown_as_codes() {
        assert_eq!(
            Escaped("\u{1b}[2Jhi\r\n").to_string(),
            "\\u{1b}[2Jhi\\u{d}\\u{a}"
        );
        assert_eq!(
            Escaped("a\u{202e}b\u{9b}").to_string(),
            "a\\u{202e}b\\u{9b}"
        );
        assert_eq!(Escaped("caf\u{e9} 1.40").to_string(), "caf\u{e9} 1.40");
    }
}
