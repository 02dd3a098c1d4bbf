//! A line editor: text and a cursor.

/// Maximum number of characters of a line; further input is ignored.
const CHARS_MAX: usize = 160;

/// A line with a cursor.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Position in characters.
    cursor: usize,
    /// True if the text was offered and not typed: the first typed character replaces it.
    offered: bool,
}

impl Line {
    /// Creates a line with an offered text.
    pub fn offering(text: String) -> Self {
        let cursor = text.chars().count();
        Self {
            text,
            cursor,
            offered: true,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of the cursor, in characters.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn is_offered(&self) -> bool {
        self.offered
    }

    /// Replaces the whole text.
    pub fn set(&mut self, text: String) {
        *self = Self::offering(text);
    }

    /// Takes the text out, without a copy of it.
    pub fn take(&mut self) -> String {
        std::mem::take(self).text
    }

    /// Inserts a character; control characters and overlong input are ignored.
    pub fn insert(&mut self, char: char) {
        if self.offered {
            *self = Self::default();
        }
        if char.is_control() || self.text.chars().count() >= CHARS_MAX {
            return;
        }
        self.text.insert(self.byte(self.cursor), char);
        self.cursor += 1;
    }

    pub fn backspace(&mut self) {
        self.offered = false;
        if self.cursor > 0 {
            self.cursor -= 1;
            self.text.remove(self.byte(self.cursor));
        }
    }

    pub fn delete(&mut self) {
        self.offered = false;
        if self.cursor < self.text.chars().count() {
            self.text.remove(self.byte(self.cursor));
        }
    }

    /// Clears the line.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn left(&mut self) {
        self.offered = false;
        self.cursor = self.cursor.saturating_sub(1);
    }

    pub fn right(&mut self) {
        self.offered = false;
        self.cursor = (self.cursor + 1).min(self.text.chars().count());
    }

    pub fn home(&mut self) {
        self.offered = false;
        self.cursor = 0;
    }

    pub fn end(&mut self) {
        self.offered = false;
        self.cursor = self.text.chars().count();
    }

    fn byte(&self, char: usize) -> usize {
        let place = self.text.char_indices().nth(char);
        place.map_or(self.text.len(), |(byte, _)| byte)
    }
}

/// Hides the text, which may be a password.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} characters)", self.text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_replaces_offered_text() {
        let mut line = Line::offering("1.40".into());
        line.insert('2');
        assert_eq!(line.text(), "2");
        let mut line = Line::offering("1.40".into());
        line.backspace();
        line.insert('5');
        assert_eq!(line.text(), "1.45");
    }

    #[test]
    fn keys_edit_at_the_cursor() {
        let mut line = Line::default();
        "cafés\u{1b}".chars().for_each(|char| line.insert(char));
        line.left();
        line.backspace();
        line.insert('e');
        line.home();
        line.delete();
        line.insert('K');
        line.end();
        line.right();
        line.insert('!');
        assert_eq!((line.text(), line.cursor()), ("Kafes!", 6));
        line.clear();
        line.backspace();
        assert_eq!(line.text(), "");
        "x".repeat(500).chars().for_each(|char| line.insert(char));
        assert_eq!(line.text().len(), CHARS_MAX);
    }
}
