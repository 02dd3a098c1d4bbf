//! A line that is typed: text and a cursor.

/// Most characters of a line; what is typed beyond them is not taken.
const CHARS_MAX: usize = 160;

/// A line, and where in it the cursor stands.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// In characters.
    cursor: usize,
    /// Whether the text was offered and not typed: the first character takes its place.
    offered: bool,
}

impl Line {
    /// A line with a text that is offered.
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

    /// Where the cursor stands, in characters.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn is_offered(&self) -> bool {
        self.offered
    }

    /// Puts a text in the place of all.
    pub fn set(&mut self, text: String) {
        *self = Self::offering(text);
    }

    /// Takes the text out, without a copy of it.
    pub fn take(&mut self) -> String {
        std::mem::take(self).text
    }

    /// Types a character; what no line can hold is left out.
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

    /// Empties it.
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

/// It may be a password.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} characters)", self.text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_takes_the_place_of_what_was_offered() {
        let mut line = Line::offering("1.40".into());
        line.insert('2');
        assert_eq!(line.text(), "2");
        let mut line = Line::offering("1.40".into());
        line.backspace();
        line.insert('5');
        assert_eq!(line.text(), "1.45");
    }

    #[test]
    fn keys_edit_where_the_cursor_stands() {
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
