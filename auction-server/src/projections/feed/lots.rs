//! The lots of one stock, out of the durable market.

use auction_core::{Lot, LotId, Market, Reject};
use auction_proto::limits::LOTS_MAX;
use auction_proto::{List, Lots, LotsOf};

/// Answers a question for the lots of a stock, or for one lot.
///
/// # Errors
/// [`Reject::UnknownSymbol`] or [`Reject::UnknownLot`].
pub(super) fn lots(market: &Market, of: LotsOf) -> Result<Lots, Reject> {
    let (ids, found) = match of {
        LotsOf::Symbol(symbol) => {
            market
                .stock(symbol)
                .ok_or(Reject::UnknownSymbol { symbol })?;
            let ids = market.lots_of(symbol);
            (ids, biddable(market, ids))
        }
        LotsOf::Lot(id) => {
            let lot = market.lot(id).ok_or(Reject::UnknownLot { lot: id })?;
            (market.lots_of(lot.symbol), vec![lot.clone()])
        }
    };
    Ok(Lots {
        feed_sequence: market.feed_sequence(),
        accounts: market.accounts(),
        total: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        lots: List::new(found).expect("there are at most so many"),
    })
}

/// Returns the lots that have not closed and the newest that has, the newest [`LOTS_MAX`] of them.
fn biddable(market: &Market, ids: &[LotId]) -> Vec<Lot> {
    let newest_first = || ids.iter().rev().filter_map(|lot| market.lot(*lot));
    let closed = newest_first().find(|lot| lot.is_closed()).map(|lot| lot.id);
    let wanted = newest_first().filter(|lot| !lot.is_closed() || Some(lot.id) == closed);
    let mut found: Vec<_> = wanted.take(LOTS_MAX).cloned().collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use auction_core::{
        Listing, LotOpened, MarketId, Outcome, PublicEvent, Quantity, Symbol, Terms, Timestamp,
        UnsoldBecause,
    };

    use super::*;

    fn listed(symbol: Symbol) -> PublicEvent {
        PublicEvent::StockListed(Listing {
            symbol,
            security: "1".parse().unwrap(),
            price: "1.00".parse().unwrap(),
            profit: "0".parse().unwrap(),
        })
    }

    fn opened(lot: u32, symbol: Symbol) -> PublicEvent {
        PublicEvent::LotOpened(Box::new(LotOpened {
            lot: LotId(lot),
            symbol,
            quantity: Quantity::ONE,
            base_price: "1.00".parse().unwrap(),
            opens_at: None,
            closes_at: Timestamp::from_secs(1_000),
            terms: Terms::English(Default::default()),
            has_reserve: false,
        }))
    }

    fn closed(lot: u32) -> PublicEvent {
        let (because, highest) = (UnsoldBecause::NoBids, None);
        PublicEvent::LotClosed {
            lot: LotId(lot),
            outcome: Outcome::Unsold { because, highest },
        }
    }

    #[test]
    fn of_many_lots_the_newest_are_in() {
        let [one, two] = ["ONE", "TWO"].map(|symbol| symbol.parse().unwrap());
        let mut market = Market::new(MarketId([1; 16]));
        let most = u32::try_from(LOTS_MAX).unwrap();
        let mut happens = |event| market.apply(Timestamp::from_secs(1), &event).unwrap();
        [listed(one), listed(two)]
            .into_iter()
            .for_each(&mut happens);
        // Lots of the two by turns, one more of each than an answer has.
        (1..=2 * (most + 1)).for_each(|lot| happens(opened(lot, [two, one][lot as usize % 2])));
        let of_one = lots(&market, LotsOf::Symbol(one)).unwrap();
        assert_eq!((of_one.total, of_one.lots.len()), (most + 1, LOTS_MAX));
        let (first, last) = (of_one.lots.first().unwrap(), of_one.lots.last().unwrap());
        assert_eq!((first.id, last.id), (LotId(3), LotId(2 * most + 1)));
        let mut happens = |event| market.apply(Timestamp::from_secs(2), &event).unwrap();
        // A closed one takes its place among the others by its number.
        [closed(1), closed(5)].into_iter().for_each(&mut happens);
        let of_one = lots(&market, LotsOf::Symbol(one)).unwrap();
        assert_eq!((of_one.total, of_one.lots.len()), (most + 1, LOTS_MAX));
        assert!(of_one.lots[1].is_closed());
    }
}
