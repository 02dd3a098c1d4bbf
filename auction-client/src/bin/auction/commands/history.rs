//! `auction history SYMBOL`

use auction_client::History;
use auction_core::{Lot, LotId, Terms};
use serde_json::{Value, json};

use crate::args::target::Target;
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
