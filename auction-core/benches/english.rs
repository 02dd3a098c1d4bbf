//! English bids in the engine beside a bare loop that compares and stores over the same keys.
//!
//! `cargo bench -p auction-core --bench english`
//!
//! The bare loop is the least that any market can do: look the lot up, compare the price, keep the price and
//! the bidder if it is higher. Both take the same bids, prepared beforehand, in turns; each row is the median
//! of all turns with the least and the greatest. Only the ratio says anything: the machine's speed cancels. With
//! `--values` the line is for programs: a name, the engine's nanoseconds for a bid on 10,000 lots, and the bare loop's.
//!
//! Seen so far, on a busy machine: 20 million bids a second over 10 and over 1,000 lots, 9 to 16 over 10,000,
//! 1 to 4 over 100,000, and half a million to 2 million over 1,000,000, where a lot is in no cache; of the bare
//! loop that is 1 to 3 %. A session's bid costs half as much again, and keeps its outcome. A bid is some 700
//! instructions, which `cargo run --release -p instructions` counts, and six cache lines of its lot; the bare loop
//! is ten and one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, LotId, MarketId, Name, NewSession,
    OpenLot, Price, Profit, Quantity, Record, Registration, RequestId, Role, SecurityCode,
    SessionId, Symbol, Terms, Timestamp, TokenHash, UserId,
};

const TRADERS: u32 = 50;
/// What is measured for programs.
const LOTS_USUAL: u32 = 10_000;
const TURNS: usize = 501;
/// First they warm up: maps, rings and caches grow to their lasting size.
const TURNS_BEFORE: usize = 100;
const BIDS_A_TURN: u32 = 10_000;
const NOW: Timestamp = Timestamp::from_secs(1);

fn main() {
    if std::env::args().any(|argument| argument == "--values") {
        let (bare, ours) = measured(LOTS_USUAL, user);
        let nanos = |rate: Rate| 1e3 / rate.median;
        println!("english\t{}\t{}", nanos(ours), nanos(bare));
        return;
    }
    println!(
        "{:<34}{:>24}{:>22}{:>9}",
        "", "bare, M bids/s", "engine, M bids/s", "ratio"
    );
    // How the cost grows with the market.
    row("a user bids, 10 lots", 10, user);
    row("a user bids, 1,000 lots", 1_000, user);
    row("a user bids, 10,000 lots", 10_000, user);
    row("a user bids, 100,000 lots", 100_000, user);
    row("a user bids, 1,000,000 lots", 1_000_000, user);
    row("a session bids, 10,000 lots", 10_000, session);
}

/// A bid, the same for both.
struct Bid {
    lot: u32,
    trader: u32,
    price: Price,
    request: u64,
}

fn user(bid: &Bid) -> Caller {
    Caller::User(UserId(bid.trader))
}

fn session(bid: &Bid) -> Caller {
    let session = SessionId(u64::from(bid.trader));
    Caller::Session {
        session,
        request: RequestId(bid.request),
    }
}

fn row(name: &str, lots: u32, caller: fn(&Bid) -> Caller) {
    let (bare, ours) = measured(lots, caller);
    let ratio = ours.median / bare.median;
    println!("{name:<34}{bare:>24}{ours:>22}{:>8.1}%", ratio * 100.0);
}

/// The bare loop's rate, and the engine's.
fn measured(lots: u32, caller: fn(&Bid) -> Caller) -> (Rate, Rate) {
    let mut engine = market(lots);
    let mut best = vec![(Price::ZERO, 0_u32); lots as usize];
    let mut bare = Vec::new();
    let mut ours = Vec::new();
    let mut bids = Bids::new(lots);
    for turn in 0..TURNS_BEFORE + TURNS {
        let bids = bids.turn();
        let bare_time = timed(|| compare_and_store(&mut best, &bids));
        let our_time = timed(|| execute(&mut engine, &bids, caller));
        if turn >= TURNS_BEFORE {
            bare.push(bare_time);
            ours.push(our_time);
        }
    }
    (Rate::of(bare), Rate::of(ours))
}

fn compare_and_store(best: &mut [(Price, u32)], bids: &[Bid]) {
    let mut accepted = 0_u32;
    for bid in bids {
        let best = &mut best[bid.lot as usize - 1];
        if bid.price > best.0 {
            *best = (bid.price, bid.trader);
            accepted += 1;
        }
    }
    assert_eq!(black_box(accepted), BIDS_A_TURN);
}

fn execute(engine: &mut Engine, bids: &[Bid], caller: fn(&Bid) -> Caller) {
    let mut record = Record::default();
    for bid in bids {
        let command = Command::Bid {
            lot: LotId(bid.lot),
            price: bid.price,
        };
        let executed = engine.execute_into(NOW, caller(bid), command, &mut record);
        assert!(
            executed.is_ok(),
            "a rising bid of another trader is accepted"
        );
        black_box(&record);
    }
}

/// Rising bids: lots in a scattered order, on each of them another trader every time.
struct Bids {
    lots: u32,
    made: u64,
    scatter: u64,
    last_trader: Vec<u32>,
    price: Vec<u64>,
}

impl Bids {
    fn new(lots: u32) -> Self {
        let last_trader = vec![0; lots as usize];
        Self {
            lots,
            made: 0,
            scatter: 1,
            last_trader,
            price: vec![0; lots as usize],
        }
    }

    fn turn(&mut self) -> Vec<Bid> {
        (0..BIDS_A_TURN).map(|_| self.bid()).collect()
    }

    fn bid(&mut self) -> Bid {
        // Marsaglia's xorshift: the same bids in every run.
        self.scatter ^= self.scatter << 13;
        self.scatter ^= self.scatter >> 7;
        self.scatter ^= self.scatter << 17;
        let index = (self.scatter % u64::from(self.lots)) as usize;
        let mut trader = (self.scatter >> 40) as u32 % TRADERS + 1;
        if trader == self.last_trader[index] {
            trader = trader % TRADERS + 1;
        }
        self.last_trader[index] = trader;
        self.price[index] += 100 + self.scatter % 50;
        self.made += 1;
        let price = Price::from_units(self.price[index]).expect("prices stay in range");
        Bid {
            lot: index as u32 + 1,
            trader,
            price,
            request: self.made,
        }
    }
}

fn market(lots: u32) -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let symbol = Symbol::parse("AAPL").expect("a symbol");
    let mut operate = |command| {
        let start = Timestamp::from_secs(0);
        engine
            .execute(start, Caller::Operator, command)
            .expect("the operator may");
    };
    operate(Command::ListStock(Listing {
        symbol,
        security: SecurityCode::parse("01954").expect("a code"),
        price: Price::ZERO,
        profit: Profit::default(),
    }));
    for trader in 1..=TRADERS {
        operate(Command::Register(Box::new(Registration {
            name: Name::parse(&format!("trader-{trader}")).expect("a name"),
            role: Role::Trader,
            credential: Credential::new(b"").expect("a short credential"),
        })));
        operate(Command::OpenSession(Box::new(NewSession {
            user: UserId(trader),
            token_hash: TokenHash([0; 32]),
            expires_at: Timestamp::from_secs(1_000),
        })));
    }
    for _ in 0..lots {
        operate(Command::OpenLot(Box::new(OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(1_000),
            terms: Terms::English(EnglishTerms::default()),
            reserve: None,
        })));
    }
    engine
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Millions a second.
struct Rate {
    least: f64,
    median: f64,
    greatest: f64,
}

impl Rate {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rate = |time: Duration| f64::from(BIDS_A_TURN) / time.as_secs_f64() / 1e6;
        Self {
            least: rate(times[times.len() - 1]),
            median: rate(times[times.len() / 2]),
            greatest: rate(times[0]),
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!(
            "{:.1} ({:.1}-{:.1})",
            self.median, self.least, self.greatest
        ))
    }
}
