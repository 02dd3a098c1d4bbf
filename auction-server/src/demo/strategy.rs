//! A house trader, its strategy, and the types for its knowledge and moves.

use std::collections::BTreeMap;

use auction_core::{
    AccountMode, Lot, LotId, OrderId, Price, Quantity, Reply, Side, Span, Timestamp, UserId,
};

use super::chance::{Chance, WHOLE};

/// Strategy of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Bids some steps, waits when it is outbid, and bids again.
    Patient,
    /// Bids in the last moments.
    Sniper,
    /// States its maximum once, and lets the market bid for it.
    Proxy,
    /// In a call auction: quotes on both sides, and follows the price. In other formats like `Patient`, but it may
    /// cancel a bid.
    MarketMaker,
}

/// A house trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trader {
    /// Seed of its decisions.
    pub seed: u64,
    /// Its number among the house traders, from 0.
    pub number: usize,
    /// Its user number in the market.
    pub user: UserId,
    /// Payment mode of the market: credit or funds.
    pub accounts: AccountMode,
}

/// A trader's private knowledge of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Time of the lot's last public change that it has seen.
    pub changed_at: Timestamp,
    /// Number of its accepted moves on the lot.
    pub moves: u32,
    /// It does nothing before this time: the last move was refused.
    pub rests_until: Timestamp,
    /// Its open orders.
    pub orders: BTreeMap<OrderId, Order>,
}

impl Memory {
    /// Records an accepted move.
    pub fn learn(&mut self, then: Move, reply: Reply) {
        self.moves += 1;
        match (then, reply) {
            (Move::Place(order), Reply::OrderPlaced(id)) => _ = self.orders.insert(id, order),
            (Move::Replace(id, order), _) => _ = self.orders.insert(id, order),
            (Move::Cancel(id), _) => _ = self.orders.remove(&id),
            _ => {}
        }
    }
}

/// An order of the trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Side: buy or sell.
    pub side: Side,
    /// Number of shares.
    pub quantity: Quantity,
    /// Worst acceptable price; `None`: any.
    pub limit: Option<Price>,
}

/// Intention of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Do nothing until something changes.
    Nothing,
    /// Check again at this time, or after an earlier change.
    Wait(Timestamp),
    /// Make this move now.
    Do(Move),
}

/// A move of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Bids, or takes a falling price that is at most this.
    Bid(Price),
    /// States a maximum.
    Maximum(Price),
    /// Places an order.
    Place(Order),
    /// Changes an order to the given one.
    Replace(OrderId, Order),
    /// Cancels an order.
    Cancel(OrderId),
}

impl Trader {
    /// Returns its strategy: any four consecutive numbers have one of each.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        match self.number % 4 {
            0 => Strategy::Patient,
            1 => Strategy::MarketMaker,
            2 => Strategy::Sniper,
            _ => Strategy::Proxy,
        }
    }

    /// Returns its pause on a lot after a refusal there.
    #[must_use]
    pub fn rest(&self, lot: &Lot) -> Span {
        part(life(lot), 40)
    }

    pub(super) fn chance(&self, lot: LotId) -> Chance {
        Chance {
            seed: self.seed,
            // 0 is the auctioneer's number.
            who: self.number as u64 + 1,
            lot: u64::from(lot.0),
        }
    }
}

/// Returns the current duration of a lot, from its opening to its planned close.
pub(super) fn life(lot: &Lot) -> Span {
    lot.closes_at.since(lot.opened_at)
}

/// Returns this many thousandths of a span.
pub(super) fn part(span: Span, thousandths: u64) -> Span {
    let micros = span.micros() / WHOLE * thousandths;
    Span::from_micros(micros).unwrap_or(span)
}

/// Returns the time at which this many thousandths of a lot's duration have passed.
pub(super) fn at(lot: &Lot, thousandths: u64) -> Timestamp {
    lot.opened_at.saturating_add(part(life(lot), thousandths))
}
