//! `auction history SYMBOL`

use auction_client::{DayTrade, GetTrades, History};
use auction_core::{Book, Lot, LotId, Market, Terms};
use serde_json::{Value, json};

use crate::args::target::Target;
use crate::commands::order::verb;
use crate::output::colour::Colour;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::output::table::{Side, Table, Tone};
use crate::output::time::moment;
use crate::session::Context;

pub async fn run(
    context: &Context,
    target: Target,
    lot: Option<LotId>,
    limit: u32,
) -> Result<(), Failure> {
    let market = context.client.snapshot().await?;
    let lot = target.any_lot(&market, lot)?;
    if let Book::Day(book) = &lot.book {
        return trades(context, &market, lot, book.statistics.trades, limit).await;
    }
    let history = context.client.history(lot.id, limit).await?;
    // Request the names after the bids: a new bidder may have just registered.
    let market = context.client.snapshot().await?;
    let view = context.view(&market);
    context.out.print(
        |colour| text(&view, lot, &history, colour),
        || {
            let bids: Vec<Value> = history.bids.iter().map(|bid| view.bid_json(bid)).collect();
            let opened = history.opened.iter();
            let opened: Vec<Value> = opened.map(|bid| view.opened_json(bid)).collect();
            json!({
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "total": history.total,
                "bids": bids,
                "opened": opened,
            })
        },
    )
}

/// Reports the newest trades of a trading day.
async fn trades(
    context: &Context,
    market: &Market,
    lot: &Lot,
    total: u64,
    limit: u32,
) -> Result<(), Failure> {
    let mut after = total.saturating_sub(u64::from(limit.max(1)));
    let mut trades: Vec<DayTrade> = Vec::new();
    loop {
        let left = total.saturating_sub(after);
        let page = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        let asked = GetTrades {
            lot: lot.id,
            after,
            since: None,
            until: None,
            limit: page,
        };
        let page = context.client.trades(asked).await?;
        trades.extend(page.trades.iter().cloned());
        match page.trades.iter().last() {
            Some(last) if last.number < total => after = last.number,
            _ => break,
        }
    }
    let view = context.view(market);
    context.out.print(
        |colour| trades_text(&view.title(lot.id), total, &trades, colour),
        || {
            let trades: Vec<Value> = trades.iter().map(trade_json).collect();
            json!({
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "total": total,
                "trades": trades,
            })
        },
    )
}

fn trade_json(trade: &DayTrade) -> Value {
    json!({
        "trade": trade.number,
        "at": trade.at.to_string(),
        "price": trade.price.to_string(),
        "quantity": trade.quantity,
        "aggressor": trade.aggressor.map(verb),
        "resting": trade.resting,
    })
}

fn trades_text(title: &str, total: u64, trades: &[DayTrade], colour: Colour) -> String {
    if trades.is_empty() {
        return format!("{title}: no trades.");
    }
    let mut table = Table::new(&[
        ("TRADE", Side::Right),
        ("TIME", Side::Left),
        ("PRICE", Side::Right),
        ("SHARES", Side::Right),
        ("CAME IN", Side::Left),
    ]);
    for trade in trades {
        let cells = vec![
            trade.number.to_string(),
            moment(trade.at),
            trade.price.to_string(),
            trade.quantity.to_string(),
            trade.aggressor.map_or("call", verb).to_owned(),
        ];
        table.row(Tone::Usual, cells);
    }
    let shown = trades.len();
    format!(
        "{title}: {shown} of {total} trades, the newest last\n{}",
        table.print(colour)
    )
}

fn text(view: &View<'_>, lot: &Lot, history: &History, colour: Colour) -> String {
    let title = view.title(lot.id);
    if !history.opened.is_empty() {
        return opened(view, &title, history, colour);
    }
    if history.bids.is_empty() {
        let is_call = matches!(lot.terms, Terms::Call(_));
        return match lot.bidders() {
            0 if is_call => format!("{title}: no orders."),
            1 if is_call => format!("{title}: orders of 1 trader; nobody else ever sees them."),
            bidders if is_call => {
                format!("{title}: orders of {bidders} traders; each ever sees their own only.")
            }
            0 => format!("{title}: no bids."),
            1 => format!("{title}: 1 trader has a sealed bid; it is opened when the lot closes."),
            bidders => format!(
                "{title}: {bidders} traders have sealed bids; they are opened when the lot closes."
            ),
        };
    }
    let mut table = Table::new(&[
        ("TIME", Side::Left),
        ("BIDDER", Side::Left),
        ("BID", Side::Right),
        ("PRICE", Side::Right),
        ("LEADER", Side::Left),
    ]);
    for bid in &history.bids {
        let cells = vec![
            moment(bid.at),
            view.who(bid.bidder),
            bid.amount
                .map_or_else(|| "hidden".to_owned(), |amount| amount.to_string()),
            bid.price.to_string(),
            view.who(bid.leader),
        ];
        let tone = if view.is_own(bid.bidder) {
            Tone::Good
        } else {
            Tone::Usual
        };
        table.row(tone, cells);
    }
    let (shown, total) = (history.bids.len(), history.total);
    format!(
        "{title}: {shown} of {total} bids, the newest last\n{}",
        table.print(colour)
    )
}

/// Formats opened sealed bids, with the outcome of each.
fn opened(view: &View<'_>, title: &str, history: &History, colour: Colour) -> String {
    let mut table = Table::new(&[
        ("BIDDER", Side::Left),
        ("ORDER", Side::Right),
        ("BID", Side::Right),
        ("SHARES", Side::Right),
        ("GETS", Side::Right),
        ("PAYS", Side::Right),
    ]);
    for bid in &history.opened {
        let cells = vec![
            view.who(bid.bidder),
            bid.order.to_string(),
            bid.price.to_string(),
            bid.quantity.to_string(),
            bid.filled.to_string(),
            bid.pays
                .map_or_else(|| "-".to_owned(), |pays| pays.to_string()),
        ];
        let tone = if view.is_own(bid.bidder) {
            Tone::Good
        } else {
            Tone::Usual
        };
        table.row(tone, cells);
    }
    let (shown, total) = (history.opened.len(), history.total);
    format!(
        "{title}: {shown} of {total} sealed bids, opened at the close, in the order of their time\n{}",
        table.print(colour)
    )
}
