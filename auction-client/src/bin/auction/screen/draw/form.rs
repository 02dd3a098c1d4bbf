//! The open form.

use auction_core::{Phase, Price, Terms};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::Scene;
use crate::output::time::duration;
use crate::screen::draw::glyphs::{fit, width, wrap};
use crate::screen::form::{About, Content, Form};
use crate::screen::words::standing;

/// Width of the column with the names of fields.
const NAME_COLUMNS: usize = 14;
/// Replacement for a hidden character.
const HIDDEN: &str = "•";

/// Returns the number of rows of a form.
pub fn rows(form: &Form, scene: Scene<'_>, columns: u16) -> u16 {
    let texts = texts(form, scene, usize::from(columns).saturating_sub(4)).len();
    u16::try_from(2 + form.shown().len() + texts).unwrap_or(u16::MAX)
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, form: &Form) {
    let theme = scene.theme;
    let title = format!(" {} ", form.title(scene.view));
    let block = Block::bordered().title(Span::styled(title, theme.head));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let columns = usize::from(inner.width).saturating_sub(2);
    let mut lines = Vec::new();
    for (at, field) in form.shown().iter().enumerate() {
        let here = at == form.at && !form.sending;
        let name = format!(" {:<width$}", field.name, width = NAME_COLUMNS);
        let mut spans = vec![Span::styled(
            name,
            if here { theme.head } else { theme.dim },
        )];
        match &field.content {
            Content::Choice(options, chosen) => {
                for (option, text) in options.iter().enumerate() {
                    let is_chosen = option == *chosen;
                    let text = match is_chosen {
                        true => format!("[{text}]"),
                        false => format!(" {text} "),
                    };
                    let style = match (is_chosen, here) {
                        (true, true) => theme.chosen,
                        (true, false) => theme.head,
                        (false, _) => theme.dim,
                    };
                    spans.push(Span::styled(text, style));
                    spans.push(Span::raw(" "));
                }
            }
            Content::Line(line) | Content::Hidden(line) => {
                let text = match field.content {
                    Content::Hidden(_) => HIDDEN.repeat(line.text().chars().count()),
                    _ => line.text().to_owned(),
                };
                let room = columns.saturating_sub(NAME_COLUMNS + 1);
                let offered = line.is_offered() && here;
                let style = if offered { theme.chosen } else { theme.head };
                spans.push(Span::styled(fit(&text, room), style));
                let before: String = text.chars().take(line.cursor()).collect();
                let x = NAME_COLUMNS + 1 + width(&before).min(room);
                if here && u16::try_from(at).is_ok_and(|at| at < inner.height) {
                    let x = inner.x.saturating_add(u16::try_from(x).unwrap_or(u16::MAX));
                    let y = inner.y + u16::try_from(at).unwrap_or(0);
                    frame.set_cursor_position(Position::new(x.min(area.right() - 1), y));
                }
            }
        }
        lines.push(Line::from(spans));
    }
    for (is_note, text) in texts(form, scene, columns) {
        let style = if is_note { theme.alarm } else { theme.dim };
        lines.push(Line::from(Span::styled(format!(" {text}"), style)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Returns the texts below the fields: the state of the lot, and the error.
fn texts(form: &Form, scene: Scene<'_>, columns: usize) -> Vec<(bool, String)> {
    let mut texts = Vec::new();
    let mut say = |is_note: bool, text: String| {
        let sign = if is_note { "! " } else { "" };
        let lines = wrap(&format!("{sign}{text}"), columns.max(10));
        texts.extend(lines.into_iter().map(|line| (is_note, line)));
    };
    if let Some(hint) = hint(form, scene) {
        say(false, hint);
    }
    if form.sending {
        say(false, "sending…".to_owned());
    }
    if let Some(note) = &form.note {
        say(true, note.clone());
    }
    texts
}

fn hint(form: &Form, scene: Scene<'_>) -> Option<String> {
    let view = scene.view;
    match form.about {
        About::Enter { .. } => {
            let text = "A name is 2 to 32 of a-z 0-9 . _ - and the password is never shown.";
            return Some(text.to_owned());
        }
        About::Profit(symbol) => {
            let stock = view.market.stock(symbol)?;
            let text = format!(
                "published so far: {}; below zero it is a loss",
                stock.profit
            );
            return Some(text);
        }
        _ => {}
    }
    let lot = view.market.lot(form.lot()?)?;
    let left = duration(view.left(lot));
    let standing = standing(view, lot);
    if let (Terms::Day(_), Phase::Open) = (&lot.terms, &lot.phase) {
        return Some(format!("{standing}{}", day_cost(form).unwrap_or_default()));
    }
    let more = match (form.about, &lot.terms) {
        (About::Bid(_), Terms::English(_)) if form.choice(0) == 1 => {
            "; the market bids for you, no more than needed".to_owned()
        }
        (About::Bid(_), Terms::Dutch(_)) => "; you pay the price of that moment".to_owned(),
        (About::Order(_) | About::Change(..), _) => cost(form, scene).unwrap_or_default(),
        _ => String::new(),
    };
    Some(format!("{standing}; closes in {left}{more}"))
}

/// Describes the value of an order on a trading day.
fn day_cost(form: &Form) -> Option<String> {
    let price = match form.about {
        About::DayOrder(_) => 2,
        About::DayChange(..) => 1,
        _ => return None,
    };
    let quantity = form.text(price - 1).parse().ok()?;
    let price = Price::parse(&form.text(price)).ok()?;
    let value = price.checked_mul(quantity)?;
    Some(format!("; {quantity} at {price} are worth {value}"))
}

/// Describes the maximum cost of an order.
fn cost(form: &Form, scene: Scene<'_>) -> Option<String> {
    let lot = scene.view.market.lot(form.lot()?)?;
    let fields = form.fields.len();
    let price = Price::parse(&form.text(fields - 1)).ok()?;
    let quantity = match fields {
        1 => lot.quantity,
        _ => form.text(fields - 2).parse().ok()?,
    };
    let cost = price.checked_mul(quantity)?;
    Some(format!("; {quantity} at {price} cost at most {cost}"))
}
