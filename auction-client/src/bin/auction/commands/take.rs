//! `auction take SYMBOL`

use auction_client::Code;
use auction_core::{Lot, Price, Span, Terms, Timestamp};

use super::bid::{self, Offer};
use crate::args::target::Which;
use crate::output::failure::Failure;
use crate::session::Context;

pub async fn run(context: &Context, which: Which, at_most: Option<Price>) -> Result<(), Failure> {
    context.resume().await?;
    let (lot, _) = context.open_lot(which.target, which.lot).await?;
    let (id, symbol) = (lot.id, lot.symbol);
    if !matches!(lot.terms, Terms::Dutch(_)) {
        let message = format!(
            "lot #{id} of {symbol} is no Dutch lot, and has no price to take; `auction lots {symbol}` \
             tells how it is auctioned"
        );
        return Err(Failure::refused(Code::TAKES_BIDS, message));
    }
    let price = at_most.or_else(|| price_now(&lot, context));
    let price = price.ok_or_else(|| {
        let message = format!("lot #{id} of {symbol} has no price now; `auction lots` shows why");
        Failure::refused(Code::LOT_NOT_BEGUN, message)
    })?;
    bid::place_on(context, &lot, Offer::Plain(price)).await
}

/// Returns the current price, by a clock that may be a little ahead of the server's: then the price before.
fn price_now(lot: &Lot, context: &Context) -> Option<Price> {
    let clock = context.client.clock();
    let error = u64::try_from(clock.error().as_micros()).ok();
    let error = error.and_then(Span::from_micros).unwrap_or_default();
    let micros = clock.now().micros().saturating_sub(error.micros());
    let now = Timestamp::from_micros(micros)?.max(lot.opened_at);
    lot.least_bid_at(now)
}
