//! The table of lots.

use auction_core::{Lot, LotId, Outcome, Phase, Role, Terms};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Scene;
use crate::output::call;
use crate::output::table::Side;
use crate::output::time::{countdown, duration};
use crate::screen::draw::glyphs::{
    CHOSEN, LEADS, MINE, OUTBID, change, fit, or_dash, pad, pad_left, width,
};
use crate::screen::list::{self, Shown};
use crate::screen::model::{Known, NoticeKind};

/// Number of rows from which a line shows the selection and the order of the lots.
const ROWS_WITH_STATUS: u16 = 6;
/// Time before the close from which a countdown is highlighted, in microseconds.
const SOON_MICROS: u64 = 60_000_000;

/// A column of the table.
struct Column {
    title: &'static str,
    side: Side,
    /// Minimum width in terminal columns; a wider cell widens it.
    width: usize,
    /// Priority of the column: narrow terminals omit columns with high numbers.
    rank: u8,
    cell: fn(Scene<'_>, &Lot) -> String,
}

const COLUMNS: &[Column] = &[
    column("LOT", Side::Right, 4, 6, |_, lot| format!("#{}", lot.id)),
    column("SYMBOL", Side::Left, 7, 0, |_, lot| lot.symbol.to_string()),
    column("SECURITY", Side::Left, 8, 8, security),
    column("FORMAT", Side::Left, 7, 3, |_, lot| {
        lot.terms.format().to_owned()
    }),
    column("PRICE", Side::Right, 8, 0, price),
    column("CHANGE", Side::Right, 7, 4, |scene, lot| {
        match (&lot.terms, lot.price(), lot.is_closed()) {
            (Terms::English(_), None, false) => "base".to_owned(),
            _ => change(list::change(scene.view, lot)),
        }
    }),
    column("LEAST", Side::Right, 9, 9, |scene, lot| {
        or_dash(
            lot.least_bid_at(scene.view.now)
                .filter(|_| !lot.is_closed()),
        )
    }),
    column("LEADER", Side::Left, 8, 2, leader),
    column("BIDDERS", Side::Right, 7, 7, |_, lot| {
        lot.bidders().to_string()
    }),
    column("CLOSES IN", Side::Left, 10, 1, closes),
    column("PRICES", Side::Left, 8, 5, prices),
];

/// Number of prices in a sparkline.
const SPARKS: usize = 8;

const fn column(
    title: &'static str,
    side: Side,
    width: usize,
    rank: u8,
    cell: fn(Scene<'_>, &Lot) -> String,
) -> Column {
    Column {
        title,
        side,
        width,
        rank,
        cell,
    }
}

/// Returns the number of lots that fit.
pub fn rows(area: Rect) -> usize {
    let status = u16::from(area.height >= ROWS_WITH_STATUS);
    usize::from(area.height.saturating_sub(1 + status))
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Scene { model, view, theme } = scene;
    let list = &model.list;
    let columns = usize::from(area.width);
    let lots: Vec<&Lot> = list
        .visible()
        .iter()
        .filter_map(|lot| view.market.lot(*lot))
        .collect();
    let table = Layout::of(scene, &lots, columns);
    let mut lines = Vec::new();
    if area.height >= ROWS_WITH_STATUS {
        lines.push(status(scene, columns));
    }
    let titles = table
        .columns
        .iter()
        .map(|(column, _)| column.title.to_owned());
    let mut head = vec![Span::raw("   ")];
    head.extend(table.cells(titles.collect(), |_| theme.head));
    lines.push(Line::from(head));
    for lot in &lots {
        lines.push(row(scene, &table, lot));
    }
    if lots.is_empty() {
        lines.push(Line::from(format!("   {}", nothing(scene))));
    }
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        frame.render_widget(line, place);
    }
}

fn nothing(scene: Scene<'_>) -> &'static str {
    let no_lots = scene.view.market.lots().is_empty();
    match (no_lots, scene.model.list.filter.text().is_empty()) {
        (true, _) => "There are no lots yet.",
        (false, false) => "No lot is like that. Esc drops the filter.",
        (false, true) if scene.model.list.shown == Shown::Mine && is_trader(scene) => {
            match scene.model.known {
                Known::Loading => "Loading your bids and orders…",
                Known::All => "You have not bid on any lot yet. v shows others.",
                Known::Never => "This server does not tell what you did before.",
            }
        }
        (false, true) => "No lots of that kind. v shows others.",
    }
}

fn is_trader(scene: Scene<'_>) -> bool {
    scene.model.me.is_some_and(|me| me.role == Role::Trader)
}

/// Describes the selection and the order of the lots.
fn status(scene: Scene<'_>, columns: usize) -> Line<'static> {
    let list = &scene.model.list;
    let order = if list.reversed { "▼" } else { "▲" };
    let (shown, all) = (list.order.len(), scene.view.market.lots().len());
    let which = list.shown.name();
    let sort = list.sort.name();
    let text = match shown {
        _ if shown == all => format!(" {all} lots, {which}, by {sort} {order}"),
        _ => format!(" {shown} of {all} lots, {which}, by {sort} {order}"),
    };
    let filter = list.filter.text();
    let mut spans = vec![Span::styled(fit(&text, columns), scene.theme.dim)];
    if list.typing {
        spans.push(Span::styled(format!("   / {filter}▏"), scene.theme.head));
    } else if !filter.is_empty() {
        spans.push(Span::styled(format!("   / {filter}"), scene.theme.head));
    }
    Line::from(spans)
}

fn row(scene: Scene<'_>, table: &Layout, lot: &Lot) -> Line<'static> {
    let Scene { model, view, theme } = scene;
    let chosen = model.list.chosen == Some(lot.id);
    let (sign, signed) = sign(scene, lot.id);
    let soon = lot.phase == Phase::Open
        && lot.halted_since.is_none()
        && lot.closes_at.since(view.now).micros() <= SOON_MICROS;
    let whole = match lot.phase {
        Phase::Closed { .. } => theme.dim,
        Phase::Open | Phase::Scheduled => Style::new(),
    };
    let style = |title: &str| match title {
        "SYMBOL" | "LEADER" if sign != " " => signed,
        "CLOSES IN" if soon => theme.alarm,
        "PRICE" | "CHANGE" if lot.price().is_none() => theme.dim,
        _ => whole,
    };
    let cells = table
        .columns
        .iter()
        .map(|(column, _)| (column.cell)(scene, lot));
    let mark = if chosen { CHOSEN } else { " " };
    let mut spans = vec![Span::raw(mark), Span::styled(sign, signed), Span::raw(" ")];
    spans.extend(table.cells(cells.collect(), style));
    let line = Line::from(spans);
    if chosen {
        line.style(theme.chosen)
    } else {
        line
    }
}

/// Returns the sign of the user's position in a lot.
fn sign(scene: Scene<'_>, lot: LotId) -> (&'static str, Style) {
    let Scene { model, view, theme } = scene;
    let outbid = |notice: &crate::screen::model::Notice| {
        notice.lot == lot && notice.kind == NoticeKind::Outbid
    };
    let leads = view
        .market
        .lot(lot)
        .and_then(Lot::leader)
        .is_some_and(|leader| view.is_own(leader));
    if leads {
        (LEADS, theme.good)
    } else if model.notices.iter().any(outbid) {
        (OUTBID, theme.alarm)
    } else if model.mine.contains(&lot) {
        (MINE, theme.head)
    } else {
        (" ", Style::new())
    }
}

/// The columns that fit, with their widths.
struct Layout {
    columns: Vec<(&'static Column, usize)>,
}

impl Layout {
    fn of(scene: Scene<'_>, lots: &[&Lot], columns: usize) -> Self {
        let wide = |column: &Column| {
            let cells = lots.iter().map(|lot| width(&(column.cell)(scene, lot)));
            let widest = cells.max().unwrap_or(0);
            // A long name must not displace more important columns.
            column.width.max(widest.min(column.width * 2))
        };
        let mut fitting: Vec<_> = COLUMNS
            .iter()
            .map(|column| (column, wide(column)))
            .collect();
        // A sign before the first column, and a space after each column.
        let takes = |fitting: &[(&Column, usize)]| {
            3 + fitting.iter().map(|(_, width)| width + 1).sum::<usize>()
        };
        while takes(&fitting) > columns + 1 {
            let last = (0..fitting.len()).max_by_key(|at| fitting[*at].0.rank);
            match last.filter(|at| fitting[*at].0.rank > 0) {
                Some(last) => drop(fitting.remove(last)),
                None => break,
            }
        }
        Self { columns: fitting }
    }

    fn cells(&self, cells: Vec<String>, style: impl Fn(&str) -> Style) -> Vec<Span<'static>> {
        let columns = cells.into_iter().zip(&self.columns);
        let spans = columns.map(|(cell, (column, width))| {
            let cell = match column.side {
                Side::Left => pad(&cell, *width),
                Side::Right => pad_left(&cell, *width),
            };
            Span::styled(format!("{cell} "), style(column.title))
        });
        spans.collect()
    }
}

fn security(scene: Scene<'_>, lot: &Lot) -> String {
    let stock = scene.view.market.stock(lot.symbol);
    stock.map_or("-".to_owned(), |stock| stock.listing.security.to_string())
}

fn price(scene: Scene<'_>, lot: &Lot) -> String {
    match (list::price(scene.view, lot), lot.outcome()) {
        (Some(price), _) => price.to_string(),
        (None, Some(Outcome::Sold { price, .. })) => price.to_string(),
        (None, Some(Outcome::Allocated { lowest, .. })) => lowest.to_string(),
        (None, Some(Outcome::Crossed { price, .. })) => price.to_string(),
        (None, None) if matches!(lot.terms, Terms::Call(_)) => indicative(scene, lot),
        (None, None) if matches!(lot.terms, Terms::Sealed(_) | Terms::Uniform(_)) => {
            "sealed".to_owned()
        }
        (None, None) => lot.base_price.to_string(),
        (None, Some(_)) => "-".to_owned(),
    }
}

/// Returns the price at which a call would trade now.
fn indicative(scene: Scene<'_>, lot: &Lot) -> String {
    let published = scene.model.indicatives.get(&lot.id);
    let price = published.and_then(call::price);
    price.map_or("-".to_owned(), |price| price.to_string())
}

fn leader(scene: Scene<'_>, lot: &Lot) -> String {
    let winner = match lot.outcome() {
        Some(Outcome::Sold { winner, .. }) => Some(winner),
        Some(Outcome::Unsold { .. }) => return "unsold".to_owned(),
        Some(Outcome::Allocated { buyers, .. }) => return format!("{buyers} buyers"),
        Some(Outcome::Crossed { traders, .. }) => return format!("{traders} traders"),
        Some(Outcome::NoCross { .. }) => return "no trade".to_owned(),
        Some(Outcome::Day { trades, .. }) => return format!("{trades} trades"),
        None => lot.leader(),
    };
    match winner {
        Some(winner) if scene.view.is_own(winner) => "you".to_owned(),
        Some(winner) => scene.view.name(winner),
        None => "-".to_owned(),
    }
}

fn closes(scene: Scene<'_>, lot: &Lot) -> String {
    let left = duration(scene.view.left(lot));
    match lot.phase {
        Phase::Closed { .. } => "closed".to_owned(),
        _ if lot.halted_since.is_some() => "halted".to_owned(),
        Phase::Scheduled => format!("opens {}", countdown(lot.opened_at, scene.view.now)),
        Phase::Open if lot.extensions > 0 => format!("{left} +{}", lot.extensions),
        Phase::Open => left,
    }
}

fn prices(scene: Scene<'_>, lot: &Lot) -> String {
    let history = scene.model.bid_histories.of(lot.id);
    history.map_or(String::new(), |history| {
        history.sparkline(lot.base_price, SPARKS)
    })
}
