//! The page of a trading day: phase, statistics, depth by price, trades, minutes, and the user's orders.

use auction_core::{
    DayBook, DayOrderState, DayPhase, DayTerms, Lot, OwnDayOrder, Price, ShownLevel, Side, Terms,
};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::{Scene, top};
use crate::output::day::{average_of, corridor_name, halt_words, money, phase_name};
use crate::output::time::{countdown, time_of_day};
use crate::screen::day::{Cursor, LEVELS};
use crate::screen::draw::glyphs::{CHOSEN, fit, or_dash, pad, pad_left, wrap};
use crate::screen::model::OrderState;

/// Number of columns from which depth and trades are side by side.
const COLUMNS_ABREAST: u16 = 70;
/// Number of columns of the trades and minutes beside the depth and the orders.
const RIGHT_COLUMNS: u16 = 34;
/// Width of a price, and of a number of shares.
const PRICE_COLUMNS: usize = 9;
const SHARES_COLUMNS: usize = 7;
/// Rows of the depth with its title.
const DEPTH_ROWS: u16 = LEVELS as u16 + 1;
const BAR: &str = "█";
/// A space at which no line is broken, between a name and its figure.
const TOGETHER: char = '\u{a0}';

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot, book: &DayBook) {
    let facts = facts(scene, lot, book, usize::from(area.width).saturating_sub(2));
    let mut left = area;
    let rows = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    // Leave a few rows for the depth.
    let place = top(&mut left, rows.min(area.height.saturating_sub(4)));
    frame.render_widget(Paragraph::new(facts), place);
    let mut right = Rect::default();
    if left.width >= COLUMNS_ABREAST {
        let width = RIGHT_COLUMNS.max(left.width / 3);
        let first = left.width - width - 1;
        right = Rect {
            x: left.x + first + 1,
            width,
            ..left
        };
        left.width = first;
    }
    let depth_rows = DEPTH_ROWS.min(left.height);
    depth(frame, top(&mut left, depth_rows), scene, book);
    trades(frame, top(&mut right, depth_rows), scene, lot);
    own_orders(frame, left, scene, lot);
    minutes(frame, right, scene, lot);
}

fn facts(scene: Scene<'_>, lot: &Lot, book: &DayBook, columns: usize) -> Vec<Line<'static>> {
    let Scene { model, view, theme } = scene;
    let stock = view.market.stock(lot.symbol);
    let stock = stock.map_or(String::new(), |stock| {
        format!("   security {}", stock.listing.security)
    });
    let title = format!("{}   {}{stock}", view.title(lot.id), lot.terms.format());
    let mut lines = vec![(title, theme.head)];
    let is_urgent = view.market.halted_since().is_some()
        || lot.halted_since.is_some()
        || book.phase == Some(DayPhase::Volatility);
    let style = if is_urgent { theme.alarm } else { theme.head };
    lines.push((phase(scene, lot, book), style));
    if let Some(shown) = model.indicatives.get(&lot.id)
        && book.phase.is_some_and(DayPhase::is_call)
    {
        lines.push((view.indicative(shown), Style::new()));
    }
    lines.push((statistics(book), Style::new()));
    let lines = lines.into_iter().flat_map(|(text, style)| {
        let wrapped = wrap(&text, columns).into_iter();
        wrapped.map(move |line| {
            let line = line.replace(TOGETHER, " ");
            Line::from(Span::styled(format!(" {line}"), style))
        })
    });
    lines.collect()
}

/// Describes phase, interruption, halt, and the next phase.
fn phase(scene: Scene<'_>, lot: &Lot, book: &DayBook) -> String {
    let Scene { model, view, .. } = scene;
    if view.market.halted_since().is_some() {
        return "THE WHOLE MARKET IS HALTED; only cancellations are accepted".to_owned();
    }
    if lot.halted_since.is_some() {
        let why = book
            .halt
            .map_or(String::new(), |cause| format!(": {}", halt_words(cause)));
        return format!("HALTED{why}; orders can only be cancelled");
    }
    let (Some(running), Terms::Day(terms)) = (book.phase, &lot.terms) else {
        return view.when(lot);
    };
    let left = countdown(book.phase_ends_at, view.now);
    let at = time_of_day(book.phase_ends_at);
    let name = match running {
        DayPhase::Volatility => {
            let interrupted = model.days.of(lot.id).and_then(|day| day.interrupted);
            match interrupted {
                Some((price, corridor)) => {
                    let corridor = corridor_name(corridor);
                    format!("INTERRUPTED: {price} is outside the {corridor} corridor; a call")
                }
                None => "INTERRUPTED by a call".to_owned(),
            }
        }
        _ if book.is_opening_call(terms) => "opening call".to_owned(),
        _ if book.is_closing_call(terms) => "closing call".to_owned(),
        running => phase_name(running).to_owned(),
    };
    let extended = match book.extensions + u32::from(book.market_extended) {
        0 => "",
        _ => ", extended",
    };
    let next = next_phase(terms, book, running);
    format!("{name} for {left}, to {at}{extended}; then {next}")
}

fn next_phase(terms: &DayTerms, book: &DayBook, running: DayPhase) -> &'static str {
    let index = usize::from(book.phase_index);
    let next = match running {
        DayPhase::Volatility => index,
        _ => index + 1,
    };
    let of = |at: usize| terms.phases.get(at).map(|of| of.phase);
    let is_last_call = |at: usize| {
        let calls = |of: &auction_core::ScheduledPhase| of.phase == DayPhase::Call;
        at > 0 && terms.phases.iter().rposition(calls) == Some(at)
    };
    match of(next) {
        Some(DayPhase::Call) if is_last_call(next) => "the closing call",
        Some(phase) => phase_name(phase),
        None => "the close",
    }
}

fn statistics(book: &DayBook) -> String {
    let day = &book.statistics;
    let figures = [
        ("open", or_dash(day.open)),
        ("high", or_dash(day.high)),
        ("low", or_dash(day.low)),
        ("last", or_dash(day.last)),
        ("close", or_dash(day.close)),
        ("volume", day.volume.to_string()),
        ("value", money(day.value)),
        ("VWAP", or_dash(day.average())),
    ];
    let figures = figures.map(|(name, figure)| format!("{name}{TOGETHER}{figure}"));
    figures.join(" ")
}

/// Draws the begin of a panel with its title, and returns the rest.
fn panel(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, title: &str) -> Rect {
    let dim = scene.theme.dim;
    let title = Span::styled(fit(title, usize::from(area.width)), dim);
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(dim)
        .title(title);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn depth(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, book: &DayBook) {
    let days = &scene.model.days;
    let inner = panel(frame, area, scene, " buy orders by price │ sell orders ");
    let half = usize::from(inner.width).saturating_sub(1) / 2;
    let [buys, sells] = [Side::Buy, Side::Sell]
        .map(|side| book.orders.levels(side).take(LEVELS).collect::<Vec<_>>());
    if buys.is_empty() && sells.is_empty() {
        let text = match book.phase {
            Some(phase) if phase.is_call() => {
                let traders = book.traders;
                let s = if traders == 1 { "" } else { "s" };
                format!("A call: orders are hidden. {traders} trader{s} with orders.")
            }
            Some(DayPhase::PreOpen) => "Orders wait, hidden, for the opening call.".to_owned(),
            Some(_) => "No orders in the book.".to_owned(),
            None => "The book is empty.".to_owned(),
        };
        let columns = usize::from(inner.width).saturating_sub(1);
        let lines = wrap(&text, columns).into_iter();
        let dim = |line| Line::from(Span::styled(format!(" {line}"), scene.theme.dim));
        frame.render_widget(Paragraph::new(lines.map(dim).collect::<Vec<_>>()), inner);
        return;
    }
    let most = buys.iter().chain(&sells).map(|level| level.open).max();
    let rows = [
        (Side::Buy, days.row(book, Side::Buy)),
        (Side::Sell, days.row(book, Side::Sell)),
    ];
    let lines = (0..buys.len().max(sells.len())).map(|row| {
        let cell = |levels: &[ShownLevel], (side, cursor): (Side, Option<usize>)| {
            let text = match levels.get(row) {
                Some(level) => {
                    level_text(level, side, cursor == Some(row), (half, most.unwrap_or(1)))
                }
                None => " ".repeat(half),
            };
            let is_chosen = cursor == Some(row) && row < levels.len();
            let style = match (is_chosen, side) {
                (true, _) => scene.theme.chosen,
                (false, Side::Buy) => scene.theme.good,
                (false, Side::Sell) => scene.theme.alarm,
            };
            Span::styled(text, style)
        };
        Line::from(vec![
            cell(&buys, rows[0]),
            Span::raw("│"),
            cell(&sells, rows[1]),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

/// Formats a level with a bar of its shares: the best prices are in the middle.
fn level_text(
    level: &ShownLevel,
    side: Side,
    chosen: bool,
    (columns, most): (usize, u64),
) -> String {
    let mark = if chosen { CHOSEN } else { " " };
    let room = columns.saturating_sub(PRICE_COLUMNS + SHARES_COLUMNS + 3);
    let length = u128::from(level.open) * room as u128;
    let length = usize::try_from(length.div_ceil(u128::from(most.max(1)))).unwrap_or(room);
    let bar = BAR.repeat(length.min(room));
    let shares = pad_left(&level.open.to_string(), SHARES_COLUMNS);
    let text = match side {
        Side::Buy => {
            let price = pad_left(&level.price.to_string(), PRICE_COLUMNS);
            format!("{mark}{} {shares} {price}", pad_left(&bar, room))
        }
        Side::Sell => {
            let price = pad(&level.price.to_string(), PRICE_COLUMNS);
            format!("{mark}{price} {shares} {}", pad(&bar, room))
        }
    };
    pad(&text, columns)
}

fn trades(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot) {
    let inner = panel(frame, area, scene, " trades, the newest first ");
    let known = scene.model.days.of(lot.id);
    let known = known.into_iter().flat_map(|day| day.trades().rev());
    let columns = usize::from(inner.width);
    let lines = known.take(usize::from(inner.height)).map(|trade| {
        let (what, style) = match trade.aggressor {
            Some(Side::Buy) => ("buy", scene.theme.good),
            Some(Side::Sell) => ("sell", scene.theme.alarm),
            None => ("call", scene.theme.head),
        };
        let time = time_of_day(trade.at);
        let price = pad_left(&trade.price.to_string(), PRICE_COLUMNS);
        let shares = pad_left(&trade.quantity.to_string(), SHARES_COLUMNS);
        let text = format!(" {time} {price} {shares} {what}");
        Line::from(Span::styled(fit(&text, columns), style))
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

fn minutes(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot) {
    let title = " min open high low close volume ";
    let inner = panel(frame, area, scene, title);
    let known = scene.model.days.of(lot.id);
    let known = known.map(|day| day.minutes()).unwrap_or_default();
    let columns = usize::from(inner.width);
    let lines = known.iter().rev().take(usize::from(inner.height));
    let lines = lines.map(|(at, bar)| {
        let time = time_of_day(*at);
        let time = time.get(..5).unwrap_or(&time).to_owned();
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string());
        let text = format!(" {time} {} {}", prices.join(" "), bar.volume);
        Line::from(fit(&text, columns))
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

/// Draws the user's orders: the live ones, then those that are over and have traded; the newest first.
fn own_orders(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot) {
    let Scene { model, theme, .. } = scene;
    let inner = panel(frame, area, scene, " your orders ");
    let (columns, rows) = (usize::from(inner.width), usize::from(inner.height));
    let chosen = match model.days.cursor {
        Cursor::Own(order) => Some(order),
        _ => None,
    };
    let live: Vec<&OwnDayOrder> = model.days.live(lot.id).collect();
    // The one with the cursor is always visible.
    let at = live.iter().position(|own| Some(own.order) == chosen);
    let hidden = at.map_or(0, |at| (at + 1).saturating_sub(rows));
    let mut lines: Vec<_> = live
        .into_iter()
        .skip(hidden)
        .map(|own| {
            let is_chosen = chosen == Some(own.order);
            let mark = if is_chosen { CHOSEN } else { " " };
            let text = pad(&format!("{mark}{}", live_text(own)), columns);
            let style = if is_chosen { theme.chosen } else { theme.head };
            Line::from(Span::styled(text, style))
        })
        .take(rows)
        .collect();
    let over = model.orders.get(&lot.id).into_iter().flatten().rev();
    let over = over
        .take(rows.saturating_sub(lines.len()))
        .map(|(id, own)| {
            let (filled, price) = match own.state {
                OrderState::Filled(filled, price) => (filled, price),
                OrderState::Live => (0, None),
            };
            let verb = match own.order.side {
                Side::Buy => "bought",
                Side::Sell => "sold",
            };
            let text = match (filled, price) {
                (0, _) | (_, None) => format!(" {id} {verb} nothing"),
                (shares, Some(price)) => format!(" {id} {verb} {shares} at {price}"),
            };
            Line::from(Span::styled(fit(&text, columns), theme.dim))
        });
    lines.extend(over);
    if lines.is_empty() {
        let text = match model.me {
            Some(_) => " none; b or Enter places one",
            None => " L logs in",
        };
        lines.push(Line::from(Span::styled(fit(text, columns), theme.dim)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Describes a live order: `3 buy 60 at 12.45, 40 traded at 12.40`.
fn live_text(own: &OwnDayOrder) -> String {
    let content = &own.content;
    let verb = match content.side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    let limit = content.limit.map(|limit: Price| format!(" at {limit}"));
    let limit = limit.unwrap_or_else(|| " at any price".to_owned());
    let parked = match own.state {
        DayOrderState::Parked => ", waits for its call",
        DayOrderState::Resting => "",
    };
    let traded = average_of(own.value, own.traded).map_or(String::new(), |average| {
        format!(", {} traded at {average}", own.traded)
    });
    format!(
        "{} {verb} {}{limit}{traded}{parked}",
        own.order, content.quantity
    )
}
