//! The trades of trading days, kept in memory for requests.

use std::collections::HashMap;

use auction_core::{LotId, Outcome, PublicEvent, Timestamp};
use auction_proto::limits::TRADES_LISTED_MAX;
use auction_proto::{DayTrade, Follows, GetTrades, List, PublicRecord, Trades};

/// Maximum number of trades kept of all lots together, about 100 MiB; beyond it the oldest half of the lot with most of
/// them is dropped. All of them stay in the journal.
pub const TRADES_KEPT_MAX: usize = 1 << 21;

/// The trades of each day, by number.
#[derive(Debug, Default)]
pub struct TradeHistory {
    lots: HashMap<LotId, Vec<DayTrade>>,
    kept: usize,
}

/// Returns the trade that a public event tells of, and its lot.
#[must_use]
pub fn trade_of(at: Timestamp, event: &PublicEvent) -> Option<(LotId, DayTrade)> {
    match *event {
        PublicEvent::Traded {
            lot,
            number,
            price,
            quantity,
            resting,
            aggressor,
        } => {
            let trade = DayTrade {
                number,
                at,
                price,
                quantity: quantity.get(),
                aggressor: Some(aggressor),
                resting: Some(resting),
            };
            Some((lot, trade))
        }
        PublicEvent::CallUncrossed {
            lot,
            outcome: Outcome::Crossed { price, volume, .. },
            trade: Some(number),
        } => {
            let trade = DayTrade {
                number,
                at,
                price,
                quantity: volume,
                aggressor: None,
                resting: None,
            };
            Some((lot, trade))
        }
        _ => None,
    }
}

impl TradeHistory {
    /// Takes the trades of the next record.
    pub fn take(&mut self, record: &PublicRecord) {
        for event in record.events.iter().flatten() {
            if let Some((lot, trade)) = trade_of(record.at, event) {
                self.push(lot, trade);
            }
        }
    }

    fn push(&mut self, lot: LotId, trade: DayTrade) {
        self.lots.entry(lot).or_default().push(trade);
        self.kept += 1;
        if self.kept > TRADES_KEPT_MAX {
            let most = self.lots.values_mut().max_by_key(|trades| trades.len());
            let most = most.expect("there is the one just added to");
            let dropped = most.len().div_ceil(2);
            most.drain(..dropped);
            self.kept -= dropped;
        }
    }

    /// Returns a page of the trades of a lot, the oldest first.
    #[must_use]
    pub fn page(&self, asked: &GetTrades) -> Trades {
        let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
        let limit = limit.clamp(1, TRADES_LISTED_MAX);
        let all = self.lots.get(&asked.lot).map_or(&[][..], Vec::as_slice);
        // Numbers and times rise.
        let since = asked.since.unwrap_or_default();
        let first = all.partition_point(|trade| trade.number <= asked.after || trade.at < since);
        let is_before = |trade: &DayTrade| asked.until.is_none_or(|until| trade.at < until);
        let end = all.partition_point(is_before).max(first);
        let wanted = &all[first..end];
        let follows = match wanted.len() > limit {
            true => Follows::More,
            false => Follows::Nothing,
        };
        let trades = wanted[..limit.min(wanted.len())].to_vec();
        Trades {
            lot: asked.lot,
            follows,
            trades: List::new(trades).expect("no more than the limit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use auction_core::{Price, Quantity, Side};

    use super::*;

    fn traded(lot: u32, number: u64) -> (LotId, DayTrade) {
        let event = PublicEvent::Traded {
            lot: LotId(lot),
            number,
            price: Price::from_units(number).unwrap(),
            quantity: Quantity::ONE,
            resting: 1,
            aggressor: Side::Buy,
        };
        trade_of(Timestamp::from_secs(number), &event).unwrap()
    }

    fn page(history: &TradeHistory, after: u64, limit: u32) -> (Vec<u64>, Follows) {
        between(history, after, None, None, limit)
    }

    fn between(
        history: &TradeHistory,
        after: u64,
        since: Option<u64>,
        until: Option<u64>,
        limit: u32,
    ) -> (Vec<u64>, Follows) {
        let page = history.page(&GetTrades {
            lot: LotId(1),
            after,
            since: since.map(Timestamp::from_secs),
            until: until.map(Timestamp::from_secs),
            limit,
        });
        let numbers = page.trades.iter().map(|trade| trade.number).collect();
        (numbers, page.follows)
    }

    #[test]
    fn pages_follow_each_other_and_end_with_the_last_trade() {
        let mut history = TradeHistory::default();
        for number in 1..=5 {
            let (lot, trade) = traded(1, number);
            history.push(lot, trade);
        }
        let (lot, other) = traded(2, 1);
        history.push(lot, other);
        assert_eq!(page(&history, 0, 2), (vec![1, 2], Follows::More));
        assert_eq!(page(&history, 2, 2), (vec![3, 4], Follows::More));
        assert_eq!(page(&history, 4, 2), (vec![5], Follows::Nothing));
        assert_eq!(page(&history, 5, 2), (vec![], Follows::Nothing));
        assert_eq!(page(&history, 0, 0), (vec![1], Follows::More));
        assert_eq!(
            page(&history, 0, 5),
            (vec![1, 2, 3, 4, 5], Follows::Nothing)
        );
    }

    #[test]
    fn a_range_of_time_has_its_beginning_and_not_its_end() {
        let mut history = TradeHistory::default();
        for number in 1..=5 {
            let (lot, trade) = traded(1, number);
            history.push(lot, trade);
        }
        let range = |since, until| between(&history, 0, since, until, 100).0;
        assert_eq!(range(Some(2), Some(4)), [2, 3]);
        assert_eq!(range(Some(5), None), [5]);
        assert_eq!(range(None, Some(1)), [0_u64; 0]);
        assert_eq!(range(Some(4), Some(2)), [0_u64; 0]);
    }
}
