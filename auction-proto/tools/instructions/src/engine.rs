//! Hot paths of the engine and of the public market.

use std::hint::black_box;

use auction_core::clearing::call::{Book, BookTerms, Entry, OrderId as Place, Uncross};
use auction_core::{
    AccountMode, Caller, Command, Engine, LotId, Market, OrderId, Price, PublicEvent, Quantity,
    Record, Side, Timestamp, UserId,
};

use crate::stage::{self, Bid, CALL_TRADERS, LOTS, NOW};

/// Number of bids after which every ring and set has its final size.
const BIDS_BEFORE: usize = 10_000;
/// Number of orders in a book.
const ORDERS: u32 = 10_000;
const ORDERS_UNCROSSED: u32 = 1_000;
const PRICES: u64 = 200;

pub fn bids_of_users(operations: u64) {
    let engine = stage::english(AccountMode::Credit);
    bid(engine, operations, Bid::by_user, Bid::command);
}

pub fn bids_of_sessions(operations: u64) {
    let engine = stage::english(AccountMode::Credit);
    bid(engine, operations, Bid::by_session, Bid::command);
}

pub fn covered_bids(operations: u64) {
    let engine = stage::english(AccountMode::Funds);
    bid(engine, operations, Bid::by_user, Bid::command);
}

pub fn maxima(operations: u64) {
    let engine = stage::english(AccountMode::Credit);
    bid(engine, operations, Bid::by_user, |bid| {
        Command::BidMaximum {
            lot: bid.lot,
            maximum: bid.price,
        }
    });
}

pub fn refused_bids(operations: u64) {
    let mut desk = Desk::new(stage::english(AccountMode::Credit));
    let last = Bid::all().nth(LOTS as usize - 1).expect("bids go on");
    for bid in Bid::all().take(LOTS as usize) {
        desk.execute(bid.by_user(), bid.command());
    }
    let too_low = Caller::User(UserId(2));
    for _ in 0..operations {
        let (caller, command) = (black_box(too_low), black_box(last.command()));
        let refused = desk
            .engine
            .execute_into(NOW, caller, command, &mut desk.record);
        assert!(black_box(refused).is_err());
    }
}

fn bid(
    engine: Engine,
    operations: u64,
    caller: impl Fn(Bid) -> Caller,
    command: impl Fn(Bid) -> Command,
) {
    let mut desk = Desk::new(engine);
    let count = BIDS_BEFORE + usize::try_from(operations).expect("not so many");
    for bid in Bid::all().take(count) {
        desk.execute(caller(bid), command(bid));
    }
}

/// An engine, and the buffer for its records.
struct Desk {
    engine: Engine,
    record: Record,
}

impl Desk {
    fn new(engine: Engine) -> Self {
        let record = Record::default();
        Self { engine, record }
    }

    fn execute(&mut self, caller: Caller, command: Command) {
        let (now, caller, command) = (black_box(NOW), black_box(caller), black_box(command));
        let executed = self
            .engine
            .execute_into(now, caller, command, &mut self.record);
        assert!(executed.is_ok(), "what is asked here is accepted");
        black_box(&self.record);
    }
}

pub fn replayed_bids(operations: u64) {
    let (mut engine, records) = bid_records(operations);
    for record in &records {
        engine.replay(black_box(record)).expect("it follows");
    }
}

pub fn folded_bids(operations: u64) {
    let (engine, records) = bid_records(operations);
    let mut market = Market::from_parts(engine.market().parts().clone()).expect("it is one");
    for record in &records {
        for event in record.public_events() {
            let at: Timestamp = black_box(record.at);
            market
                .apply(at, black_box::<&PublicEvent>(event))
                .expect("it follows");
        }
    }
}

/// A market, and records of the next bids.
fn bid_records(operations: u64) -> (Engine, Vec<Record>) {
    let mut engine = stage::english(AccountMode::Credit);
    let before = engine.clone();
    // The same number is made for every `operations`, so that the preparation is the same.
    let bids = Bid::all().take(4_000);
    let records = bids.map(|bid| {
        let executed = engine.execute(NOW, bid.by_user(), bid.command());
        let record = executed.expect("it is accepted").into_record();
        record.expect("it was decided just now")
    });
    let mut records: Vec<Record> = records.collect();
    records.truncate(usize::try_from(operations).expect("not so many"));
    (before, records)
}

pub fn orders_placed(operations: u64) {
    let mut desk = call_of_orders();
    let mut next = [ORDERS / CALL_TRADERS; CALL_TRADERS as usize];
    for number in 0..operations {
        let trader = (number % u64::from(CALL_TRADERS)) as u32;
        let order = &mut next[trader as usize];
        *order += 1;
        let (caller, lot) = (Caller::User(UserId(trader + 1)), LotId(1));
        let (side, quantity, limit) = order_of(trader, number * 7 % PRICES);
        let place = Command::PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        };
        desk.execute(caller, place);
        let order = OrderId(*order);
        desk.execute(caller, Command::CancelOrder { lot, order });
    }
}

pub fn orders_replaced(operations: u64) {
    let mut desk = call_of_orders();
    for number in 0..operations {
        replace(&mut desk, number);
    }
}

pub fn indicatives(operations: u64) {
    let mut desk = call_of_orders();
    for number in 0..operations {
        replace(&mut desk, number);
        black_box(desk.engine.indicative(LotId(1)));
    }
}

/// Replaces one order after another with another limit and quantity.
fn replace(desk: &mut Desk, number: u64) {
    let trader = (number % u64::from(CALL_TRADERS)) as u32;
    let of_trader = u64::from(ORDERS / CALL_TRADERS);
    let order = number / u64::from(CALL_TRADERS) * 37 % of_trader + 1;
    let (_, quantity, limit) = order_of(trader, (number * 7 + 3) % PRICES);
    let replace = Command::ReplaceOrder {
        lot: LotId(1),
        order: OrderId(u32::try_from(order).expect("numbers of orders are small")),
        quantity: Quantity::new(quantity.get() + 1 + number).expect("a quantity"),
        limit,
    };
    desk.execute(Caller::User(UserId(trader + 1)), replace);
}

/// A call auction with orders.
fn call_of_orders() -> Desk {
    let mut desk = Desk::new(stage::call());
    for number in 0..u64::from(ORDERS) {
        let trader = (number % u64::from(CALL_TRADERS)) as u32;
        let (side, quantity, limit) = order_of(trader, number * 13 % PRICES);
        let place = Command::PlaceOrder {
            lot: LotId(1),
            side,
            quantity,
            limit,
        };
        desk.execute(Caller::User(UserId(trader + 1)), place);
    }
    desk
}

/// An order of a trader, who is always on one side, so that nobody trades with themself.
fn order_of(trader: u32, place: u64) -> (Side, Quantity, Option<Price>) {
    let side = if trader.is_multiple_of(2) {
        Side::Buy
    } else {
        Side::Sell
    };
    let quantity = Quantity::new(1 + place * 31 % 1_000).expect("a quantity");
    let limit = Price::from_units((1 + place) * 100).expect("a price");
    (side, quantity, Some(limit))
}

pub fn uncrosses(operations: u64) {
    let terms = BookTerms {
        tick: Price::from_units(100).expect("a price"),
        round_lot: Quantity::ONE,
        reference: Price::ZERO,
        collar: None,
    };
    let mut book = Book::new(terms).expect("a tick");
    for number in 0..u64::from(ORDERS_UNCROSSED) {
        let trader = (number % u64::from(CALL_TRADERS)) as u32;
        let (side, quantity, limit) = order_of(trader, number * 13 % PRICES);
        let entry = Entry {
            side,
            quantity,
            limit,
        };
        book.add(Place(number + 1), UserId(trader + 1), entry)
            .expect("room for it");
    }
    for _ in 0..operations {
        let uncross = Uncross::of(black_box(&book)).expect("it crosses");
        uncross.fills(&book).for_each(|fill| {
            black_box(fill);
        });
    }
}
