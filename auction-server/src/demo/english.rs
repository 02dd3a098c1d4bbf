//! What a house trader does about an English lot.

use auction_core::{EnglishTerms, Lot, Price, Timestamp};

use super::chance::{Chance, For};
use super::program::part_of;
use super::strategy::{Intent, Memory, Move, Strategy, Trader, at, life, part};

/// Most steps above the least bid that a trader bids at once.
const STEPS_MAX: u64 = 3;

pub(super) fn decide(
    trader: &Trader,
    lot: &Lot,
    terms: &EnglishTerms,
    memory: &Memory,
    now: Timestamp,
) -> Intent {
    let chance = trader.chance(lot.id);
    let (Some(least), Some(worth)) = (lot.least_bid(), worth(trader, lot, chance)) else {
        return Intent::Nothing;
    };
    if lot.leader() == Some(trader.user) || least > worth {
        return Intent::Nothing;
    }
    let due = match trader.strategy() {
        Strategy::Proxy if memory.moves > 0 => return Intent::Nothing,
        Strategy::Proxy => at(lot, chance.between(20, 450, For::Begin, 0)),
        Strategy::Sniper => {
            let within = terms.soft_close.extend_within;
            let before = part(within, chance.between(250, 900, For::Begin, 0));
            let thinks = part(life(lot), chance.between(5, 20, For::Think, turn(lot)));
            let last = lot.closes_at.saturating_sub(before);
            last.max(memory.changed_at.saturating_add(thinks))
        }
        Strategy::Patient | Strategy::MarketMaker => {
            let begins = at(lot, chance.between(10, 150, For::Begin, 0));
            let thinks = part(life(lot), chance.between(12, 60, For::Think, turn(lot)));
            begins.max(memory.changed_at.saturating_add(thinks))
        }
    };
    if due > now {
        return Intent::Wait(due);
    }
    Intent::Do(match trader.strategy() {
        Strategy::Proxy => Move::Maximum(worth),
        _ => Move::Bid(height(lot, terms, least, worth, chance)),
    })
}

/// What the lot is worth to a trader; never so much that it buys at once.
fn worth(trader: &Trader, lot: &Lot, chance: Chance) -> Option<Price> {
    let (least, most) = match trader.strategy() {
        Strategy::MarketMaker => (900, 1_150),
        Strategy::Patient => (1_000, 1_350),
        Strategy::Sniper | Strategy::Proxy => (1_050, 1_450),
    };
    part_of(lot.base_price, chance.between(least, most, For::Worth, 0))
}

/// A step or some more, and no more than it is worth.
fn height(lot: &Lot, terms: &EnglishTerms, least: Price, worth: Price, chance: Chance) -> Price {
    let more = chance.between(0, STEPS_MAX, For::Height, turn(lot));
    let step = terms.steps.step(least).units().saturating_mul(more);
    let higher = Price::from_units(least.units().saturating_add(step));
    higher.map_or(least, |higher| higher.min(worth))
}

/// Tells one of a lot's turns from the next: the number of bids so far.
fn turn(lot: &Lot) -> u64 {
    u64::from(lot.bids())
}
