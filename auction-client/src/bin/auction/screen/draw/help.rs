//! The help on keys, over everything else.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::Scene;
use crate::screen::draw::glyphs::{LEADS, MINE, OUTBID, pad};
use crate::screen::keys::{BINDINGS, IN_FORMS};

const KEY_COLUMNS: usize = 13;
const COLUMNS: u16 = 66;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, scroll: u16) {
    let theme = scene.theme;
    let line = |keys: &str, does: &str| {
        Line::from(vec![
            Span::styled(format!(" {}", pad(keys, KEY_COLUMNS)), theme.key),
            Span::raw(does.to_owned()),
        ])
    };
    let mut lines: Vec<Line<'_>> = BINDINGS
        .iter()
        .map(|binding| line(binding.shown, binding.does))
        .collect();
    let head = |text: &'static str| Line::from(Span::styled(format!(" {text}"), theme.head));
    lines.extend([Line::default(), head("In a form")]);
    lines.extend(IN_FORMS.iter().map(|(keys, does)| line(keys, does)));
    lines.extend([Line::default(), head("Signs beside a lot")]);
    lines.push(line(LEADS, "you lead, or have won"));
    lines.push(line(
        OUTBID,
        "you are outbid, and have not said that you saw it",
    ));
    lines.push(line(MINE, "you have bid there"));
    lines.push(line(
        "4:32 +2",
        "it closes in 4:32; late bids have moved the close twice",
    ));
    let wanted = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let (width, height) = (area.width.min(COLUMNS), area.height.min(wanted));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let hidden = wanted.saturating_sub(height);
    let title = match hidden {
        0 => " Keys (any key goes back) ",
        _ => " Keys (↑ ↓ scroll, any other key goes back) ",
    };
    let block = Block::bordered().title(Span::styled(title, theme.head));
    frame.render_widget(Clear, place);
    let text = Paragraph::new(lines)
        .block(block)
        .scroll((scroll.min(hidden), 0));
    frame.render_widget(text, place);
}
