//! `auction orders [SYMBOL]`

use auction_client::{ActivityOf, ActivityPlace, Client};
use auction_core::{
    DayOrderState, Lot, LotId, Market, OrderState, OwnDayOrder, OwnOrder, Price, Side as Trade,
    StandingLead, StandingOrder, Terms,
};
use serde_json::{Value, json};

use crate::args::target::Target;
use crate::commands::order::verb;
use crate::output::colour::Colour;
use crate::output::day::average_of;
use crate::output::failure::Failure;
use crate::output::json;
use crate::output::names::View;
use crate::output::table::{Side, Table, Tone};
use crate::session::Context;

/// Number of entries of the activity requested at a time.
const ACTIVITY_PAGE: u32 = 1_024;

pub async fn run(
    context: &Context,
    target: Option<Target>,
    number: Option<LotId>,
) -> Result<(), Failure> {
    context.resume().await?;
    let token = context.stored().map(|stored| stored.token);
    let token = token.ok_or_else(|| Failure::not_logged_in("the session was forgotten"))?;
    let standing = context.client.watch_account(token).await?.state().clone();
    let market = context.client.snapshot().await?;
    let asked = Asked::of(&market, target, number)?;
    let orders = standing.orders.into_iter();
    let orders = orders.filter(|order| asked.has(order.lot));
    let mut own = Own {
        leads: standing.leads,
        orders: orders.map(|order| (order, State::Stands)).collect(),
    };
    let of_days = standing.day_orders.into_iter();
    let of_days = of_days.filter(|own| asked.has(own.lot));
    own.orders.extend(of_days.map(|own| {
        let OwnDayOrder {
            order,
            content,
            traded,
            value,
            state,
        } = own.order;
        let order = StandingOrder {
            lot: own.lot,
            order,
            side: content.side,
            quantity: content.quantity,
            limit: content.limit,
        };
        (
            order,
            State::OfDay(state, traded, average_of(value, traded)),
        )
    }));
    own.leads.retain(|lead| asked.has(lead.lot));
    if let Some(closed) = asked.closed() {
        own.add_closed(&context.client, closed).await?;
    }
    for day in asked.days(&market) {
        own.add_day(&context.client, day).await?;
    }
    own.orders
        .sort_by_key(|(order, _)| (order.lot, order.order));
    let view = context.view(&market);
    context.out.print(
        |colour| text(&view, &asked, &own, colour),
        || as_json(&view, &own),
    )
}

/// The requested lots.
enum Asked {
    /// All lots that have not closed.
    Open,
    /// Lots of a symbol, or the one with a number, the oldest first; and of these the newest closed one.
    Lots(Vec<LotId>, Option<LotId>),
}

/// The user's leads and orders.
struct Own {
    leads: Vec<StandingLead>,
    orders: Vec<(StandingOrder, State)>,
}

/// State of an order.
enum State {
    Stands,
    /// An order of a trading day: its state, the shares that have traded, and their average price.
    OfDay(DayOrderState, u64, Option<Price>),
    /// Its lot has closed: the number of shares traded, and the price of each.
    Closed(u64, Option<Price>),
}

impl Asked {
    fn of(market: &Market, target: Option<Target>, number: Option<LotId>) -> Result<Self, Failure> {
        let Some(target) = target.or(number.map(Target::Lot)) else {
            return Ok(Self::Open);
        };
        let lots = target.lots(market, number)?;
        // Of the closed lots the newest is selected.
        let closed = lots.iter().rfind(|lot| lot.is_closed());
        let closed = closed.map(|lot| lot.id);
        Ok(Self::Lots(lots.iter().map(|lot| lot.id).collect(), closed))
    }

    fn has(&self, lot: LotId) -> bool {
        match self {
            Self::Open => true,
            // A lot that has just closed is shown with its fills instead.
            Self::Lots(lots, closed) => lots.contains(&lot) && *closed != Some(lot),
        }
    }

    /// Returns the trading days among the lots: of these, the closed ones as far as they are asked for.
    fn days(&self, market: &Market) -> Vec<LotId> {
        let Self::Lots(lots, closed) = self else {
            return Vec::new();
        };
        let is_asked = |id: &LotId| {
            let lot = market.lot(*id);
            lot.is_some_and(|lot| {
                let is_shown = !lot.is_closed() || *closed == Some(lot.id);
                matches!(lot.terms, Terms::Day(_)) && is_shown
            })
        };
        lots.iter().copied().filter(is_asked).collect()
    }

    fn closed(&self) -> Option<LotId> {
        match self {
            Self::Open => None,
            Self::Lots(_, closed) => *closed,
        }
    }
}

impl Own {
    /// Adds the user's results on a closed lot: those of a call are visible only to their owner.
    async fn add_closed(&mut self, client: &Client, lot: LotId) -> Result<(), Failure> {
        let own = client.orders(lot).await?.into_iter();
        self.orders.extend(own.map(|own| {
            let (filled, price) = match own.state {
                // A closed lot has no live orders.
                OrderState::Live => return (standing(lot, own), State::Stands),
                OrderState::Closed { filled, price } => (filled, price),
            };
            (standing(lot, own), State::Closed(filled, price))
        }));
        Ok(())
    }
}

impl Own {
    /// Adds the user's orders of a trading day that are over, with what they traded.
    async fn add_day(&mut self, client: &Client, lot: LotId) -> Result<(), Failure> {
        let mut before = Some(ActivityPlace {
            lot,
            order: u32::MAX,
        });
        while before.is_some() {
            let page = client.activity(before, ACTIVITY_PAGE).await?;
            for entry in &page.entries {
                if entry.lot != lot {
                    return Ok(());
                }
                if let ActivityOf::Order(own) = entry.what
                    && let OrderState::Closed { filled, price } = own.state
                {
                    let order = standing(lot, own);
                    self.orders.push((order, State::Closed(filled, price)));
                }
            }
            before = page.next;
        }
        Ok(())
    }
}

fn standing(lot: LotId, own: OwnOrder) -> StandingOrder {
    let OwnOrder {
        order,
        side,
        quantity,
        limit,
        ..
    } = own;
    StandingOrder {
        lot,
        order,
        side,
        quantity,
        limit,
    }
}

fn text(view: &View<'_>, asked: &Asked, own: &Own, colour: Colour) -> String {
    if own.leads.is_empty() && own.orders.is_empty() {
        return match asked {
            Asked::Open => "You lead no lot, and have no order on one that is open.".to_owned(),
            Asked::Lots(..) => {
                "You lead none of these lots, and have no order on them. `auction mine` tells \
                                all that you did."
                    .to_owned()
            }
        };
    }
    let mut table = Table::new(&[
        ("LOT", Side::Right),
        ("SYMBOL", Side::Left),
        ("ORDER", Side::Right),
        ("SIDE", Side::Left),
        ("SHARES", Side::Right),
        ("LIMIT", Side::Right),
        ("STATE", Side::Left),
    ]);
    for lead in &own.leads {
        let lot = view.market.lot(lead.lot);
        let price = lot.and_then(Lot::price);
        let state = price.map_or_else(|| "leads".to_owned(), |price| format!("leads at {price}"));
        let cells = vec![
            lead.lot.to_string(),
            symbol(view, lead.lot),
            "-".to_owned(),
            "buy".to_owned(),
            lot.map_or_else(|| "-".to_owned(), |lot| lot.quantity.to_string()),
            lead.offer.to_string(),
            state,
        ];
        table.row(Tone::Good, cells);
    }
    for (order, state) in &own.orders {
        let (tone, state) = match state {
            State::Stands => (Tone::Usual, "stands".to_owned()),
            State::OfDay(state, traded, average) => {
                (Tone::Usual, of_day(*state, *traded, *average))
            }
            State::Closed(filled, Some(price)) => (Tone::Good, traded(order, *filled, *price)),
            State::Closed(_, None) => (Tone::Dim, got_none(order.side).to_owned()),
        };
        let limit = order.limit;
        let cells = vec![
            order.lot.to_string(),
            symbol(view, order.lot),
            order.order.to_string(),
            verb(order.side).to_owned(),
            order.quantity.to_string(),
            limit.map_or_else(|| "any price".to_owned(), |limit| limit.to_string()),
            state,
        ];
        table.row(tone, cells);
    }
    table.print(colour)
}

/// Formats the state of an order of a trading day: `rests, 40 traded at 12.45`.
fn of_day(state: DayOrderState, traded: u64, average: Option<Price>) -> String {
    let state = match state {
        DayOrderState::Parked => "waits for its call",
        DayOrderState::Resting => "rests",
    };
    match average {
        Some(average) => format!("{state}, {traded} traded at {average}"),
        None => state.to_owned(),
    }
}

/// Formats fills: `got 30 at 12.00`, `sold 30 at 12.00, 70 lapsed`.
fn traded(order: &StandingOrder, filled: u64, price: Price) -> String {
    let did = match order.side {
        Trade::Buy => "got",
        Trade::Sell => "sold",
    };
    match order.quantity.get().saturating_sub(filled) {
        0 => format!("{did} {filled} at {price}"),
        lapsed => format!("{did} {filled} at {price}, {lapsed} lapsed"),
    }
}

fn got_none(side: Trade) -> &'static str {
    match side {
        Trade::Buy => "got none",
        Trade::Sell => "sold none",
    }
}

fn symbol(view: &View<'_>, lot: LotId) -> String {
    // The lot may have opened after the market was requested.
    let lot = view.market.lot(lot);
    lot.map_or_else(|| "-".to_owned(), |lot| lot.symbol.to_string())
}

fn as_json(view: &View<'_>, own: &Own) -> Value {
    let symbol = |lot| view.market.lot(lot).map(|lot| lot.symbol.to_string());
    let leads = own.leads.iter().map(|lead| {
        json!({
            "lot": lead.lot.0,
            "symbol": symbol(lead.lot),
            "offer": lead.offer.to_string(),
            "price": json::price(view.market.lot(lead.lot).and_then(Lot::price)),
        })
    });
    let orders = own.orders.iter().map(|(order, state)| {
        let (state, filled, paid) = match *state {
            State::Stands => ("live", Value::Null, None),
            State::OfDay(DayOrderState::Parked, traded, average) => {
                ("parked", json!(traded), average)
            }
            State::OfDay(DayOrderState::Resting, traded, average) => {
                ("live", json!(traded), average)
            }
            State::Closed(filled, price) => ("closed", json!(filled), price),
        };
        json!({
            "lot": order.lot.0,
            "symbol": symbol(order.lot),
            "order": order.order.0,
            "side": verb(order.side),
            "quantity": order.quantity.get(),
            "limit": json::price(order.limit),
            "state": state,
            "filled": filled,
            "price": json::price(paid),
        })
    });
    json!({
        "leads": leads.collect::<Vec<_>>(),
        "orders": orders.collect::<Vec<_>>(),
    })
}
