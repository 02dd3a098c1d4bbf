//! Orders on a call auction through the engine, compared with the same orders on a bare book in the same run.
//!
//! `cargo bench -p auction-core --bench orders`
//!
//! `book` is the baseline: the cost of the lot's own book. `engine` is the full cost of a command before it is encoded
//! and journalled: permission, decision, record, and applying its events. `and indicative` also computes the indicative
//! price after each, from stored totals. Both books keep roughly their size: the changes of a batch of steps are undone
//! with the clock stopped.

use std::hint::black_box;
use std::time::{Duration, Instant};

use auction_core::clearing::call::{Book, BookTerms, Entry, OrderId as Place, Side};
use auction_core::{
    CallTerms, Caller, Command, Credential, Engine, Indicative, Listing, LotId, MarketId, Name,
    OpenLot, OrderId, Price, Profit, Quantity, Registration, Reply, Role, SecurityCode, Symbol,
    Terms, Timestamp, UserId,
};
use criterion::{Criterion, criterion_group, criterion_main};

const ORDERS: u64 = 100_000;
const PRICES: u64 = 1_000;
const TRADERS: u32 = 10_000;
/// Orders between two readings of the clock.
const BATCH: u64 = 1_000;
const LOT: LotId = LotId(1);

criterion_group!(benches, orders);
criterion_main!(benches);

fn orders(criterion: &mut Criterion) {
    let name = format!("order on a call of {ORDERS} at {PRICES} prices");
    let mut group = criterion.benchmark_group(name);
    let mut bare = Stream::new(OnBook::new());
    let mut whole = Stream::new(OnEngine::new());
    for (then, after) in [
        ("", AndThen::Nothing),
        (" and indicative", AndThen::Indicative),
    ] {
        for (name, step) in [
            ("add", Step::Add),
            ("replace", Step::Replace),
            ("cancel", Step::Cancel),
        ] {
            group.bench_function(format!("book: {name}{then}"), |bencher| {
                bencher.iter_custom(|count| bare.time(count, step, after));
            });
            group.bench_function(format!("engine: {name}{then}"), |bencher| {
                bencher.iter_custom(|count| whole.time(count, step, after));
            });
        }
    }
    group.finish();
}

/// A target of orders. An order is identified by its trader and a number.
trait Orders {
    fn add(&mut self, trader: UserId, entry: Entry) -> u64;
    /// One in thousands equals the old order, and is refused.
    fn replace(&mut self, trader: UserId, order: u64, entry: Entry);
    fn cancel(&mut self, trader: UserId, order: u64);
    fn indicative(&self) -> Indicative;
}

struct OnBook(Book);

impl OnBook {
    fn new() -> Self {
        let book = Book::new(BookTerms {
            tick: Price::UNIT,
            round_lot: Quantity::ONE,
            reference: price(PRICES / 2),
            collar: None,
        });
        Self(book.unwrap())
    }
}

impl Orders for OnBook {
    fn add(&mut self, trader: UserId, entry: Entry) -> u64 {
        let place = Place(self.0.last_id().0 + 1);
        self.0.add(place, trader, entry).unwrap();
        place.0
    }

    fn replace(&mut self, trader: UserId, order: u64, entry: Entry) {
        let Entry {
            limit, quantity, ..
        } = entry;
        let _ = self.0.replace(Place(order), trader, limit, quantity);
    }

    fn cancel(&mut self, trader: UserId, order: u64) {
        self.0.cancel(Place(order), trader).unwrap();
    }

    fn indicative(&self) -> Indicative {
        self.0.indicative()
    }
}

struct OnEngine(Engine);

impl OnEngine {
    fn new() -> Self {
        let mut engine = Engine::new(MarketId([7; 16]));
        let symbol = Symbol::parse("AAPL").unwrap();
        let listing = Listing {
            symbol,
            security: SecurityCode::parse("01954").unwrap(),
            price: price(PRICES / 2),
            profit: Profit::default(),
        };
        let terms = CallTerms {
            tick: Price::UNIT,
            ..CallTerms::default()
        };
        let open = OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(3_600),
            terms: Terms::Call(terms),
            reserve: None,
        };
        let traders = (1..=TRADERS).map(|number| {
            Command::Register(Box::new(Registration {
                name: Name::parse(&format!("trader-{number}")).unwrap(),
                role: Role::Trader,
                credential: Credential::new(&[7; 32]).unwrap(),
            }))
        });
        let opening = [
            Command::ListStock(listing),
            Command::OpenLot(Box::new(open)),
        ];
        for command in traders.chain(opening) {
            engine
                .execute(Timestamp::default(), Caller::Operator, command)
                .unwrap();
        }
        Self(engine)
    }

    fn ask(&mut self, trader: UserId, command: Command) -> Option<Reply> {
        let asked = self
            .0
            .execute(Timestamp::from_secs(1), Caller::User(trader), command);
        // With the record, as a journal would see it.
        black_box(asked).ok().map(|executed| executed.reply())
    }
}

impl Orders for OnEngine {
    fn add(&mut self, trader: UserId, entry: Entry) -> u64 {
        let Entry {
            side,
            quantity,
            limit,
        } = entry;
        let lot = LOT;
        let place = Command::PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        };
        match self.ask(trader, place) {
            Some(Reply::OrderPlaced(order)) => order.0.into(),
            other => panic!("{other:?}"),
        }
    }

    fn replace(&mut self, trader: UserId, order: u64, entry: Entry) {
        let Entry {
            quantity, limit, ..
        } = entry;
        let replace = Command::ReplaceOrder {
            lot: LOT,
            order: OrderId(order as u32),
            quantity,
            limit,
        };
        let _ = self.ask(trader, replace);
    }

    fn cancel(&mut self, trader: UserId, order: u64) {
        let order = OrderId(order as u32);
        let cancelled = self.ask(trader, Command::CancelOrder { lot: LOT, order });
        assert!(cancelled.is_some());
    }

    fn indicative(&self) -> Indicative {
        self.0.indicative(LOT).unwrap()
    }
}

/// Random orders around the middle of the prices, one in fifty a market order; from a fixed seed.
struct Stream<O> {
    orders: O,
    random: u64,
    resting: Vec<(UserId, u64, Side)>,
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

/// A step, drawn before the clock runs.
enum Work {
    Add(UserId, Entry),
    Replace(UserId, u64, Entry),
    Cancel(UserId, u64),
}

/// Action that undoes a step.
enum Undo {
    Nothing,
    Cancel(UserId, u64),
    Add,
}

impl<O: Orders> Stream<O> {
    fn new(orders: O) -> Self {
        let mut stream = Self {
            orders,
            random: 1,
            resting: Vec::new(),
        };
        for _ in 0..ORDERS {
            stream.rest();
        }
        stream
    }

    fn time(&mut self, count: u64, step: Step, then: AndThen) -> Duration {
        let mut total = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            let work: Vec<Work> = (0..batch).map(|_| self.draw(step)).collect();
            let mut undo = Vec::with_capacity(work.len());
            let start = Instant::now();
            for work in &work {
                undo.push(self.carry_out(work));
                if let AndThen::Indicative = then {
                    black_box(self.orders.indicative());
                }
            }
            total += start.elapsed();
            for step in undo {
                match step {
                    Undo::Nothing => {}
                    Undo::Cancel(trader, order) => self.orders.cancel(trader, order),
                    Undo::Add => self.rest(),
                }
            }
        }
        total
    }

    fn draw(&mut self, step: Step) -> Work {
        match step {
            Step::Add => {
                let (trader, side) = self.trader();
                Work::Add(trader, self.entry(side))
            }
            Step::Replace => {
                let index = self.below(self.resting.len() as u64) as usize;
                let (trader, order, side) = self.resting[index];
                Work::Replace(trader, order, self.entry(side))
            }
            Step::Cancel => {
                let index = self.below(self.resting.len() as u64) as usize;
                let (trader, order, _) = self.resting.swap_remove(index);
                Work::Cancel(trader, order)
            }
        }
    }

    fn carry_out(&mut self, work: &Work) -> Undo {
        match *work {
            Work::Add(trader, entry) => Undo::Cancel(trader, self.orders.add(trader, entry)),
            Work::Replace(trader, order, entry) => {
                self.orders.replace(trader, order, entry);
                Undo::Nothing
            }
            Work::Cancel(trader, order) => {
                self.orders.cancel(trader, order);
                Undo::Add
            }
        }
    }

    fn rest(&mut self) {
        let (trader, side) = self.trader();
        let entry = self.entry(side);
        let order = self.orders.add(trader, entry);
        self.resting.push((trader, order, side));
    }

    /// Each trader is on one side, so that nobody trades with themselves.
    fn trader(&mut self) -> (UserId, Side) {
        let trader = 1 + self.below(TRADERS.into()) as u32;
        let side = match trader % 2 {
            0 => Side::Buy,
            _ => Side::Sell,
        };
        (UserId(trader), side)
    }

    fn entry(&mut self, side: Side) -> Entry {
        let limit = 1 + self.below(PRICES);
        Entry {
            side,
            quantity: Quantity::new(1 + self.below(1_000)).unwrap(),
            limit: (self.below(50) != 0).then(|| price(limit)),
        }
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

fn price(units: u64) -> Price {
    Price::from_units(units).unwrap()
}
