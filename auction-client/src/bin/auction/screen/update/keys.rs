//! Keys: dispatch to the parts of the screen, and actions outside forms.

use auction_core::{Lot, LotId, OrderId, Role, Terms, Timestamp};
use ratatui::crossterm::event::KeyEvent;

use super::{arrange, day, typing};
use crate::commands::order::Order;
use crate::output::names::View;
use crate::screen::day::{Cursor, LEVELS};
use crate::screen::events::{Effect, Request};
use crate::screen::form::{About, Form};
use crate::screen::keys::{Action, action, is_interrupt};
use crate::screen::model::{Known, Model, OrderState, Page, Tone};

pub fn pressed(model: &mut Model, view: View<'_>, key: &KeyEvent) -> Vec<Effect> {
    if is_interrupt(key) {
        return vec![Effect::Leave];
    }
    if model.help.is_some() {
        return help(model, key);
    }
    if model.form.is_some() {
        return typing::in_form(model, view, key);
    }
    if model.list.typing {
        typing::in_filter(&mut model.list, key);
        arrange(model, view);
        return Vec::new();
    }
    match action(key) {
        Some(Action::Leave) => vec![Effect::Leave],
        Some(Action::Open) => open(model, view),
        Some(action) => {
            act(model, view, action);
            if model.arranged_at == Timestamp::default() {
                // The user requested another order: sort now, so that the next key refers to the new rows however fast
                // it comes.
                arrange(model, view);
            }
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Inserts a pasted text at the cursor.
pub fn pasted(model: &mut Model, view: View<'_>, text: &str) {
    let line = match &mut model.form {
        Some(form) => form.line(),
        None => Some(&mut model.list.filter).filter(|_| model.list.typing),
    };
    if let Some(line) = line {
        let first = text.lines().next().unwrap_or("");
        first.chars().for_each(|char| line.insert(char));
        if model.list.typing {
            arrange(model, view);
        }
    }
}

fn help(model: &mut Model, key: &KeyEvent) -> Vec<Effect> {
    let scroll = model.help.unwrap_or(0);
    model.help = match action(key) {
        Some(Action::Down | Action::PageDown) => Some(scroll.saturating_add(1)),
        Some(Action::Up | Action::PageUp) => Some(scroll.saturating_sub(1)),
        Some(Action::Leave) => return vec![Effect::Leave],
        _ => None,
    };
    Vec::new()
}

fn act(model: &mut Model, view: View<'_>, action: Action) {
    let page = isize::try_from(model.list.rows.max(2) - 1).unwrap_or(isize::MAX);
    match action {
        Action::Up => go(model, view, -1),
        Action::Down => go(model, view, 1),
        Action::PageUp => go(model, view, -page),
        Action::PageDown => go(model, view, page),
        Action::First => match day::on_screen(model, view) {
            Some((lot, book)) => model.days.go(lot, book, isize::MIN),
            None => end(model, false),
        },
        Action::Last => match day::on_screen(model, view) {
            Some((lot, book)) => model.days.go(lot, book, LEVELS as isize),
            None => end(model, true),
        },
        Action::Back => back(model),
        Action::Bid => match model.lot_in_hand() {
            Some(lot) => trade_on(model, view, lot),
            None => refuse(model, view, "No lot is chosen."),
        },
        Action::BidNext => match model.outbid() {
            Some(lot) => trade_on(model, view, lot),
            None => refuse(
                model,
                view,
                "You are outbid nowhere; b bids on the chosen lot.",
            ),
        },
        Action::Seen => {
            if model.notices.pop().is_none() {
                model.said = None;
            }
        }
        Action::Filter => {
            model.page = Page::Lots;
            model.list.typing = true;
        }
        Action::Sort => {
            model.list.sort = model.list.sort.next();
            rearranged(model);
        }
        Action::Reverse => {
            model.list.reversed = !model.list.reversed;
            rearranged(model);
        }
        Action::Show => {
            model.list.shown = model.list.shown.next();
            rearranged(model);
        }
        Action::Log => {
            model.scrolled = 0;
            model.page = match model.page {
                Page::Log => Page::Lots,
                Page::Lots | Page::Lot(_) => Page::Log,
            };
        }
        Action::Enter => {
            model.form = Some(match model.me {
                None => Form::enter(None, model.name_before),
                Some(_) => Form::log_out(),
            });
        }
        Action::Change => change(model, view),
        Action::Withdraw => withdraw(model, view),
        Action::CancelAll => cancel_all(model, view),
        Action::Part => {
            if let Some((lot, _)) = day::on_screen(model, view) {
                model.days.next_part(lot);
            }
        }
        Action::Profit => profit(model, view),
        Action::Manage => manage(model, view),
        Action::Help => model.help = Some(0),
        Action::Open | Action::Leave => {}
    }
}

/// Sorts at once, because the user requested another order.
fn rearranged(model: &mut Model) {
    model.list.stale = true;
    model.arranged_at = Timestamp::default();
}

/// Moves the cursor of a trading day, or scrolls.
fn go(model: &mut Model, view: View<'_>, by: isize) {
    match day::on_screen(model, view) {
        Some((lot, book)) => model.days.go(lot, book, by),
        None => scroll(model, by),
    }
}

/// Scrolls down on the page; up if negative.
fn scroll(model: &mut Model, by: isize) {
    match model.page {
        Page::Lots => model.list.go(by),
        // The newest line is at the end.
        Page::Log => {
            let most = model.log.len().saturating_sub(1);
            model.scrolled = model.scrolled.saturating_add_signed(-by).min(most);
        }
        Page::Lot(lot) => {
            let bids = model
                .bid_histories
                .of(lot)
                .map_or(0, |history| history.bids().len());
            let most = bids.saturating_sub(1);
            model.scrolled = model.scrolled.saturating_add_signed(by).min(most);
        }
    }
}

fn end(model: &mut Model, last: bool) {
    match (model.page, last) {
        (Page::Lots, false) => model.list.go_to(0),
        (Page::Lots, true) => model.list.go_to(usize::MAX),
        (Page::Log, false) => scroll(model, -isize::MAX),
        (Page::Lot(_), true) => scroll(model, isize::MAX),
        (Page::Log, true) | (Page::Lot(_), false) => model.scrolled = 0,
    }
}

fn open(model: &mut Model, view: View<'_>) -> Vec<Effect> {
    if let Some((lot, _)) = day::on_screen(model, view) {
        match model.days.cursor {
            Cursor::Own(_) => change(model, view),
            _ => trade_at_level(model, view, lot),
        }
        return Vec::new();
    }
    let Some(lot) = model.list.chosen.filter(|_| model.page == Page::Lots) else {
        return Vec::new();
    };
    model.page = Page::Lot(lot);
    model.scrolled = 0;
    model.days.cursor = Cursor::default();
    // A call and a trading day have no winner.
    let won = |lot: &Lot| lot.is_closed() && !matches!(lot.terms, Terms::Call(_) | Terms::Day(_));
    let closed = view.market.lot(lot).is_some_and(won);
    let trader = model.me.is_some_and(|me| me.role == Role::Trader);
    if closed && trader && !model.least_winning.contains_key(&lot) {
        return vec![Effect::Send(Request::LeastWinning(lot))];
    }
    Vec::new()
}

fn back(model: &mut Model) {
    match model.page {
        Page::Lot(_) | Page::Log => {
            model.page = Page::Lots;
            model.scrolled = 0;
        }
        Page::Lots if !model.list.filter.text().is_empty() => {
            model.list.filter.clear();
            rearranged(model);
        }
        Page::Lots => model.said = None,
    }
}

fn refuse(model: &mut Model, view: View<'_>, text: &str) {
    model.report(view.now, Tone::Alarm, text.to_owned());
}

/// Opens the form for a bid or an order on a lot, or first the login form.
pub fn trade_on(model: &mut Model, view: View<'_>, lot: LotId) {
    let Some(found) = view.market.lot(lot) else {
        return;
    };
    let title = view.title(lot);
    match model.me.map(|me| me.role) {
        _ if found.is_closed() => {
            model.seen(lot);
            let text = format!("{title} has closed, and takes no more bids.");
            refuse(model, view, &text);
        }
        None => model.form = Some(Form::enter(Some(lot), model.name_before)),
        Some(Role::Trader) => {
            let own = match found.terms {
                Terms::Sealed(_) => live(model, lot).next(),
                _ => None,
            };
            model.form = Some(match own {
                Some((id, order)) => Form::change(found, id, order),
                None => Form::trade(view, found),
            });
        }
        Some(Role::Company(symbol)) => {
            let text = format!("Companies do not bid; p publishes the profit of {symbol}.");
            refuse(model, view, &text);
        }
        Some(Role::Auctioneer) => {
            let text = "Auctioneers do not bid; m halts, resumes or closes the lot.";
            refuse(model, view, text);
        }
    }
}

/// Opens the form for an order that trades with those at the level with the cursor.
fn trade_at_level(model: &mut Model, view: View<'_>, lot: LotId) {
    trade_on(model, view, lot);
    let level = day::on_screen(model, view).and_then(|(_, book)| model.days.level(book));
    if let Some(form) = &mut model.form
        && form.about == About::DayOrder(lot)
        && let Some(found) = view.market.lot(lot)
    {
        *form = Form::day_order(found, level);
    }
}

/// Returns the user's live orders on a lot, the newest first.
fn live(model: &Model, lot: LotId) -> impl Iterator<Item = (OrderId, Order)> + use<'_> {
    let orders = model.orders.get(&lot).into_iter();
    orders
        .flat_map(|orders| orders.iter().rev())
        .filter(|(_, own)| own.state == OrderState::Live)
        .map(|(id, own)| (*id, own.order))
}

fn change(model: &mut Model, view: View<'_>) {
    let Some(lot) = model.lot_in_hand() else {
        return;
    };
    if let Some(own) = model.days.own_in_hand(lot) {
        model.form = Some(Form::day_change(lot, own));
        return;
    }
    let order = live(model, lot).next();
    match (order, view.market.lot(lot)) {
        (Some((id, order)), Some(found)) => model.form = Some(Form::change(found, id, order)),
        _ => no_order(model, view, lot),
    }
}

fn withdraw(model: &mut Model, view: View<'_>) {
    let Some(lot) = model.lot_in_hand() else {
        return;
    };
    if let Some(own) = model.days.own_in_hand(lot) {
        model.form = Some(Form::withdraw(lot, own.order));
        return;
    }
    let order = live(model, lot).next();
    match order {
        Some((id, _)) => model.form = Some(Form::withdraw(lot, id)),
        None => no_order(model, view, lot),
    }
}

fn cancel_all(model: &mut Model, view: View<'_>) {
    let Some(lot) = model.lot_in_hand() else {
        return;
    };
    if model.days.live(lot).next().is_some() {
        model.form = Some(Form::cancel_all(lot));
    } else {
        no_order(model, view, lot);
    }
}

fn no_order(model: &mut Model, view: View<'_>, lot: LotId) {
    let title = view.title(lot);
    let text = match view.market.lot(lot).map(|lot| &lot.terms) {
        Some(Terms::English(_) | Terms::Dutch(_)) => {
            format!("{title}: bids on this lot bind; they cannot be changed or withdrawn.")
        }
        _ if model.known == Known::Loading => {
            format!("{title}: your orders are being loaded; try again.")
        }
        _ => format!("{title}: you have no live order here."),
    };
    refuse(model, view, &text);
}

fn profit(model: &mut Model, view: View<'_>) {
    let stock = match model.me.map(|me| me.role) {
        Some(Role::Company(symbol)) => view.market.stock(symbol),
        _ => None,
    };
    match stock {
        Some(stock) => {
            let listing = stock.listing;
            model.form = Some(Form::profit(listing.symbol, listing.security));
        }
        None => refuse(model, view, "Only a company's account publishes a profit."),
    }
}

fn manage(model: &mut Model, view: View<'_>) {
    let lot = model.lot_in_hand().and_then(|lot| view.market.lot(lot));
    match (model.me.map(|me| me.role), lot) {
        (Some(Role::Auctioneer), Some(lot)) => model.form = Some(Form::manage(lot)),
        (Some(Role::Auctioneer), None) => refuse(model, view, "No lot is chosen."),
        _ => refuse(model, view, "Only an auctioneer's account can do that."),
    }
}
