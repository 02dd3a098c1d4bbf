//! Signs beside colours, and texts fitted to their place.

use auction_core::Price;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr as _;

use crate::output::theme::Theme;
use crate::screen::model::Tone;

/// The user has bid, and someone else leads.
pub const OUTBID: &str = "!";
/// The user leads.
pub const LEADS: &str = "★";
/// The user has bid on the lot.
pub const MINE: &str = "·";
/// The chosen row.
pub const CHOSEN: &str = "▸";

/// Returns the style of a tone, and the sign with the same meaning.
pub fn tone(theme: &Theme, tone: Tone) -> (Style, &'static str) {
    match tone {
        Tone::Usual => (Style::new(), " "),
        Tone::Good => (theme.good, "+"),
        Tone::Alarm => (theme.alarm, "!"),
    }
}

/// Returns the number of columns of a text.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Fits a text into a number of columns; a longer one is truncated with `…`.
pub fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut fitting = String::new();
    let mut taken = 1;
    for char in text.chars() {
        taken += unicode_width::UnicodeWidthChar::width(char).unwrap_or(0);
        if taken > columns {
            break;
        }
        fitting.push(char);
    }
    if columns > 0 {
        fitting.push('…');
    }
    fitting
}

/// Fits a text, and fills it up with spaces on the right.
pub fn pad(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let spaces = columns.saturating_sub(text.width());
    text + &" ".repeat(spaces)
}

/// Fits a text, and fills it up with spaces on the left.
pub fn pad_left(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let spaces = columns.saturating_sub(text.width());
    " ".repeat(spaces) + &text
}

/// Breaks a text into lines of at most this many columns.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.width() + 1 + word.width() <= columns {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Formats a change: `+5.8%`, `-0.3%`; empty without a change.
pub fn change(thousandths: Option<i64>) -> String {
    let Some(thousandths) = thousandths else {
        return String::new();
    };
    let sign = match thousandths {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    let size = thousandths.unsigned_abs();
    match size {
        0..100_000 => format!("{sign}{}.{}%", size / 10, size % 10),
        _ => format!("{sign}{}%", size / 10),
    }
}

pub fn or_dash(price: Option<Price>) -> String {
    price.map_or("-".to_owned(), |price| price.to_string())
}

/// Formats keys with their effects, as many as fit, the first ones first.
pub fn keys<'a>(theme: &Theme, keys: &[(&'a str, &'a str)], columns: usize) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    let mut taken = 1;
    for (key, does) in keys {
        taken += key.width() + does.width() + 3;
        if taken > columns {
            break;
        }
        spans.push(Span::raw(" "));
        spans.push(Span::styled(*key, theme.key));
        spans.push(Span::raw(format!(" {does} ")));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_columns_whatever_its_letters_take() {
        assert_eq!(fit("AAPL", 4), "AAPL");
        assert_eq!(fit("AAPL #1", 5), "AAPL…");
        assert_eq!(fit("株式会社", 5), "株式…");
        assert_eq!(fit("AAPL", 0), "");
        assert_eq!(pad("株", 4), "株  ");
        assert_eq!(pad_left("1.40", 6), "  1.40");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn a_change_has_a_sign_and_a_decimal() {
        assert_eq!(change(Some(58)), "+5.8%");
        assert_eq!(change(Some(-3)), "-0.3%");
        assert_eq!(change(Some(0)), "0.0%");
        assert_eq!(change(Some(1_000_000)), "+100000%");
        assert_eq!(change(None), "");
    }
}
