//! The call auction's book.
//!
//! `cargo bench -p auction-core --bench call`
//!
//! `uncross` is compared with two baselines in the same run: a bare loop that adds up the same
//! orders by price and scans the sums for the greatest volume (no fills; the aim is at most twice its time), and
//! sorting them by side, price and time (the aim is at most half its time). `order` times one order at a time on a book
//! of roughly constant size; `and indicative` also computes the indicative price after each.
//!
//! With `--values` the output is for programs: a name, our nanoseconds for an uncross with its fills in a new list, and
//! those of the bare loop or of the sort.
//!
//! Measured so far, on a busy machine: the uncross with every fill takes 0.5 to 0.9 of the bare loop's time (the book
//! has added up by price already, as the orders came), with the fills written to a new list 1.1 to 1.7, and a twentieth
//! to a fortieth of the sort's. In a book of 100,000 orders at 1,000 prices an order and the indicative price after it
//! take 0.5 to 0.7 us, of which the price is 0.1; a replacement or a cancel with it
//! 1.4 to 1.9. In a book of 1,000,000 orders any of these can miss the caches: up to 4 us. At 500,000 prices
//! the indicative price alone takes 3 to 13 us: it reads the sums of thousands of chunks.

use std::hint::black_box;
use std::time::{Duration, Instant};

use auction_core::clearing::call::{
    Book, BookTerms, Entry, Fill, Indicative, Order, OrderId, Side, Uncross,
};
use auction_core::{Price, Quantity, UserId};
use criterion::{BatchSize, Criterion, Throughput, criterion_group};

const ORDERS: u64 = 1_000_000;
const PRICES: u64 = 1_000;
const TRADERS: u64 = 10_000;
/// Orders between two readings of the clock.
const BATCH: u64 = 1_000;

/// Number of turns; a value is their median.
const TURNS: usize = 11;

criterion_group!(benches, uncross, order);

fn main() {
    if std::env::args().any(|argument| argument == "--values") {
        return values();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}

/// Prints our nanoseconds for an uncross with its fills, and those of the baselines, in turns.
fn values() {
    let book = book(ORDERS, PRICES);
    let bare: Vec<Bare> = book.orders().map(|order| Bare::of(&order)).collect();
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        let mut orders = bare.clone();
        let uncross = timed(|| drop(black_box(uncross_to_a_list(&book))));
        let scan = timed(|| _ = black_box(add_up_and_scan(black_box(&bare))));
        let sort = timed(|| orders.sort_unstable_by_key(Bare::priority));
        for (times, time) in times.iter_mut().zip([uncross, scan, sort]) {
            times.push(time);
        }
    }
    let [ours, scan, sort] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_nanos()
    });
    println!("uncross\t{ours}\t{scan}\nsort\t{ours}\t{sort}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn uncross(criterion: &mut Criterion) {
    let book = book(ORDERS, PRICES);
    let orders: Vec<Order> = book.orders().collect();
    let bare: Vec<Bare> = orders.iter().map(Bare::of).collect();
    let mut group = criterion.benchmark_group("uncross a million orders at a thousand prices");
    group
        .sample_size(30)
        .throughput(Throughput::Elements(ORDERS));
    group.bench_function("bare loop: add up and scan", |bencher| {
        bencher.iter(|| add_up_and_scan(black_box(&bare)));
    });
    group.bench_function("uncross: price, and every fill seen", |bencher| {
        bencher.iter(|| {
            let uncross = Uncross::of(black_box(&book)).unwrap();
            uncross.fills(&book).for_each(|fill| {
                black_box(fill);
            });
        });
    });
    group.bench_function("uncross: price, and every fill in a new list", |bencher| {
        bencher.iter(|| uncross_to_a_list(&book));
    });
    group.bench_function("sort by side, price and time", |bencher| {
        bencher.iter_batched_ref(
            || bare.clone(),
            |orders| orders.sort_unstable_by_key(Bare::priority),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn order(criterion: &mut Criterion) {
    for (orders, prices) in [(100_000, 1_000), (1_000_000, 1_000), (1_000_000, 500_000)] {
        let name = format!("order in a book of {orders} at {prices} prices");
        let mut group = criterion.benchmark_group(name);
        let mut stream = Stream::new(orders, prices);
        group.bench_function("indicative alone", |bencher| {
            bencher.iter(|| black_box(&stream.book).indicative());
        });
        for (then, after) in [
            ("", AndThen::Nothing),
            (" and indicative", AndThen::Indicative),
        ] {
            group.bench_function(format!("add{then}"), |bencher| {
                bencher.iter_custom(|count| stream.time(count, Step::Add, after));
            });
            group.bench_function(format!("replace{then}"), |bencher| {
                bencher.iter_custom(|count| stream.time(count, Step::Replace, after));
            });
            group.bench_function(format!("cancel{then}"), |bencher| {
                bencher.iter_custom(|count| stream.time(count, Step::Cancel, after));
            });
        }
        group.finish();
    }
}

fn uncross_to_a_list(book: &Book) -> Vec<Fill> {
    let uncross = Uncross::of(black_box(book)).unwrap();
    let mut fills = Vec::with_capacity(book.len());
    fills.extend(uncross.fills(book));
    fills
}

/// The parts of an order that a loop over prices needs.
#[derive(Clone)]
struct Bare {
    shares: u64,
    price: u32,
    place: u32,
    side: Side,
}

impl Bare {
    fn of(order: &Order) -> Self {
        Self {
            shares: order.entry.quantity.get(),
            // 0 and the number after the last represent market orders.
            price: match (order.entry.limit, order.entry.side) {
                (Some(limit), _) => limit.units() as u32,
                (None, Side::Buy) => PRICES as u32 + 1,
                (None, Side::Sell) => 0,
            },
            place: order.id.0 as u32,
            side: order.entry.side,
        }
    }

    fn priority(&self) -> (Side, u32, u32) {
        match self.side {
            Side::Buy => (self.side, u32::MAX - self.price, self.place),
            Side::Sell => (self.side, self.price, self.place),
        }
    }
}

fn add_up_and_scan(orders: &[Bare]) -> (usize, u64) {
    let mut sums = [[0_u64; PRICES as usize + 2]; 2];
    for order in orders {
        sums[order.side as usize][order.price as usize] += order.shares;
    }
    let [buys, sells] = sums;
    let mut buy: u64 = buys.iter().sum();
    let mut sell = 0;
    let mut best = (0, 0);
    for (price, (bought, sold)) in buys.iter().zip(&sells).enumerate() {
        sell += sold;
        if buy.min(sell) > best.1 {
            best = (price, buy.min(sell));
        }
        buy -= bought;
    }
    best
}

fn book(orders: u64, prices: u64) -> Book {
    Stream::new(orders, prices).book
}

/// Random orders around the middle of the prices, one in fifty a market order; from a fixed seed.
struct Stream {
    book: Book,
    prices: u64,
    next_id: u64,
    random: u64,
    resting: Vec<(OrderId, UserId, Side)>,
}

#[derive(Clone, Copy)]
enum Step {
    Add,
    Replace,
    Cancel,
}

#[derive(Clone, Copy)]
enum AndThen {
    Nothing,
    Indicative,
}

impl Stream {
    fn new(orders: u64, prices: u64) -> Self {
        let terms = BookTerms {
            tick: Price::UNIT,
            round_lot: Quantity::ONE,
            reference: Price::from_units(prices / 2).unwrap(),
            collar: None,
        };
        let mut stream = Self {
            book: Book::new(terms).unwrap(),
            prices,
            next_id: 1,
            random: 1,
            resting: Vec::new(),
        };
        for _ in 0..orders {
            stream.add();
        }
        stream
    }

    /// Returns the time for `count` steps, in batches; the growth of the book by a batch is undone with the clock
    /// stopped.
    fn time(&mut self, count: u64, step: Step, then: AndThen) -> Duration {
        let mut total = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            let work: Vec<Work> = (0..batch).map(|_| self.draw(step)).collect();
            let start = Instant::now();
            for work in &work {
                self.carry_out(work);
                if let AndThen::Indicative = then {
                    black_box::<Indicative>(self.book.indicative());
                }
            }
            total += start.elapsed();
            for work in &work {
                self.undo(work);
            }
        }
        total
    }

    fn draw(&mut self, step: Step) -> Work {
        let (trader, entry) = self.entry();
        match step {
            Step::Add => {
                let id = OrderId(self.next_id);
                self.next_id += 1;
                Work::Add(id, trader, entry)
            }
            Step::Replace => {
                let index = self.below(self.resting.len() as u64) as usize;
                let (id, owner, side) = self.resting[index];
                let (_, entry) = self.entry_of(owner, side);
                Work::Replace(id, owner, entry)
            }
            Step::Cancel => {
                let index = self.below(self.resting.len() as u64) as usize;
                let (id, owner, _) = self.resting.swap_remove(index);
                Work::Cancel(id, owner)
            }
        }
    }

    fn carry_out(&mut self, work: &Work) {
        match *work {
            Work::Add(id, trader, entry) => self.book.add(id, trader, entry).unwrap(),
            Work::Replace(id, trader, entry) => {
                // One in thousands equals the old order, and is refused.
                let _ = self.book.replace(id, trader, entry.limit, entry.quantity);
            }
            Work::Cancel(id, trader) => {
                self.book.cancel(id, trader).unwrap();
            }
        }
    }

    fn undo(&mut self, work: &Work) {
        match *work {
            Work::Add(id, trader, _) => {
                self.book.cancel(id, trader).unwrap();
            }
            Work::Replace(..) => {}
            Work::Cancel(..) => self.add(),
        }
    }

    fn add(&mut self) {
        let (trader, entry) = self.entry();
        let id = OrderId(self.next_id);
        self.next_id += 1;
        self.book.add(id, trader, entry).unwrap();
        self.resting.push((id, trader, entry.side));
    }

    fn entry(&mut self) -> (UserId, Entry) {
        let trader = UserId(self.below(TRADERS) as u32);
        // Each trader is on one side, so that nobody trades with themselves.
        let side = if trader.0.is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        };
        self.entry_of(trader, side)
    }

    fn entry_of(&mut self, trader: UserId, side: Side) -> (UserId, Entry) {
        let limit = 1 + self.below(self.prices);
        let entry = Entry {
            side,
            quantity: Quantity::new(1 + self.below(1_000)).unwrap(),
            limit: (self.below(50) != 0).then(|| Price::from_units(limit).unwrap()),
        };
        (trader, entry)
    }

    /// Splitmix64.
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A step, drawn before the clock runs.
enum Work {
    Add(OrderId, UserId, Entry),
    Replace(OrderId, UserId, Entry),
    Cancel(OrderId, UserId),
}
