//! Decisions of a house trader about a lot, as a pure function of the public state and its own.

use auction_core::{DutchTerms, Lot, Span, Terms, Timestamp};

use super::chance::{For, WHOLE};
use super::program::part_of;
use super::strategy::{Intent, Memory, Move, Trader};
use super::{call, english, sealed};

impl Trader {
    /// Returns its decision about a lot at `now`.
    #[must_use]
    pub fn decide(&self, lot: &Lot, memory: &Memory, now: Timestamp) -> Intent {
        if !lot.is_open(now) {
            return Intent::Nothing;
        }
        if memory.rests_until > now {
            return Intent::Wait(memory.rests_until);
        }
        match &lot.terms {
            Terms::English(terms) => english::decide(self, lot, terms, memory, now),
            Terms::Dutch(terms) => self.take(lot, terms, now),
            Terms::Sealed(_) => sealed::decide_whole(self, lot, memory, now),
            Terms::Uniform(_) => sealed::decide_parts(self, lot, memory, now),
            Terms::Call(terms) => call::decide(self, lot, terms, memory, now),
            Terms::Day(_) => Intent::Nothing,
        }
    }

    /// Takes a falling price shortly after it has fallen to the lot's value to the trader.
    fn take(&self, lot: &Lot, terms: &DutchTerms, now: Timestamp) -> Intent {
        let chance = self.chance(lot.id);
        let worth = part_of(lot.base_price, chance.between(700, 1_050, For::Worth, 0));
        let worth = worth.unwrap_or(terms.floor);
        if worth < terms.floor {
            return Intent::Nothing;
        }
        let above = terms.start.units().saturating_sub(worth.units());
        let steps = above.div_ceil(terms.step.units());
        let falls = terms.interval.micros().saturating_mul(steps);
        let reaction = chance.between(100, 900, For::Think, 0);
        let reaction = terms.interval.micros() / WHOLE * reaction;
        let Some(after) = Span::from_micros(falls.saturating_add(reaction)) else {
            return Intent::Nothing;
        };
        match (lot.opened_at.saturating_add(after), lot.least_bid_at(now)) {
            (at, _) if at > now => Intent::Wait(at),
            (_, Some(price)) => Intent::Do(Move::Bid(price)),
            (_, None) => Intent::Nothing,
        }
    }
}
