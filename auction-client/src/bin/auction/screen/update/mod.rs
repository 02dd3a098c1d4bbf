//! State transitions: inputs in, effects out. Nothing here waits, reads or writes.

mod day;
mod notices;
mod typing;
mod keys;
mod feed;
mod account;
mod answer;

use std::time::Duration;

use auction_core::{Lot, LotId, Phase, Span, Terms};

use super::list::LOTS_MANY;
use super::model::{Known, Model, Page, Tone};
use crate::output::colour::Colour;
use crate::output::names::View;
use crate::screen::day::TRADES_KEPT;
use crate::screen::events::{Connection, Effect, Identity, Input, Request};

/// Maximum number of histories requested per frame; the next frames request more.
const HISTORIES_AT_ONCE: usize = 8;
/// Interval of sorting a large list.
const ARRANGE_EVERY: Span = Span::from_secs(1);

/// Processes an input. `view` is the market after it, with the server's time.
pub fn update(model: &mut Model, view: View<'_>, input: Input) -> Vec<Effect> {
    match input {
        Input::Tick(round_trip) => {
            tick(model, view, round_trip);
            return Vec::new();
        }
        Input::Frame { rows } => return frame(model, view, rows),
        _ => model.dirty = true,
    }
    match input {
        Input::Key(key) => return keys::pressed(model, view, &key),
        Input::Paste(text) => keys::pasted(model, view, &text),
        Input::Resize(columns, rows) => model.size = (columns, rows),
        Input::Feed(news) => return feed::happened(model, view, &news),
        Input::Answer(asked, result) => return answer::answered(model, view, &asked, result),
        Input::AccountState(orders, leads, of_days) => {
            account::stands(model, &orders, &leads);
            model.days.stands(&of_days);
            let lots = of_days.iter().map(|own| own.lot);
            model.mine.extend(lots);
        }
        Input::Activity(entries, is_last) => account::activity(model, view, &entries, is_last),
        Input::NoActivity => model.known = Known::Never,
        Input::Account(at, event) => account::happened(model, view, at, event),
        Input::Identity(me) => identify(model, view, me),
        Input::Tick(_) | Input::Frame { .. } => {}
    }
    Vec::new()
}

/// Sets or removes the logged-in user.
fn identify(model: &mut Model, view: View<'_>, me: Option<Identity>) {
    let other = model.own() != me.map(|me| me.name);
    model.name_before = model.own().or(model.name_before);
    model.me = me;
    if !other {
        return;
    }
    model.led.clear();
    model.known = Known::Loading;
    model.mine.clear();
    model.orders.clear();
    model.days.own.clear();
    model.offers.clear();
    model.bids.clear();
    model.said_to_lead = None;
    model.least_winning.clear();
    model.notices.clear();
    model.list.stale = true;
    let me = me.and_then(|me| view.market.user_named(me.name));
    let lots = view.market.lots().iter();
    for lot in lots.filter(|lot| me.is_some() && lot.leader() == me) {
        model.mine.insert(lot.id);
        if !lot.is_closed() {
            model.led.insert(lot.id);
        }
    }
}

fn tick(model: &mut Model, view: View<'_>, round_trip: Duration) {
    model.round_trip = round_trip;
    let second = view.now.micros() / 1_000_000;
    // Countdowns change every second; a falling price can change in between.
    if second != model.second || falls(model, view) {
        model.second = second;
        model.dirty = true;
    }
    if let Connection::Lost { .. } = model.connection {
        return;
    }
    let open = model.mine.iter().filter_map(|lot| view.market.lot(*lot));
    let open: Vec<&Lot> = open
        .filter(|lot| lot.phase == Phase::Open && lot.halted_since.is_none())
        .collect();
    let due = model.countdowns.due(&open, view.now);
    for line in view.countdown_news(&due, Colour::Plain) {
        model.log_line(view.now, Tone::Alarm, line);
        model.dirty = true;
    }
}

/// Returns true if a falling price is on the screen.
fn falls(model: &Model, view: View<'_>) -> bool {
    let dutch = |lot: &LotId| {
        let lot = view.market.lot(*lot);
        lot.is_some_and(|lot| matches!(lot.terms, Terms::Dutch(_)) && lot.phase == Phase::Open)
    };
    match model.page {
        Page::Lots => model.list.visible().iter().any(dutch),
        Page::Lot(lot) => dutch(&lot),
        Page::Log => false,
    }
}

/// Sorts the lots.
fn arrange(model: &mut Model, view: View<'_>) {
    model.arranged_at = view.now;
    let mine = &model.mine;
    model.list.arrange(view, |lot| mine.contains(&lot));
}

/// Prepares a frame with this many rows for lots: sorts them, and requests their missing data.
fn frame(model: &mut Model, view: View<'_>, rows: usize) -> Vec<Effect> {
    if model.list.rows != rows {
        model.list.rows = rows;
        model.list.follow();
    }
    let many = view.market.lots().len() > LOTS_MANY;
    let waits = many && view.now.since(model.arranged_at) < ARRANGE_EVERY;
    if model.list.stale && !waits {
        arrange(model, view);
    }
    if let Connection::Lost { .. } = model.connection {
        return Vec::new();
    }
    let looked_at: Vec<LotId> = match model.page {
        Page::Lots => model.list.visible().to_vec(),
        Page::Lot(lot) => vec![lot],
        Page::Log => Vec::new(),
    };
    let mut asks = Vec::new();
    if let Some((lot, book)) = day::on_screen(model, view)
        && model.days.ask(lot)
    {
        let after = book.statistics.trades.saturating_sub(TRADES_KEPT as u64);
        asks.push(Effect::Send(Request::Trades(lot, after)));
    }
    for lot in looked_at {
        let found = view.market.lot(lot);
        let has_bids = found.is_some_and(|found| {
            // Sealed bids are public after the close; only the page of their lot shows them.
            let is_opened =
                model.page == Page::Lot(lot) && found.is_closed() && found.bidders() > 0;
            found.bids() > 0
                || (is_opened && matches!(found.terms, Terms::Sealed(_) | Terms::Uniform(_)))
        });
        if asks.len() < HISTORIES_AT_ONCE && has_bids && model.bid_histories.ask(lot) {
            asks.push(Effect::Send(Request::History(lot)));
        }
    }
    asks
}
