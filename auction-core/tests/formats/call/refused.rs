//! Refusals of a call, each with what would be accepted.

use auction_core::limits::AMOUNT_MAX;
use auction_core::{CallTerms, OrderId, Price, Reject, Side, Span, Terms, TermsError};

use super::{buy, collar, order, plain, replace, sell};
use crate::house::{A, B, House, LOT, cancel, open, price, quantity};

#[test]
fn terms_that_cannot_be_are_refused_with_what_would_be_right() {
    let second = Span::from_secs(1);
    let base = CallTerms::default();
    let refused = |terms, reserve| {
        let refused = House::new("1").open(open(1, reserve, Terms::Call(terms)));
        match refused {
            Err(Reject::Terms(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(base, Some("1")), TermsError::NoReserveInCall);
    let zero = CallTerms {
        tick: Price::ZERO,
        ..base
    };
    let greatest = Price::MAX;
    assert_eq!(refused(zero, None), TermsError::Tick { greatest });
    let windows = [
        // The call is open for 300 s, an extension lasts 60 s.
        (300, None, None),
        (200, Some(100), None),
        (0, Some(300), None),
        (50, Some(10), collar("1", 0)),
        (60, None, collar("1", 0)),
    ];
    for (random_end, no_cancel, collar) in windows {
        let terms = CallTerms {
            random_end: Span::from_secs(random_end),
            no_cancel: no_cancel.map(Span::from_secs),
            collar,
            ..base
        };
        assert_eq!(refused(terms, None), TermsError::Windows);
    }
    // Without extensions their duration does not matter.
    let long = CallTerms {
        random_end: Span::from_secs(299),
        ..base
    };
    House::new("1")
        .open(open(1, None, Terms::Call(long)))
        .unwrap();
    let market = CallTerms {
        market_extension: true,
        random_end: second,
        extend_by: second,
        ..base
    };
    assert_eq!(refused(market, None), TermsError::Windows);
    // In round lots of 10^12 shares a price is at most 100.
    let coarse = CallTerms {
        tick: price("100.0001"),
        ..base
    };
    let refused = House::new("1").open(open(1_000_000_000_000, None, Terms::Call(coarse)));
    let tick = TermsError::Tick {
        greatest: price("100"),
    };
    assert_eq!(refused, Err(Reject::Terms(tick)));
}

#[test]
fn an_order_that_does_not_fit_is_refused_with_the_remedy() {
    let terms = CallTerms {
        tick: price("0.05"),
        collar: collar("1", 0),
        ..CallTerms::default()
    };
    let mut house = House::with_lot("10", 100, None, Terms::Call(terms));
    let tick = price("0.05");
    for (limit, above) in [("10.01", "10.05"), ("0", "0.05")] {
        let above = price(above);
        let refused = house.user(1, A, buy(100, limit));
        assert_eq!(refused, Err(Reject::OffTick { tick, above }));
    }
    let round_lot = quantity(100);
    let refused = Err(Reject::OffRoundLot { round_lot });
    assert_eq!(house.user(1, A, buy(150, "10")), refused);
    // A market order counts at the upper bound of the collar: 11 here, 100,000,010 there.
    let large = order(Side::Sell, 1_000_000_000_000, None);
    house.user(1, A, large.clone()).unwrap();
    house.user(1, A, cancel(1)).unwrap();
    let wide = CallTerms {
        collar: collar("100000000", 0),
        ..terms
    };
    let mut wide = House::with_lot("10", 100, None, Terms::Call(wide));
    let greatest = price("100000010");
    let refused = Err(Reject::AmountTooLarge {
        price: greatest,
        most: AMOUNT_MAX / greatest.units() / 100 * 100,
    });
    assert_eq!(wide.user(1, A, large), refused);
    let unknown = Err(Reject::UnknownOrder { order: OrderId(9) });
    assert_eq!(house.user(1, A, cancel(9)), unknown);
    assert_eq!(house.user(1, A, replace(9, 100, None)), unknown);
    house.user(1, A, buy(100, "9")).unwrap();
    assert_eq!(
        house.user(1, B, cancel(2)),
        Err(Reject::UnknownOrder { order: OrderId(2) })
    );
    let unchanged = Err(Reject::Unchanged);
    assert_eq!(house.user(1, A, replace(2, 100, Some("9"))), unchanged);
    let takes_orders = Err(Reject::TakesOrders { lot: LOT });
    assert_eq!(house.user(1, A, crate::house::bid("9")), takes_orders);
}

#[test]
fn nobody_can_trade_with_themselves() {
    let mut house = plain("10");
    house.user(1, A, buy(5, "9")).unwrap();
    let own = Some(price("9"));
    let refused = Err(Reject::WouldSelfTrade { own });
    assert_eq!(house.user(1, A, sell(5, "9")), refused);
    assert_eq!(house.user(1, A, order(Side::Sell, 5, None)), refused);
    house.user(1, A, sell(5, "9.01")).unwrap();
    assert_eq!(house.user(1, A, replace(2, 5, Some("8"))), refused);
    let own = Some(price("9.01"));
    let refused = Err(Reject::WouldSelfTrade { own });
    assert_eq!(house.user(1, A, replace(1, 5, None)), refused);
    house.user(1, B, sell(5, "8")).unwrap();
}
