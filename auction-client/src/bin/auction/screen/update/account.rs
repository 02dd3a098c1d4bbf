//! Private events of the user's account: orders, fills, and maxima.

use auction_client::{ActivityEntry, ActivityOf};
use auction_core::{
    AccountEvent, Asset, LotId, OrderId, StandingLead, StandingOrder, Terms, Timestamp,
};

use super::day;
use crate::commands::order::Order;
use crate::output::names::View;
use crate::screen::model::{Known, Model, NoticeKind, OrderState, OwnOrder, Tone};

/// Applies a new state of the account, replacing the previous one. Filled orders are no longer live, but stay known.
pub fn stands(model: &mut Model, orders: &[StandingOrder], leads: &[StandingLead]) {
    for known in model.orders.values_mut() {
        known.retain(|_, own| own.state != OrderState::Live);
    }
    orders.iter().for_each(|order| placed(model, order));
    model.known = Known::Loading;
    model.offers = leads.iter().map(|lead| (lead.lot, lead.offer)).collect();
}

/// Applies a page of the user's earlier activity. Live orders are left to [`stands`] and [`happened`], which may know
/// later events.
pub fn activity(model: &mut Model, view: View<'_>, entries: &[ActivityEntry], is_last: bool) {
    for entry in entries {
        let lot = entry.lot;
        let is_new = model.mine.insert(lot);
        match &entry.what {
            ActivityOf::Bid(bid) => {
                model.bids.insert(lot, bid.price);
                if is_new {
                    outbid_before(model, view, lot);
                }
            }
            ActivityOf::Order(own) => {
                if let auction_core::OrderState::Closed { filled, price } = own.state {
                    let order = Order {
                        side: own.side,
                        quantity: own.quantity,
                        limit: own.limit,
                    };
                    let state = OrderState::Filled(filled, price);
                    let orders = model.orders.entry(lot).or_default();
                    orders.insert(own.order, OwnOrder { order, state });
                }
            }
            ActivityOf::Cancelled(_) => {}
        }
    }
    if is_last {
        model.known = Known::All;
    }
    model.list.stale = true;
}

/// Adds a notice for a lot that the user had bid on before the screen was opened, if they are outbid there.
pub fn outbid_before(model: &mut Model, view: View<'_>, lot: LotId) {
    let found = view.market.lot(lot).filter(|lot| !lot.is_closed());
    let leader = found.and_then(|lot| lot.leader());
    if leader.is_some_and(|leader| !view.is_own(leader)) {
        model.notify(lot, NoticeKind::Outbid);
    }
}

pub fn happened(model: &mut Model, view: View<'_>, at: Timestamp, event: AccountEvent) {
    match event {
        AccountEvent::OrderPlaced(order) => placed(model, &order),
        AccountEvent::OrderReplaced {
            lot,
            order,
            quantity,
            limit,
        } => {
            if let Some(own) = own(model, lot, order) {
                (own.order.quantity, own.order.limit) = (quantity, limit);
            }
        }
        AccountEvent::OrderCancelled { lot, order } => {
            day::leave(model, lot, order, 0);
            if let Some(orders) = model.orders.get_mut(&lot)
                && orders
                    .get(&order)
                    .is_some_and(|own| own.state == OrderState::Live)
            {
                orders.remove(&order);
            }
        }
        AccountEvent::OrderFilled {
            lot,
            order,
            filled,
            pays,
        } => {
            if let Some(own) = own(model, lot, order) {
                own.state = OrderState::Filled(filled, pays);
            }
            let each = pays.map_or(String::new(), |pays| format!(" at {pays}"));
            closed(
                model,
                view,
                at,
                lot,
                order,
                &format!("traded {filled}{each}"),
            );
        }
        AccountEvent::OrderLapsed { lot, order } => {
            if let Some(own) = own(model, lot, order) {
                own.state = OrderState::Filled(0, None);
            }
            closed(model, view, at, lot, order, "traded nothing");
        }
        AccountEvent::Leads(lead) => {
            model.offers.insert(lead.lot, lead.offer);
            model.bids.insert(lead.lot, lead.offer);
        }
        AccountEvent::Outbid { lot, .. }
        | AccountEvent::Won { lot, .. }
        | AccountEvent::Unsold { lot } => {
            model.offers.remove(&lot);
        }
        AccountEvent::DeadManFired { .. } => {
            let text = "a session's dead-man switch fired: its orders were cancelled".to_owned();
            model.report(at, Tone::Alarm, text);
        }
        AccountEvent::Suspended => {
            let text = "your account is suspended; ask the auctioneer".to_owned();
            model.report(at, Tone::Alarm, text);
        }
        AccountEvent::Reinstated => {
            let text = "your account is no longer suspended".to_owned();
            model.report(at, Tone::Good, text);
        }
        AccountEvent::Deposited { asset } => {
            let text = format!("{} paid into your account", what(asset));
            model.log(at, Tone::Good, text);
        }
        AccountEvent::Withdrawn { asset } => {
            let text = format!("{} paid out of your account", what(asset));
            model.log(at, Tone::Usual, text);
        }
        // If it is the screen's own session, the next request reports it.
        AccountEvent::SessionOpened { .. }
        | AccountEvent::SessionClosed { .. }
        | AccountEvent::DeadManSet { .. } => {}
        AccountEvent::DayOrderAccepted { .. }
        | AccountEvent::DayOrderReplaced { .. }
        | AccountEvent::DayOrderParked { .. }
        | AccountEvent::DayOrderRests { .. }
        | AccountEvent::DayOrderFilled { .. }
        | AccountEvent::DayOrdersDecremented { .. }
        | AccountEvent::DayOrderLapsed { .. } => day::own(model, view, at, &event),
        AccountEvent::LimitsSet { .. } => {
            let text = "your limits on trading days were changed".to_owned();
            model.log(at, Tone::Usual, text);
        }
        // The answer to the request reports them.
        AccountEvent::OrderKept { .. } | AccountEvent::AllCancelled { .. } => {}
    }
}

fn what(asset: Asset) -> String {
    match asset {
        Asset::Cash(amount) => format!("{amount} was"),
        Asset::Shares { symbol, quantity } => format!("{quantity} of {symbol} were"),
    }
}

fn placed(model: &mut Model, order: &StandingOrder) {
    model.list.stale |= model.mine.insert(order.lot);
    let own = OwnOrder {
        order: Order {
            side: order.side,
            quantity: order.quantity,
            limit: order.limit,
        },
        state: OrderState::Live,
    };
    let orders = model.orders.entry(order.lot).or_default();
    orders.insert(order.order, own);
}

fn own(model: &mut Model, lot: LotId, order: OrderId) -> Option<&mut OwnOrder> {
    model.orders.get_mut(&lot)?.get_mut(&order)
}

/// Reports the result of an order. The results of sealed bids are public, and reported with the lot's.
fn closed(
    model: &mut Model,
    view: View<'_>,
    at: Timestamp,
    lot: LotId,
    order: OrderId,
    came: &str,
) {
    let terms = view.market.lot(lot).map(|lot| &lot.terms);
    if !matches!(terms, Some(Terms::Sealed(_) | Terms::Uniform(_))) {
        let text = format!("{}: your order {order} {came}", view.title(lot));
        model.log(at, Tone::Good, text);
    }
}
