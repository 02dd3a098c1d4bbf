//! Hidden orders: `auction order`, `replace`, `cancel`.

use auction_client::{CancelOrder, PlaceOrder, ReplaceOrder};
use auction_core::{AccountMode, Lot, OrderId, Price, Quantity, RequestId, Side, Terms};
use serde_json::{Value, json};

use super::day;
pub use super::order_entry::{Order, verb};
use crate::args::day::DayFlags;
use crate::args::target::Which;
use crate::args::trade::{Limit, PriceCheck, SideWord};
use crate::output::failure::{Failure, OutputFormat};
use crate::output::json;
use crate::output::out::Out;
use crate::session::Context;

pub fn side(word: SideWord) -> Side {
    match word {
        SideWord::Buy => Side::Buy,
        SideWord::Sell => Side::Sell,
    }
}

pub async fn place(
    context: &Context,
    which: Which,
    order: Order,
    (flags, check): (DayFlags, PriceCheck),
) -> Result<(), Failure> {
    context.resume().await?;
    let (chosen, accounts) = context.open_lot(which.target, which.lot).await?;
    let is_day = matches!(chosen.terms, Terms::Day(_));
    if !is_day && flags != DayFlags::default() {
        let format = chosen.terms.format();
        let message = format!(
            "--tif, --until, --post-only and --self-trade are for trading days, and {} is of the format {format}",
            title(&chosen)
        );
        return Err(Failure::usage(message));
    }
    if let Some(limit) = order.limit {
        let price = (order.side, order.quantity, limit);
        check.check(context.out.format, &chosen, price).await?;
    }
    if is_day {
        day::place_on(context, &chosen, order, flags).await?;
    } else {
        place_on(context, &chosen, order).await?;
    }
    match credit_note(accounts, order.side) {
        Some(note) if context.out.format == OutputFormat::Text => context.out.line(note),
        _ => Ok(()),
    }
}

/// Places an order on a lot, and reports it.
pub async fn place_on(context: &Context, lot: &Lot, order: Order) -> Result<(), Failure> {
    let Order {
        side,
        quantity,
        limit,
    } = order;
    let asked = context.request(PlaceOrder {
        lot: lot.id,
        side,
        quantity,
        limit,
    });
    let (placed, request) = asked.await?;
    report_placed(context.out, lot, placed, order, request)
}

/// Reports that an order is placed.
pub fn report_placed(
    out: Out,
    lot: &Lot,
    placed: OrderId,
    order: Order,
    request: RequestId,
) -> Result<(), Failure> {
    out.print(
        |_| placed_text(lot, placed, order),
        || {
            let mut fields = fields(lot, placed, "placed", request);
            fields["side"] = json!(verb(order.side));
            fields["quantity"] = json!(order.quantity.get());
            fields["limit"] = json::price(order.limit);
            fields
        },
    )
}

pub async fn replace(
    context: &Context,
    which: Which,
    order: OrderId,
    (quantity, limit): (Quantity, Limit),
    check: PriceCheck,
) -> Result<(), Failure> {
    context.resume().await?;
    let (chosen, _) = context.open_lot(which.target, which.lot).await?;
    let limit = limit.price;
    if let Terms::Day(_) = chosen.terms {
        return day::replace_on(context, &chosen, order, quantity, limit).await;
    }
    if let Some(limit) = limit {
        let price = (side_of(context, &chosen, order).await?, quantity, limit);
        check.check(context.out.format, &chosen, price).await?;
    }
    let asked = context.request(ReplaceOrder {
        lot: chosen.id,
        order,
        quantity,
        limit,
    });
    let (_, request) = asked.await?;
    context.out.print(
        |_| {
            let says = says(quantity, limit);
            format!("{}: your order {order} is now for {says}.", title(&chosen))
        },
        || {
            let mut fields = fields(&chosen, order, "replaced", request);
            fields["quantity"] = json!(quantity.get());
            fields["limit"] = json::price(limit);
            fields
        },
    )
}

/// Returns the side of one of the user's orders: only call auctions have sell orders, and an unknown order is refused later.
async fn side_of(context: &Context, lot: &Lot, order: OrderId) -> Result<Side, Failure> {
    if !matches!(lot.terms, Terms::Call(_)) {
        return Ok(Side::Buy);
    }
    let orders = context.client.orders(lot.id).await?;
    let own = orders.iter().find(|own| own.order == order);
    Ok(own.map_or(Side::Buy, |own| own.side))
}

pub async fn cancel(context: &Context, which: Which, order: OrderId) -> Result<(), Failure> {
    context.resume().await?;
    let (chosen, _) = context.open_lot(which.target, which.lot).await?;
    let lot = chosen.id;
    let (_, request) = context.request(CancelOrder { lot, order }).await?;
    context.out.print(
        |_| format!("{}: your order {order} is cancelled.", title(&chosen)),
        || fields(&chosen, order, "cancelled", request),
    )
}

/// Returns the report of a placed order, in one line.
pub fn placed_text(lot: &Lot, placed: OrderId, order: Order) -> String {
    let title = title(lot);
    let says = says(order.quantity, order.limit);
    match (&lot.terms, order.side) {
        (Terms::Sealed(_) | Terms::Uniform(_), _) => format!(
            "{title}: your sealed bid for {says} is placed as order {placed}; nobody sees it before \
             the close."
        ),
        (_, side) => {
            let verb = verb(side);
            format!("{title}: your order {placed} to {verb} {says} is placed.")
        }
    }
}

/// Returns the note for a seller in a market on credit, which checks no holdings.
pub fn credit_note(accounts: AccountMode, side: Side) -> Option<&'static str> {
    let is_unchecked = (accounts, side) == (AccountMode::Credit, Side::Sell);
    is_unchecked.then_some("This market runs on credit: it does not check that you own the shares.")
}

/// Formats quantity and limit: `1 share at 100`, `500 shares at any price`.
pub fn says(quantity: Quantity, limit: Option<Price>) -> String {
    let s = if quantity == Quantity::ONE { "" } else { "s" };
    match limit {
        Some(limit) => format!("{quantity} share{s} at {limit}"),
        None => format!("{quantity} share{s} at any price"),
    }
}

fn title(lot: &Lot) -> String {
    format!("{} #{}", lot.symbol, lot.id)
}

fn fields(lot: &Lot, order: OrderId, what: &str, request: RequestId) -> Value {
    json!({
        "accepted": true,
        "lot": lot.id.0,
        "symbol": lot.symbol.as_str(),
        "order": order.0,
        "state": what,
        "request": request.0.to_string(),
    })
}
