//! Answers to requests.

use auction_client::RequestError;
use auction_core::{LotId, WinningThreshold};

use super::account::outbid_before;
use super::identify;
use super::keys::trade_on;
use crate::commands::bid::text;
use crate::commands::order::{Order, credit_note, placed_text, says};
use crate::output::colour::Colour;
use crate::output::day::{all_cancelled_text, placed_text as day_text};
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::screen::events::{Effect, Identity, Manage, RequestKind, Response};
use crate::screen::form::{About, Form};
use crate::screen::model::{Model, OrderState, OwnOrder, Tone};

pub fn answered(
    model: &mut Model,
    view: View<'_>,
    asked: &RequestKind,
    result: Result<Response, RequestError>,
) -> Vec<Effect> {
    match result {
        Err(error) => failed(model, view, asked, error),
        Ok(Response::LoggedIn(me)) => logged_in(model, view, me),
        Ok(Response::NotRemembered(why)) => not_remembered(model, view, why),
        Ok(answer) => {
            learned(model, view, asked, &answer);
            if let Some((tone, words)) = words(view, asked, &answer) {
                match leads(view, &answer) {
                    Lead::Lost => model.log(view.now, tone, words),
                    lead => {
                        model.report(view.now, tone, words);
                        model.said_to_lead = lead.lot();
                    }
                }
            }
            if waits_for(model, asked) {
                model.form = None;
            }
        }
    }
    Vec::new()
}

/// Information of an answer about leading a lot.
enum Lead {
    /// Nothing.
    Unsaid,
    /// The user leads it.
    Of(LotId),
    /// The user led it, and the market already shows another leader.
    Lost,
}

impl Lead {
    fn lot(&self) -> Option<LotId> {
        match self {
            Self::Of(lot) => Some(*lot),
            Self::Unsaid | Self::Lost => None,
        }
    }
}

fn leads(view: View<'_>, answer: &Response) -> Lead {
    let Response::Bid(placed) = answer else {
        return Lead::Unsaid;
    };
    let lot = placed.bid.lot;
    if !placed.bid.leads || placed.bid.bought {
        return Lead::Unsaid;
    }
    let is_shown = view.market.feed_sequence() >= placed.feed_sequence;
    let leader = view.market.lot(lot).and_then(|lot| lot.leader());
    match leader {
        Some(leader) if is_shown && !view.is_own(leader) => Lead::Lost,
        _ => Lead::Of(lot),
    }
}

fn logged_in(model: &mut Model, view: View<'_>, me: Identity) {
    let own = Some(me.name);
    let view = View { own, ..view };
    identify(model, view, Some(me));
    model.report(view.now, Tone::Good, format!("Welcome, {}.", me.name));
    if waits_for(model, &RequestKind::LogIn)
        && let Some(form) = model.form.take()
        && let About::Enter { then: Some(lot) } = form.about
    {
        trade_on(model, view, lot);
    }
}

fn not_remembered(model: &mut Model, view: View<'_>, why: String) {
    model.report(view.now, Tone::Alarm, why.clone());
    if waits_for(model, &RequestKind::LogIn)
        && let Some(form) = &mut model.form
    {
        form.sending = false;
        form.note = Some(why);
    }
}

/// Updates the state with an answer.
fn learned(model: &mut Model, view: View<'_>, asked: &RequestKind, answer: &Response) {
    match (asked, answer) {
        (RequestKind::Bid(lot, offer), _) => {
            model.mine.insert(*lot);
            model.bids.insert(*lot, offer.amount());
        }
        (RequestKind::Place(placed), Response::Placed(id)) => {
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
        (RequestKind::Trades(lot), Response::Trades(past)) => {
            model.days.entry(*lot).add(past.trades.iter().cloned());
        }
        (RequestKind::Replace(replaced), _) => {
            let orders = model.orders.get_mut(&replaced.lot);
            if let Some(own) = orders.and_then(|orders| orders.get_mut(&replaced.order)) {
                own.order.quantity = replaced.quantity;
                own.order.limit = replaced.limit;
            }
        }
        (RequestKind::Cancel(cancelled), _) => {
            if let Some(orders) = model.orders.get_mut(&cancelled.lot) {
                orders.remove(&cancelled.order);
            }
        }
        (RequestKind::LogOut, _) => identify(model, View { own: None, ..view }, None),
        (RequestKind::History(lot), Response::History(history)) => {
            let own = history.bids.iter().any(|bid| view.is_own(bid.bidder));
            if own && model.mine.insert(*lot) {
                outbid_before(model, view, *lot);
            }
            let histories = &mut model.bid_histories;
            histories.history(*lot, history.bids.iter().cloned());
            histories.opened(*lot, history.opened.iter().copied());
        }
        (RequestKind::LeastWinning(lot), Response::LeastWinning(least)) => {
            let words = match least {
                WinningThreshold::Bid(price) => format!("{price} would have won"),
                WinningThreshold::AtLeast(price) => format!("nothing below {price} would have won"),
                WinningThreshold::Nothing => "no bid would have won".to_owned(),
            };
            model.least_winning.insert(*lot, words);
        }
        _ => {}
    }
}

/// Describes an answer.
fn words(view: View<'_>, asked: &RequestKind, answer: &Response) -> Option<(Tone, String)> {
    let good = |text| Some((Tone::Good, text));
    match (asked, answer) {
        (RequestKind::Bid(lot, offer), Response::Bid(placed)) => {
            let leads = placed.bid.leads || placed.bid.bought;
            let tone = if leads { Tone::Good } else { Tone::Alarm };
            Some((tone, text(&view.title(*lot), *offer, placed, Colour::Plain)))
        }
        (RequestKind::Place(placed), Response::Placed(id)) => {
            let order = Order {
                side: placed.side,
                quantity: placed.quantity,
                limit: placed.limit,
            };
            let note = credit_note(view.market.accounts(), placed.side);
            let note = note.map_or(String::new(), |note| format!(" {note}"));
            let placed = placed_text(view.market.lot(placed.lot)?, *id, order);
            good(format!("{placed}{note}"))
        }
        (RequestKind::PlaceDay(placed), Response::DayOrder(reply)) => {
            let title = view.title(placed.lot);
            good(day_text(&title, Some(placed.order.side), reply))
        }
        (RequestKind::ReplaceDay(replaced), Response::DayOrder(reply)) => {
            good(day_text(&view.title(replaced.lot), None, reply))
        }
        (RequestKind::CancelAll(lot), Response::AllCancelled(all)) => {
            let (title, text) = (view.title(*lot), all_cancelled_text(*all, ""));
            good(format!("{title}: {text}"))
        }
        (RequestKind::Replace(replaced), _) => {
            let (title, id) = (view.title(replaced.lot), replaced.order);
            let says = says(replaced.quantity, replaced.limit);
            good(format!("{title}: your order {id} is now for {says}."))
        }
        (RequestKind::Cancel(cancelled), _) => {
            let (title, id) = (view.title(cancelled.lot), cancelled.order);
            good(format!("{title}: your order {id} is cancelled."))
        }
        (RequestKind::Profit(published), _) => {
            let (symbol, profit) = (published.symbol, published.profit);
            good(format!("{symbol}: a profit of {profit} is published."))
        }
        (RequestKind::Manage(lot, deed), _) => {
            let done = match deed {
                Manage::Halt => "is halted",
                Manage::Resume => "goes on",
                Manage::Close => "is closed",
                Manage::Cancel => "is taken back",
            };
            good(format!("{} {done}.", view.title(*lot)))
        }
        (RequestKind::LogOut, _) => Some((Tone::Usual, "You are logged out.".to_owned())),
        _ => None,
    }
}

/// Returns true if the open form waits for this answer.
fn waits_for(model: &Model, asked: &RequestKind) -> bool {
    let Some(form) = model.form.as_ref().filter(|form| form.sending) else {
        return false;
    };
    match (form.about, asked) {
        (About::Bid(lot), RequestKind::Bid(asked, _)) => lot == *asked,
        (About::Order(lot), RequestKind::Place(asked)) => lot == asked.lot,
        (About::Change(lot, order, _), RequestKind::Replace(asked)) => {
            (lot, order) == (asked.lot, asked.order)
        }
        (About::Withdraw(lot, order), RequestKind::Cancel(asked)) => {
            (lot, order) == (asked.lot, asked.order)
        }
        (About::DayOrder(lot), RequestKind::PlaceDay(asked)) => lot == asked.lot,
        (About::DayChange(lot, order, ..), RequestKind::ReplaceDay(asked)) => {
            (lot, order) == (asked.lot, asked.order)
        }
        (About::CancelAll(lot), RequestKind::CancelAll(asked)) => lot == *asked,
        (About::Manage(lot), RequestKind::Manage(asked, _)) => lot == *asked,
        (About::Enter { .. }, RequestKind::LogIn)
        | (About::LogOut, RequestKind::LogOut)
        | (About::Profit(_), RequestKind::Profit(_)) => true,
        _ => false,
    }
}

fn failed(model: &mut Model, view: View<'_>, asked: &RequestKind, error: RequestError) {
    match asked {
        // A history is requested again when it is shown again.
        RequestKind::History(lot) => return model.bid_histories.unask(*lot),
        RequestKind::Trades(lot) => return model.days.unask(*lot),
        RequestKind::LeastWinning(_) => return,
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
    model.report(view.now, Tone::Alarm, format!("{title}{told}"));
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

fn lot_of(asked: &RequestKind) -> Option<LotId> {
    match asked {
        RequestKind::Bid(lot, _)
        | RequestKind::Manage(lot, _)
        | RequestKind::History(lot)
        | RequestKind::Trades(lot)
        | RequestKind::CancelAll(lot)
        | RequestKind::LeastWinning(lot) => Some(*lot),
        RequestKind::Place(order) => Some(order.lot),
        RequestKind::Replace(order) => Some(order.lot),
        RequestKind::Cancel(order) => Some(order.lot),
        RequestKind::PlaceDay(order) => Some(order.lot),
        RequestKind::ReplaceDay(order) => Some(order.lot),
        RequestKind::Profit(_) | RequestKind::LogIn | RequestKind::LogOut => None,
    }
}
