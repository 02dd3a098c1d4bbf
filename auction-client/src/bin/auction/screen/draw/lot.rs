//! The page of a lot: its state, its terms, its price over time, its bids, and the user's orders.

use auction_core::{Book, Lot, LotId, OpenedBid, Outcome, Terms};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::{Scene, chart, day, top};
use crate::commands::order::{says, verb};
use crate::output::time::time_of_day;
use crate::screen::bid_history::BidHistory;
use crate::screen::draw::glyphs::{LEADS, change, fit, pad, pad_left, wrap};
use crate::screen::list;
use crate::screen::model::OrderState;
use crate::screen::words::standing;

/// Number of columns from which chart and bids are side by side.
const COLUMNS_ABREAST: u16 = 70;
/// Minimum number of columns of the bids beside the chart.
const BIDS_COLUMNS: u16 = 50;
/// Number of rows from which the chart is shown above the bids.
const ROWS_WITH_CHART: u16 = 11;
/// Maximum number of the user's orders shown.
const ORDERS_SHOWN: usize = 4;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: LotId) {
    let Some(found) = scene.view.market.lot(lot) else {
        let text = format!(" There is no lot #{lot}.");
        return frame.render_widget(Line::from(text), area);
    };
    if let Book::Day(book) = &found.book {
        return day::draw(frame, area, scene, found, book);
    }
    let facts = facts(scene, found, usize::from(area.width).saturating_sub(2));
    let mut left = area;
    let rows = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    // Leave a few rows for the bids.
    let place = top(&mut left, rows.min(area.height.saturating_sub(3)));
    frame.render_widget(Paragraph::new(facts), place);
    if left.width >= COLUMNS_ABREAST {
        let width = (left.width / 2).min(left.width - BIDS_COLUMNS);
        let chart = Rect { width, ..left };
        let bids_place = Rect {
            x: left.x + width + 1,
            width: left.width - width - 1,
            ..left
        };
        chart::draw(frame, chart, scene, found);
        bids(frame, bids_place, scene, found);
    } else if left.height >= ROWS_WITH_CHART {
        let half = left.height / 2;
        chart::draw(frame, top(&mut left, half), scene, found);
        bids(frame, left, scene, found);
    } else {
        bids(frame, left, scene, found);
    }
}

fn facts(scene: Scene<'_>, lot: &Lot, columns: usize) -> Vec<Line<'static>> {
    let Scene { model, view, theme } = scene;
    let mut lines = Vec::new();
    let stock = view.market.stock(lot.symbol);
    let stock = stock.map_or(String::new(), |stock| {
        format!(
            "   security {}   profit {}",
            stock.listing.security, stock.profit
        )
    });
    let title = format!("{}   {}{stock}", view.title(lot.id), lot.terms.format());
    lines.push(Line::from(Span::styled(
        format!(" {}", fit(&title, columns)),
        theme.head,
    )));
    let leads = lot.leader().is_some_and(|leader| view.is_own(leader));
    let style = if leads { theme.good } else { theme.head };
    let sign = if leads {
        format!("{LEADS} ")
    } else {
        String::new()
    };
    let changed = change(list::change(view, lot));
    let changed = match changed.is_empty() {
        true => String::new(),
        false => format!("   {changed} from {}", list::changes_from(lot)),
    };
    let standing = format!("{sign}{}{changed}", standing(view, lot));
    for line in wrap(&standing, columns) {
        lines.push(Line::from(Span::styled(format!(" {line}"), style)));
    }
    if !lot.is_closed() {
        let times = match lot.extensions {
            0 => String::new(),
            1 => "; extended once".to_owned(),
            times => format!("; extended {times} times"),
        };
        // The close of a halted lot moves by the length of the halt, and a scheduled one says how long it is open.
        let at = match (lot.halted_since, lot.is_scheduled()) {
            (None, false) => format!("; the close is at {}", time_of_day(lot.closes_at)),
            _ => String::new(),
        };
        let when = format!("{}{at}{times}", view.when(lot));
        lines.extend(
            wrap(&when, columns)
                .into_iter()
                .map(|line| Line::from(format!(" {line}"))),
        );
    }
    if let Some(shown) = model.indicatives.get(&lot.id).filter(|_| !lot.is_closed()) {
        let now = wrap(&view.indicative(shown), columns).into_iter();
        lines.extend(now.map(|line| Line::from(format!(" {line}"))));
    }
    let dim = |line: String| Line::from(Span::styled(format!(" {line}"), theme.dim));
    lines.extend(wrap(&view.terms(lot), columns).into_iter().map(dim));
    if let Some(offer) = model.offers.get(&lot.id).filter(|_| leads) {
        let text = format!(" You have offered up to {offer}; nobody else sees that.");
        lines.push(Line::from(fit(&text, columns)));
    }
    if let Some(bid) = model.bids.get(&lot.id).filter(|_| !leads) {
        let text = format!(" Your latest bid: {bid}");
        lines.push(Line::from(fit(&text, columns)));
    }
    if let Some(words) = model.least_winning.get(&lot.id) {
        lines.push(Line::from(format!(" For you, {words}.")));
    }
    lines.extend(own_orders(scene, lot, columns));
    lines
}

fn own_orders(scene: Scene<'_>, lot: &Lot, columns: usize) -> Vec<Line<'static>> {
    let orders = scene.model.orders.get(&lot.id).into_iter().flatten();
    let line = |(id, own): (&auction_core::OrderId, &crate::screen::model::OwnOrder)| {
        let (verb, says) = (
            verb(own.order.side),
            says(own.order.quantity, own.order.limit),
        );
        let state = match own.state {
            OrderState::Live => String::new(),
            OrderState::Filled(0, _) => "; traded nothing".to_owned(),
            OrderState::Filled(shares, price) => {
                let crossed = match lot.outcome() {
                    Some(Outcome::Crossed { price, .. }) => Some(price),
                    _ => None,
                };
                let each = price.or(crossed);
                let each = each.map_or(String::new(), |price| format!(" at {price}"));
                format!("; traded {shares}{each}")
            }
        };
        let text = format!("your order {id}: {verb} {says}{state}");
        Line::from(Span::styled(
            format!(" {}", fit(&text, columns)),
            scene.theme.head,
        ))
    };
    orders.rev().take(ORDERS_SHOWN).map(line).collect()
}

/// Formats a bid that was sealed until the close, and what it got.
fn opened_bid(scene: Scene<'_>, lot: &Lot, bid: &OpenedBid, columns: usize) -> Line<'static> {
    let Scene { view, theme, .. } = scene;
    let own = view.is_own(bid.bidder);
    let name = match own {
        true => "you".to_owned(),
        false => view.name(bid.bidder),
    };
    let whole = matches!(lot.terms, Terms::Sealed(_));
    let wanted = match whole {
        true => String::new(),
        false => format!(" for {}", bid.quantity),
    };
    let got = match (bid.pays, whole) {
        (Some(pays), true) => format!("wins, pays {pays}"),
        (Some(pays), false) => format!("gets {}, pays {pays}", bid.filled),
        (None, _) => "gets nothing".to_owned(),
    };
    let (name, price) = (pad(&name, 9), pad_left(&bid.price.to_string(), 8));
    let style = if own { theme.good } else { Style::new() };
    let text = format!(" {name} {price}{wanted}: {got}");
    Line::from(Span::styled(fit(&text, columns), style))
}

/// Draws the bids, the newest first.
fn bids(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, lot: &Lot) {
    let Scene { model, view, theme } = scene;
    let history = model.bid_histories.of(lot.id);
    let opened = history.map(BidHistory::opened).unwrap_or_default();
    let title = match (&lot.terms, lot.bids(), opened.len()) {
        (Terms::Sealed(_) | Terms::Uniform(_), _, 0) => " sealed bids ".to_owned(),
        (Terms::Sealed(_) | Terms::Uniform(_), _, 1) => {
            " 1 sealed bid, opened at the close ".to_owned()
        }
        (Terms::Sealed(_) | Terms::Uniform(_), _, bids) => {
            format!(" {bids} sealed bids, the highest first ")
        }
        (Terms::Call(_), ..) => " orders ".to_owned(),
        (_, 0, _) => " bids ".to_owned(),
        (_, 1, _) => " 1 bid ".to_owned(),
        (_, bids, _) => format!(" {bids} bids, the newest first, and who led then "),
    };
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(theme.dim)
        .title(Span::styled(title, theme.dim));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (rows, columns) = (usize::from(inner.height), usize::from(inner.width));
    let known = history.into_iter().flat_map(|history| history.bids().rev());
    let lines = known.skip(model.scrolled).take(rows).map(|bid| {
        let own = view.is_own(bid.bidder);
        let name = if own {
            "you".to_owned()
        } else {
            view.name(bid.bidder)
        };
        let offer = match bid.amount {
            Some(amount) => amount.to_string(),
            None => "hidden".to_owned(),
        };
        // A plain bid that leads has its own amount as the price; only other bids need a description.
        let came = match (bid.leader == bid.bidder, bid.amount == Some(bid.price)) {
            (true, true) => String::new(),
            (true, false) => format!(" leads at {}", bid.price),
            (false, _) if view.is_own(bid.leader) => format!(" you at {}", bid.price),
            (false, _) => format!(" {} at {}", view.name(bid.leader), bid.price),
        };
        let time = time_of_day(bid.at);
        let (name, offer) = (pad(&name, 9), pad_left(&offer, 8));
        let text = format!(" {time} {name} {offer}{came}");
        let style = if own { theme.good } else { Style::new() };
        Line::from(Span::styled(fit(&text, columns), style))
    });
    let mut lines: Vec<_> = lines.collect();
    let opened = opened.into_iter().skip(model.scrolled).take(rows);
    lines.extend(opened.map(|bid| opened_bid(scene, lot, bid, columns)));
    if lines.is_empty() {
        let bidders = |with: &str| {
            let bidders = lot.bidders();
            let s = if bidders == 1 { "" } else { "s" };
            format!("{bidders} trader{s} with {with}")
        };
        let text = match lot.terms {
            Terms::Sealed(_) | Terms::Uniform(_) => {
                let when = match lot.is_closed() {
                    true if lot.bidders() > 0 => "being loaded",
                    true => "and nothing to open",
                    false => "opened at the close",
                };
                format!("{}, {when}.", bidders("sealed bids"))
            }
            Terms::Call(_) | Terms::Day(_) if lot.bidders() == 0 && lot.is_closed() => {
                "There were no orders.".to_owned()
            }
            Terms::Call(_) | Terms::Day(_) if lot.bidders() == 0 => "No orders yet.".to_owned(),
            Terms::Call(_) | Terms::Day(_) => {
                format!("{}; each sees their own alone.", bidders("orders"))
            }
            Terms::English(_) | Terms::Dutch(_) if lot.is_closed() => {
                "There were no bids.".to_owned()
            }
            Terms::English(_) | Terms::Dutch(_) => "No bids yet.".to_owned(),
        };
        let wrapped = wrap(&text, columns.saturating_sub(1)).into_iter();
        lines.extend(wrapped.map(|line| Line::from(Span::styled(format!(" {line}"), theme.dim))));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
