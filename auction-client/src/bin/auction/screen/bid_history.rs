//! Bids of the lots so far: for the bid list, the chart and the sparkline.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use auction_client::HistoryBid;
use auction_core::{
    BidAccepted, FeedSequence, LotId, OpenedBid, OrderId, Price, Timestamp, UserId,
};

/// Maximum number of bids kept per lot; older ones are dropped.
pub const BIDS_KEPT: usize = 512;
/// Maximum number of lots with kept bids; beyond it all are dropped, and requested again for the lots on the screen.
pub const LOTS_KEPT: usize = 2_048;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Bids of many lots.
#[derive(Debug, Default)]
pub struct BidHistories {
    lots: BTreeMap<LotId, BidHistory>,
}

/// Bids of one lot, as far as known.
#[derive(Debug, Default)]
pub struct BidHistory {
    bids: BTreeMap<FeedSequence, HistoryBid>,
    /// Bids that were sealed until the close, by bidder and number.
    opened: BTreeMap<(UserId, OrderId), OpenedBid>,
    /// True once the bids from before the start of the screen were requested.
    asked: bool,
}

impl BidHistories {
    pub fn of(&self, lot: LotId) -> Option<&BidHistory> {
        self.lots.get(&lot)
    }

    /// Returns true if a lot's bids must be requested, and marks them as requested.
    pub fn ask(&mut self, lot: LotId) -> bool {
        !std::mem::replace(&mut self.entry(lot).asked, true)
    }

    /// Marks a lot's bids as not requested, after a failure.
    pub fn unask(&mut self, lot: LotId) {
        self.entry(lot).asked = false;
    }

    /// Adds a new bid.
    pub fn bid(&mut self, place: FeedSequence, at: Timestamp, bid: &BidAccepted) {
        let history = self.entry(bid.lot);
        history.bids.insert(
            place,
            HistoryBid {
                feed_sequence: place,
                at,
                bidder: bid.bidder,
                amount: bid.amount,
                price: bid.price,
                leader: bid.leader,
            },
        );
        history.trim();
    }

    /// Adds past bids.
    pub fn history(&mut self, lot: LotId, bids: impl IntoIterator<Item = HistoryBid>) {
        let history = self.entry(lot);
        history
            .bids
            .extend(bids.into_iter().map(|bid| (bid.feed_sequence, bid)));
        history.trim();
    }

    /// Adds bids that were sealed until the close, as many as are kept.
    pub fn opened(&mut self, lot: LotId, bids: impl IntoIterator<Item = OpenedBid>) {
        let opened = &mut self.entry(lot).opened;
        for bid in bids {
            if opened.len() < BIDS_KEPT {
                opened.insert((bid.bidder, bid.order), bid);
            }
        }
    }

    /// Drops all bids: they are of another market, or some may have been missed.
    pub fn clear(&mut self) {
        self.lots.clear();
    }

    fn entry(&mut self, lot: LotId) -> &mut BidHistory {
        if self.lots.len() >= LOTS_KEPT && !self.lots.contains_key(&lot) {
            self.lots.clear();
        }
        self.lots.entry(lot).or_default()
    }
}

impl BidHistory {
    /// Returns the known bids, the oldest first.
    pub fn bids(&self) -> impl DoubleEndedIterator<Item = &HistoryBid> + ExactSizeIterator {
        self.bids.values()
    }

    /// Returns the bids that were sealed until the close, the highest first.
    pub fn opened(&self) -> Vec<&OpenedBid> {
        let mut opened: Vec<_> = self.opened.values().collect();
        opened.sort_by_key(|bid| Reverse(bid.price));
        opened
    }

    /// Returns the latest prices as a row of bars, the newest on the right; `from` is the price before the first.
    pub fn sparkline(&self, from: Price, width: usize) -> String {
        let mut prices: Vec<u64> = self
            .bids
            .values()
            .rev()
            .map(|bid| bid.price.units())
            .take(width)
            .collect();
        if prices.len() < width && !prices.is_empty() {
            prices.push(from.units());
        }
        prices.reverse();
        bars(&prices)
    }

    fn trim(&mut self) {
        while self.bids.len() > BIDS_KEPT {
            self.bids.pop_first();
        }
    }
}

fn bars(values: &[u64]) -> String {
    let (Some(least), Some(most)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    let range = (most - least).max(1);
    let top = BARS.len() as u64 - 1;
    values
        .iter()
        // No overflow: both factors are far below the greatest u64.
        .map(|value| BARS[((value - least) * top / range) as usize])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{after, price};

    fn bid(place: u64, at: &str) -> HistoryBid {
        HistoryBid {
            feed_sequence: FeedSequence(place),
            at: after(place),
            bidder: UserId(1),
            amount: Some(price(at)),
            price: price(at),
            leader: UserId(1),
        }
    }

    #[test]
    fn duplicate_bids_are_kept_once_and_in_order() {
        let mut bid_histories = BidHistories::default();
        let lot = LotId(1);
        assert!(bid_histories.ask(lot));
        assert!(!bid_histories.ask(lot));
        bid_histories.history(lot, [bid(7, "1.42")]);
        bid_histories.history(lot, [bid(5, "1.40"), bid(6, "1.41"), bid(7, "1.42")]);
        let prices: Vec<_> = bid_histories
            .of(lot)
            .unwrap()
            .bids()
            .map(|bid| bid.price)
            .collect();
        assert_eq!(prices, [price("1.40"), price("1.41"), price("1.42")]);
        assert_eq!(
            bid_histories.of(lot).unwrap().sparkline(price("1.39"), 8),
            "▁▃▅█"
        );
        assert_eq!(
            bid_histories.of(lot).unwrap().sparkline(price("1.39"), 2),
            "▁█"
        );
    }

    #[test]
    fn kept_bids_are_bounded() {
        let mut bid_histories = BidHistories::default();
        bid_histories.history(LotId(1), (0..2_000).map(|place| bid(place, "1.40")));
        let kept: Vec<_> = bid_histories.of(LotId(1)).unwrap().bids().collect();
        assert_eq!(kept.len(), BIDS_KEPT);
        assert_eq!(kept.last().unwrap().feed_sequence, FeedSequence(1_999));
        for lot in 0..3_000 {
            bid_histories.ask(LotId(lot));
        }
        assert!(bid_histories.lots.len() <= LOTS_KEPT);
    }
}
