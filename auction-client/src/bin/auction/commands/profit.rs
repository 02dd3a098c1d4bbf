//! `auction profit SYMBOL SECURITY PROFIT`

use auction_core::{Profit, SecurityCode, Symbol};
use auction_proto::Done;
use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Desk;

pub async fn run(
    desk: &Desk,
    symbol: Symbol,
    security: SecurityCode,
    profit: Profit,
) -> Result<(), Failure> {
    desk.resume().await?;
    let accepted = desk.client.publish_profit(symbol, security, profit).await?;
    desk.out.tell(
        |_| format!("{symbol}: a profit of {profit} is published."),
        || {
            json!({
                "accepted": true,
                "symbol": symbol.as_str(),
                "profit": profit.to_string(),
                "repeated": accepted.done == Done::Before,
                "feed_sequence": accepted.feed_sequence.0,
            })
        },
    )
}
