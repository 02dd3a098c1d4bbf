//! Decisions of a house trader about lots with sealed bids: sold whole or in parts.

use auction_core::{Lot, Price, Quantity, Side, Timestamp};

use super::chance::{For, WHOLE};
use super::program::part_of;
use super::strategy::{Intent, Memory, Move, Order, Strategy, Trader, at};

/// Share of the lots in which a trader takes part, in thousandths.
const PARTS_TAKEN: u64 = 850;
/// Share of its bids that a careful trader cancels, in thousandths.
const BIDS_REGRETTED: u64 = 300;
/// Number of bids of one trader on a lot that is sold in parts.
const BIDS: usize = 2;

/// Decides about a whole lot: one bid; some traders change or cancel it later.
pub(super) fn decide_whole(trader: &Trader, lot: &Lot, memory: &Memory, now: Timestamp) -> Intent {
    let chance = trader.chance(lot.id);
    if !chance.happens(PARTS_TAKEN, For::Part, 0) {
        return Intent::Nothing;
    }
    let thousandths = chance.between(1_010, 1_400, For::Worth, 0);
    let bid = |thousandths| {
        Some(Order {
            side: Side::Buy,
            quantity: lot.quantity,
            limit: Some(part_of(lot.base_price, thousandths)?.max(Price::UNIT)),
        })
    };
    let begins = match trader.strategy() {
        Strategy::Sniper => (850, 960),
        Strategy::Patient | Strategy::Proxy | Strategy::MarketMaker => (30, 700),
    };
    let begins = chance.between(begins.0, begins.1, For::Begin, 0);
    let improved = bid(thousandths + chance.between(20, 80, For::Height, 0));
    match (memory.orders.first_key_value(), bid(thousandths), improved) {
        (None, Some(first), _) if memory.moves == 0 => due(lot, begins, Move::Place(first), now),
        // Patient traders raise their bid once.
        (Some((order, standing)), _, Some(better))
            if trader.strategy() == Strategy::Patient && standing.limit < better.limit =>
        {
            let later = begins + (WHOLE - begins) / 2;
            due(lot, later, Move::Replace(*order, better), now)
        }
        // Market makers sometimes cancel theirs.
        (Some((order, _)), ..)
            if trader.strategy() == Strategy::MarketMaker
                && chance.happens(BIDS_REGRETTED, For::Part, 1) =>
        {
            let later = begins + (WHOLE - begins) / 2;
            due(lot, later, Move::Cancel(*order), now)
        }
        _ => Intent::Nothing,
    }
}

/// Decides about a lot sold in parts: one bid at a good price, and one at a lower price.
pub(super) fn decide_parts(trader: &Trader, lot: &Lot, memory: &Memory, now: Timestamp) -> Intent {
    let chance = trader.chance(lot.id);
    let made = memory.orders.len();
    if made >= BIDS || memory.moves as usize > made || !chance.happens(PARTS_TAKEN, For::Part, 0) {
        return Intent::Nothing;
    }
    let turn = made as u64;
    let lower = turn * chance.between(30, 120, For::Height, 0);
    let price = part_of(
        lot.base_price,
        chance.between(950, 1_250, For::Worth, 0) - lower,
    );
    let tenths = chance.between(1, 3, For::Shares, turn);
    let quantity = Quantity::new((lot.quantity.get() * tenths / 10).max(1));
    let (Some(limit), Some(quantity)) = (price, quantity) else {
        return Intent::Nothing;
    };
    let begins = chance.between(30, 800, For::Begin, turn);
    let order = Order {
        side: Side::Buy,
        quantity,
        limit: Some(limit),
    };
    due(lot, begins, Move::Place(order), now)
}

/// Returns the move once this many thousandths of the lot's duration have passed; before, the wait for it.
pub(super) fn due(lot: &Lot, thousandths: u64, then: Move, now: Timestamp) -> Intent {
    match at(lot, thousandths) {
        due if due > now => Intent::Wait(due),
        _ => Intent::Do(then),
    }
}
