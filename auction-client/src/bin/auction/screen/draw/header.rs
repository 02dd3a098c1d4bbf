//! The lines around the page: connection and clock, notices, results, keys.

use auction_core::{LotId, Role, Terms};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Scene;
use crate::output::escape::Escaped;
use crate::output::time::{duration, time_of_day};
use crate::screen::draw::glyphs::{fit, keys, pad, tone, width, wrap};
use crate::screen::events::Connection;
use crate::screen::form::About;
use crate::screen::model::{NoticeKind, Page};
use crate::screen::words::outbid_words;

/// Maximum number of lines of a notice.
const NOTICE_ROWS_MAX: u16 = 3;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Scene { model, view, theme } = scene;
    let who = match model.me {
        None => "looking on".to_owned(),
        Some(me) => match me.role {
            Role::Trader => me.name.to_string(),
            Role::Company(symbol) => format!("{} for {symbol}", me.name),
            Role::Auctioneer => format!("{}, auctioneer", me.name),
        },
    };
    let (style, line) = match model.connection {
        Connection::Live => {
            let micros = model.round_trip.as_micros();
            let trip = match micros {
                0..1_000 => "<1 ms".to_owned(),
                _ => format!("{} ms", micros / 1_000),
            };
            (theme.good, format!("● live {trip}"))
        }
        Connection::Lost { since, next_try } => {
            let wait = duration(next_try.since(view.now));
            let since = time_of_day(since);
            (
                theme.alarm,
                format!("○ reconnecting in {wait}, stale since {since}"),
            )
        }
    };
    let clock = time_of_day(view.now);
    let server = format!(" auction {}", Escaped(&model.server));
    let columns = usize::from(area.width);
    // The connection first, then user, time and server, as far as they fit.
    let mut room = columns.saturating_sub(width(&line) + 2);
    let mut takes = |text: &str| {
        let takes = width(text) + 2 <= room;
        if takes {
            room -= width(text) + 2;
        }
        takes
    };
    let mark = if view.is_demo() { "demo" } else { "" };
    let has_mark = !mark.is_empty() && takes(mark);
    let has_who = takes(&who);
    let has_clock = takes(&clock);
    let has_server = takes(&server);
    let mut right = Vec::new();
    if has_mark {
        right.push(Span::styled(format!("{mark}  "), theme.head));
    }
    right.push(Span::styled(line, style));
    if has_clock {
        right.push(Span::raw(format!("  {clock}")));
    }
    if has_who {
        right.push(Span::styled(format!("  {who}"), theme.head));
    }
    right.push(Span::raw(" "));
    let right = Line::from(right);
    let taken = right.width();
    let left = if has_server { server.as_str() } else { "" };
    let mut line = Line::from(Span::styled(
        pad(left, columns.saturating_sub(taken)),
        theme.dim,
    ));
    line.spans.extend(right.spans);
    frame.render_widget(line, area);
}

/// Returns the number of lines of the notice; 0 without one.
pub fn notice_rows(columns: u16, scene: Scene<'_>) -> u16 {
    let lines = notice_lines(columns, scene).len();
    u16::try_from(lines).unwrap_or(NOTICE_ROWS_MAX)
}

fn notice_lines(columns: u16, scene: Scene<'_>) -> Vec<String> {
    let Scene { model, view, .. } = scene;
    let Some(notice) = model.notices.last() else {
        return Vec::new();
    };
    let lot = view.market.lot(notice.lot);
    let open = lot.is_some_and(|lot| !lot.is_closed());
    let text = match notice.kind {
        NoticeKind::Outbid => outbid_words(view, notice.lot),
        NoticeKind::Won => {
            let outcome = lot.and_then(|lot| Some(view.outcome(lot, &lot.outcome()?)));
            let outcome = outcome.unwrap_or_default();
            format!("YOU WON {}: {outcome}", view.title(notice.lot))
        }
    };
    let sign = match notice.kind {
        NoticeKind::Outbid => "‼",
        NoticeKind::Won => "★",
    };
    let least = lot.and_then(|lot| lot.least_bid_at(view.now));
    let next = match (notice.kind, least) {
        (NoticeKind::Outbid, Some(least)) if open => format!("r: bid {least}, "),
        _ => String::new(),
    };
    let more = match model.notices.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more)"),
    };
    let text = format!("{sign} {text} [{next}x: seen]{more}");
    let mut lines = wrap(&text, usize::from(columns).saturating_sub(2));
    lines.truncate(usize::from(NOTICE_ROWS_MAX));
    lines
}

pub fn notice(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Some(notice) = scene.model.notices.last() else {
        return;
    };
    let style = match notice.kind {
        NoticeKind::Outbid => scene.theme.alarm_bar,
        NoticeKind::Won => scene.theme.good_bar,
    };
    let columns = usize::from(area.width);
    let lines = notice_lines(area.width, scene);
    let bar = |line: String| Line::from(Span::styled(pad(&format!(" {line}"), columns), style));
    let lines: Vec<_> = lines.into_iter().map(bar).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Draws the result of the user's last action.
pub fn said(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Some(said) = &scene.model.said else {
        return;
    };
    let (style, sign) = tone(scene.theme, said.tone);
    let text = format!("{sign} {}", said.text);
    let text = fit(&text, usize::from(area.width).saturating_sub(1));
    frame.render_widget(
        Line::from(vec![Span::raw(" "), Span::styled(text, style)]),
        area,
    );
}

fn is_day(scene: Scene<'_>, lot: LotId) -> bool {
    let lot = scene.view.market.lot(lot);
    lot.is_some_and(|lot| matches!(lot.terms, Terms::Day(_)))
}

pub fn foot(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Scene { model, theme, .. } = scene;
    let trader: &[(&str, &str)] = &[("b", "bid")];
    let role: &[(&str, &str)] = match model.me.map(|me| me.role) {
        None | Some(Role::Trader) => trader,
        Some(Role::Company(_)) => &[("p", "profit")],
        Some(Role::Auctioneer) => &[("m", "manage")],
    };
    let identity = match model.me {
        None => ("L", "log in"),
        Some(_) => ("L", "log out"),
    };
    let shown: Vec<(&str, &str)> = match (&model.form, model.page) {
        (Some(form), _) if form.sending => vec![("Esc", "leave it")],
        (Some(form), _) => {
            let does = match form.about {
                About::Withdraw(..) | About::CancelAll(_) | About::LogOut => "do it",
                _ => "send",
            };
            let mut keys = vec![("Enter", does), ("Esc", "leave it")];
            if form.is_at_choice() {
                keys.push(("← →", "choose"));
            }
            if form.shown().len() > 1 {
                keys.push(("Tab", "next field"));
            }
            if form.is_at_price() {
                keys.push(("↑↓", "a step"));
            }
            keys
        }
        (None, _) if model.list.typing => vec![("Enter", "keep"), ("Esc", "drop the filter")],
        (None, Page::Lots) => {
            let more = [
                ("?", "help"),
                ("q", "leave"),
                ("/", "filter"),
                ("s", "sort"),
                ("v", "view"),
                ("e", "events"),
            ];
            match model.me {
                None => [role, &[("Enter", "open"), identity], &more].concat(),
                Some(_) => [role, &[("Enter", "open")], &more, &[identity]].concat(),
            }
        }
        (None, Page::Lot(lot)) if is_day(scene, lot) => {
            let more = [
                ("Esc", "back"),
                ("?", "help"),
                ("Enter", "order"),
                ("↑↓", "level"),
                ("Tab", "side"),
                ("c", "change"),
                ("w", "withdraw"),
                ("X", "cancel all"),
            ];
            [role, &more].concat()
        }
        (None, Page::Lot(_)) => {
            let more = [
                ("Esc", "back"),
                ("?", "help"),
                ("q", "leave"),
                ("c", "change"),
                ("w", "withdraw"),
                ("↑↓", "older bids"),
            ];
            [role, &more].concat()
        }
        (None, Page::Log) => vec![
            ("Esc", "back"),
            ("↑↓", "scroll"),
            ("?", "help"),
            ("q", "leave"),
        ],
    };
    let spans = keys(theme, &shown, usize::from(area.width));
    frame.render_widget(Line::from(spans), area);
}
