//! What a house trader does about lots that take sealed bids: whole ones, and those sold in parts.

use auction_core::{Lot, Price, Quantity, Side, Timestamp};

use super::chance::{For, WHOLE};
use super::program::part_of;
use super::strategy::{Intent, Memory, Move, Order, Strategy, Trader, at};

/// In how many of a thousand lots a trader takes part.
const PARTS_TAKEN: u64 = 850;
/// How many of a thousand bids a careful trader takes back.
const BIDS_REGRETTED: u64 = 300;
/// Bids of one trader on a lot that is sold in parts.
const BIDS: usize = 2;

/// One bid for all of it; some think better of it later.
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
        // The patient look again, and offer a little more.
        (Some((order, standing)), _, Some(better))
            if trader.strategy() == Strategy::Patient && standing.limit < better.limit =>
        {
            let later = begins + (WHOLE - begins) / 2;
            due(lot, later, Move::Replace(*order, better), now)
        }
        // The careful take theirs back now and then.
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

/// Two bids: some shares at a good price, and more at a lower one.
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

/// The move, when so many thousandths of the lot's life have passed.
pub(super) fn due(lot: &Lot, thousandths: u64, then: Move, now: Timestamp) -> Intent {
    match at(lot, thousandths) {
        due if due > now => Intent::Wait(due),
        _ => Intent::Do(then),
    }
}
