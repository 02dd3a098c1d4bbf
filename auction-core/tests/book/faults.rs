//! The faults that eighteen order books were found to have, each as a test of this one.

use auction_core::clearing::book::{
    CancelAll, Corridor, End, Event, Execution, LapsedBecause, Order, Refused, Replaced, SelfTrade,
};
use auction_core::clearing::call::{Collar, OrderError};
use auction_core::limits::QUANTITY_MAX;
use auction_core::{Price, Side, UserId};

use super::{at, at_market, book, buy, enter, rest, sell, shares, shown, to, with};

#[test]
fn a_cancel_after_a_fill_removes_only_the_named_order() {
    let mut book = book();
    let first = rest(&mut book, sell(1, 5, "10"));
    let second = rest(&mut book, sell(2, 5, "10"));
    let third = rest(&mut book, sell(3, 5, "10"));
    enter(&mut book, buy(9, 5, "10")).unwrap();
    // The first is gone; its slot is used again.
    let fourth = rest(&mut book, sell(1, 7, "10"));
    assert_eq!(fourth.slot(), first.slot());
    let gone = Refused::UnknownOrder { order: first };
    assert_eq!(book.cancel(first, UserId(1)), Err(gone));
    assert_eq!(
        book.cancel(third, UserId(3)).map(|order| order.key),
        Ok(third)
    );
    let left = [(2, "10.00".into(), 5), (1, "10.00".into(), 7)];
    assert_eq!(shown(&book, Side::Sell), left);
    assert_eq!(
        book.cancel(second, UserId(2)).map(|order| order.open),
        Ok(shares(5))
    );
}

#[test]
fn a_short_fill_or_kill_trades_nothing_of_itself() {
    let mut book = book();
    rest(&mut book, sell(1, 5, "10"));
    rest(&mut book, sell(2, 5, "11"));
    let before = shown(&book, Side::Sell);
    let fok = |quantity| {
        with(
            buy(3, quantity, "11"),
            Execution::FillOrKill,
            SelfTrade::Refuse,
        )
    };
    let (events, outcome) = enter(&mut book, fok(11)).unwrap();
    assert_eq!((events, outcome.traded), (vec![], 0));
    let because = LapsedBecause::FillOrKill;
    let quantity = shares(11);
    assert_eq!(outcome.end, End::Lapsed { quantity, because });
    assert_eq!(shown(&book, Side::Sell), before);
    let (events, outcome) = enter(&mut book, fok(10)).unwrap();
    assert_eq!(
        (events.len(), outcome.traded, outcome.end),
        (2, 10, End::Done)
    );
}

#[test]
fn a_short_fill_or_kill_cancels_no_own_order_for_nothing() {
    for self_trade in [
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::Decrement,
    ] {
        let mut book = book();
        rest(&mut book, sell(1, 5, "10"));
        rest(&mut book, sell(2, 5, "10"));
        let before = shown(&book, Side::Sell);
        let fok = with(buy(1, 8, "10"), Execution::FillOrKill, self_trade);
        let (events, outcome) = enter(&mut book, fok).unwrap();
        assert_eq!((events, outcome.traded), (vec![], 0), "{self_trade:?}");
        assert_eq!(shown(&book, Side::Sell), before, "{self_trade:?}");
    }
}

#[test]
fn a_fill_or_kill_that_fills_beyond_an_own_order_cancels_it() {
    let mut book = book();
    let own = rest(&mut book, sell(1, 5, "10"));
    rest(&mut book, sell(2, 5, "10"));
    let fok = with(
        buy(1, 5, "10"),
        Execution::FillOrKill,
        SelfTrade::CancelOldest,
    );
    let (events, outcome) = enter(&mut book, fok).unwrap();
    let quantity = shares(5);
    assert_eq!(
        events[0],
        Event::Lapsed {
            resting: own,
            quantity
        }
    );
    assert_eq!((events.len(), outcome.traded, book.len()), (2, 5, 0));
}

#[test]
fn a_refused_replacement_leaves_the_order_in_its_place() {
    let mut book = book();
    let order = rest(&mut book, buy(1, 5, "9"));
    rest(&mut book, buy(2, 5, "9"));
    rest(&mut book, sell(1, 2, "10"));
    let before = shown(&book, Side::Buy);
    let mut replace = |replacement| {
        book.replace(order, UserId(1), replacement, &Corridor::OPEN, |_| {
            panic!("no effect")
        })
    };
    let own = Some(at("10"));
    assert_eq!(
        replace(to("10", 5)),
        Err(OrderError::WouldSelfTrade { own }.into())
    );
    assert_eq!(replace(to("9", 5)), Err(OrderError::Unchanged.into()));
    assert!(matches!(
        replace(to("9.001", 5)),
        Err(Refused::Order(OrderError::OffTick { .. }))
    ));
    let wrong = auction_core::clearing::book::Replacement {
        believed: Some(shares(4)),
        ..to("8", 5)
    };
    assert_eq!(
        replace(wrong),
        Err(Refused::OpenDiffers { open: shares(5) })
    );
    assert_eq!(shown(&book, Side::Buy), before);
    // And it still trades first, under its own key.
    let (events, _) = enter(&mut book, sell(3, 1, "9")).unwrap();
    assert!(matches!(events[..], [Event::Trade { resting, .. }] if resting == order));
}

#[test]
fn a_refused_post_only_replacement_keeps_the_order_in_place() {
    let mut book = book();
    let post_only = with(buy(1, 5, "9"), Execution::PostOnly, SelfTrade::CancelOldest);
    let order = rest(&mut book, post_only);
    rest(&mut book, sell(2, 2, "10"));
    let price = at("10");
    let replaced = book.replace(order, UserId(1), to("10", 5), &Corridor::OPEN, drop);
    assert_eq!(replaced, Err(Refused::WouldTrade { price }));
    assert_eq!(book.order(order).unwrap().open, shares(5));
}

#[test]
fn a_replacement_keeps_owner_self_trade_mode_and_post_only_mark() {
    let mut book = book();
    let mode = SelfTrade::Decrement;
    for execution in [Execution::Day, Execution::PostOnly] {
        let order = rest(&mut book, with(buy(7, 5, "9"), execution, mode));
        let replaced = book.replace(order, UserId(7), to("9.50", 6), &Corridor::OPEN, drop);
        let Ok(Replaced::Anew(outcome)) = replaced else {
            panic!()
        };
        let End::Rests { order, .. } = outcome.end else {
            panic!()
        };
        let expected = Order {
            key: order,
            owner: UserId(7),
            side: Side::Buy,
            limit: at("9.50"),
            open: shares(6),
            execution,
            self_trade: mode,
        };
        assert_eq!(book.order_of(order, UserId(7)), Ok(expected));
        // The mode is what acts when the replacement trades at once.
        if execution == Execution::Day {
            rest(&mut book, sell(7, 2, "9.80"));
            let mut events = Vec::new();
            let sink = |event| events.push(event);
            book.replace(order, UserId(7), to("9.80", 6), &Corridor::OPEN, sink)
                .unwrap();
            assert!(matches!(events[1], Event::Decremented { left: 0, .. }));
        }
    }
}

#[test]
fn what_self_trade_prevention_does_to_resting_orders_is_told() {
    let cases = [
        (SelfTrade::CancelOldest, 2),
        (SelfTrade::CancelBoth, 1),
        (SelfTrade::Decrement, 2),
    ];
    for (mode, told) in cases {
        let mut book = book();
        rest(&mut book, sell(1, 5, "10"));
        rest(&mut book, sell(2, 5, "10"));
        let incoming = with(buy(1, 8, "10"), Execution::Day, mode);
        let (events, outcome) = enter(&mut book, incoming).unwrap();
        assert_eq!(events.len(), told, "{mode:?}");
        // A fold of the events has what the book has.
        let mut open = 10;
        let mut decremented = 0;
        for event in events {
            match event {
                Event::Trade { quantity, .. } | Event::Lapsed { quantity, .. } => {
                    open -= quantity.get();
                }
                Event::Decremented { quantity, .. } => {
                    open -= quantity.get();
                    decremented += quantity.get();
                }
                other => panic!("{other:?}"),
            }
        }
        let sells: u64 = shown(&book, Side::Sell)
            .iter()
            .map(|(_, _, open)| open)
            .sum();
        assert_eq!(sells, open, "{mode:?}");
        let rest = match outcome.end {
            End::Done => 0,
            End::Rests { open, .. } => open.get(),
            End::Lapsed { quantity, .. } => quantity.get(),
            End::Interrupted { .. } => panic!("no corridor"),
        };
        assert_eq!(outcome.traded + decremented + rest, 8, "{mode:?}");
    }
}

#[test]
fn decrement_takes_the_same_off_both_and_trades_nothing() {
    let mut book = book();
    let own = rest(&mut book, sell(1, 8, "10"));
    let incoming = with(buy(1, 5, "10"), Execution::Day, SelfTrade::Decrement);
    let (events, outcome) = enter(&mut book, incoming).unwrap();
    let quantity = shares(5);
    assert_eq!(
        events,
        [Event::Decremented {
            resting: own,
            quantity,
            left: 3
        }]
    );
    assert_eq!((outcome.traded, outcome.end), (0, End::Done));
    assert_eq!(book.best(Side::Sell).map(|best| best.quantity), Some(3));
    // At exactly the same quantity both are gone.
    let incoming = with(buy(1, 3, "10"), Execution::Day, SelfTrade::Decrement);
    let (_, outcome) = enter(&mut book, incoming).unwrap();
    assert_eq!((outcome.end, book.len()), (End::Done, 0));
}

#[test]
fn refuse_looks_no_further_than_the_order_would_go() {
    let mut book = book();
    rest(&mut book, sell(2, 5, "10"));
    rest(&mut book, sell(1, 5, "10"));
    let own = Some(at("10"));
    let refused = enter(&mut book, buy(1, 6, "10"));
    assert_eq!(refused, Err(OrderError::WouldSelfTrade { own }.into()));
    assert_eq!(shown(&book, Side::Sell).len(), 2);
    let (_, outcome) = enter(&mut book, buy(1, 5, "10")).unwrap();
    assert_eq!(outcome.end, End::Done);
}

#[test]
fn the_rest_of_a_market_order_never_rests() {
    let mut book = book();
    for side in [buy(1, 5, "1"), sell(1, 5, "1")] {
        for execution in [
            Execution::Day,
            Execution::ImmediateOrCancel,
            Execution::FillOrKill,
        ] {
            let market = with(at_market(side), execution, SelfTrade::Refuse);
            let (_, outcome) = enter(&mut book, market).unwrap();
            assert!(matches!(outcome.end, End::Lapsed { .. }), "{outcome:?}");
        }
        let post_only = with(at_market(side), Execution::PostOnly, SelfTrade::Refuse);
        assert_eq!(enter(&mut book, post_only), Err(Refused::PostOnlyMustRest));
    }
    rest(&mut book, sell(2, 3, "10"));
    let (_, outcome) = enter(&mut book, at_market(buy(1, 5, "1"))).unwrap();
    let (quantity, because) = (shares(2), LapsedBecause::Rest);
    assert_eq!(
        (outcome.traded, outcome.end),
        (3, End::Lapsed { quantity, because })
    );
    assert!(book.is_empty() && book.best(Side::Buy).is_none());
}

#[test]
fn an_order_that_is_filled_in_parts_leaves_with_the_last() {
    let mut book = book();
    let order = rest(&mut book, sell(1, 5, "10"));
    for left in (0..5).rev() {
        let (events, _) = enter(&mut book, buy(2, 1, "10")).unwrap();
        assert!(matches!(events[..], [Event::Trade { left: after, .. }] if after == left));
        assert_eq!(book.order(order).map_or(0, |order| order.open.get()), left);
    }
    assert!(book.is_empty());
    assert_eq!(book.levels(Side::Sell).count(), 0);
}

#[test]
fn an_order_that_trades_at_two_prices_has_each_fill_at_its_own() {
    let mut book = book();
    rest(&mut book, sell(1, 5, "10"));
    rest(&mut book, sell(2, 5, "11"));
    let (events, outcome) = enter(&mut book, buy(3, 10, "12")).unwrap();
    let fills: Vec<(u32, Price, u64)> = events
        .iter()
        .map(|event| match event {
            Event::Trade {
                owner,
                price,
                quantity,
                ..
            } => (owner.0, *price, quantity.get()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(fills, [(1, at("10"), 5), (2, at("11"), 5)]);
    assert_eq!(outcome.traded, 10);
}

#[test]
fn reductions_beyond_32_bits_lose_nothing() {
    let mut book = book();
    let much = (1 << 32) + 7;
    let order = rest(&mut book, sell(1, QUANTITY_MAX, "0.01"));
    let reduced = book.replace(
        order,
        UserId(1),
        to("0.01", QUANTITY_MAX - much),
        &Corridor::OPEN,
        drop,
    );
    assert_eq!(reduced, Ok(Replaced::Kept));
    let (events, _) = enter(&mut book, buy(2, much, "0.01")).unwrap();
    let left = QUANTITY_MAX - 2 * much;
    assert!(matches!(events[..], [Event::Trade { left: after, .. }] if after == left));
    let incoming = with(buy(1, much, "0.01"), Execution::Day, SelfTrade::Decrement);
    let (events, _) = enter(&mut book, incoming).unwrap();
    let left = left - much;
    assert!(matches!(events[..], [Event::Decremented { left: after, .. }] if after == left));
    assert_eq!(book.best(Side::Sell).map(|best| best.quantity), Some(left));
}

#[test]
fn a_reduced_order_keeps_its_place_and_a_raised_one_loses_it() {
    let mut book = book();
    let a = rest(&mut book, sell(1, 5, "10"));
    let b = rest(&mut book, sell(2, 5, "10"));
    let cut = book.replace(a, UserId(1), to("10", 4), &Corridor::OPEN, |_| {
        panic!("no effect")
    });
    assert_eq!(cut, Ok(Replaced::Kept));
    assert_eq!(
        book.orders(Side::Sell).next().map(|order| order.key),
        Some(a)
    );
    let mut events = Vec::new();
    let raised = book.replace(a, UserId(1), to("10", 6), &Corridor::OPEN, |event| {
        events.push(event)
    });
    let Ok(Replaced::Anew(outcome)) = raised else {
        panic!("{raised:?}")
    };
    assert!(matches!(outcome.end, End::Rests { order, .. } if order > b));
    assert_eq!(events, [Event::Replaced { order: a }]);
    let gone = Refused::UnknownOrder { order: a };
    assert_eq!(book.cancel(a, UserId(1)), Err(gone));
}

#[test]
fn nobody_cancels_or_replaces_the_order_of_another() {
    let mut book = book();
    let order = rest(&mut book, sell(1, 5, "10"));
    let unknown = Refused::UnknownOrder { order };
    assert_eq!(book.cancel(order, UserId(2)), Err(unknown));
    let replaced = book.replace(order, UserId(2), to("11", 5), &Corridor::OPEN, drop);
    assert_eq!(replaced, Err(unknown));
    assert_eq!(book.len(), 1);
}

#[test]
fn no_order_walks_the_corridor_along() {
    let mut book = book();
    for price in ["10.10", "10.20", "10.30"] {
        rest(&mut book, sell(1, 5, price));
    }
    let collar = Collar {
        absolute: Price::ZERO,
        basis_points: 200,
    };
    let corridor = Corridor::OPEN.within(&collar, at("10"));
    let mut prices = Vec::new();
    let outcome = book.enter(buy(2, 12, "10.50"), &corridor, |event| match event {
        Event::Trade { price, .. } => prices.push(price),
        other => panic!("{other:?}"),
    });
    // 10.30 is within 2 % of the trade at 10.20, but not of the reference.
    assert_eq!(prices, [at("10.10"), at("10.20")]);
    let (open, price) = (shares(2), at("10.30"));
    assert_eq!(outcome.unwrap().end, End::Interrupted { open, price });
    // The rest is the caller's: it is not in the book.
    assert_eq!(book.best(Side::Buy), None);
}

#[test]
fn cancelling_all_of_an_owner_leaves_what_comes_in_meanwhile() {
    let mut book = book();
    for number in 0..10_u64 {
        rest(&mut book, sell(1 + number as u32 % 2, 1, "10"));
    }
    let mut all = CancelAll::begin(&book, UserId(1));
    let mut cancelled = 0;
    assert!(!book.cancel_all(&mut all, 3, |_| cancelled += 1));
    assert_eq!(cancelled, 2);
    // It takes the slot that was freed first, and another one later on.
    let meanwhile = [
        rest(&mut book, sell(1, 1, "10")),
        rest(&mut book, sell(1, 1, "11")),
    ];
    let third = rest(&mut book, sell(1, 1, "12"));
    while !book.cancel_all(&mut all, 3, |_| cancelled += 1) {}
    assert_eq!(cancelled, 5);
    assert!(
        meanwhile
            .into_iter()
            .chain([third])
            .all(|order| book.order(order).is_some())
    );
    assert_eq!(book.len(), 8);
}
