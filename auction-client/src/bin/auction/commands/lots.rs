//! `auction lots`

use auction_core::Lot;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::failure::Failure;

pub async fn run(desk: &Desk, all: bool) -> Result<(), Failure> {
    let market = desk.client.snapshot().await?;
    let view = desk.view(&market);
    let shown = |lot: &&Lot| all || !lot.is_closed();
    let lots: Vec<_> = market.lots().iter().filter(shown).collect();
    desk.out.tell(
        |paint| match lots.is_empty() {
            true => {
                "No lot is open. `auction results` shows what came of the last ones.".to_owned()
            }
            false => view.lots(lots.iter().copied(), paint),
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
