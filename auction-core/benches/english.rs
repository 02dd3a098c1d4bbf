//! English bids in the engine, compared with a bare loop that compares and stores over the same keys.
//!
//! `cargo bench -p auction-core --bench english`
//!
//! The bare loop is the minimum that any market must do: look the lot up, compare the price, keep the price and the
//! bidder if it is higher. The second loop also writes the record that a journal needs, in place. All three process the
//! same bids, prepared beforehand, in turns; each cell is the median of all turns with the least and the greatest. Only
//! the ratios are meaningful: the machine's speed cancels out. With `--values` the output is for programs: a name, the
//! engine's nanoseconds for a bid on 10,000 lots, and the bare loop's.
//!
//! Measured so far, on a busy machine: 50 to 90 million bids a second over 10 and over 1,000 lots, 27 to 60 over
//! 10,000,
//! 4 to 10 over 100,000 and 3 to 5 over 1,000,000, where a lot is in no cache; a session's bid, which keeps its
//! outcome, 9 to 17 over 10,000. Of the bare loop that is 5 to 7 %; of the loop that writes records, itself a fifth of
//! the bare one, 30 to 40 %. A user's bid is some 160 instructions beside the 30 of this loop
//! (`cargo xtask instructions` counts them with what surrounds them there) and two cache lines of its lot;
//! the bare loop is ten and one. The aim of 15 % of the bare loop is not reached: the instructions alone take half as
//! long again as it would leave, and at 10,000 lots the lines no longer fit a core's own cache, so that the rest is
//! waiting for them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use auction_core::{
    Actor, BidAccepted, Caller, Command, Credential, Engine, EnglishTerms, Event, Listing, LotId,
    MarketId, Name, NewSession, OpenLot, Price, Profit, PublicEvent, Quantity, Record,
    Registration, RequestId, ReserveStatus, Role, SecurityCode, Sequence, SessionId, Symbol, Terms,
    Timestamp, TokenHash, UserId,
};

const TRADERS: u32 = 50;
/// Number of lots in the output for programs.
const LOTS_USUAL: u32 = 10_000;
const TURNS: usize = 501;
/// Turns to warm up: maps, rings and caches grow to their lasting size.
const TURNS_BEFORE: usize = 100;
const BIDS_A_TURN: u32 = 10_000;
const NOW: Timestamp = Timestamp::from_secs(1);

fn main() {
    if std::env::args().any(|argument| argument == "--values") {
        let Rates { bare, ours, .. } = measured(LOTS_USUAL, user);
        let nanos = |rate: Rate| 1e3 / rate.median;
        println!("english\t{}\t{}", nanos(ours), nanos(bare));
        return;
    }
    println!(
        "{:<30}{:>24}{:>22}{:>22}{:>9}{:>11}",
        "", "bare, M bids/s", "with a record", "engine", "of bare", "of records"
    );
    // The cost by the size of the market.
    row("a user bids, 10 lots", 10, user);
    row("a user bids, 1,000 lots", 1_000, user);
    row("a user bids, 10,000 lots", 10_000, user);
    row("a user bids, 100,000 lots", 100_000, user);
    row("a user bids, 1,000,000 lots", 1_000_000, user);
    row("a session bids, 10,000 lots", 10_000, session);
}

/// A bid, the same for all loops.
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

fn row(name: &str, lots: u32, caller: impl Fn(&Bid) -> Caller) {
    let Rates {
        bare,
        records,
        ours,
    } = measured(lots, caller);
    let of = |other: &Rate| ours.median / other.median * 100.0;
    let (of_bare, of_records) = (of(&bare), of(&records));
    println!("{name:<30}{bare:>24}{records:>22}{ours:>22}{of_bare:>8.1}%{of_records:>10.1}%");
}

struct Rates {
    bare: Rate,
    /// Rate of the bare loop that writes records.
    records: Rate,
    /// Rate of the engine.
    ours: Rate,
}

fn measured(lots: u32, caller: impl Fn(&Bid) -> Caller) -> Rates {
    let mut engine = market(lots);
    let mut best = vec![(Price::ZERO, 0_u32); lots as usize];
    let mut written = best.clone();
    let (mut bare_times, mut record_times, mut our_times) = (Vec::new(), Vec::new(), Vec::new());
    let mut bids = Bids::new(lots);
    for turn in 0..TURNS_BEFORE + TURNS {
        let bids = bids.turn();
        let bare_time = timed(|| compare_and_store(&mut best, &bids));
        let record_time = timed(|| compare_and_record(&mut written, &bids));
        let our_time = timed(|| execute(&mut engine, &bids, &caller));
        if turn >= TURNS_BEFORE {
            bare_times.push(bare_time);
            record_times.push(record_time);
            our_times.push(our_time);
        }
    }
    Rates {
        bare: Rate::of(bare_times),
        records: Rate::of(record_times),
        ours: Rate::of(our_times),
    }
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

/// Keeps the price and the bidder, and overwrites the record of the previous bid.
fn compare_and_record(best: &mut [(Price, u32)], bids: &[Bid]) {
    let mut accepted = 0_u64;
    let mut record = Record {
        command: command(&bids[0]),
        events: [bid_accepted(&bids[0])].into_iter().collect(),
        ..Record::default()
    };
    for bid in bids {
        let best = &mut best[bid.lot as usize - 1];
        if bid.price > best.0 {
            *best = (bid.price, bid.trader);
            accepted += 1;
            record.sequence = Sequence(accepted);
            record.at = NOW;
            record.actor = Actor::User(UserId(bid.trader));
            if let Command::Bid { lot, price } = &mut record.command {
                (*lot, *price) = (LotId(bid.lot), bid.price);
            }
            if let [event] = record.events.as_mut_slice() {
                *event = bid_accepted(bid);
            }
            black_box(&record);
        }
    }
    assert_eq!(accepted, u64::from(BIDS_A_TURN));
}

fn bid_accepted(bid: &Bid) -> Event {
    Event::Public(PublicEvent::BidAccepted(BidAccepted {
        lot: LotId(bid.lot),
        bidder: UserId(bid.trader),
        amount: Some(bid.price),
        leader: UserId(bid.trader),
        price: bid.price,
        least: bid.price.checked_add(Price::UNIT),
        bidders: bid.trader,
        reserve: ReserveStatus::None,
    }))
}

fn command(bid: &Bid) -> Command {
    Command::Bid {
        lot: LotId(bid.lot),
        price: bid.price,
    }
}

fn execute(engine: &mut Engine, bids: &[Bid], caller: impl Fn(&Bid) -> Caller) {
    let mut record = Record::default();
    for bid in bids {
        let executed = engine.execute_into(NOW, caller(bid), command(bid), &mut record);
        assert!(
            executed.is_ok(),
            "a rising bid of another trader is accepted"
        );
        black_box(&record);
    }
}

/// Rising bids: lots in a scattered order, on each lot from another trader every time.
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
