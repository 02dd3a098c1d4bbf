//! The order book against an oracle that is written differently, the deciding cases of the rules, the faults that other
//! books have, and the bounds.
//!
//! Random tests are short. `AUCTION_LONG=1 cargo test --release -p auction-core --test book random` runs
//! 250 times as many commands: some ten million.

mod oracle;
mod random;
mod vectors;
mod faults;
mod bounds;
mod allocations;

use auction_core::clearing::book::{
    Book, BookTerms, Corridor, End, Event, Execution, NewOrder, OrderKey, Outcome, Refused,
    Replacement, SelfTrade,
};
use auction_core::clearing::call::Entry;
use auction_core::{Price, Quantity, Side, UserId};

/// A tick of the tests' books: 0.01.
const TICK: u64 = 100;

fn book() -> Book {
    Book::new(BookTerms::default()).unwrap()
}

fn shares(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}

fn at(price: &str) -> Price {
    Price::parse(price).unwrap()
}

/// A day order with a limit, that is refused rather than trade with an own one.
fn order(owner: u32, side: Side, quantity: u64, limit: &str) -> NewOrder {
    NewOrder {
        owner: UserId(owner),
        entry: Entry {
            side,
            quantity: shares(quantity),
            limit: Some(at(limit)),
        },
        execution: Execution::Day,
        self_trade: SelfTrade::Refuse,
    }
}

fn buy(owner: u32, quantity: u64, limit: &str) -> NewOrder {
    order(owner, Side::Buy, quantity, limit)
}

fn sell(owner: u32, quantity: u64, limit: &str) -> NewOrder {
    order(owner, Side::Sell, quantity, limit)
}

fn at_market(order: NewOrder) -> NewOrder {
    let entry = Entry {
        limit: None,
        ..order.entry
    };
    NewOrder { entry, ..order }
}

fn with(order: NewOrder, execution: Execution, self_trade: SelfTrade) -> NewOrder {
    NewOrder {
        execution,
        self_trade,
        ..order
    }
}

fn to(limit: &str, quantity: u64) -> Replacement {
    Replacement {
        limit: at(limit),
        quantity: shares(quantity),
        believed: None,
    }
}

/// Enters an order in an open corridor.
fn enter(book: &mut Book, order: NewOrder) -> Result<(Vec<Event>, Outcome), Refused> {
    let mut events = Vec::new();
    let outcome = book.enter(order, &Corridor::OPEN, |event| events.push(event))?;
    Ok((events, outcome))
}

/// Enters an order that rests whole.
fn rest(book: &mut Book, order: NewOrder) -> OrderKey {
    let (events, outcome) = enter(book, order).unwrap();
    assert_eq!((events.len(), outcome.traded), (0, 0));
    match outcome.end {
        End::Rests { order, .. } => order,
        other => panic!("it should rest: {other:?}"),
    }
}

/// Owner, limit and open shares of a side's orders, the first to trade first.
fn shown(book: &Book, side: Side) -> Vec<(u32, String, u64)> {
    book.orders(side)
        .map(|order| (order.owner.0, order.limit.to_string(), order.open.get()))
        .collect()
}
