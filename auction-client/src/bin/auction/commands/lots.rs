//! `auction lots`

use std::time::Duration;

use auction_client::Update;
use auction_core::{Lot, LotId, Market, Phase, Terms};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::args::target::Target;
use crate::output::call;
use crate::output::failure::Failure;
use crate::output::names::Indicatives;
use crate::session::Context;

/// Time limit for the server to send the indicative results of calls: it sends them at once, and a call without one by
/// then is shown without.
const INDICATIVES_WITHIN: Duration = Duration::from_secs(2);

pub async fn run(context: &Context, targets: &[Target], all: bool) -> Result<(), Failure> {
    let market = context.client.snapshot().await?;
    let view = context.view(&market);
    let mut lots: Vec<&Lot> = Vec::new();
    if targets.is_empty() {
        lots.extend(market.lots());
    }
    for target in targets {
        for lot in target.lots(&market, None)? {
            if !lots.iter().any(|listed| listed.id == lot.id) {
                lots.push(lot);
            }
        }
    }
    // A lot named by its number is shown even if it is closed.
    let named = |lot: &Lot| targets.contains(&Target::Lot(lot.id));
    lots.retain(|lot| all || !lot.is_closed() || named(lot));
    let indicatives = indicatives(context, &lots).await?;
    context.out.print(
        |colour| match lots.is_empty() {
            true => "No lot is open. `auction results` shows the last results.".to_owned(),
            false => {
                let mut text = view.lots_now(lots.iter().copied(), &indicatives, colour);
                // Show the terms of lots that were named.
                for lot in lots.iter().filter(|_| !targets.is_empty()) {
                    text.push_str(&format!("\n\n{}: {}.", view.title(lot.id), view.terms(lot)));
                    text.push_str(&format!("\n{}.", capital(&view.when(lot))));
                    if let Some(published) = indicatives.get(&lot.id) {
                        let now = capital(&view.indicative(published));
                        text.push_str(&format!("\n{now}."));
                    }
                }
                text
            }
        },
        || {
            let lots = lots.iter().map(|lot| {
                let mut fields = view.lot_json(lot);
                fields["indicative"] = json!(indicatives.get(&lot.id).map(call::indicative_json));
                fields
            });
            json!({
                "market": market.id().to_string(),
                "server_time": view.now.to_string(),
                "lots": lots.collect::<Vec<Value>>(),
            })
        },
    )
}

/// Returns the indicative result of each open call: only watchers receive it.
async fn indicatives(context: &Context, lots: &[&Lot]) -> Result<Indicatives, Failure> {
    let mut told = Indicatives::new();
    let calls = lots.iter().filter(|lot| is_open_call(lot));
    let calls: Vec<LotId> = calls.map(|lot| lot.id).collect();
    if calls.is_empty() {
        return Ok(told);
    }
    let mut watch = context.client.watch().await?;
    let all_told = async {
        let is_due = |market: &Market, told: &Indicatives, lot| {
            !told.contains_key(&lot) && market.lot(lot).is_some_and(is_open_call)
        };
        while calls.iter().any(|lot| is_due(watch.market(), &told, *lot)) {
            if let Update::Indicative(published) = watch.next().await
                && calls.contains(&published.lot)
            {
                told.insert(published.lot, published);
            }
        }
    };
    // Ignore a timeout: the rest is known.
    let _ = timeout(INDICATIVES_WITHIN, all_told).await;
    Ok(told)
}

fn is_open_call(lot: &Lot) -> bool {
    matches!((&lot.phase, &lot.terms), (Phase::Open, Terms::Call(_)))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
