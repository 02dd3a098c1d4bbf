//! A house trader, its strategy, and the vocabulary of what it knows and does.

use std::collections::BTreeMap;

use auction_core::{
    AccountMode, Lot, LotId, OrderId, Price, Quantity, Reply, Side, Span, Timestamp, UserId,
};

use super::chance::{Chance, WHOLE};

/// How a trader plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Bids a step or two, thinks when it is outbid, and bids again.
    Patient,
    /// Waits for the last moments.
    Sniper,
    /// Says once how high it would go, and leaves the rest to the market.
    Proxy,
    /// In a call: stands on both sides, and follows the price. Elsewhere patient, and careful.
    MarketMaker,
}

/// A house trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trader {
    /// From what its decisions are drawn.
    pub seed: u64,
    /// Its number among the house traders, from 0.
    pub number: usize,
    /// Who it is in the market.
    pub user: UserId,
    /// How traders pay here.
    pub accounts: AccountMode,
}

/// What a trader knows of a lot beside what everyone sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// When the lot last changed for everyone, as far as it has seen.
    pub changed_at: Timestamp,
    /// How often it was heard on the lot.
    pub moves: u32,
    /// Before this it does nothing: it was refused, and thinks about it.
    pub rests_until: Timestamp,
    /// Its orders.
    pub orders: BTreeMap<OrderId, Order>,
}

impl Memory {
    /// Learns that it was heard.
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

/// An order of the trader's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whether it buys or sells.
    pub side: Side,
    /// How many shares.
    pub quantity: Quantity,
    /// The worst price it accepts; `None`: any.
    pub limit: Option<Price>,
}

/// What a trader means to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Nothing, until something changes.
    Nothing,
    /// Look again at this time, if nothing changes before.
    Wait(Timestamp),
    /// This, now.
    Do(Move),
}

/// What a trader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Bids, or takes a falling price that is no higher.
    Bid(Price),
    /// States a maximum.
    Maximum(Price),
    /// Places an order.
    Place(Order),
    /// Changes an order to this.
    Replace(OrderId, Order),
    /// Takes an order back.
    Cancel(OrderId),
}

impl Trader {
    /// How it plays: of any four in a row there is one of each temper.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        match self.number % 4 {
            0 => Strategy::Patient,
            1 => Strategy::MarketMaker,
            2 => Strategy::Sniper,
            _ => Strategy::Proxy,
        }
    }

    /// How long it thinks about a lot when it was refused there.
    #[must_use]
    pub fn rest(&self, lot: &Lot) -> Span {
        part(life(lot), 40)
    }

    pub(super) fn chance(&self, lot: LotId) -> Chance {
        Chance {
            seed: self.seed,
            // The auctioneer draws as 0.
            who: self.number as u64 + 1,
            lot: u64::from(lot.0),
        }
    }
}

/// How long a lot is open, as it stands.
pub(super) fn life(lot: &Lot) -> Span {
    lot.closes_at.since(lot.opened_at)
}

/// So many thousandths of a span.
pub(super) fn part(span: Span, thousandths: u64) -> Span {
    let micros = span.micros() / WHOLE * thousandths;
    Span::from_micros(micros).unwrap_or(span)
}

/// The moment when so many thousandths of a lot's life have passed.
pub(super) fn at(lot: &Lot, thousandths: u64) -> Timestamp {
    lot.opened_at.saturating_add(part(life(lot), thousandths))
}
