//! Commands of auctioneers on a lot: `auction extend`, `close`, `cancel-lot`, `halt`, `resume`.

use auction_client::{Accepted, CancelLot, CloseLot, ExtendLot, HaltLot, RequestError, ResumeLot};
use auction_core::{Lot, LotId};
use auction_proto::Done;
use serde_json::json;

use crate::args::auctioneer::Until;
use crate::args::target::Which;
use crate::output::failure::Failure;
use crate::session::Context;

/// Action on a lot.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Extend(Until),
    Close,
    Cancel,
    Halt,
    Resume,
}

pub async fn run(context: &Context, which: Which, act: Act) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let lot = which.target.unclosed_lot(&market, which.lot)?;
    let id = lot.id;
    let accepted = ask(context, lot, act).await?;
    let market = context.client.snapshot().await?;
    let view = context.view(&market);
    let lot = market
        .lot(id)
        .ok_or_else(|| Failure::failed(format!("lot #{id} cannot be seen any more")))?;
    context.out.print(
        |_| format!("{}: {}.", view.title(id), view.when(lot)),
        || {
            let mut fields = view.lot_json(lot);
            fields["accepted"] = json!(true);
            fields["repeated"] = json!(accepted.done == Done::Before);
            fields["feed_sequence"] = json!(accepted.feed_sequence.0);
            fields
        },
    )
}

async fn ask(context: &Context, lot: &Lot, act: Act) -> Result<Accepted, RequestError> {
    let (client, id): (_, LotId) = (&context.client, lot.id);
    match act {
        Act::Extend(until) => {
            let closes_at = until.moment(lot.closes_at, client.clock().now());
            client.ask(ExtendLot { lot: id, closes_at }).await
        }
        Act::Close => client.ask(CloseLot { lot: id }).await,
        Act::Cancel => client.ask(CancelLot { lot: id }).await,
        Act::Halt => client.ask(HaltLot { lot: id }).await,
        Act::Resume => client.ask(ResumeLot { lot: id }).await,
    }
}
