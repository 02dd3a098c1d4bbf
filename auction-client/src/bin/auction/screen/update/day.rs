//! Trading days: trades and interruptions of the market, and the user's orders.

use auction_client::DayTrade;
use auction_core::{
    AccountEvent, Book, DayBook, DayOrderState, FillRole, Lot, LotId, OrderId, Outcome,
    OwnDayOrder, Price, PublicEvent, Quantity, Side, Timestamp,
};

use crate::commands::order::Order;
use crate::output::day::average_of;
use crate::output::names::View;
use crate::screen::model::{Model, OrderState, OwnOrder, Page, Tone};

/// Returns the book of a trading day.
pub fn book(lot: &Lot) -> Option<&DayBook> {
    match &lot.book {
        Book::Day(book) => Some(book),
        _ => None,
    }
}

/// Returns the trading day on the screen, and its book.
pub fn on_screen<'v>(model: &Model, view: View<'v>) -> Option<(LotId, &'v DayBook)> {
    let Page::Lot(lot) = model.page else {
        return None;
    };
    Some((lot, view.market.lot(lot).and_then(book)?))
}

/// Keeps a trade or an interruption. Returns true for an event of the order-by-order feed, which is in no log.
pub fn happened(model: &mut Model, at: Timestamp, event: &PublicEvent) -> bool {
    match *event {
        PublicEvent::Traded {
            lot,
            number,
            price,
            quantity,
            resting,
            aggressor,
        } => {
            let trade = DayTrade {
                number,
                at,
                price,
                quantity: quantity.get(),
                aggressor: Some(aggressor),
                resting: Some(resting),
            };
            model.days.entry(lot).add([trade]);
            true
        }
        PublicEvent::CallUncrossed {
            lot,
            outcome: Outcome::Crossed { price, volume, .. },
            trade: Some(number),
        } => {
            let trade = DayTrade {
                number,
                at,
                price,
                quantity: volume,
                aggressor: None,
                resting: None,
            };
            model.days.entry(lot).add([trade]);
            false
        }
        PublicEvent::Interrupted {
            lot,
            price,
            corridor,
        } => {
            model.days.entry(lot).interrupted = Some((price, corridor));
            false
        }
        PublicEvent::PhaseBegan(began) => {
            if began.phase != auction_core::DayPhase::Volatility {
                model.days.entry(began.lot).interrupted = None;
            }
            // The last indicative of a call is not one of the next phase.
            model.indicatives.remove(&began.lot);
            false
        }
        PublicEvent::OrderShown { .. }
        | PublicEvent::OrderReduced { .. }
        | PublicEvent::OrderGone { .. } => true,
        _ => false,
    }
}

/// Applies an event of the user's account on a trading day.
pub fn own(model: &mut Model, view: View<'_>, at: Timestamp, event: &AccountEvent) {
    match *event {
        AccountEvent::DayOrderAccepted {
            lot,
            order,
            content,
        } => {
            model.list.stale |= model.mine.insert(lot);
            let own = OwnDayOrder {
                order,
                content,
                traded: 0,
                value: 0,
                state: DayOrderState::Resting,
            };
            model.days.own.entry(lot).or_default().insert(order, own);
        }
        AccountEvent::DayOrderReplaced {
            lot,
            order,
            quantity,
            limit,
            ..
        } => change(model, lot, order, |own| {
            (own.content.quantity, own.content.limit) = (quantity, limit);
        }),
        AccountEvent::DayOrderParked { lot, order, open } => change(model, lot, order, |own| {
            (own.state, own.content.quantity) = (DayOrderState::Parked, open);
        }),
        AccountEvent::DayOrderRests { lot, order, open } => change(model, lot, order, |own| {
            (own.state, own.content.quantity) = (DayOrderState::Resting, open);
        }),
        AccountEvent::DayOrderFilled {
            lot,
            order,
            price,
            quantity,
            role,
            left,
            ..
        } => filled(model, view, at, (lot, order), (price, quantity, role, left)),
        AccountEvent::DayOrdersDecremented {
            lot,
            resting,
            incoming,
            resting_left,
            incoming_left,
            ..
        } => {
            leave(model, lot, resting, resting_left);
            leave(model, lot, incoming, incoming_left);
        }
        AccountEvent::DayOrderLapsed {
            lot,
            order,
            quantity,
            because,
        } => {
            leave(model, lot, order, 0);
            let (title, why) = (view.title(lot), because.label());
            let text = format!("{title}: {quantity} of your order {order} lapsed: {why}");
            model.log(at, Tone::Usual, text);
        }
        _ => {}
    }
}

fn filled(
    model: &mut Model,
    view: View<'_>,
    at: Timestamp,
    (lot, order): (LotId, OrderId),
    (price, quantity, role, left): (Price, Quantity, FillRole, u64),
) {
    let mut verb = "traded";
    change(model, lot, order, |own| {
        own.traded = own.traded.saturating_add(quantity.get());
        own.value += u128::from(price.units()) * u128::from(quantity.get());
        verb = match own.content.side {
            Side::Buy => "bought",
            Side::Sell => "sold",
        };
    });
    leave(model, lot, order, left);
    let as_what = match role {
        FillRole::Maker => "resting",
        FillRole::Taker => "at once",
        FillRole::Call => "in the call",
    };
    let rest = match left {
        0 => "nothing is left".to_owned(),
        left => format!("{left} left"),
    };
    let title = view.title(lot);
    let text =
        format!("{title}: your order {order} {verb} {quantity} at {price}, {as_what}; {rest}");
    model.log(at, Tone::Good, text);
}

fn change(model: &mut Model, lot: LotId, order: OrderId, change: impl FnOnce(&mut OwnDayOrder)) {
    let own = model.days.own.get_mut(&lot);
    if let Some(own) = own.and_then(|own| own.get_mut(&order)) {
        change(own);
    }
}

/// Sets the open shares of an order. Without any it is over, and is kept if it traded.
pub fn leave(model: &mut Model, lot: LotId, order: OrderId, left: u64) {
    if let Some(open) = Quantity::new(left) {
        return change(model, lot, order, |own| own.content.quantity = open);
    }
    let live = model.days.own.get_mut(&lot);
    let Some(own) = live.and_then(|own| own.remove(&order)) else {
        return;
    };
    if own.traded > 0 {
        let content = own.content;
        let order = Order {
            side: content.side,
            quantity: content.quantity,
            limit: content.limit,
        };
        let state = OrderState::Filled(own.traded, average_of(own.value, own.traded));
        let orders = model.orders.entry(lot).or_default();
        orders.insert(own.order, OwnOrder { order, state });
    }
}
