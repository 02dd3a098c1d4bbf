//! `auction lots`

use auction_core::Lot;
use serde_json::{Value, json};

use crate::choose::Target;
use crate::desk::Desk;
use crate::failure::Failure;

pub async fn run(desk: &Desk, targets: &[Target], all: bool) -> Result<(), Failure> {
    let market = desk.client.snapshot().await?;
    let view = desk.view(&market);
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
    // A lot that was named by its number is meant whatever became of it.
    let named = |lot: &Lot| targets.contains(&Target::Lot(lot.id));
    lots.retain(|lot| all || !lot.is_closed() || named(lot));
    desk.out.tell(
        |paint| match lots.is_empty() {
            true => {
                "No lot is open. `auction results` shows what came of the last ones.".to_owned()
            }
            false => {
                let mut text = view.lots(lots.iter().copied(), paint);
                // Who asks for some wants to know how they are auctioned.
                for lot in lots.iter().filter(|_| !targets.is_empty()) {
                    text.push_str(&format!("\n\n{}: {}.", view.title(lot.id), view.terms(lot)));
                    text.push_str(&format!("\n{}.", capital(&view.when(lot))));
                }
                text
            }
        },
        || {
            let lots: Vec<Value> = lots.iter().map(|lot| view.lot_json(lot)).collect();
            json!({
                "market": market.id().to_string(),
                "server_time": view.now.to_string(),
                "lots": lots,
            })
        },
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
