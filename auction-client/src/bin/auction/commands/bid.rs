//! `auction bid SYMBOL PRICE`

use auction_client::{Bid, BidMaximum, BidPlaced};
use auction_core::{Lot, LotId, Price, RequestId, Side, Terms};
use auction_proto::Done;
use serde_json::{Value, json};

use super::order::{self, Order};
use crate::args::target::Target;
use crate::args::trade::PriceCheck;
use crate::output::colour::Colour;
use crate::output::failure::Failure;
use crate::output::json;
use crate::output::out::Out;
use crate::output::time::moment;
use crate::session::Context;

/// Kind and amount of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// An open bid at this price.
    Plain(Price),
    /// A hidden maximum: the trader pays up to this price.
    Maximum(Price),
}

impl Offer {
    pub fn new(price: Price, max: bool) -> Self {
        if max {
            Self::Maximum(price)
        } else {
            Self::Plain(price)
        }
    }

    pub fn amount(self) -> Price {
        match self {
            Self::Plain(price) | Self::Maximum(price) => price,
        }
    }
}

pub async fn run(
    context: &Context,
    (target, lot): (Target, Option<LotId>),
    offer: Offer,
    check: PriceCheck,
) -> Result<(), Failure> {
    context.resume().await?;
    let (chosen, _) = context.open_lot(target, lot).await?;
    let price = (Side::Buy, chosen.quantity, offer.amount());
    check.check(context.out.format, &chosen, price).await?;
    match (&chosen.terms, offer) {
        // A sealed lot accepts only a bid for all of its shares.
        (Terms::Sealed(_), Offer::Plain(price)) => {
            let order = Order {
                side: Side::Buy,
                quantity: chosen.quantity,
                limit: Some(price),
            };
            order::place_on(context, &chosen, order).await
        }
        _ => place_on(context, &chosen, offer).await,
    }
}

/// Bids on a lot, and reports the outcome.
pub async fn place_on(context: &Context, lot: &Lot, offer: Offer) -> Result<(), Failure> {
    let id = lot.id;
    let (placed, request) = match offer {
        Offer::Plain(price) => context.request(Bid { lot: id, price }).await?,
        Offer::Maximum(maximum) => context.request(BidMaximum { lot: id, maximum }).await?,
    };
    report(context.out, lot, offer, &placed, request)
}

/// Reports the outcome of a bid.
pub fn report(
    out: Out,
    lot: &Lot,
    offer: Offer,
    placed: &BidPlaced,
    request: RequestId,
) -> Result<(), Failure> {
    let title = format!("{} #{}", lot.symbol, lot.id);
    out.print(
        |colour| text(&title, offer, placed, colour),
        || as_json(lot.symbol.as_str(), offer, placed, request),
    )
}

/// Returns the outcome of a bid, in one line.
pub fn text(title: &str, offer: Offer, placed: &BidPlaced, colour: Colour) -> String {
    let amount = offer.amount();
    let what = match offer {
        Offer::Plain(_) => format!("your bid of {amount} is accepted"),
        Offer::Maximum(_) => format!("your hidden maximum of {amount} is accepted"),
    };
    let price = placed
        .bid
        .price
        .map_or(String::new(), |price| format!(" at {price}"));
    let lead = match (placed.bid.bought, placed.bid.leads) {
        (true, _) => colour.good(&format!("you bought it{price}")),
        (false, true) => colour.good(&format!("you lead{price}")),
        (false, false) => colour.alarm(&format!(
            "you do not lead: a hidden maximum is above it{price}"
        )),
    };
    let extended = placed.bid.extended_to;
    let extended = extended.map_or(String::new(), |closes_at| {
        format!("; the close moved to {}", moment(closes_at))
    });
    let again = match placed.done {
        Done::Now => "",
        Done::Before => " It was done by your earlier request, and not again.",
    };
    format!("{title}: {what}; {lead}{extended}.{again}")
}

fn as_json(symbol: &str, offer: Offer, placed: &BidPlaced, request: RequestId) -> Value {
    json!({
        "accepted": true,
        "lot": placed.bid.lot.0,
        "symbol": symbol,
        "amount": offer.amount().to_string(),
        "maximum": matches!(offer, Offer::Maximum(_)),
        "leads": placed.bid.leads,
        "price": json::price(placed.bid.price),
        "extended_to": placed.bid.extended_to.map(|closes_at| closes_at.to_string()),
        "bought": placed.bid.bought,
        "repeated": placed.done == Done::Before,
        "feed_sequence": placed.feed_sequence.0,
        "request": request.0.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use auction_core::{BidReply, FeedSequence, Timestamp};

    use super::*;

    #[test]
    fn the_outcome_of_a_bid_is_reported_in_these_words() {
        let amount: Price = "1.40".parse().unwrap();
        let told_when = |done, leads, offer, bought, extended_to| {
            let (lot, price) = (LotId(1), Some(amount));
            let bid = BidReply {
                lot,
                leads,
                price,
                extended_to,
                bought,
            };
            let placed = BidPlaced {
                bid,
                feed_sequence: FeedSequence(4),
                done,
            };
            text("AAPL #1", offer, &placed, Colour::Plain)
        };
        let told = |leads, offer, bought, extended_to| {
            told_when(Done::Now, leads, offer, bought, extended_to)
        };
        let (plain, maximum) = (Offer::Plain(amount), Offer::Maximum(amount));
        let extended = Some(Timestamp::from_secs(1_793_365_200));
        assert_eq!(
            told(true, plain, false, None),
            "AAPL #1: your bid of 1.40 is accepted; you lead at 1.40."
        );
        assert_eq!(
            told(true, maximum, false, extended),
            "AAPL #1: your hidden maximum of 1.40 is accepted; you lead at 1.40; the close moved to \
             2026-10-30 13:00:00Z."
        );
        assert_eq!(
            told(false, plain, false, None),
            "AAPL #1: your bid of 1.40 is accepted; you do not lead: a hidden maximum is above \
             it at 1.40."
        );
        assert_eq!(
            told(true, plain, true, None),
            "AAPL #1: your bid of 1.40 is accepted; you bought it at 1.40."
        );
        assert_eq!(
            told_when(Done::Before, true, plain, false, None),
            "AAPL #1: your bid of 1.40 is accepted; you lead at 1.40. It was done by your earlier request, and not again."
        );
    }
}
