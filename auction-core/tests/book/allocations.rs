//! In the steady state the book allocates nothing, and a resting order occupies little.

use allocation_counter::measure;
use auction_core::clearing::book::{Book, CancelAll, Corridor, End, OrderKey};
use auction_core::{Price, Side, UserId};

use super::{TICK, at_market, book, buy, sell};
use crate::order;

/// Orders at many prices, some of which come and go: entered, replaced, traded and cancelled.
fn round(book: &mut Book, keys: &mut Vec<OrderKey>) {
    keys.clear();
    for number in 0..1_000_u64 {
        let side = if number % 2 == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let away = number * 7 % 300 + 1;
        let ticks = if number % 2 == 0 {
            1_000 - away
        } else {
            1_000 + away
        };
        let mut order = order(number as u32 % 5, side, 10, "1");
        order.entry.limit = Price::from_units(ticks * TICK);
        let outcome = book.enter(order, &Corridor::OPEN, drop).unwrap();
        let End::Rests { order, .. } = outcome.end else {
            panic!("it rests")
        };
        keys.push(order);
    }
    for number in (0..1_000).step_by(3) {
        let _ = book.cancel(keys[number], UserId(number as u32 % 5));
    }
    for number in (1..1_000).step_by(3) {
        let to = super::to("7.01", 11);
        let _ = book.replace(
            keys[number],
            UserId(number as u32 % 5),
            to,
            &Corridor::OPEN,
            drop,
        );
    }
    for market in [
        at_market(buy(9, 2_000, "1")),
        at_market(sell(9, 2_000, "1")),
    ] {
        book.enter(market, &Corridor::OPEN, drop).unwrap();
    }
    for owner in 0..5 {
        let mut all = CancelAll::begin(book, UserId(owner));
        while !book.cancel_all(&mut all, 100, drop) {}
    }
    assert!(book.is_empty());
}

#[test]
#[cfg_attr(miri, ignore = "thousands of orders take miri minutes")]
fn entering_replacing_trading_and_cancelling_allocate_nothing() {
    let (mut book, mut keys) = (book(), Vec::new());
    round(&mut book, &mut keys);
    let counted = measure(|| (0..10).for_each(|_| round(&mut book, &mut keys)));
    assert_eq!(counted.count_total, 0);
}

/// 100,000 orders at 1,000 prices, with all that the book keeps of them.
#[test]
#[cfg_attr(miri, ignore = "a hundred thousand orders take miri many minutes")]
fn a_resting_order_occupies_at_most_48_bytes() {
    let mut filled = None;
    let counted = measure(|| {
        let book = filled.insert(book());
        for number in 0..100_000_u64 {
            let side = if number % 2 == 0 {
                Side::Buy
            } else {
                Side::Sell
            };
            let away = number / 2 % 500 + 1;
            let ticks = if number % 2 == 0 {
                1_000 - away
            } else {
                1_000 + away
            };
            let mut order = order(1, side, 10, "1");
            order.entry.limit = Price::from_units(ticks * TICK);
            book.enter(order, &Corridor::OPEN, drop).unwrap();
        }
    });
    assert_eq!(filled.map(|book| book.len()), Some(100_000));
    let bytes = counted.bytes_current as u64 / 100_000;
    assert!(bytes <= 48, "{bytes} bytes an order");
}

#[test]
fn an_empty_book_allocates_nothing() {
    let counted = measure(|| drop(book()));
    assert_eq!(counted.count_total, 0);
}
