//! Extensions of a call auction: by a price outside its collar, and by market orders that would stay unfilled.

use auction_core::{CallTerms, ExtensionCause, LadderStep, Outcome, Reject, Side, Span};

use super::{buy, collar, extensions, fills, house, order, replace, secs, sell};
use crate::house::{A, B, C, D, House, LOT, cancel, price};

#[test]
fn outside_the_collar_a_call_is_extended_and_then_bound() {
    let terms = CallTerms {
        collar: collar("0", 1_000),
        extensions_max: 2,
        no_cancel: Some(Span::from_secs(30)),
        ..CallTerms::default()
    };
    let orders = |house: &mut House| {
        house.user(1, A, buy(100, "115")).unwrap();
        house.user(1, B, buy(100, "120")).unwrap();
        house.user(1, C, sell(60, "105")).unwrap();
        house.user(1, D, sell(200, "118")).unwrap();
    };
    let mut house_ = house("100", terms);
    orders(&mut house_);
    house_.outcome();
    let volatility = ExtensionCause::Volatility;
    assert_eq!(
        extensions(&house_),
        [(300, 360, volatility), (360, 420, volatility)]
    );
    assert_eq!(house_.engine.market().lot(LOT).unwrap().extensions, 2);
    let outcome = house_.outcome();
    let Outcome::Crossed {
        price: at,
        volume,
        surplus,
        by,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((at, volume, surplus), (price("110"), 60, 140));
    assert_eq!(by, LadderStep::Collar);
    assert_eq!(fills(&house_, B), [60], "the higher limit is served first");
    assert_eq!(house_.records.last().unwrap().at, secs(420));

    // In the extension orders can be cancelled again until its own no-cancel window.
    let mut calmed = house("100", terms);
    orders(&mut calmed);
    let since = secs(270);
    assert_eq!(
        calmed.user(299, B, cancel(1)),
        Err(Reject::NoCancelNow { since })
    );
    calmed.user(300, B, cancel(1)).unwrap();
    calmed.user(329, D, cancel(1)).unwrap();
    calmed.user(329, A, replace(1, 100, Some("109"))).unwrap();
    let since = secs(330);
    assert_eq!(
        calmed.user(330, C, cancel(1)),
        Err(Reject::NoCancelNow { since })
    );
    let outcome = calmed.outcome();
    assert!(
        matches!(outcome, Outcome::Crossed { price: at, .. } if at == price("109")),
        "{outcome:?}"
    );
    assert_eq!(extensions(&calmed), [(300, 360, volatility)]);
}

#[test]
fn market_orders_that_would_stay_unfilled_extend_the_call_once() {
    let terms = CallTerms {
        market_extension: true,
        ..CallTerms::default()
    };
    let mut unfilled = house("10", terms);
    unfilled.user(1, A, order(Side::Buy, 10, None)).unwrap();
    unfilled.user(1, B, sell(4, "10")).unwrap();
    unfilled.outcome();
    let market = ExtensionCause::MarketOrders;
    assert_eq!(extensions(&unfilled), [(300, 360, market)]);
    let lot = unfilled.engine.market().lot(LOT).unwrap();
    assert_eq!(
        lot.extensions, 0,
        "it does not count as a volatility extension"
    );
    assert_eq!(fills(&unfilled, A), [4]);

    let mut filled = house("10", terms);
    filled.user(1, A, order(Side::Buy, 4, None)).unwrap();
    filled.user(1, B, sell(10, "10")).unwrap();
    filled.outcome();
    assert_eq!(extensions(&filled), []);

    let mut alone = house("10", terms);
    alone.user(1, A, order(Side::Sell, 4, None)).unwrap();
    alone.user(310, B, buy(4, "9")).unwrap();
    alone.outcome();
    assert_eq!(fills(&alone, A), [4]);
}
