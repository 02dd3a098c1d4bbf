//! The steady mix of the order book through the engine: permission, decision, record, and applying its events.
//!
//! `cargo bench -p auction-core --bench day`
//!
//! Fills are compared with those of a plain book. The book alone is measured by the bench `book`, English bids by `english`.

#[path = "book/mix.rs"]
mod mix;

use std::hint::black_box;
use std::time::Duration;

use auction_core::{
    Caller, Command, DayOrder, DayPhase, DayTerms, Engine, Event, Listing, LotId, MarketId,
    OpenLot, OrderId, Price, PrivateEvent, PublicEvent, Quantity, Record, Registration,
    ScheduledPhase, SelfTrade, Side, Span, TimeInForce, Timestamp, UserId,
};
use mix::{Fills, Mix, Step, TAGS};

/// Steps that are timed.
const STEPS: usize = 500_000;
/// Turns; the best and the middle one are printed.
const TURNS: usize = 5;
/// Traders of the orders: crossing orders are of another, so that nothing is refused.
const OWNERS: u32 = 1_000;
const TAKER: UserId = UserId(OWNERS + 1);
const TICK: u64 = 100;
const LOT: LotId = LotId(1);
const NOW: Timestamp = Timestamp::from_secs(60);

fn main() {
    let mix = Mix::new(STEPS);
    let mut times: Vec<Duration> = (0..TURNS).map(|_| throughput(&mix)).collect();
    times.sort_unstable();
    let millions = |time: Duration| STEPS as f64 / time.as_secs_f64() / 1e6;
    println!(
        "steady mix through the engine: {:.2} million commands a second at best, {:.2} in the middle of {TURNS}",
        millions(times[0]),
        millions(times[TURNS / 2])
    );
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

struct Run {
    engine: Engine,
    record: Record,
    /// The order of each tag: its trader, the trader's number for it, and its place among all orders that rested.
    live: Vec<(UserId, OrderId)>,
    /// Public numbers are dense, from 1, and so are the mix's, from 0.
    fills: Fills,
    rested: u32,
}

impl Run {
    fn new(mix: &Mix) -> Self {
        let mut run = Self {
            engine: open(),
            record: Record::default(),
            live: vec![(UserId(0), OrderId(0)); TAGS],
            fills: Fills::default(),
            rested: 0,
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
                let trader = UserId(1 + self.rested % OWNERS);
                self.rested += 1;
                self.execute(trader, place(is_buy, ticks, quantity));
                let placed = self.record.events.iter().find_map(|event| match event {
                    Event::Private(PrivateEvent::DayOrderAccepted { order, .. }) => Some(*order),
                    _ => None,
                });
                self.live[tag as usize] = (trader, placed.expect("it is accepted"));
            }
            Step::Cancel { tag } => {
                let (trader, order) = self.live[tag as usize];
                self.execute(trader, Command::CancelOrder { lot: LOT, order });
            }
            Step::Cross {
                is_buy,
                ticks,
                quantity,
            } => {
                self.execute(TAKER, place(is_buy, ticks, quantity));
                for event in self.record.public_events() {
                    if let PublicEvent::Traded {
                        resting,
                        price,
                        quantity,
                        ..
                    } = event
                    {
                        let ticks = price.units() / TICK;
                        self.fills.add(resting - 1, ticks, quantity.get());
                    }
                }
            }
        }
    }

    fn execute(&mut self, trader: UserId, command: Command) {
        let record = &mut self.record;
        let caller = Caller::User(trader);
        let executed = self.engine.execute_into(NOW, caller, command, record);
        executed.expect("nothing is refused");
    }
}

fn place(is_buy: bool, ticks: u32, quantity: u16) -> Command {
    let order = DayOrder {
        side: if is_buy { Side::Buy } else { Side::Sell },
        quantity: Quantity::new(quantity.into()).expect("a quantity"),
        limit: Price::from_units(u64::from(ticks) * TICK),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    };
    Command::PlaceDayOrder { lot: LOT, order }
}

/// A lot in continuous trading, and its traders.
fn open() -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let mut operate = |command: Command| {
        let now = Timestamp::default();
        engine
            .execute(now, Caller::Operator, command)
            .expect("the operator may");
    };
    let symbol = "AAPL".parse().expect("a symbol");
    let base = "1000".parse().expect("a price");
    operate(Listing::new(symbol, "01954".parse().expect("a code"), base).into());
    for number in 0..=OWNERS {
        let name = format!("trader-{number}").parse().expect("a name");
        operate(Registration::trader(name).into());
    }
    let phase = |phase, begins_after| ScheduledPhase {
        phase,
        begins_after: Span::from_secs(begins_after),
    };
    let terms = DayTerms::new(vec![
        phase(DayPhase::Call, 0),
        phase(DayPhase::Continuous, 60),
        phase(DayPhase::Call, 3_600),
    ]);
    let closes_at = Timestamp::from_secs(7_200);
    operate(OpenLot::new(symbol, Quantity::ONE, closes_at, terms).into());
    while engine.advance(NOW, || [7; 32]).is_some() {}
    engine
}
