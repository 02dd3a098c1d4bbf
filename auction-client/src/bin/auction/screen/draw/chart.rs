//! Chart of a lot's price over time. Money is an integer everywhere else; here it is only drawn.

use auction_core::{Lot, Phase, Price, Span, Terms, Timestamp};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span as Text};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, Paragraph};

use super::Scene;
use crate::output::time::time_of_day;
use crate::screen::draw::glyphs::wrap;

/// Number of points of a falling price.
const MOMENTS: u64 = 200;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot) {
    let theme = scene.theme;
    let path = match lot.terms {
        Terms::Dutch(_) => falling(scene, lot),
        _ => rising(scene, lot),
    };
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(theme.dim)
        .title(Text::styled(" price over time ", theme.dim));
    let (Some(first), Some(last)) = (path.past.first(), path.past.last()) else {
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = wrap(nothing(lot), usize::from(inner.width).saturating_sub(1));
        let lines = lines
            .into_iter()
            .map(|line| Line::from(Text::styled(format!(" {line}"), theme.dim)));
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
        return;
    };
    let both = || path.past.iter().chain(&path.future);
    let from = first.0;
    let to = path
        .future
        .last()
        .unwrap_or(last)
        .0
        .max(from.saturating_add(Span::from_secs(1)));
    let least = both().map(|point| point.1).min().unwrap_or_default();
    let most = both().map(|point| point.1).max().unwrap_or_default();
    let past: Vec<_> = path.past.iter().map(|point| drawn(*point, from)).collect();
    let future: Vec<_> = path
        .future
        .iter()
        .map(|point| drawn(*point, from))
        .collect();
    let line = |data, style| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(style)
            .data(data)
    };
    let label = |text: String| Text::styled(text, theme.dim);
    let (low, high) = (money(least), money(most));
    // A flat line is drawn in the middle.
    let margin = ((high - low) * 0.05).max(0.0001);
    let x = Axis::default()
        .bounds([0.0, seconds(to, from)])
        .labels([label(time_of_day(from)), label(time_of_day(to))])
        .style(theme.dim);
    let y = Axis::default()
        .bounds([low - margin, high + margin])
        .labels([label(least.to_string()), label(most.to_string())])
        .style(theme.dim);
    let chart = Chart::new(vec![line(&future, theme.dim), line(&past, Style::new())])
        .block(block)
        .x_axis(x)
        .y_axis(y)
        .legend_position(None);
    frame.render_widget(chart, area);
}

/// Describes why a lot has no chart.
fn nothing(lot: &Lot) -> &'static str {
    match (&lot.terms, lot.is_closed()) {
        (Terms::Sealed(_) | Terms::Uniform(_), true) => {
            "Sealed: there was no price before the close."
        }
        (Terms::Sealed(_) | Terms::Uniform(_), false) => "Sealed: no price before the close.",
        (Terms::Call(_), true) => "A call has one price, set at its close.",
        (Terms::Call(_), false) => "A call has one price, which is set at its close.",
        (Terms::Day(_), true) => "There were no trades.",
        (Terms::Day(_), false) => "No trades yet.",
        (Terms::English(_) | Terms::Dutch(_), true) => "There were no bids.",
        (Terms::English(_) | Terms::Dutch(_), false) => "No bids yet.",
    }
}

/// A price over time, until now and later.
#[derive(Default)]
struct Path {
    past: Vec<(Timestamp, Price)>,
    future: Vec<(Timestamp, Price)>,
}

/// Returns the price of an open auction, which rises at each bid.
fn rising(scene: Scene<'_>, lot: &Lot) -> Path {
    let mut past = Vec::new();
    let bids = scene.model.bid_histories.of(lot.id).into_iter();
    for bid in bids.flat_map(|history| history.bids()) {
        match past.last() {
            Some((_, before)) => past.push((bid.at, *before)),
            None => past.push((lot.opened_at.min(bid.at), lot.base_price)),
        }
        let from_base = past.len() == 1;
        if from_base {
            past.push((bid.at, lot.base_price));
        }
        past.push((bid.at, bid.price));
    }
    if let Some((at, price)) = past.last().copied() {
        past.push((end(scene, lot).max(at), price));
    }
    Path {
        past,
        future: Vec::new(),
    }
}

/// Returns the price of a Dutch lot, which falls by the clock until the lot is taken.
fn falling(scene: Scene<'_>, lot: &Lot) -> Path {
    let mut path = Path::default();
    if lot.is_scheduled() {
        return path;
    }
    let end = end(scene, lot);
    if let Some(taken) = lot.price() {
        let Terms::Dutch(terms) = &lot.terms else {
            return path;
        };
        path.past = vec![(lot.opened_at, terms.start), (end, taken)];
        return path;
    }
    let whole = lot.closes_at.since(lot.opened_at).micros();
    for moment in 0..=MOMENTS {
        let after = Span::from_micros(whole / MOMENTS * moment).unwrap_or_default();
        let at = lot.opened_at.saturating_add(after);
        if let Some(price) = lot.least_bid_at(at) {
            let side = if at <= end {
                &mut path.past
            } else {
                &mut path.future
            };
            side.push((at, price));
        }
    }
    path
}

/// Returns the end of a lot's price: now, or its close.
fn end(scene: Scene<'_>, lot: &Lot) -> Timestamp {
    match lot.phase {
        Phase::Closed { at, .. } => at,
        _ => lot.halted_since.unwrap_or(scene.view.now),
    }
}

fn drawn((at, price): (Timestamp, Price), from: Timestamp) -> (f64, f64) {
    (seconds(at, from), money(price))
}

fn seconds(at: Timestamp, from: Timestamp) -> f64 {
    at.since(from).micros() as f64 / 1e6
}

fn money(price: Price) -> f64 {
    price.units() as f64 / 1e4
}
