//! `auction history SYMBOL`

use auction_client::History;
use auction_core::LotId;
use serde_json::{Value, json};

use crate::choose::Target;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::span::moment;
use crate::table::{Side, Table, Tone};
use crate::view::View;

pub async fn run(
    desk: &Desk,
    target: Target,
    lot: Option<LotId>,
    limit: u32,
) -> Result<(), Failure> {
    let market = desk.client.snapshot().await?;
    let lot = target.any_lot(&market, lot)?;
    let history = desk.client.history(lot.id, limit).await?;
    // Whoever bid since may have registered since: the names are asked for after the bids.
    let market = desk.client.snapshot().await?;
    let view = desk.view(&market);
    desk.out.tell(
        |paint| text(&view, lot.id, &history, paint),
        || {
            let bids: Vec<Value> = history.bids.iter().map(|bid| view.bid_json(bid)).collect();
            json!({
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "total": history.total,
                "bids": bids,
            })
        },
    )
}

fn text(view: &View<'_>, lot: LotId, history: &History, paint: Paint) -> String {
    let title = view.title(lot);
    if history.bids.is_empty() {
        return format!("{title}: no bids.");
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
        table.print(paint)
    )
}
