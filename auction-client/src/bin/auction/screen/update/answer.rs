//! What came of what was asked.

use auction_client::RequestError;
use auction_core::{LeastWinning, LotId};

use super::identify;
use super::keys::trade_on;
use crate::commands::bid::text;
use crate::commands::order::{Order, placed_text, says};
use crate::output::colour::Paint;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::screen::events::{Answer, Asked, Effect, Manage, Me};
use crate::screen::form::{About, Form};
use crate::screen::model::{Model, NoticeKind, OrderState, OwnOrder, Tone};

pub fn answered(
    model: &mut Model,
    view: View<'_>,
    asked: &Asked,
    result: Result<Answer, RequestError>,
) -> Vec<Effect> {
    match result {
        Err(error) => failed(model, view, asked, error),
        Ok(Answer::LoggedIn(me, forgotten)) => logged_in(model, view, me, forgotten),
        Ok(answer) => {
            learned(model, view, asked, &answer);
            if let Some((tone, words)) = words(view, asked, &answer) {
                model.say(view.now, tone, words);
            }
            if waits_for(model, asked) {
                model.form = None;
            }
        }
    }
    Vec::new()
}

fn logged_in(model: &mut Model, view: View<'_>, me: Me, forgotten: Option<String>) {
    let own = Some(me.name);
    let view = View { own, ..view };
    identify(model, view, Some(me));
    match forgotten {
        None => model.say(view.now, Tone::Good, format!("Welcome, {}.", me.name)),
        Some(why) => {
            let text = format!("Welcome, {}. You will not be remembered: {why}", me.name);
            model.say(view.now, Tone::Alarm, text);
        }
    }
    if waits_for(model, &Asked::LogIn)
        && let Some(form) = model.form.take()
        && let About::Enter { then: Some(lot) } = form.about
    {
        trade_on(model, view, lot);
    }
}

/// What the state learns of an answer.
fn learned(model: &mut Model, view: View<'_>, asked: &Asked, answer: &Answer) {
    match (asked, answer) {
        (Asked::Bid(lot, _), _) => {
            model.mine.insert(*lot);
        }
        (Asked::Place(placed), Answer::Placed(id)) => {
            model.mine.insert(placed.lot);
            let order = Order {
                side: placed.side,
                quantity: placed.quantity,
                limit: placed.limit,
            };
            let state = OrderState::Live;
            let orders = model.orders.entry(placed.lot).or_default();
            orders.insert(*id, OwnOrder { order, state });
        }
        (Asked::Replace(replaced), _) => {
            let orders = model.orders.get_mut(&replaced.lot);
            if let Some(own) = orders.and_then(|orders| orders.get_mut(&replaced.order)) {
                own.order.quantity = replaced.quantity;
                own.order.limit = replaced.limit;
            }
        }
        (Asked::Cancel(cancelled), _) => {
            if let Some(orders) = model.orders.get_mut(&cancelled.lot) {
                orders.remove(&cancelled.order);
            }
        }
        (Asked::LogOut, _) => identify(model, View { own: None, ..view }, None),
        (Asked::History(lot), Answer::History(history)) => {
            let own = history.bids.iter().any(|bid| view.is_own(bid.bidder));
            if own && model.mine.insert(*lot) {
                outbid_before(model, view, *lot);
            }
            model.trails.history(*lot, history.bids.iter().cloned());
        }
        (Asked::LeastWinning(lot), Answer::LeastWinning(least)) => {
            let words = match least {
                LeastWinning::Bid(price) => format!("{price} would have won"),
                LeastWinning::AtLeast(price) => format!("nothing below {price} would have won"),
                LeastWinning::Nothing => "no bid would have won".to_owned(),
            };
            model.least_winning.insert(*lot, words);
        }
        _ => {}
    }
}

/// One has bid on a lot before the screen was opened: being outbid there must not be missed either.
fn outbid_before(model: &mut Model, view: View<'_>, lot: LotId) {
    let found = view.market.lot(lot).filter(|lot| !lot.is_closed());
    let leader = found.and_then(|lot| lot.leader());
    if leader.is_some_and(|leader| !view.is_own(leader)) {
        model.notify(lot, NoticeKind::Outbid);
    }
}

/// How an answer is told.
fn words(view: View<'_>, asked: &Asked, answer: &Answer) -> Option<(Tone, String)> {
    let good = |text| Some((Tone::Good, text));
    match (asked, answer) {
        (Asked::Bid(lot, offer), Answer::Bid(placed)) => {
            let leads = placed.bid.leads || placed.bid.bought;
            let tone = if leads { Tone::Good } else { Tone::Alarm };
            Some((tone, text(&view.title(*lot), *offer, placed, Paint::Plain)))
        }
        (Asked::Place(placed), Answer::Placed(id)) => {
            let order = Order {
                side: placed.side,
                quantity: placed.quantity,
                limit: placed.limit,
            };
            good(placed_text(view.market.lot(placed.lot)?, *id, order))
        }
        (Asked::Replace(replaced), _) => {
            let (title, id) = (view.title(replaced.lot), replaced.order);
            let says = says(replaced.quantity, replaced.limit);
            good(format!("{title}: your order {id} is now for {says}."))
        }
        (Asked::Cancel(cancelled), _) => {
            let (title, id) = (view.title(cancelled.lot), cancelled.order);
            good(format!("{title}: your order {id} is taken back."))
        }
        (Asked::Profit(published), _) => {
            let (symbol, profit) = (published.symbol, published.profit);
            good(format!("{symbol}: a profit of {profit} is published."))
        }
        (Asked::Manage(lot, deed), _) => {
            let done = match deed {
                Manage::Halt => "is halted",
                Manage::Resume => "goes on",
                Manage::Close => "is closed",
                Manage::Cancel => "is taken back",
            };
            good(format!("{} {done}.", view.title(*lot)))
        }
        (Asked::LogOut, _) => Some((Tone::Usual, "You are logged out.".to_owned())),
        _ => None,
    }
}

/// Whether the form that is open waits for this answer.
fn waits_for(model: &Model, asked: &Asked) -> bool {
    let Some(form) = model.form.as_ref().filter(|form| form.sending) else {
        return false;
    };
    match (form.about, asked) {
        (About::Bid(lot), Asked::Bid(asked, _)) => lot == *asked,
        (About::Order(lot), Asked::Place(asked)) => lot == asked.lot,
        (About::Change(lot, order, _), Asked::Replace(asked)) => {
            (lot, order) == (asked.lot, asked.order)
        }
        (About::Withdraw(lot, order), Asked::Cancel(asked)) => {
            (lot, order) == (asked.lot, asked.order)
        }
        (About::Manage(lot), Asked::Manage(asked, _)) => lot == *asked,
        (About::Enter { .. }, Asked::LogIn)
        | (About::LogOut, Asked::LogOut)
        | (About::Profit(_), Asked::Profit(_)) => true,
        _ => false,
    }
}

fn failed(model: &mut Model, view: View<'_>, asked: &Asked, error: RequestError) {
    match asked {
        // What was only to be looked at is asked for again when it is looked at again.
        Asked::History(lot) => return model.trails.unask(*lot),
        Asked::LeastWinning(_) => return,
        _ => {}
    }
    let no = if error.refused().is_some() {
        "refused: "
    } else {
        ""
    };
    let can_step = if error.least_bid().is_some() {
        " (↑ takes it)"
    } else {
        ""
    };
    let failure = Failure::from(error);
    let told = format!("{no}{}", failure.message());
    let lot = lot_of(asked);
    let title = lot.map_or(String::new(), |lot| format!("{}: ", view.title(lot)));
    model.say(view.now, Tone::Alarm, format!("{title}{told}"));
    if failure.asks_for_login() {
        identify(model, View { own: None, ..view }, None);
        let mut form = Form::enter(lot, model.name_before);
        form.note = Some(told);
        model.form = Some(form);
    } else if waits_for(model, asked)
        && let Some(form) = &mut model.form
    {
        form.sending = false;
        form.note = Some(format!("{told}{can_step}"));
    }
}

fn lot_of(asked: &Asked) -> Option<LotId> {
    match asked {
        Asked::Bid(lot, _)
        | Asked::Manage(lot, _)
        | Asked::History(lot)
        | Asked::LeastWinning(lot) => Some(*lot),
        Asked::Place(order) => Some(order.lot),
        Asked::Replace(order) => Some(order.lot),
        Asked::Cancel(order) => Some(order.lot),
        Asked::Profit(_) | Asked::LogIn | Asked::LogOut => None,
    }
}
