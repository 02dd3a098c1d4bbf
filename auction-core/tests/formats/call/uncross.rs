//! The uncross: its price, the reference, the order of fills, and the settlement with funds.

use auction_core::{
    CallTerms, Collar, Command, Outcome, Price, Quantity, Reject, Side, Terms, UserId,
};
use serde_json::Value;

use super::{buy, collar, fills, order, plain, replace, secs, sell};
use crate::house::{A, B, C, House, LOT, open, price, quantity};

#[test]
fn every_worked_case_ends_as_published_through_the_engine() {
    let document: Value =
        serde_json::from_str(include_str!("../../vectors/call-auction.json")).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        let units = |value: &Value| Price::from_units(value.as_u64().unwrap()).unwrap();
        let reference = units(&case["reference_price"]);
        let collar = case.get("collar").map(|collar| Collar {
            absolute: units(&collar["absolute"]),
            basis_points: u32::try_from(collar["basis_points"].as_u64().unwrap()).unwrap(),
        });
        let mut house = House::with_traders(&reference.to_string(), 8);
        let terms = CallTerms {
            tick: units(&case["tick"]),
            collar,
            extensions_max: 0,
            ..CallTerms::default()
        };
        house.open(open(1, None, Terms::Call(terms))).unwrap();
        for (trader, order) in (1..).zip(case["orders"].as_array().unwrap()) {
            assert_eq!(order["sequence"].as_u64(), Some(u64::from(trader)));
            let place = Command::PlaceOrder {
                lot: LOT,
                side: match order["side"].as_str().unwrap() {
                    "buy" => Side::Buy,
                    _ => Side::Sell,
                },
                quantity: quantity(order["quantity"].as_u64().unwrap()),
                limit: order["limit"].as_u64().map(|_| units(&order["limit"])),
            };
            house.user(1, UserId(trader), place).unwrap();
        }
        let outcome = house.outcome();
        let name = &case["name"];
        let expect = &case["expect"];
        if expect.is_null() {
            assert!(matches!(outcome, Outcome::NoCross { .. }), "{name}");
            continue;
        }
        let Outcome::Crossed {
            price,
            volume,
            surplus,
            by,
            traders,
            ..
        } = outcome
        else {
            panic!("{name}: {outcome:?}")
        };
        assert_eq!(price, units(&expect["price"]), "{name}");
        assert_eq!(Some(volume), expect["volume"].as_u64(), "{name}");
        assert_eq!(Some(surplus), expect["surplus"].as_i64(), "{name}");
        let by = format!("{by:?}").to_lowercase();
        assert_eq!(Some(by.as_str()), expect["decided_by"].as_str(), "{name}");
        let mut trading = 0;
        for trader in 1..=case["orders"].as_array().unwrap().len() {
            let expected = expect["fills"][trader.to_string()].as_u64().unwrap_or(0);
            let trader = UserId(u32::try_from(trader).unwrap());
            assert_eq!(fills(&house, trader), [expected], "{name}");
            trading += u32::from(expected > 0);
        }
        assert_eq!(traders, trading, "{name}");
    }
}

#[test]
fn the_reference_is_the_last_uncross_fixed_when_the_call_begins() {
    let mut house = House::new("10.07");
    let tick = CallTerms {
        tick: price("0.05"),
        ..CallTerms::default()
    };
    let mut scheduled = open(1, None, Terms::Call(tick));
    scheduled.opens_at = Some(secs(400));
    scheduled.closes_at = secs(500);
    house.open(open(1, None, Terms::Call(tick))).unwrap();
    house.open(scheduled).unwrap();
    let reference = |house: &House, lot| {
        let auction_core::Book::Call(book) = &house.engine.market().lot(lot).unwrap().book else {
            panic!("it is a call")
        };
        book.reference
    };
    let second = auction_core::LotId(2);
    assert_eq!(reference(&house, LOT), Some(price("10.05")), "on the tick");
    assert_eq!(reference(&house, second), None, "it has not begun");
    house.user(1, A, buy(5, "12")).unwrap();
    house.user(1, B, sell(5, "12")).unwrap();
    house.wait(secs(300));
    let last = |house: &House| house.engine.market().stocks().next().unwrap().last_uncross;
    assert_eq!(last(&house), Some(price("12")));
    house.wait(secs(399));
    let not_begun = house.engine.indicative(second);
    assert_eq!(not_begun, None);
    let early = Command::PlaceOrder {
        lot: second,
        side: Side::Buy,
        quantity: Quantity::ONE,
        limit: None,
    };
    let opens_at = secs(400);
    let refused = Err(Reject::LotNotBegun {
        lot: second,
        opens_at,
    });
    assert_eq!(house.user(399, A, early.clone()), refused);
    house.user(400, A, early).unwrap();
    assert_eq!(reference(&house, second), Some(price("12")));
    house.wait(secs(500));
    assert_eq!(last(&house), Some(price("12")), "nothing traded");
    house.holds_on_replay();
}

#[test]
fn of_equal_limits_the_earlier_fills_first_a_raise_goes_last() {
    let mut house = plain("10");
    house.user(1, A, buy(10, "10")).unwrap();
    house.user(2, B, buy(10, "10")).unwrap();
    house.user(3, A, replace(1, 9, Some("10"))).unwrap(); // keeps its place
    house.user(4, C, sell(10, "10")).unwrap();
    house.outcome();
    assert_eq!((fills(&house, A), fills(&house, B)), (vec![9], vec![1]));
    let mut house = plain("10");
    house.user(1, A, buy(10, "10")).unwrap();
    house.user(2, B, buy(10, "10")).unwrap();
    house.user(3, A, replace(1, 11, Some("10"))).unwrap(); // loses it
    house.user(4, C, sell(10, "10")).unwrap();
    house.outcome();
    assert_eq!((fills(&house, A), fills(&house, B)), (vec![0], vec![10]));
}

#[test]
fn with_funds_orders_reserve_their_cost_and_the_uncross_settles() {
    use auction_core::{AccountMode, Amount, Asset, Symbol};

    let symbol = Symbol::parse("AAPL").unwrap();
    let mut house = House::new("10");
    let mode = AccountMode::Funds;
    house.operate(0, Command::SetAccounts { mode }).unwrap();
    let cash = Asset::Cash(Amount::from_units(1_000 * 10_000).unwrap());
    let shares = Asset::Shares {
        symbol,
        quantity: quantity(50),
    };
    for (user, asset) in [(A, cash), (B, shares)] {
        house.operate(0, Command::Deposit { user, asset }).unwrap();
    }
    let terms = CallTerms {
        collar: collar("1", 0),
        ..CallTerms::default()
    };
    house.open(open(1, None, Terms::Call(terms))).unwrap();
    let reserved = |house: &House, user| house.engine.balance(user).unwrap().reserved().units();
    // A market order counts at the upper bound of the collar.
    house.user(1, A, order(Side::Buy, 10, None)).unwrap();
    assert_eq!(reserved(&house, A), 110 * 10_000);
    house.user(1, A, replace(1, 20, Some("10.50"))).unwrap();
    assert_eq!(reserved(&house, A), 210 * 10_000);
    let refused = house.user(1, A, buy(80, "10"));
    assert!(matches!(refused, Err(Reject::InsufficientFunds { .. })));
    let refused = house.user(1, B, sell(51, "10"));
    assert!(matches!(refused, Err(Reject::InsufficientShares { .. })));
    house.user(1, B, sell(12, "10")).unwrap();
    house.user(1, B, sell(5, "10.25")).unwrap();
    house.engine.audit().unwrap();
    house.operate(2, Command::SuspendUser { user: A }).unwrap();
    assert_eq!(reserved(&house, A), 0);
    house
        .operate(3, Command::ReinstateUser { user: A })
        .unwrap();
    house.user(4, A, buy(15, "10.50")).unwrap();
    let outcome = house.outcome();
    let Outcome::Crossed {
        price: at, volume, ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((at, volume), (price("10.25"), 15));
    house.engine.audit().unwrap();
    let (a, b) = (
        house.engine.balance(A).unwrap(),
        house.engine.balance(B).unwrap(),
    );
    assert_eq!(
        (a.holding(symbol).shares, b.holding(symbol).shares),
        (15, 35)
    );
    assert_eq!(b.cash().units(), 15 * 102_500);
    assert_eq!((a.reserved().units(), b.holding(symbol).reserved), (0, 0));
}
