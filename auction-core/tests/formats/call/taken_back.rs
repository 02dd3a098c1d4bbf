//! Cancelling orders, their withdrawal, and cancelling the whole call.

use auction_core::{
    CallTerms, Command, Event, OrderId, PrivateEvent, PublicEvent, Reject, Reply, Side, Span, Terms,
};

use super::{HALT, RESUME, buy, ends, house, random_end, replace, secs, sell};
use crate::house::{A, B, C, LOT, cancel, micros, open, quantity};

#[test]
fn in_the_no_cancel_window_orders_can_only_be_added_or_improved() {
    let terms = CallTerms {
        random_end: Span::from_secs(20),
        no_cancel: Some(Span::from_secs(80)),
        ..CallTerms::default()
    };
    let mut house = house("10", terms);
    let since = secs(200);
    let lot = house.engine.market().lot(LOT).unwrap();
    assert_eq!(lot.no_cancel_from(), Some(since));
    assert_eq!(lot.closes_from(), secs(280));
    house.user(1, A, buy(50, "9")).unwrap();
    house.user(1, A, buy(50, "9")).unwrap();
    let just_before = micros(199_999_999);
    house
        .ask(just_before, auction_core::Caller::User(A), cancel(2))
        .unwrap();
    let refused = Err(Reject::NoCancelNow { since });
    assert_eq!(house.user(200, A, cancel(1)), refused);
    for (shares, limit) in [(50, "8.99"), (49, "9"), (49, "9.01"), (51, "9")] {
        assert_eq!(house.user(200, A, replace(1, shares, Some(limit))), refused);
    }
    house.user(200, A, replace(1, 50, Some("9.01"))).unwrap();
    house.user(200, A, replace(1, 60, Some("9.02"))).unwrap();
    house.user(200, A, replace(1, 60, None)).unwrap();
    assert_eq!(house.user(200, A, replace(1, 60, Some("20"))), refused);
    house.user(200, B, sell(10, "9")).unwrap();
    assert_eq!(house.user(200, B, replace(1, 10, Some("9.01"))), refused);
    house.user(200, B, replace(1, 10, Some("8"))).unwrap();
    // A halted call accepts only the cancels that its window would allow: its time stands still.
    house.operate(210, HALT).unwrap();
    assert_eq!(house.user(211, A, cancel(1)), refused);
    house.operate(310, RESUME).unwrap();
    let since = secs(300);
    let refused = Err(Reject::NoCancelNow { since });
    assert_eq!(house.user(311, A, cancel(1)), refused);
    house.outcome();
}

#[test]
fn a_halt_lets_cancels_through_and_shifts_the_windows() {
    let terms = CallTerms {
        no_cancel: Some(Span::from_secs(100)),
        ..CallTerms::default()
    };
    let mut house = house("10", terms);
    house.user(1, A, buy(50, "9")).unwrap();
    house.user(1, A, buy(50, "8")).unwrap();
    house.operate(150, HALT).unwrap();
    let since = secs(150);
    let halted = Err(Reject::LotHalted { lot: LOT, since });
    assert_eq!(house.user(160, A, buy(50, "7")), halted);
    assert_eq!(house.user(160, A, replace(1, 50, Some("9.50"))), halted);
    house.user(250, A, cancel(1)).unwrap();
    house.operate(250, RESUME).unwrap();
    house.user(299, A, buy(50, "7")).unwrap();
    house.user(299, A, cancel(3)).unwrap();
    let since = secs(300);
    assert_eq!(
        house.user(300, A, cancel(2)),
        Err(Reject::NoCancelNow { since })
    );
    house.outcome();
    assert_eq!(house.records.last().unwrap().at, secs(400));
}

#[test]
fn a_suspension_withdraws_orders_even_in_a_no_cancel_window() {
    let terms = CallTerms {
        no_cancel: Some(Span::from_secs(100)),
        ..CallTerms::default()
    };
    let mut house = house("10", terms);
    let mut second = open(1, None, Terms::Call(terms));
    second.closes_at = secs(300);
    house.open(second).unwrap();
    for limit in ["9", "9.50", "9.75"] {
        house.user(1, A, buy(10, limit)).unwrap();
    }
    let other_lot = auction_core::LotId(2);
    let place = Command::PlaceOrder {
        lot: other_lot,
        side: Side::Sell,
        quantity: quantity(10),
        limit: None,
    };
    house.user(1, A, place).unwrap();
    house.user(1, B, buy(10, "8")).unwrap();
    house.operate(250, HALT).unwrap();
    house
        .operate(251, Command::SuspendUser { user: A })
        .unwrap();
    let suspension = house.records.last().unwrap();
    let withdrawn: Vec<_> = suspension
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Private(PrivateEvent::OrdersWithdrawn { lot, trader }) => Some((*lot, *trader)),
            _ => None,
        })
        .collect();
    assert_eq!(withdrawn, [(LOT, A), (other_lot, A)]);
    let counted = |lot, bidders| PublicEvent::BiddersCounted { lot, bidders };
    assert_eq!(
        house.last_public(),
        [counted(LOT, 1), counted(other_lot, 0)]
    );
    assert_eq!(house.engine.orders_of(LOT, A).unwrap(), []);
    house
        .operate(252, Command::ReinstateUser { user: A })
        .unwrap();
    house.operate(253, RESUME).unwrap();
    // Numbers are not reused.
    let placed = house.user(254, A, buy(10, "9"));
    assert_eq!(placed, Ok(Reply::OrderPlaced(OrderId(4))));
    house
        .operate(255, Command::SuspendUser { user: C })
        .unwrap();
    assert_eq!(house.last_public(), []);
    house.outcome();
}

#[test]
fn a_call_is_taken_back_only_while_nobody_has_an_order() {
    let taken_back = Command::CancelLot { lot: LOT };
    let mut house = house("10", random_end(20));
    house.user(1, A, buy(10, "9")).unwrap();
    let has_bids = Err(Reject::LotHasBids { lot: LOT });
    assert_eq!(house.operate(1, taken_back.clone()), has_bids);
    house.user(1, A, cancel(1)).unwrap();
    house.wait(secs(280));
    house.operate(280, taken_back).unwrap();
    assert!(house.outcome().is_cancelled());
    let (committed, opened) = ends(&house);
    assert_eq!((committed.len(), opened.len()), (1, 1));
}
