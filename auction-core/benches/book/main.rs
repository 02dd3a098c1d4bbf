//! The order book on the steady mix: its throughput, what one operation takes, and what an order occupies.
//!
//! `cargo bench -p auction-core --bench book`
//!
//! Fills are compared with those of a plain book. The comparison with other crates is in `benches/peers`.

mod mix;

use std::hint::black_box;
use std::time::{Duration, Instant};

use auction_core::clearing::book::{
    Book, BookTerms, Corridor, End, Event, Execution, NewOrder, OrderKey, SelfTrade,
};
use auction_core::clearing::call::Entry;
use auction_core::{Price, Quantity, Side, UserId};
use mix::{Fills, Mix, Step};

/// Steps that are timed.
const STEPS: usize = 2_000_000;
/// Turns; the best and the middle one are printed.
const TURNS: usize = 7;
/// Owners of the orders: crossing orders are of another, so that nothing is refused.
const OWNERS: u32 = 1_000;
const TAKER: UserId = UserId(OWNERS + 1);
const TICK: u64 = 100;

fn main() {
    let mix = Mix::new(STEPS);
    let mut times: Vec<Duration> = (0..TURNS).map(|_| throughput(&mix)).collect();
    times.sort_unstable();
    let millions = |time: Duration| STEPS as f64 / time.as_secs_f64() / 1e6;
    println!(
        "steady mix: {:.1} million operations a second at best, {:.1} in the middle of {TURNS}",
        millions(times[0]),
        millions(times[TURNS / 2])
    );
    tails(&mix);
}

/// The time of all steps.
fn throughput(mix: &Mix) -> Duration {
    let mut run = Run::new(mix);
    let start = mix::thread_time();
    for step in &mix.steps {
        run.step(black_box(step));
    }
    let time = mix::thread_time() - start;
    assert_eq!(run.fills, mix.fills, "what trades is what must");
    time
}

/// Times of single operations, with the clock's own share taken off the median.
fn tails(mix: &Mix) {
    let mut run = Run::new(mix);
    let (warm, timed) = mix.steps.split_at(STEPS / 2);
    warm.iter().for_each(|step| run.step(step));
    let mut clock: Vec<u64> = timed.iter().map(|_| nanos(|| ())).collect();
    let mut nanoseconds: Vec<u64> = timed
        .iter()
        .map(|step| nanos(|| run.step(black_box(step))))
        .collect();
    nanoseconds.sort_unstable();
    clock.sort_unstable();
    let at = |times: &[u64], part: f64| times[(times.len() as f64 * part) as usize];
    println!(
        "one operation, the clock's {} ns included: median {} ns, p99 {} ns, p99.9 {} ns",
        at(&clock, 0.5),
        at(&nanoseconds, 0.5),
        at(&nanoseconds, 0.99),
        at(&nanoseconds, 0.999)
    );
}

fn nanos(work: impl FnOnce()) -> u64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as u64
}

/// A book, and what a client keeps of its orders.
struct Run {
    book: Book,
    /// The key of the order of each tag.
    keys: Vec<Option<OrderKey>>,
    /// The number of the order in each slot.
    numbers: Vec<u32>,
    /// Number of orders that have rested.
    rested: u32,
    fills: Fills,
}

impl Run {
    fn new(mix: &Mix) -> Self {
        let mut run = Self {
            book: Book::new(BookTerms::default()).unwrap(),
            keys: vec![None; mix::TAGS],
            numbers: vec![0; mix::TAGS],
            rested: 0,
            fills: Fills::default(),
        };
        mix.fill_up.iter().for_each(|step| run.step(step));
        run
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Add {
                is_buy,
                ticks,
                quantity,
                tag,
            } => {
                let owner = UserId(tag % OWNERS);
                let order = order(owner, is_buy, ticks, quantity);
                let outcome = self.book.enter(order, &Corridor::OPEN, |_| ()).unwrap();
                let End::Rests { order, .. } = outcome.end else {
                    panic!("it rests")
                };
                self.numbers[order.slot() as usize] = self.rested;
                self.keys[tag as usize] = Some(order);
                self.rested += 1;
            }
            Step::Cancel { tag } => {
                let key = self.keys[tag as usize].expect("it has rested");
                self.book.cancel(key, UserId(tag % OWNERS)).unwrap();
            }
            Step::Cross {
                is_buy,
                ticks,
                quantity,
            } => {
                let order = order(TAKER, is_buy, ticks, quantity);
                let Self {
                    book,
                    numbers,
                    fills,
                    ..
                } = self;
                let sink = |event| {
                    if let Event::Trade {
                        resting,
                        price,
                        quantity,
                        ..
                    } = event
                    {
                        let number = numbers[resting.slot() as usize];
                        fills.add(number.into(), price.units() / TICK, quantity.get());
                    }
                };
                book.enter(order, &Corridor::OPEN, sink).unwrap();
            }
        }
    }
}

fn order(owner: UserId, is_buy: bool, ticks: u32, quantity: u16) -> NewOrder {
    NewOrder {
        owner,
        entry: Entry {
            side: if is_buy { Side::Buy } else { Side::Sell },
            quantity: Quantity::new(quantity.into()).unwrap(),
            limit: Price::from_units(u64::from(ticks) * TICK),
        },
        execution: Execution::Day,
        self_trade: SelfTrade::Refuse,
    }
}
