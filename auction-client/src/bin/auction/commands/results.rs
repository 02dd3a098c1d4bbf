//! `auction results`

use auction_core::Lot;
use serde_json::{Value, json};

use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let market = context.client.snapshot().await?;
    let view = context.view(&market);
    let is_closed = |lot: &&Lot| lot.is_closed();
    let lots: Vec<_> = market.lots().iter().filter(is_closed).collect();
    context.out.print(
        |colour| match lots.is_empty() {
            true => "No lot has closed yet. `auction lots` shows the open ones.".to_owned(),
            false => view.results(lots.iter().copied(), colour),
        },
        || {
            let lots: Vec<Value> = lots.iter().map(|lot| view.lot_json(lot)).collect();
            json!({ "market": market.id().to_string(), "lots": lots })
        },
    )
}
