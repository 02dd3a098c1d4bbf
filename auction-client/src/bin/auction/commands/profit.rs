//! `auction profit SYMBOL SECURITY PROFIT`

use auction_core::{Profit, SecurityCode, Symbol};
use auction_proto::Done;
use serde_json::json;

use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(
    context: &Context,
    symbol: Symbol,
    security: SecurityCode,
    profit: Profit,
) -> Result<(), Failure> {
    context.resume().await?;
    let accepted = context
        .client
        .publish_profit(symbol, security, profit)
        .await?;
    context.out.print(
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
