//! `auction open SYMBOL --format FORMAT`

use auction_client::OpenLot;
use serde_json::json;

use crate::args::auctioneer::OpenArgs;
use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(context: &Context, args: OpenArgs) -> Result<(), Failure> {
    // Report wrong terms before connecting.
    args.check().map_err(Failure::usage)?;
    let terms = args.format.terms(&args.terms).map_err(Failure::usage)?;
    context.resume().await?;
    let (opens_at, closes_at) = args.times(context.client.clock().now());
    let lot = context
        .client
        .open_lot(OpenLot {
            symbol: args.symbol,
            quantity: args.quantity,
            opens_at,
            closes_at,
            terms,
            reserve: args.reserve,
        })
        .await?;
    let market = context.client.snapshot().await?;
    let view = context.view(&market);
    let opened = market
        .lot(lot)
        .ok_or_else(|| Failure::failed(format!("lot #{lot} is opened, and cannot be seen yet")))?;
    context.out.print(
        |_| {
            let (title, terms) = (view.title(lot), view.terms(opened));
            format!("{title}: {}. {terms}.", view.when(opened))
        },
        || {
            let mut fields = view.lot_json(opened);
            fields["accepted"] = json!(true);
            fields
        },
    )
}
