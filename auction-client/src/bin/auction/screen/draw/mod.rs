//! Drawing: turns the state and the market into a frame. Only visible parts are computed.

mod glyphs;
mod header;
mod lots;
mod chart;
mod day;
mod lot;
mod log;
mod form;
mod help;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::model::{Model, Page};
use crate::output::names::View;
use crate::output::theme::Theme;

/// Minimum width; a smaller terminal only shows that it is too small.
const COLUMNS_MIN: u16 = 24;
const ROWS_MIN: u16 = 5;
/// Number of rows from which a log is shown below the lots.
const ROWS_WITH_LOG: u16 = 20;
/// Number of rows from which the log has more lines.
const ROWS_WITH_LONG_LOG: u16 = 36;

/// Inputs of the parts of the screen.
#[derive(Clone, Copy)]
struct Scene<'a> {
    model: &'a Model,
    view: View<'a>,
    theme: &'a Theme,
}

/// Areas of the parts of the screen; a part that does not fit is empty.
struct Places {
    head: Rect,
    notice: Rect,
    body: Rect,
    below: Rect,
    said: Rect,
    foot: Rect,
}

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, model: &Model, view: View<'_>, theme: &Theme) {
    let area = frame.area();
    if is_too_small(area) {
        frame.render_widget(Line::from("too small"), area);
        return;
    }
    let scene = Scene { model, view, theme };
    let places = Places::of(area, scene);
    header::draw(frame, places.head, scene);
    header::notice(frame, places.notice, scene);
    match model.page {
        Page::Lots => lots::draw(frame, places.body, scene),
        Page::Lot(lot) => lot::draw(frame, places.body, scene, lot),
        Page::Log => log::draw(frame, places.body, scene, model.scrolled),
    }
    match &model.form {
        Some(form) => form::draw(frame, places.below, scene, form),
        None => log::draw(frame, places.below, scene, 0),
    }
    header::said(frame, places.said, scene);
    header::foot(frame, places.foot, scene);
    if let Some(scroll) = model.help {
        help::draw(frame, area, scene, scroll);
    }
}

/// Returns the number of lots that can be shown at a time.
pub fn lot_rows(area: Rect, model: &Model, view: View<'_>) -> usize {
    if is_too_small(area) {
        return 0;
    }
    let theme = Theme::named(crate::output::theme::ThemeName::Plain);
    let scene = Scene {
        model,
        view,
        theme: &theme,
    };
    lots::rows(Places::of(area, scene).body)
}

fn is_too_small(area: Rect) -> bool {
    area.width < COLUMNS_MIN || area.height < ROWS_MIN
}

impl Places {
    fn of(area: Rect, scene: Scene<'_>) -> Self {
        let model = scene.model;
        let mut left = area;
        let head = top(&mut left, 1);
        let notice = top(&mut left, header::notice_rows(area.width, scene));
        let foot = bottom(&mut left, u16::from(area.height >= 10));
        let has_log =
            model.form.is_none() && model.page == Page::Lots && area.height >= ROWS_WITH_LOG;
        // The log shows it, too.
        let said = bottom(&mut left, u16::from(model.said.is_some() && !has_log));
        let below = match &model.form {
            // A part of the body stays visible.
            Some(form) => form::rows(form, scene, area.width).min(left.height.saturating_sub(2)),
            None if !has_log => 0,
            None if area.height < ROWS_WITH_LONG_LOG => 4,
            None => 9,
        };
        let below = bottom(&mut left, below);
        Self {
            head,
            notice,
            body: left,
            below,
            said,
            foot,
        }
    }
}

fn top(left: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(left.height);
    let taken = Rect {
        height: rows,
        ..*left
    };
    left.y += rows;
    left.height -= rows;
    taken
}

fn bottom(left: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(left.height);
    left.height -= rows;
    Rect {
        y: left.y + left.height,
        height: rows,
        ..*left
    }
}
