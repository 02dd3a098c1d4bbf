//! Values at their bounds: prices, quantities, a full book, one price for all, a price for each.

use std::collections::BTreeMap;

use auction_core::clearing::book::{
    Book, BookTerms, Corridor, End, Event, Execution, NewOrder, OrderKey, Refused, Replaced,
    SelfTrade,
};
use auction_core::clearing::call::{BookTermsError, Entry, OrderError};
use auction_core::limits::{BOOK_ORDERS_MAX, PRICE_MAX, QUANTITY_MAX};
use auction_core::{Price, Side, UserId};

use super::{at_market, book, buy, enter, rest, sell, shares, shown, to, with};

fn units(units: u64) -> Price {
    Price::from_units(units).unwrap()
}

fn book_of(tick: u64, orders_max: u32) -> Book {
    Book::new(BookTerms {
        tick: units(tick),
        orders_max,
        ..BookTerms::default()
    })
    .unwrap()
}

fn priced(owner: u32, side: Side, quantity: u64, limit: u64) -> NewOrder {
    NewOrder {
        entry: Entry {
            side,
            quantity: shares(quantity),
            limit: Some(units(limit)),
        },
        ..buy(owner, 1, "1")
    }
}

#[test]
fn the_greatest_price_and_quantity_trade_as_any_other() {
    for tick in [1, 3, PRICE_MAX] {
        let mut book = book_of(tick, 100);
        let greatest = |owner, side| priced(owner, side, QUANTITY_MAX, PRICE_MAX);
        rest(&mut book, greatest(1, Side::Sell));
        rest(&mut book, greatest(2, Side::Sell));
        let best = book.best(Side::Sell).unwrap();
        assert_eq!((best.price, best.quantity), (Price::MAX, 2 * QUANTITY_MAX));
        let (events, outcome) = enter(&mut book, greatest(3, Side::Buy)).unwrap();
        assert!(matches!(
            events[..],
            [Event::Trade {
                price: Price::MAX,
                owner: UserId(1),
                left: 0,
                ..
            }]
        ));
        assert_eq!((outcome.traded, outcome.end), (QUANTITY_MAX, End::Done));
        enter(&mut book, greatest(3, Side::Buy)).unwrap();
        rest(&mut book, greatest(3, Side::Buy));
        let best = book.best(Side::Buy).unwrap();
        assert_eq!((best.price, best.quantity), (Price::MAX, QUANTITY_MAX));
    }
}

#[test]
fn the_least_price_trades_and_zero_and_off_tick_are_refused() {
    let mut book = book_of(1, 100);
    rest(&mut book, priced(1, Side::Buy, 1, 1));
    let (_, outcome) = enter(&mut book, priced(2, Side::Sell, 1, 1)).unwrap();
    assert_eq!(outcome.end, End::Done);
    let mut book = book_of(100, 100);
    for (limit, above) in [(0, 100), (99, 100), (101, 200), (PRICE_MAX, PRICE_MAX - 99)] {
        let (tick, above) = (units(100), units(above));
        let refused = enter(&mut book, priced(1, Side::Buy, 1, limit));
        assert_eq!(refused, Err(OrderError::OffTick { tick, above }.into()));
    }
    let zero_tick = BookTerms {
        tick: Price::ZERO,
        ..BookTerms::default()
    };
    assert_eq!(Book::new(zero_tick).err(), Some(BookTermsError::ZeroTick));
    let round_lot = shares(10);
    let terms = BookTerms {
        round_lot,
        ..BookTerms::default()
    };
    let mut book = Book::new(terms).unwrap();
    let refused = enter(&mut book, buy(1, 15, "1"));
    assert_eq!(refused, Err(OrderError::OffRoundLot { round_lot }.into()));
    rest(&mut book, buy(1, QUANTITY_MAX, "1"));
}

#[test]
fn a_full_book_refuses_what_would_rest_and_nothing_else() {
    let mut book = book_of(100, 2);
    let first = rest(&mut book, sell(1, 5, "10"));
    rest(&mut book, sell(1, 5, "11"));
    let full = OrderError::BookFull { most: 2 };
    for order in [buy(2, 5, "9"), sell(2, 5, "10")] {
        assert_eq!(enter(&mut book, order), Err(full.into()));
    }
    // What cannot rest is taken.
    for execution in [Execution::ImmediateOrCancel, Execution::FillOrKill] {
        let order = with(buy(2, 5, "9"), execution, SelfTrade::Refuse);
        assert!(enter(&mut book, order).is_ok());
    }
    // So is a replacement, and an order that fills one which rests: there is room for its own rest then.
    let replaced = book.replace(first, UserId(1), to("10.50", 6), &Corridor::OPEN, drop);
    assert!(matches!(replaced, Ok(Replaced::Anew(_))));
    let (_, outcome) = enter(&mut book, buy(2, 2, "10.50")).unwrap();
    assert_eq!((outcome.end, book.len()), (End::Done, 2));
    let (_, outcome) = enter(&mut book, buy(2, 7, "10.50")).unwrap();
    assert!(matches!(outcome.end, End::Rests { open, .. } if open == shares(3)));
    assert_eq!(book.len(), 2);
    assert_eq!(enter(&mut book, buy(2, 1, "9")), Err(full.into()));
}

#[test]
fn a_book_for_zero_orders_takes_none_and_a_huge_one_is_capped() {
    let mut none = book_of(100, 0);
    let full = OrderError::BookFull { most: 0 };
    assert_eq!(enter(&mut none, buy(1, 1, "1")), Err(full.into()));
    assert!(enter(&mut none, at_market(buy(1, 1, "1"))).is_ok());
    let most = book_of(100, u32::MAX).terms().orders_max;
    assert_eq!(most as usize, BOOK_ORDERS_MAX);
}

#[test]
fn keys_that_were_never_given_find_nothing() {
    let mut book = book();
    let order = rest(&mut book, buy(1, 1, "1"));
    let place = 1 << 22;
    for raw in [
        1,
        place - 1,
        place + 1,
        2 * place,
        u64::MAX,
        u64::MAX - place,
    ] {
        let key = OrderKey::from_raw(raw).unwrap();
        assert_ne!(key, order);
        let unknown = Refused::UnknownOrder { order: key };
        assert_eq!(book.cancel(key, UserId(1)), Err(unknown));
        assert_eq!(book.order(key), None);
    }
    assert_eq!(OrderKey::from_raw(0), None);
    assert_eq!(OrderKey::from_raw(order.get()), Some(order));
}

#[test]
#[cfg_attr(miri, ignore = "a hundred thousand orders take miri many minutes")]
fn a_price_holds_as_many_orders_as_the_book() {
    const ORDERS: u32 = 100_000;
    let mut book = book_of(100, ORDERS);
    let keys: Vec<OrderKey> = (0..ORDERS)
        .map(|owner| rest(&mut book, sell(owner, QUANTITY_MAX, "0.01")))
        .collect();
    let best = book.best(Side::Sell).unwrap();
    assert_eq!(best.quantity, u64::from(ORDERS) * QUANTITY_MAX);
    // From the middle, the front and the back.
    for number in [50_000, 0, ORDERS - 1] {
        let cancelled = book.cancel(keys[number as usize], UserId(number));
        assert!(cancelled.is_ok());
    }
    let mut owner = 0;
    for _ in 3..ORDERS {
        let (events, _) = enter(&mut book, buy(ORDERS, QUANTITY_MAX, "0.01")).unwrap();
        owner += if owner == 49_999 { 2 } else { 1 };
        assert!(
            matches!(events[..], [Event::Trade { owner: UserId(of), left: 0, .. }] if of == owner)
        );
    }
    assert!(book.is_empty() && book.best(Side::Sell).is_none());
}

/// Twenty thousand prices all over the range, unsorted: neither the table of recent levels nor a run of sorted ones
/// holds them all.
#[test]
#[cfg_attr(miri, ignore = "thousands of levels take miri many minutes")]
fn prices_anywhere_are_found_in_order_as_they_come_and_go() {
    const LEVELS: u64 = 20_000;
    for side in [Side::Buy, Side::Sell] {
        let mut book = book_of(1, BOOK_ORDERS_MAX as u32);
        let mut plain: BTreeMap<u64, Vec<OrderKey>> = BTreeMap::new();
        let mut mixed: u64 = 7;
        let mut next = || {
            mixed = mixed
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            mixed >> 20
        };
        for step in 0..4 * LEVELS {
            // It grows to the middle, and shrinks from then on.
            let grows = (next() % 4 == 0) == (step > 2 * LEVELS);
            if grows {
                // Some share the low bits of others.
                let limit = if next() % 2 == 0 {
                    next() % PRICE_MAX + 1
                } else {
                    (next() % 64 + 1) << 17
                };
                let order = rest(&mut book, priced(1, side, 1, limit));
                plain.entry(limit).or_default().push(order);
            } else if !plain.is_empty() {
                let from = next() % PRICE_MAX;
                let first = *plain.keys().next().unwrap();
                let limit = plain
                    .range(from..)
                    .next()
                    .map_or(first, |(limit, _)| *limit);
                let orders = plain.get_mut(&limit).unwrap();
                let order = orders.remove(next() as usize % orders.len());
                if orders.is_empty() {
                    plain.remove(&limit);
                }
                assert!(book.cancel(order, UserId(1)).is_ok());
            }
            let best = match side {
                Side::Buy => plain.last_key_value(),
                Side::Sell => plain.first_key_value(),
            };
            let best = best.map(|(limit, orders)| (units(*limit), orders.len() as u64));
            let found = book.best(side).map(|best| (best.price, best.quantity));
            assert_eq!(found, best);
            if step % 4_096 == 0 || step + 1 == 4 * LEVELS {
                let mut levels: Vec<(u64, u32)> = book
                    .levels(side)
                    .map(|level| (level.price.units(), level.orders))
                    .collect();
                if side == Side::Buy {
                    levels.reverse();
                }
                let expected = plain
                    .iter()
                    .map(|(limit, orders)| (*limit, orders.len() as u32));
                assert!(levels.into_iter().eq(expected));
            }
        }
        // All that is left goes from the best on.
        let left = plain.values().map(Vec::len).sum::<usize>();
        assert_eq!(book.len(), left);
        let sweep = at_market(priced(2, side.opposite(), left as u64, 1));
        let (events, outcome) = enter(&mut book, sweep).unwrap();
        assert_eq!((events.len(), outcome.end), (left, End::Done));
        assert!(book.is_empty() && book.levels(side).next().is_none());
    }
}

#[test]
fn a_price_at_the_corridors_bound_is_inside() {
    for (units_of_bound, trades) in [(102_000, true), (101_999, false)] {
        let mut book = book();
        rest(&mut book, sell(1, 5, "10.20"));
        let collar = auction_core::clearing::call::Collar {
            absolute: units(units_of_bound - 100_000),
            basis_points: 0,
        };
        let corridor = Corridor::OPEN.within(&collar, units(100_000));
        let outcome = book.enter(buy(2, 5, "10.20"), &corridor, drop).unwrap();
        assert_eq!(outcome.end == End::Done, trades);
    }
}

#[test]
fn trading_at_last_is_oldest_first_whatever_the_limit() {
    let mut book = book();
    let early = rest(&mut book, buy(1, 5, "10"));
    let better = rest(&mut book, buy(2, 5, "10.50"));
    let worse = rest(&mut book, buy(3, 5, "9.90"));
    rest(&mut book, sell(4, 5, "11"));
    book.begin_at_last(units(100_000));
    assert_eq!(book.closing_price(), Some(units(100_000)));
    let price = units(100_000);
    let refused = enter(&mut book, sell(5, 1, "10.01"));
    assert_eq!(refused, Err(Refused::NotAtClose { price }));
    // A market order joins, and a limit at or better than the close.
    let (events, _) = enter(&mut book, at_market(sell(5, 6, "1"))).unwrap();
    let traded: Vec<OrderKey> = events
        .iter()
        .map(|event| match event {
            Event::Trade { resting, price, .. } if *price == units(100_000) => *resting,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(traded, [early, better]);
    let (_, outcome) = enter(&mut book, sell(5, 5, "8")).unwrap();
    assert!(matches!(outcome.end, End::Rests { open, .. } if open == shares(1)));
    // A change of limit behind the place costs the place.
    let End::Rests { order, .. } = outcome.end else {
        unreachable!()
    };
    let other = rest(&mut book, sell(6, 1, "10"));
    let requeued = book.requeue(order, UserId(5), to("10", 1), &Corridor::OPEN, drop);
    assert!(matches!(requeued.unwrap().end, End::Rests { order, .. } if order > other));
    // What does not accept the close waits.
    assert_eq!(book.order(worse).map(|order| order.open), Some(shares(5)));
    assert_eq!(shown(&book, Side::Sell).len(), 3);
}
