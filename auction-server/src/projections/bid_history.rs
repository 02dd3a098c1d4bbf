//! The newest bids of each lot, kept in memory for those who ask.

use std::collections::{HashMap, VecDeque};

use auction_core::{LotId, OpenedBid};
use auction_proto::limits::HISTORY_BIDS_MAX;
use auction_proto::{History, HistoryBid, List};

use crate::projections::bids::{NamedBid, Shown};

/// Most bids kept of all lots together, about 100 MiB; beyond it the oldest of all goes. They all stay in the
/// journal, and `export bids` tells them.
pub const BIDS_KEPT_MAX: usize = 1 << 20;

/// The newest bids of each lot: at most [`HISTORY_BIDS_MAX`] a lot, and `kept_max` of all.
#[derive(Debug)]
pub struct BidHistory {
    lots: HashMap<LotId, LotBids>,
    /// The bids in the order they came, those that went since included: a lot, and the bid's number in it.
    order: VecDeque<(LotId, u32)>,
    kept_max: usize,
}

#[derive(Debug, Default)]
struct LotBids {
    /// How many there were.
    total: u32,
    /// The newest, the newest last.
    newest: VecDeque<Kept>,
}

#[derive(Clone, Debug)]
enum Kept {
    Open(HistoryBid),
    Opened(OpenedBid),
}

impl BidHistory {
    /// No bid yet; never more than `kept_max`, at least one.
    #[must_use]
    pub fn new(kept_max: usize) -> Self {
        assert!(kept_max > 0, "a history keeps something");
        Self {
            lots: HashMap::new(),
            order: VecDeque::new(),
            kept_max,
        }
    }

    /// Takes the next bid.
    pub fn push(&mut self, bid: &NamedBid) {
        let NamedBid {
            feed_sequence,
            at,
            lot: id,
            shown,
            ..
        } = *bid;
        let lot = self.lots.entry(id).or_default();
        lot.total = lot.total.saturating_add(1);
        if lot.newest.len() == HISTORY_BIDS_MAX {
            lot.newest.pop_front();
        }
        lot.newest.push_back(match shown {
            Shown::Open(bid) => Kept::Open(HistoryBid {
                feed_sequence,
                at,
                bidder: bid.bidder,
                amount: bid.amount,
                price: bid.price,
                leader: bid.leader,
            }),
            Shown::Opened(bid) => Kept::Opened(bid),
        });
        self.order.push_back((id, lot.total));
        if self.order.len() > self.kept_max {
            self.drop_oldest();
        }
    }

    /// The newest bids of a lot, at most `limit`; nothing but the number 0 of a lot without bids.
    #[must_use]
    pub fn of(&self, lot: LotId, limit: usize) -> History {
        let (mut bids, mut opened) = (Vec::new(), Vec::new());
        let mut total = 0;
        if let Some(found) = self.lots.get(&lot) {
            total = found.total;
            let passed_over = found.newest.len().saturating_sub(limit);
            for kept in found.newest.iter().skip(passed_over) {
                match kept {
                    Kept::Open(bid) => bids.push(bid.clone()),
                    Kept::Opened(bid) => opened.push(*bid),
                }
            }
        }
        const FITS: &str = "no more are kept than an answer can hold";
        History {
            lot,
            total,
            bids: List::new(bids).expect(FITS),
            opened: List::new(opened).expect(FITS),
        }
    }

    fn drop_oldest(&mut self) {
        let Some((lot, number)) = self.order.pop_front() else {
            return;
        };
        let lot = self.lots.get_mut(&lot).expect("a lot with bids is there");
        let oldest_number = lot.total - lot.newest.len() as u32 + 1;
        // It may be gone, for its lot had too many.
        if oldest_number == number {
            lot.newest.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use auction_core::{
        BidAccepted, FeedSequence, Name, Price, ReserveStatus, Sequence, Symbol, Timestamp, UserId,
    };

    use super::*;

    fn bid(lot: u32, number: u64) -> NamedBid {
        let price = Price::from_units(number).unwrap();
        NamedBid {
            sequence: Sequence(number),
            feed_sequence: FeedSequence(number),
            at: Timestamp::default(),
            user: Name::parse("mia").unwrap(),
            symbol: Symbol::parse("AAPL").unwrap(),
            lot: LotId(lot),
            shown: Shown::Open(BidAccepted {
                lot: LotId(lot),
                bidder: UserId(1),
                amount: Some(price),
                leader: UserId(1),
                price,
                least: None,
                bidders: 1,
                reserve: ReserveStatus::None,
            }),
        }
    }

    /// The total, and the feed's numbers of the bids that are kept.
    fn kept(history: &BidHistory, lot: u32) -> (u32, Vec<u64>) {
        let History { total, bids, .. } = history.of(LotId(lot), HISTORY_BIDS_MAX);
        (total, bids.iter().map(|bid| bid.feed_sequence.0).collect())
    }

    #[test]
    fn a_lot_keeps_its_newest_bids_and_counts_all() {
        let mut history = BidHistory::new(BIDS_KEPT_MAX);
        let most = HISTORY_BIDS_MAX as u64;
        (1..=most + 5).for_each(|number| history.push(&bid(1, number)));
        let (total, numbers) = kept(&history, 1);
        assert_eq!(total as u64, most + 5);
        assert!(numbers.into_iter().eq(6..=most + 5));
    }

    #[test]
    fn beyond_the_limit_of_all_lots_the_oldest_of_all_goes() {
        let mut history = BidHistory::new(4);
        for (lot, number) in [(1, 1), (2, 2), (1, 3), (2, 4), (2, 5), (2, 6)] {
            history.push(&bid(lot, number));
        }
        assert_eq!(kept(&history, 1), (2, vec![3]));
        assert_eq!(kept(&history, 2), (4, vec![4, 5, 6]));
        (7..=10).for_each(|number| history.push(&bid(3, number)));
        assert_eq!(kept(&history, 1), (2, vec![]));
        assert_eq!(kept(&history, 2), (4, vec![]));
        assert_eq!(kept(&history, 3), (4, vec![7, 8, 9, 10]));
    }
}
