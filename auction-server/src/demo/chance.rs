//! Numbers drawn from a seed: the same draw always has the same result.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The whole, in thousandths.
pub const WHOLE: u64 = 1_000;

/// Purpose of a draw. Each has its own numbers, so that one decision does not change with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Stock of a lot.
    Stock,
    /// The terms of a lot.
    Terms,
    /// Participation of a trader.
    Part,
    /// Value of a lot to a trader.
    Worth,
    /// Time of a trader's first action.
    Begin,
    /// Reaction time of a trader.
    Think,
    /// Amount by which a trader raises or lowers a bid.
    Height,
    /// Number of shares that a trader wants.
    Shares,
    /// Side of a trader: buy or sell.
    Side,
    /// Price estimate of a market maker.
    Drift,
}

/// Source of a draw: the seed of the demo, the participant, and the lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// The seed of the demo.
    pub seed: u64,
    /// Number of the participant.
    pub who: u64,
    /// Number of the lot.
    pub lot: u64,
}

impl Chance {
    /// Draws a number from `least` to `most`, all equally likely; `turn` separates the draws for the same purpose.
    ///
    /// # Panics
    /// When `most` is below `least`.
    #[must_use]
    pub fn between(self, least: u64, most: u64, what: For, turn: u64) -> u64 {
        assert!(least <= most, "a range holds a number");
        let mut key = [0; 32];
        // The purpose and the turn share a word: both are small.
        let purpose = (what as u64) << 48 ^ turn;
        let words = [self.seed, self.who, self.lot, purpose];
        for (part, word) in key.chunks_exact_mut(8).zip(words) {
            part.copy_from_slice(&word.to_le_bytes());
        }
        // The ranges are small, so the bias of the remainder is negligible.
        least + ChaCha20Rng::from_seed(key).next_u64() % (most - least + 1)
    }

    /// Draws whether an event happens whose probability is this many in [`WHOLE`].
    #[must_use]
    pub fn happens(self, times: u64, what: For, turn: u64) -> bool {
        self.between(1, WHOLE, what, turn) <= times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANCE: Chance = Chance {
        seed: 7,
        who: 3,
        lot: 11,
    };

    #[test]
    fn the_same_question_has_the_same_answer_and_another_its_own() {
        let draw = |chance: Chance, what, turn| chance.between(0, u64::MAX - 1, what, turn);
        let first = draw(CHANCE, For::Worth, 0);
        assert_eq!(first, draw(CHANCE, For::Worth, 0));
        let others = [
            draw(CHANCE, For::Begin, 0),
            draw(CHANCE, For::Worth, 1),
            draw(Chance { seed: 8, ..CHANCE }, For::Worth, 0),
            draw(Chance { who: 4, ..CHANCE }, For::Worth, 0),
            draw(Chance { lot: 12, ..CHANCE }, For::Worth, 0),
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
    }

    #[test]
    fn draws_stay_within_their_range_and_reach_all_of_it() {
        let drawn: std::collections::BTreeSet<u64> = (0..200)
            .map(|turn| CHANCE.between(3, 6, For::Height, turn))
            .collect();
        assert_eq!(Vec::from_iter(drawn), [3, 4, 5, 6]);
        assert!((0..50).all(|turn| CHANCE.happens(WHOLE, For::Part, turn)));
        assert!((0..50).all(|turn| !CHANCE.happens(0, For::Part, turn)));
    }
}
