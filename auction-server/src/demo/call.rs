//! What a house trader does about a call auction.

use auction_core::{AccountMode, CallTerms, Lot, OrderId, Price, Quantity, Side, Timestamp};

use super::chance::{Chance, For, WHOLE};
use super::program::part_of;
use super::sealed::due;
use super::strategy::{Intent, Memory, Move, Order, Strategy, Trader, at, life};

/// How often in the life of a call a market maker may quote anew.
const QUOTES: u64 = 14;
/// How far a market maker's prices are from where it sees the price, in thousandths.
const SPREAD: u64 = 8;

pub(super) fn decide(
    trader: &Trader,
    lot: &Lot,
    terms: &CallTerms,
    memory: &Memory,
    now: Timestamp,
) -> Intent {
    let chance = trader.chance(lot.id);
    match trader.strategy() {
        Strategy::MarketMaker => quote(lot, terms, memory, chance, now),
        // A market order near the end. On funds it would reserve all that it could cost.
        Strategy::Sniper if trader.accounts == AccountMode::Credit => {
            let begins = chance.between(800, 920, For::Begin, 0);
            once(lot, memory, begins, order(lot, chance, None), now)
        }
        Strategy::Patient | Strategy::Proxy | Strategy::Sniper => {
            let is_buyer = is_buyer(chance);
            let will = chance.between(0, 35, For::Worth, 0);
            // Some are ready to pay more, or take less; others hope.
            let thousandths = match (is_buyer, trader.strategy()) {
                (true, Strategy::Patient) => WHOLE + 15 - will,
                (false, Strategy::Patient) => WHOLE - 15 + will,
                (true, _) => WHOLE + will,
                (false, _) => WHOLE - will,
            };
            let begins = chance.between(20, 780, For::Begin, 0);
            let limit = on_tick(reference(lot), thousandths, terms.tick);
            match limit {
                Some(limit) => once(lot, memory, begins, order(lot, chance, Some(limit)), now),
                None => Intent::Nothing,
            }
        }
    }
}

fn once(lot: &Lot, memory: &Memory, begins: u64, order: Option<Order>, now: Timestamp) -> Intent {
    match order {
        Some(order) if memory.moves == 0 && memory.orders.is_empty() => {
            due(lot, begins, Move::Place(order), now)
        }
        _ => Intent::Nothing,
    }
}

/// Stands on both sides of where it sees the price, and follows it while orders can be changed.
fn quote(lot: &Lot, terms: &CallTerms, memory: &Memory, chance: Chance, now: Timestamp) -> Intent {
    let passed = now.since(lot.opened_at).micros();
    let each = (life(lot).micros() / QUOTES).max(1);
    let turn = passed / each;
    let next = at(lot, (turn + 1) * WHOLE / QUOTES + 1);
    // The first quote comes a moment after the opening; from the window on quotes could only be improved.
    if lot.no_cancel_from().is_some_and(|from| now >= from) {
        return Intent::Nothing;
    }
    if turn == 0 && memory.orders.is_empty() && at(lot, 15) > now {
        return Intent::Wait(at(lot, 15));
    }
    let drift = |turn| chance.between(0, 24, For::Drift, turn);
    let middle = WHOLE + drift(turn / 2) - 12;
    let price = |thousandths| on_tick(reference(lot), thousandths, terms.tick);
    let (Some(buys), Some(sells)) = (price(middle - SPREAD), price(middle + SPREAD)) else {
        return Intent::Nothing;
    };
    if buys >= sells {
        return Intent::Nothing;
    }
    let lots = chance.between(3, 12, For::Shares, 0);
    let Some(quantity) = Quantity::new(lot.quantity.get() * lots) else {
        return Intent::Nothing;
    };
    let standing = |side| memory.orders.iter().find(|(_, order)| order.side == side);
    let aims = [(Side::Buy, buys), (Side::Sell, sells)];
    // Whoever raises both sides raises the offer first, so that they never meet.
    for (side, limit) in aims {
        let aim = Order {
            side,
            quantity,
            limit: Some(limit),
        };
        let other = match side {
            Side::Buy => standing(Side::Sell),
            Side::Sell => standing(Side::Buy),
        };
        if meets(aim, other) {
            continue;
        }
        match standing(side) {
            None => return Intent::Do(Move::Place(aim)),
            Some((id, order)) if order.limit != aim.limit => {
                return Intent::Do(Move::Replace(*id, aim));
            }
            Some(_) => {}
        }
    }
    Intent::Wait(next)
}

/// Whether an order could trade with another of the same trader.
fn meets(order: Order, other: Option<(&OrderId, &Order)>) -> bool {
    let Some((_, other)) = other else {
        return false;
    };
    match (order.side, order.limit, other.limit) {
        (Side::Buy, Some(buys), Some(sells)) => buys >= sells,
        (Side::Sell, Some(sells), Some(buys)) => buys >= sells,
        _ => true,
    }
}

fn order(lot: &Lot, chance: Chance, limit: Option<Price>) -> Option<Order> {
    let side = match is_buyer(chance) {
        true => Side::Buy,
        false => Side::Sell,
    };
    let lots = chance.between(1, 15, For::Shares, 0);
    let quantity = Quantity::new(lot.quantity.get().checked_mul(lots)?)?;
    Some(Order {
        side,
        quantity,
        limit,
    })
}

fn is_buyer(chance: Chance) -> bool {
    chance.happens(WHOLE / 2, For::Side, 0)
}

/// What a call measures by.
fn reference(lot: &Lot) -> Price {
    let fixed = match &lot.book {
        auction_core::Book::Call(book) => book.reference,
        _ => None,
    };
    fixed.unwrap_or(lot.base_price)
}

/// So many thousandths of a price, down to the tick; `None` when that is nothing.
fn on_tick(price: Price, thousandths: u64, tick: Price) -> Option<Price> {
    let units = part_of(price, thousandths)?.units();
    let whole = units / tick.units() * tick.units();
    Price::from_units(whole).filter(|price| *price > Price::ZERO)
}
