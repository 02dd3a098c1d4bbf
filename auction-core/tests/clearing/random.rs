//! Seeded numbers (splitmix64): a failing case names its seed.

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }
}

/// Returns the seeds of a random test: `short` of them, 250 times as many with `AUCTION_LONG=1`.
pub fn seeds(short: u64) -> std::ops::Range<u64> {
    let is_long = std::env::var("AUCTION_LONG").is_ok_and(|value| value == "1");
    0..if is_long { short * 250 } else { short }
}
