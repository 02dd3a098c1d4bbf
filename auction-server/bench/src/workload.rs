//! Which bids are made: the same for everyone that is measured.

use std::fmt;

/// Whoever bids: traders are numbered from 0.
pub type Trader = u32;

/// A bid to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    pub lot: u32,
    pub cents: u64,
}

/// What was bid on each lot so far, and where each connection stands.
///
/// Connections walk over all lots in the same order, far apart from each other, each bidding a cent more than the one
/// before, so that nobody outbids themself and few come too late.
#[derive(Debug)]
pub struct Workload {
    lots: Vec<u32>,
    /// The last price on each.
    cents: Vec<u64>,
    leader: Vec<Option<Trader>>,
    next: Vec<usize>,
}

/// Every lot's last bid is this trader's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLotLeft(Trader);

impl fmt::Display for NoLotLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "trader {} has bid on every lot and would outbid themself: take more lots, more connections or less time",
            self.0
        )
    }
}

impl Workload {
    /// A book of lots 1 to `lots`, on which nobody has bid.
    pub fn new(lots: u32) -> Self {
        Self::on((1..=lots).map(|lot| (lot, 0)))
    }

    /// A book of lots at a price each, in cents.
    pub fn on(lots: impl Iterator<Item = (u32, u64)>) -> Self {
        let (lots, cents): (Vec<u32>, Vec<u64>) = lots.unzip();
        Self {
            leader: vec![None; lots.len()],
            lots,
            cents,
            next: Vec::new(),
        }
    }

    /// Whether there is no lot to bid on.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// So many connections begin to walk.
    pub fn begin(&mut self, connections: u32) {
        let apart = self.cents.len() / connections as usize;
        self.next = (0..connections as usize).map(|n| n * apart).collect();
    }

    /// What the trader of this connection bids next.
    pub fn bid(&mut self, connection: usize, trader: Trader) -> Result<Bid, NoLotLeft> {
        for _ in 0..self.cents.len() {
            let place = self.next[connection];
            self.next[connection] = (place + 1) % self.cents.len();
            if self.leader[place] != Some(trader) {
                self.leader[place] = Some(trader);
                self.cents[place] += 1;
                return Ok(Bid {
                    lot: self.lots[place],
                    cents: self.cents[place],
                });
            }
        }
        Err(NoLotLeft(trader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bid_is_higher_than_the_one_before_on_its_lot_and_of_another_trader() {
        let mut workload = Workload::new(100);
        workload.begin(7);
        let mut last = vec![(0, None); 101];
        for step in 0..1_000 {
            let trader = step % 7;
            let bid = workload.bid(trader as usize, trader).unwrap();
            let (cents, leader) = last[bid.lot as usize];
            assert!(bid.cents > cents);
            assert_ne!(leader, Some(trader));
            last[bid.lot as usize] = (bid.cents, Some(trader));
        }
    }

    #[test]
    fn a_trader_alone_is_told_when_no_lot_is_left() {
        let mut workload = Workload::new(3);
        workload.begin(1);
        for _ in 0..3 {
            workload.bid(0, 5).unwrap();
        }
        assert_eq!(workload.bid(0, 5), Err(NoLotLeft(5)));
        assert!(workload.bid(0, 6).is_ok());
    }
}
