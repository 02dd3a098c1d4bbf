//! The call auction, through the engine.

mod extension;
mod random_end;

use auction_core::limits::AMOUNT_MAX;
use auction_core::{
    BookShown, CallTerms, Candidates, Collar, Command, Event, ExtensionCause, Indicative,
    LadderStep, LeastWinning, NoCrossBecause, OrderId, OrderState, Outcome, OwnOrder, Price,
    PrivateEvent, PublicEvent, Quantity, Quote, RandomEnd, Reject, Reply, Side, Span, Terms,
    TermsError, Timestamp, UserId,
};
use serde_json::Value;

use crate::house::{A, B, C, House, LOT, cancel, micros, open, price, quantity};

const CLOSE: Command = Command::CloseLot { lot: LOT };
const HALT: Command = Command::HaltLot { lot: LOT };
const RESUME: Command = Command::ResumeLot { lot: LOT };

/// Lot 1 of a stock with this base price, open from 0 to 300 s in round lots of one share.
fn house(base: &str, terms: CallTerms) -> House {
    House::with_lot(base, 1, None, Terms::Call(terms))
}

fn plain(base: &str) -> House {
    house(base, CallTerms::default())
}

fn order(side: Side, shares: u64, limit: Option<&str>) -> Command {
    Command::PlaceOrder {
        lot: LOT,
        side,
        quantity: quantity(shares),
        limit: limit.map(price),
    }
}

fn buy(shares: u64, limit: &str) -> Command {
    order(Side::Buy, shares, Some(limit))
}

fn sell(shares: u64, limit: &str) -> Command {
    order(Side::Sell, shares, Some(limit))
}

fn replace(order: u32, shares: u64, limit: Option<&str>) -> Command {
    Command::ReplaceOrder {
        lot: LOT,
        order: OrderId(order),
        quantity: quantity(shares),
        limit: limit.map(price),
    }
}

fn collar(absolute: &str, basis_points: u32) -> Option<Collar> {
    Some(Collar {
        absolute: price(absolute),
        basis_points,
    })
}

fn secs(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn quote(limit: &str, quantity: u64) -> Option<Quote> {
    let price = price(limit);
    Some(Quote { price, quantity })
}

/// What each order of a trader got, by number.
fn fills(house: &House, trader: UserId) -> Vec<u64> {
    let orders = house.engine.orders_of(LOT, trader).unwrap();
    orders.iter().map(OwnOrder::filled).collect()
}

fn closes_at(house: &House) -> Timestamp {
    house.engine.market().lot(LOT).unwrap().closes_at
}

fn all_public(house: &House) -> Vec<(Timestamp, PublicEvent)> {
    let records = house.records.iter();
    let events = records.flat_map(|record| record.public_events().map(|event| (record.at, event)));
    events.map(|(at, event)| (at, event.clone())).collect()
}

fn extensions(house: &House) -> Vec<(u64, u64, ExtensionCause)> {
    let moved = |(at, event): (Timestamp, PublicEvent)| match event {
        PublicEvent::LotExtended {
            closes_at, cause, ..
        } => Some((
            at.micros() / 1_000_000,
            closes_at.micros() / 1_000_000,
            cause,
        )),
        _ => None,
    };
    all_public(house).into_iter().filter_map(moved).collect()
}

type Committed = Vec<(Timestamp, [u8; 32])>;
type Opened = Vec<(Timestamp, RandomEnd)>;

/// What was committed to and what was opened, with the times.
fn ends(house: &House) -> (Committed, Opened) {
    let (mut committed, mut opened) = (Vec::new(), Vec::new());
    for (at, event) in all_public(house) {
        match event {
            PublicEvent::EndCommitted { commitment, .. } => committed.push((at, commitment.0)),
            PublicEvent::EndOpened { end, .. } => opened.push((at, end)),
            _ => {}
        }
    }
    (committed, opened)
}

fn random_end(seconds: u64) -> CallTerms {
    CallTerms {
        random_end: Span::from_secs(seconds),
        ..CallTerms::default()
    }
}

#[test]
fn every_deciding_case_comes_out_through_the_engine_as_published() {
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
    // Without extensions their length does not matter.
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
fn an_order_that_does_not_fit_the_terms_is_refused_with_what_would() {
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

#[test]
fn others_see_how_many_traders_have_orders_and_what_an_uncross_would_give() {
    let shown = CallTerms {
        book: BookShown::Open,
        ..CallTerms::default()
    };
    for terms in [CallTerms::default(), shown] {
        let mut house = house("10", terms);
        let nothing = Indicative::NoCross {
            best_buy: None,
            best_sell: None,
        };
        assert_eq!(house.engine.indicative(LOT), Some(nothing));
        house.user(1, A, buy(5, "9")).unwrap();
        assert_eq!(house.bidders(), 1);
        house.user(1, A, buy(7, "8.99")).unwrap();
        assert_eq!(
            house.last_public(),
            [],
            "one trader's next order is no news"
        );
        house.user(1, B, sell(3, "9.01")).unwrap();
        let apart = Indicative::NoCross {
            best_buy: quote("9", 5),
            best_sell: quote("9.01", 3),
        };
        assert_eq!(house.engine.indicative(LOT), Some(apart));
        house.user(1, B, replace(1, 3, Some("8.99"))).unwrap();
        let Some(Indicative::Cross(cross)) = house.engine.indicative(LOT) else {
            panic!("they cross")
        };
        assert_eq!(
            (cross.price, cross.volume, cross.surplus),
            (price("9"), 3, 2)
        );
        house.user(1, C, order(Side::Sell, 1, None)).unwrap();
        let depth = house.engine.depth(LOT);
        if terms.book == BookShown::Closed {
            assert_eq!(depth, None);
        } else {
            let depth = depth.unwrap();
            assert_eq!((depth.market_buy, depth.market_sell), (0, 1));
            assert_eq!(depth.buys.first().copied(), quote("9", 5));
            assert_eq!(depth.buys.get(1).copied(), quote("8.99", 7));
            assert_eq!(depth.sells.first().copied(), quote("8.99", 3));
        }
        house.user(1, A, cancel(1)).unwrap();
        assert_eq!(house.bidders(), 3);
        house.user(1, A, cancel(2)).unwrap();
        assert_eq!(house.bidders(), 2);
        house.outcome();
        assert_eq!(house.engine.indicative(LOT), None);
        assert_eq!(house.engine.depth(LOT), None);
    }
}

#[test]
fn each_learns_what_their_own_orders_got_and_nobody_else_does() {
    let mut house = plain("10");
    let placed = |number| Ok(Reply::OrderPlaced(OrderId(number)));
    assert_eq!(house.user(1, A, buy(100, "10.10")), placed(1));
    assert_eq!(house.user(1, A, buy(50, "9.50")), placed(2));
    assert_eq!(house.user(1, B, sell(60, "10")), placed(1));
    let own = |order, side, shares, limit, state| OwnOrder {
        order: OrderId(order),
        side,
        quantity: quantity(shares),
        limit: Some(price(limit)),
        state,
    };
    let live = [
        own(1, Side::Buy, 100, "10.10", OrderState::Live),
        own(2, Side::Buy, 50, "9.50", OrderState::Live),
    ];
    assert_eq!(house.engine.orders_of(LOT, A).unwrap(), live);
    assert_eq!(house.engine.orders_of(LOT, C).unwrap(), []);
    let outcome = house.outcome();
    let at = price("10.10");
    let crossed = Outcome::Crossed {
        price: at,
        volume: 60,
        surplus: 40,
        by: LadderStep::Pressure,
        candidates: Some(Candidates {
            lowest: price("10"),
            highest: at,
        }),
        traders: 2,
    };
    assert_eq!(outcome, crossed);
    let closed = |filled, price| OrderState::Closed { filled, price };
    let mine = [
        own(1, Side::Buy, 100, "10.10", closed(60, Some(at))),
        own(2, Side::Buy, 50, "9.50", closed(0, None)),
    ];
    assert_eq!(house.engine.orders_of(LOT, A).unwrap(), mine);
    assert_eq!(mine[0].lapsed(), 40);
    let theirs = [own(1, Side::Sell, 60, "10", closed(60, Some(at)))];
    assert_eq!(house.engine.orders_of(LOT, B).unwrap(), theirs);
    assert_eq!(house.engine.orders_of(LOT, C).unwrap(), []);
    assert_eq!(house.engine.orders_of(auction_core::LotId(9), A), None);
    // There is no winner.
    let least = house.engine.least_winning(LOT, A);
    assert_eq!(least, Some(LeastWinning::Nothing));
    let shown = format!("{:?}", house.engine.market());
    assert!(!shown.contains("9.50"), "an order is nobody else's to see");
}

#[test]
fn a_call_in_which_nothing_trades_says_why() {
    let outcome = |orders: &[(UserId, Command)], base: &str, collar| {
        let terms = CallTerms {
            collar,
            extensions_max: 0,
            ..CallTerms::default()
        };
        let mut house = house(base, terms);
        for (user, order) in orders {
            house.user(1, *user, order.clone()).unwrap();
        }
        let Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } = house.outcome()
        else {
            panic!("nothing trades")
        };
        let stock = house.engine.market().stocks().next().unwrap();
        assert_eq!(stock.last_uncross, None);
        (because, best_buy, best_sell)
    };
    let nothing = NoCrossBecause::NothingCrosses;
    assert_eq!(outcome(&[], "10", None), (nothing, None, None));
    let apart = [(A, buy(5, "9")), (B, sell(6, "9.01"))];
    assert_eq!(
        outcome(&apart, "10", None),
        (nothing, quote("9", 5), quote("9.01", 6))
    );
    let market = [
        (A, order(Side::Buy, 5, None)),
        (B, order(Side::Sell, 5, None)),
    ];
    assert_eq!(
        outcome(&market, "0", None),
        (NoCrossBecause::NoPrice, None, None)
    );
    let far = [(A, buy(5, "13")), (B, sell(5, "12.50"))];
    assert_eq!(
        outcome(&far, "10", collar("0", 1_000)),
        (NoCrossBecause::Collar, quote("13", 5), quote("12.50", 5))
    );
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
    // A halted call takes only the cancels that would be allowed: its time stands still.
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
fn a_suspended_users_orders_are_taken_back_also_in_a_no_cancel_window() {
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
    // Numbers are not used again.
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

#[test]
fn of_equal_limits_the_earlier_is_served_first_and_a_raised_order_goes_behind() {
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
fn on_funds_orders_reserve_what_they_could_cost_and_the_uncross_moves_cash_and_shares() {
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
