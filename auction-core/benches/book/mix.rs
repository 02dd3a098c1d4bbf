//! The steady mix: 60 % orders that rest, 30 % cancels, 10 % orders that cross and take some three others. About
//! 100,000 orders rest on 1,000 prices throughout.
//!
//! It is made beside a plain book of maps and queues, which also says what must trade.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Orders that rest before the mix begins.
pub const RESTING: usize = 100_000;
/// Tags that are enough for those that rest at one time.
pub const TAGS: usize = 2 * RESTING;
/// Prices of each side.
pub const PRICES: u64 = 500;
/// The lowest price to sell, in ticks; the highest to buy is one below.
const MIDDLE: u64 = 100_000;
/// Prices next to the middle, where half of the orders go: as many as crossing orders take there.
const NEAR: u64 = 8;
/// Greatest quantity of an order that rests.
const QUANTITY_MAX: u64 = 100;

/// A step of the mix. Resting orders are numbered from 0 in the order in which they come; those that rest at one time
/// have different tags, small numbers that are used again, as a client would keep its live orders.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// An order that rests: prices do not cross.
    Add {
        is_buy: bool,
        ticks: u32,
        quantity: u16,
        tag: u32,
    },
    /// The cancelling of a resting order.
    Cancel { tag: u32 },
    /// An order that trades whole.
    Cross {
        is_buy: bool,
        ticks: u32,
        quantity: u16,
    },
}

// Small, so that reading the steps leaves the cache to the books.
const _: () = assert!(size_of::<Step>() <= 16);

/// Digest of all fills in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fills {
    pub count: u64,
    digest: u64,
}

impl Fills {
    pub fn add(&mut self, resting: u64, ticks: u64, quantity: u64) {
        self.count += 1;
        for value in [resting, ticks, quantity] {
            self.digest = (self.digest ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.digest ^= self.digest >> 29;
        }
    }
}

/// The mix, and what must trade.
pub struct Mix {
    /// The orders that rest before.
    pub fill_up: Vec<Step>,
    /// The steps that are timed.
    pub steps: Vec<Step>,
    /// The fills of all steps.
    pub fills: Fills,
}

impl Mix {
    pub fn new(steps: usize) -> Self {
        let mut plain = Plain::default();
        let fill_up = (0..RESTING).map(|_| plain.add(false)).collect();
        let steps = (0..steps).map(|_| plain.step()).collect();
        assert!(plain.tag_count as usize <= TAGS, "it is steady");
        Self {
            fill_up,
            steps,
            fills: plain.fills,
        }
    }
}

/// The plain book: queues in a map of prices for each side.
struct Plain {
    random: Random,
    sides: [BTreeMap<u64, VecDeque<(u32, u64)>>; 2],
    /// Side and price of each order there ever was.
    orders: Vec<(bool, u64)>,
    /// Those that rest, and where each lies in the list.
    live: Vec<u32>,
    places: Vec<u32>,
    tags: Vec<u32>,
    free_tags: Vec<u32>,
    tag_count: u32,
    fills: Fills,
}

impl Default for Plain {
    fn default() -> Self {
        Self {
            random: Random(7),
            sides: Default::default(),
            orders: Vec::new(),
            live: Vec::new(),
            places: Vec::new(),
            tags: Vec::new(),
            free_tags: Vec::new(),
            tag_count: 0,
            fills: Fills::default(),
        }
    }
}

impl Plain {
    fn step(&mut self) -> Step {
        match self.random.below(10) {
            0..6 => {
                let near = self.random.below(2) == 0;
                self.add(near)
            }
            6..9 => {
                let place = self.random.below(self.live.len() as u64);
                let order = self.live[place as usize];
                let (is_buy, ticks) = self.orders[order as usize];
                let queue = self.sides[usize::from(is_buy)].get_mut(&ticks).unwrap();
                queue.retain(|(other, _)| *other != order);
                self.leave(order);
                let tag = self.tags[order as usize];
                Step::Cancel { tag }
            }
            _ => self.cross(),
        }
    }

    fn add(&mut self, near: bool) -> Step {
        let is_buy = self.random.below(2) == 0;
        let away = self.random.below(if near { NEAR } else { PRICES });
        let ticks = if is_buy {
            MIDDLE - 1 - away
        } else {
            MIDDLE + away
        };
        let quantity = 1 + self.random.below(QUANTITY_MAX);
        let order = self.orders.len() as u32;
        self.orders.push((is_buy, ticks));
        self.places.push(self.live.len() as u32);
        self.live.push(order);
        let queue = self.sides[usize::from(is_buy)].entry(ticks).or_default();
        queue.push_back((order, quantity));
        let tag = self.free_tags.pop().unwrap_or_else(|| {
            self.tag_count += 1;
            self.tag_count - 1
        });
        self.tags.push(tag);
        Step::Add {
            is_buy,
            ticks: ticks as u32,
            quantity: quantity as u16,
            tag,
        }
    }

    fn cross(&mut self) -> Step {
        let is_buy = self.random.below(2) == 0;
        let quantity = QUANTITY_MAX + self.random.below(QUANTITY_MAX);
        let ticks = if is_buy {
            MIDDLE + PRICES
        } else {
            MIDDLE - PRICES
        };
        let mut left = quantity;
        while left > 0 {
            let side = &mut self.sides[usize::from(!is_buy)];
            let mut best = if is_buy {
                side.first_entry()
            } else {
                side.last_entry()
            }
            .unwrap();
            let price = *best.key();
            let Some(first) = best.get_mut().front_mut() else {
                best.remove();
                continue;
            };
            let traded = left.min(first.1);
            let order = first.0;
            self.fills.add(u64::from(order), price, traded);
            left -= traded;
            first.1 -= traded;
            if first.1 == 0 {
                best.get_mut().pop_front();
                self.leave(order);
            }
        }
        Step::Cross {
            is_buy,
            ticks: ticks as u32,
            quantity: quantity as u16,
        }
    }

    fn leave(&mut self, order: u32) {
        self.free_tags.push(self.tags[order as usize]);
        let place = self.places[order as usize] as usize;
        self.live.swap_remove(place);
        if let Some(moved) = self.live.get(place) {
            self.places[*moved as usize] = place as u32;
        }
    }
}

/// The time for which this thread has run: on a busy machine that of others would count too. Where Linux does not
/// tell it, the time of day.
pub fn thread_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|text| text.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Seeded numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
