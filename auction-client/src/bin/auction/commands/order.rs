//! Hidden orders: `auction order`, `replace`, `cancel`.

use auction_client::{CancelOrder, PlaceOrder, ReplaceOrder};
use auction_core::{Lot, OrderId, Price, Quantity, RequestId, Side, Terms};
use serde_json::{Value, json};

use super::day;
use crate::args::day::DayFlags;
use crate::args::target::Which;
use crate::args::trade::{Limit, SideWord};
use crate::output::failure::Failure;
use crate::output::json;
use crate::output::out::Out;
use crate::session::Context;

/// A new order, or the new content of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub side: Side,
    pub quantity: Quantity,
    /// Limit price; `None`: any price.
    pub limit: Option<Price>,
}

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
    flags: DayFlags,
) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let chosen = which.target.open_lot(&market, which.lot)?;
    if let Terms::Day(_) = chosen.terms {
        return day::place_on(context, chosen, order, flags).await;
    }
    if flags != DayFlags::default() {
        let format = chosen.terms.format();
        let message = format!(
            "--tif, --until, --post-only and --self-trade are for trading days, and {} is of the format {format}",
            title(chosen)
        );
        return Err(Failure::usage(message));
    }
    place_on(context, chosen, order).await
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
    quantity: Quantity,
    limit: Limit,
) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let chosen = which.target.open_lot(&market, which.lot)?;
    let limit = limit.price;
    if let Terms::Day(_) = chosen.terms {
        return day::replace_on(context, chosen, order, quantity, limit).await;
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
            format!("{}: your order {order} is now for {says}.", title(chosen))
        },
        || {
            let mut fields = fields(chosen, order, "replaced", request);
            fields["quantity"] = json!(quantity.get());
            fields["limit"] = json::price(limit);
            fields
        },
    )
}

pub async fn cancel(context: &Context, which: Which, order: OrderId) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let chosen = which.target.open_lot(&market, which.lot)?;
    let lot = chosen.id;
    let (_, request) = context.request(CancelOrder { lot, order }).await?;
    context.out.print(
        |_| format!("{}: your order {order} is cancelled.", title(chosen)),
        || fields(chosen, order, "cancelled", request),
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

pub fn verb(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
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
