//! `auction would-have-won SYMBOL`

use auction_client::GetLeastWinning;
use auction_core::{Terms, WinningThreshold};
use serde_json::{Value, json};

use crate::args::target::Which;
use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(context: &Context, which: Which) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let lot = which.target.closed_lot(&market, which.lot)?;
    let id = lot.id;
    let least = context.client.ask(GetLeastWinning { lot: id }).await?;
    let won = match &lot.terms {
        Terms::Uniform(_) => "have got a share",
        Terms::Dutch(_) => "have taken it",
        _ => "have won",
    };
    context.out.print(
        |_| {
            let title = format!("{} #{id}", lot.symbol);
            match least {
                WinningThreshold::Bid(price) => {
                    format!("{title}: the least bid of yours that would {won}: {price}.")
                }
                WinningThreshold::AtLeast(price) => format!(
                    "{title}: no bid of yours below {price} would {won}; how much more it would have \
                     taken is the winner's secret."
                ),
                WinningThreshold::Nothing if matches!(lot.terms, Terms::Call(_)) => format!(
                    "{title}: in a call auction nobody wins: all trade at one price. `auction orders {} --lot {id}` \
                     tells what yours got.",
                    lot.symbol
                ),
                WinningThreshold::Nothing => format!("{title}: no bid of yours would {won}."),
            }
        },
        || {
            let (least, at_least) = match least {
                WinningThreshold::Bid(price) => (json!(price.to_string()), Value::Null),
                WinningThreshold::AtLeast(price) => (Value::Null, json!(price.to_string())),
                WinningThreshold::Nothing => (Value::Null, Value::Null),
            };
            json!({
                "lot": id.0,
                "symbol": lot.symbol.as_str(),
                "least_winning": least,
                "at_least": at_least,
            })
        },
    )
}
