//! Updates of the market.

use auction_client::Update;
use auction_core::{
    BidAccepted, FeedSequence, LotId, OpenedBid, PublicEvent, Side, Span, Timestamp,
};

use super::day;
use super::notices::{closed, outbid};
use crate::commands::order::Order;
use crate::output::colour::Colour;
use crate::output::escape::Escaped;
use crate::output::names::View;
use crate::screen::events::{Connection, Effect};
use crate::screen::model::{Model, OrderState, OwnOrder, Tone};

pub fn happened(model: &mut Model, view: View<'_>, news: &Update) -> Vec<Effect> {
    match news {
        Update::Event {
            feed_sequence,
            at,
            event,
        } => return event_happened(model, view, *feed_sequence, *at, event),
        Update::Indicative(published) => {
            // Shown on the lot's page only; the log is for lasting events.
            model.indicatives.insert(published.lot, published.clone());
        }
        Update::Snapshot => return anew(model, view),
        Update::Reconnecting { because, wait } => {
            let since = match model.connection {
                Connection::Lost { since, .. } => since,
                Connection::Live => {
                    let text = format!("connection lost: {}", Escaped(because));
                    model.log(view.now, Tone::Alarm, text);
                    view.now
                }
            };
            let wait = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
            let wait = Span::from_micros(wait).unwrap_or_default();
            let next_try = view.now.saturating_add(wait);
            model.connection = Connection::Lost { since, next_try };
        }
        Update::Live => {
            model.connection = Connection::Live;
            let text = "connected again; nothing was missed".to_owned();
            model.log(view.now, Tone::Good, text);
        }
        Update::Equivocation(fraud) => {
            let text = format!("FRAUD: {}", fraud.conflict);
            model.log(view.now, Tone::Alarm, text);
        }
        Update::Gap(gap) => {
            let text = format!(
                "the feed has a gap: {}; starting again from a snapshot",
                Escaped(gap)
            );
            model.log(view.now, Tone::Alarm, text);
        }
    }
    Vec::new()
}

/// Handles a new snapshot: missed events show in its state.
fn anew(model: &mut Model, view: View<'_>) -> Vec<Effect> {
    model.connection = Connection::Live;
    model.list.stale = true;
    model.bid_histories.clear();
    model.days.clear();
    model.indicatives.clear();
    if model.market != view.market.id() {
        let log = std::mem::take(&mut model.log);
        *model = Model {
            log,
            ..Model::new(model.server.clone(), view.market.id(), model.size)
        };
        let text = "there is another market at this address now".to_owned();
        model.report(view.now, Tone::Alarm, text);
        return vec![Effect::Reconnect];
    }
    let text = "connected again; the market was loaded again".to_owned();
    model.log(view.now, Tone::Good, text);
    let mut effects = Vec::new();
    for lot in std::mem::take(&mut model.led) {
        match view.market.lot(lot) {
            Some(found) if found.is_closed() => effects.extend(closed(model, view, lot)),
            Some(found) if found.leader().is_some_and(|leader| view.is_own(leader)) => {
                model.led.insert(lot);
            }
            _ => effects.extend(outbid(model, view, lot)),
        }
    }
    effects
}

fn event_happened(
    model: &mut Model,
    view: View<'_>,
    place: FeedSequence,
    at: Timestamp,
    event: &PublicEvent,
) -> Vec<Effect> {
    if day::happened(model, at, event) {
        model.list.stale |= model.list.moves_with_bids();
        return Vec::new();
    }
    match event {
        PublicEvent::BidAccepted(bid) => {
            model.list.stale |= model.list.moves_with_bids();
            model.bid_histories.bid(place, at, bid);
            return bid_accepted(model, view, bid);
        }
        PublicEvent::BiddersCounted { .. } => model.list.stale |= model.list.moves_with_bids(),
        PublicEvent::LotClosed { lot, .. } => {
            model.list.stale = true;
            model.led.remove(lot);
            if model.mine.contains(lot) {
                return closed(model, view, *lot);
            }
        }
        PublicEvent::BidsOpened { lot, bids } => {
            model.bid_histories.opened(*lot, bids.iter().copied());
            opened(model, view, *lot, bids);
        }
        PublicEvent::ProfitPublished { symbol, .. } => {
            let lots = view.market.lots_of(*symbol);
            if lots.iter().any(|lot| model.mine.contains(lot)) {
                log_event(model, view, at, event);
            }
        }
        PublicEvent::UserRegistered { .. } => {}
        other => {
            model.list.stale = true;
            if other.lot().is_some_and(|lot| model.mine.contains(&lot)) {
                log_event(model, view, at, event);
            }
        }
    }
    Vec::new()
}

/// Logs an event in the words of `auction watch`.
fn log_event(model: &mut Model, view: View<'_>, at: Timestamp, event: &PublicEvent) {
    // As of the event's time: the time left must not depend on the delay of the feed.
    let then = View { now: at, ..view };
    if let Some(line) = then.news(at, event, Colour::Plain) {
        model.log_line(at, Tone::Usual, line);
    }
}

fn bid_accepted(model: &mut Model, view: View<'_>, bid: &BidAccepted) -> Vec<Effect> {
    let lot = bid.lot;
    let bids = view.is_own(bid.bidder);
    if bids {
        // The account's feed reports a maximum, if it leads.
        match bid.amount.or(model.offers.get(&lot).copied()) {
            Some(offer) => drop(model.bids.insert(lot, offer)),
            None => drop(model.bids.remove(&lot)),
        }
        model.list.stale |= model.mine.insert(lot);
    }
    if view.is_own(bid.leader) {
        model.mine.insert(lot);
        model.led.insert(lot);
        model.seen(lot);
        return Vec::new();
    }
    if model.led.remove(&lot) || bids {
        return outbid(model, view, lot);
    }
    Vec::new()
}

/// Reports opened sealed bids of the user.
fn opened(model: &mut Model, view: View<'_>, lot: LotId, bids: &[OpenedBid]) {
    for bid in bids.iter().filter(|bid| view.is_own(bid.bidder)) {
        model.mine.insert(lot);
        let order = Order {
            side: Side::Buy,
            quantity: bid.quantity,
            limit: Some(bid.price),
        };
        let state = OrderState::Filled(bid.filled, bid.pays);
        let orders = model.orders.entry(lot).or_default();
        orders.insert(bid.order, OwnOrder { order, state });
        let (title, wanted, price) = (view.title(lot), bid.quantity, bid.price);
        let got = match bid.pays {
            Some(pays) => format!("gets {} at {pays}", bid.filled),
            None => "gets nothing".to_owned(),
        };
        let text = format!("{title}: your sealed bid for {wanted} at {price} {got}");
        let tone = match bid.filled {
            0 => Tone::Usual,
            _ => Tone::Good,
        };
        model.log(view.now, tone, text);
    }
}
