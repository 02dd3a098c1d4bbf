//! The user's events, one line each, the newest last.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::Scene;
use crate::output::time::time_of_day;
use crate::screen::draw::glyphs::{fit, tone};

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, scrolled: usize) {
    if area.height < 2 {
        return;
    }
    let Scene { model, theme, .. } = scene;
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(theme.dim)
        .title(Span::styled(" your events ", theme.dim));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (rows, columns) = (usize::from(inner.height), usize::from(inner.width));
    let end = model.log.len().saturating_sub(scrolled);
    let from = end.saturating_sub(rows);
    let entries = model.log.iter().skip(from).take(end - from);
    let lines = entries.map(|entry| {
        let (style, sign) = tone(theme, entry.tone);
        let time = format!(" {} ", time_of_day(entry.at));
        let room = columns.saturating_sub(time.len() + 2);
        let text = format!("{sign} {}", fit(&entry.text, room));
        Line::from(vec![
            Span::styled(time, theme.dim),
            Span::styled(text, style),
        ])
    });
    let mut lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        let text = " Nothing has concerned you yet. b bids on the chosen lot, ? helps.";
        lines.push(Line::from(Span::styled(fit(text, columns), theme.dim)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
