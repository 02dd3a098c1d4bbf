//! The trading day in the engine: bounds, funds, limits, halts, and what nobody may see. The deciding cases and random days
//! are in `tests/day`.

use auction_core::clearing::call::Collar;
use auction_core::{
    AccountMode, Amount, Asset, Book, Command, DayBook, DayOrder, DayPhase, DayReply, DayRest,
    DayTerms, EnglishTerms, Event, LapseReason, OpenLot, OrderId, Outcome, PublicEvent, Reject,
    Reply, ScheduleError, ScheduledPhase, SelfTrade, Side, Span, TermsError, TimeInForce,
    Timestamp, TraderLimit, TraderLimits, UserId,
};

use crate::house::{A, AUCTIONEER, B, C, D, House, LOT, cancel, price, quantity};

/// Opening call to 60 s, continuous to 200, closing call to 260, at last to 300.
pub fn terms() -> DayTerms {
    let phase = |phase, begins_after| ScheduledPhase {
        phase,
        begins_after: Span::from_secs(begins_after),
    };
    DayTerms::new(vec![
        phase(DayPhase::Call, 0),
        phase(DayPhase::Continuous, 60),
        phase(DayPhase::Call, 200),
        phase(DayPhase::AtLast, 260),
    ])
}

pub fn day(terms: DayTerms) -> House {
    House::with_lot("10", 1, None, terms.into())
}

pub fn limit(side: Side, shares: u64, at: &str) -> Command {
    with(side, shares, Some(at), |_| {})
}

pub fn with(
    side: Side,
    shares: u64,
    at: Option<&str>,
    change: impl FnOnce(&mut DayOrder),
) -> Command {
    let mut order = DayOrder {
        side,
        quantity: quantity(shares),
        limit: at.map(price),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    };
    change(&mut order);
    Command::PlaceDayOrder { lot: LOT, order }
}

fn until(second: u64) -> impl FnOnce(&mut DayOrder) {
    move |order| order.time_in_force = TimeInForce::Until(Timestamp::from_secs(second))
}

fn book(house: &House) -> &DayBook {
    match &house.engine.market().lot(LOT).unwrap().book {
        Book::Day(day) => day,
        other => panic!("{other:?}"),
    }
}

fn reply(reply: Result<Reply, Reject>) -> DayReply {
    match reply.unwrap() {
        Reply::DayOrder(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn replace(order: u32, shares: u64, at: &str, believed: Option<u64>) -> Command {
    Command::ReplaceDayOrder {
        lot: LOT,
        order: OrderId(order),
        quantity: quantity(shares),
        limit: Some(price(at)),
        believed: believed.map(quantity),
    }
}

#[test]
fn an_answer_says_what_traded_and_what_rests() {
    let mut house = day(terms());
    house.user(60, A, limit(Side::Sell, 5, "10")).unwrap();
    house.user(61, B, limit(Side::Sell, 5, "10.10")).unwrap();
    let answer = reply(house.user(62, C, limit(Side::Buy, 12, "10.10")));
    let open = quantity(2);
    let expected = DayReply {
        order: OrderId(1),
        traded: 10,
        value: 5 * 100_000 + 5 * 101_000,
        rest: DayRest::Rests { open },
    };
    assert_eq!(answer, expected);
    let kept = reply(house.user(63, C, replace(1, 1, "10.10", Some(2))));
    let open = quantity(1);
    assert_eq!(kept.rest, DayRest::Keeps { open });
    let refused = house.user(64, C, replace(1, 3, "10.10", Some(2)));
    assert_eq!(refused, Err(Reject::OpenDiffers { open }));
    house.outcome();
}

#[test]
fn an_until_lives_to_its_last_microsecond() {
    let mut house = day(terms());
    let passed = house.user(60, A, with(Side::Buy, 1, Some("10"), until(60)));
    let until_now = Timestamp::from_secs(60);
    assert_eq!(passed, Err(Reject::UntilPassed { until: until_now }));
    house
        .user(60, A, with(Side::Buy, 1, Some("10"), until(70)))
        .unwrap();
    let last = Timestamp::from_micros(69_999_999).unwrap();
    let caller = auction_core::Caller::User(B);
    let ioc = || {
        with(Side::Sell, 1, Some("10"), |order| {
            order.time_in_force = TimeInForce::ImmediateOrCancel;
        })
    };
    let mut early = House::with_lot("10", 1, None, terms().into());
    early
        .user(60, A, with(Side::Buy, 1, Some("10"), until(70)))
        .unwrap();
    assert_eq!(reply(early.ask(last, caller, ioc())).traded, 1);
    let late = reply(house.user(70, B, ioc()));
    let quantity = quantity(1);
    let because = LapseReason::Rest;
    assert_eq!(late.rest, DayRest::Lapsed { quantity, because });
}

#[test]
fn a_schedule_is_checked_phase_by_phase() {
    let phase = |phase, begins_after| ScheduledPhase {
        phase,
        begins_after: Span::from_secs(begins_after),
    };
    use DayPhase::{AtLast, Call, Continuous, PreOpen, Volatility};
    let refused = |phases: Vec<ScheduledPhase>, error: ScheduleError| {
        let open = crate::house::open(1, None, DayTerms::new(phases.clone()).into());
        let opened = House::new("10").open(open);
        assert_eq!(
            opened,
            Err(TermsError::Schedule(error).into()),
            "{phases:?}"
        );
    };
    refused(vec![], ScheduleError::Count { most: 16 });
    refused(
        vec![phase(Continuous, 0)],
        ScheduleError::Order { number: 1 },
    );
    refused(
        vec![phase(Call, 0), phase(Volatility, 9)],
        ScheduleError::Order { number: 2 },
    );
    refused(
        vec![phase(Call, 0), phase(Continuous, 9)],
        ScheduleError::Order { number: 3 },
    );
    refused(vec![phase(PreOpen, 0)], ScheduleError::Order { number: 2 });
    refused(
        vec![phase(Call, 0), phase(AtLast, 9), phase(Call, 10)],
        ScheduleError::Order { number: 3 },
    );
    refused(vec![phase(Call, 1)], ScheduleError::Times { number: 1 });
    refused(
        vec![phase(Call, 0), phase(Continuous, 9), phase(Call, 9)],
        ScheduleError::Times { number: 2 },
    );
    refused(
        vec![phase(Call, 0), phase(AtLast, 300)],
        ScheduleError::Times { number: 2 },
    );
    let mut windows = terms();
    windows.call.random_end = Span::from_secs(30);
    windows.call.no_cancel = Some(Span::from_secs(30));
    windows.call.extend_by = Span::from_secs(61);
    let opened = House::new("10").open(crate::house::open(1, None, windows.clone().into()));
    let error = ScheduleError::Windows { number: 1 };
    assert_eq!(opened, Err(TermsError::Schedule(error).into()));
    windows.call.no_cancel = Span::from_micros(29_999_999);
    House::new("10")
        .open(crate::house::open(1, None, windows.into()))
        .unwrap();
}

#[test]
fn at_the_bound_of_a_corridor_is_inside() {
    for (ask, interrupts) in [("10.50", false), ("10.51", true)] {
        let mut terms = terms();
        terms.static_corridor = Some(Collar {
            absolute: price("0.50"),
            basis_points: 0,
        });
        let mut house = day(terms);
        house.user(60, A, limit(Side::Sell, 1, ask)).unwrap();
        let answer = reply(house.user(60, B, limit(Side::Buy, 1, "11")));
        assert_eq!(answer.traded, u64::from(!interrupts));
        let phase = if interrupts {
            DayPhase::Volatility
        } else {
            DayPhase::Continuous
        };
        assert_eq!(book(&house).phase, Some(phase));
        house.outcome();
    }
}

#[test]
fn limits_bind_at_their_values_and_name_themselves() {
    let mut house = day(terms());
    let limits = TraderLimits {
        order_quantity: Some(quantity(5)),
        order_value: Amount::from_units(400_000),
        open_orders: Some(2),
        long: Some(8),
        short: Some(3),
        orders_per_second: Some(3),
    };
    let set = |trader, limits| Command::SetLimits { trader, limits };
    assert!(house.user(60, A, set(Some(A), None)).is_err());
    house.user(60, AUCTIONEER, set(None, Some(limits))).unwrap();
    let over = |limit, most| Err(Reject::OverLimit { limit, most });
    let refused = house.user(61, A, limit(Side::Buy, 6, "1"));
    assert_eq!(refused, over(TraderLimit::OrderQuantity, 5));
    let refused = house.user(61, A, limit(Side::Buy, 5, "8.01"));
    assert_eq!(refused, over(TraderLimit::OrderValue, 400_000));
    house.user(61, A, limit(Side::Buy, 5, "8")).unwrap();
    let refused = house.user(61, A, limit(Side::Buy, 4, "8"));
    assert_eq!(refused, over(TraderLimit::Long, 8));
    house.user(61, A, limit(Side::Buy, 3, "8")).unwrap();
    let refused = house.user(61, A, limit(Side::Sell, 1, "9"));
    assert_eq!(refused, over(TraderLimit::OpenOrders, 2));
    let refused = house.user(61, B, limit(Side::Sell, 4, "9"));
    assert_eq!(refused, over(TraderLimit::Short, 3));
    // What was refused is not counted; a replacement is.
    house.user(61, A, replace(1, 4, "8", None)).unwrap();
    let refused = house.user(61, A, replace(1, 3, "8", None));
    assert_eq!(refused, over(TraderLimit::OrdersPerSecond, 3));
    house.user(62, A, replace(1, 3, "8", None)).unwrap();
    // A position counts what has traded: B sells 3 to A, and may sell no more.
    house.user(63, B, limit(Side::Sell, 3, "8")).unwrap();
    let refused = house.user(64, B, limit(Side::Sell, 1, "8"));
    assert_eq!(refused, over(TraderLimit::Short, 3));
    // A trader's own limits go before those of all.
    let free = TraderLimits::default();
    house
        .user(65, AUCTIONEER, set(Some(B), Some(free)))
        .unwrap();
    house.user(65, B, limit(Side::Sell, 6, "9")).unwrap();
    assert_eq!(house.engine.limits_of(B), free);
    house.outcome();
}

#[test]
fn funds_hold_to_the_unit_through_partial_fills() {
    let mut house = House::new("10");
    let mode = AccountMode::Funds;
    house.operate(0, Command::SetAccounts { mode }).unwrap();
    let cash = |units| Asset::Cash(Amount::from_units(units).unwrap());
    let symbol = "AAPL".parse().unwrap();
    let shares = |shares| Asset::Shares {
        symbol,
        quantity: quantity(shares),
    };
    for (user, asset) in [(A, shares(10)), (B, cash(1_000_000)), (C, cash(150_000))] {
        house.operate(0, Command::Deposit { user, asset }).unwrap();
    }
    house
        .open(crate::house::open(1, None, terms().into()))
        .unwrap();
    let free = |house: &House, user: UserId| house.engine.balance(user).unwrap().free().units();
    // Parked market buys reserve nothing, limits their price.
    let at_close = |order: &mut DayOrder| order.time_in_force = TimeInForce::AtClose;
    house
        .user(60, B, with(Side::Buy, 5, Some("11"), at_close))
        .unwrap();
    assert_eq!(free(&house, B), 1_000_000 - 5 * 110_000);
    house.user(60, A, limit(Side::Sell, 8, "10")).unwrap();
    let refused = house.user(60, A, limit(Side::Sell, 3, "10"));
    assert!(matches!(
        refused,
        Err(Reject::InsufficientShares {
            needed: 3,
            available: 2,
            ..
        })
    ));
    // 150,000 pays for one share at 10.00, and the rest of the market order lapses.
    let answer = reply(house.user(61, C, with(Side::Buy, 4, None, |_| {})));
    let (quantity, because) = (quantity(3), LapseReason::Funds);
    assert_eq!(
        (answer.traded, answer.rest),
        (1, DayRest::Lapsed { quantity, because })
    );
    assert_eq!(free(&house, C), 50_000);
    // A fok that cash does not cover is short.
    let fok = |order: &mut DayOrder| order.time_in_force = TimeInForce::FillOrKill;
    let answer = reply(house.user(61, C, with(Side::Buy, 2, None, fok)));
    let (quantity, because) = (crate::house::quantity(2), LapseReason::FillOrKill);
    assert_eq!(
        (answer.traded, answer.rest),
        (0, DayRest::Lapsed { quantity, because })
    );
    // Nor does one trade that only meets an order of its own.
    let own = |order: &mut DayOrder| {
        order.time_in_force = TimeInForce::FillOrKill;
        order.self_trade = SelfTrade::Decrement;
    };
    let answer = reply(house.user(61, A, with(Side::Buy, 1, None, own)));
    assert_eq!(answer.traded, 0);
    assert_eq!(
        house.engine.day_orders_of(LOT, A).unwrap()[0]
            .content
            .quantity
            .get(),
        7
    );
    // What trades better than its limit is released at once.
    house.user(62, B, limit(Side::Buy, 3, "12")).unwrap();
    assert_eq!(free(&house, B), 1_000_000 - 5 * 110_000 - 3 * 100_000);
    assert_eq!(house.engine.balance(A).unwrap().cash().units(), 4 * 100_000);
    house.engine.audit().unwrap();
    // The closing call: B's parked buy of 5 meets A's rest of 4, at the highest price for the buyers are more.
    house.outcome();
    house.engine.audit().unwrap();
    assert_eq!(
        house.engine.balance(B).unwrap().cash().units(),
        1_000_000 - 3 * 100_000 - 4 * 110_000
    );
    assert_eq!(house.engine.balance(B).unwrap().reserved(), Amount::ZERO);
}

#[test]
fn parked_orders_leave_no_trace_and_traders_no_names() {
    let run = |one: UserId, other: UserId, parks: bool| {
        let mut house = day(terms());
        house.user(60, one, limit(Side::Sell, 5, "10")).unwrap();
        if parks {
            let auction = |order: &mut DayOrder| order.time_in_force = TimeInForce::Auction;
            house
                .user(61, D, with(Side::Buy, 7, Some("1"), auction))
                .unwrap();
            house.user(61, D, cancel(1)).unwrap();
        }
        house.user(62, other, limit(Side::Buy, 3, "10")).unwrap();
        let public = house
            .records
            .iter()
            .flat_map(auction_core::Record::public_events);
        public.cloned().collect::<Vec<PublicEvent>>()
    };
    assert_eq!(run(A, B, false), run(C, A, true));
}

#[test]
fn a_halted_market_takes_cancels_alone_and_moves_every_close() {
    let mut house = day(terms());
    let english = OpenLot::new(
        "AAPL".parse().unwrap(),
        quantity(1),
        Timestamp::from_secs(100),
        EnglishTerms::default(),
    );
    house.operate(0, Command::OpenLot(english.into())).unwrap();
    let second = auction_core::LotId(2);
    house.user(60, A, limit(Side::Sell, 5, "10")).unwrap();
    house.user(60, A, limit(Side::Sell, 5, "11")).unwrap();
    house.user(70, AUCTIONEER, Command::HaltAll).unwrap();
    let again = house.user(70, AUCTIONEER, Command::HaltAll);
    assert_eq!(again, Err(Reject::Unchanged));
    let since = Timestamp::from_secs(70);
    let halted = Err(Reject::MarketHalted { since });
    assert_eq!(house.user(80, B, limit(Side::Buy, 1, "10")), halted);
    let price = price("20");
    let bid = Command::Bid { lot: second, price };
    assert_eq!(house.user(80, B, bid.clone()), halted);
    // Long after both would have closed.
    house.user(500, A, cancel(1)).unwrap();
    let all = Command::CancelAll {
        trader: Some(A),
        lot: None,
    };
    let expected = Reply::AllCancelled {
        cancelled: 1,
        kept: 0,
        more: false,
    };
    assert_eq!(house.user(500, AUCTIONEER, all), Ok(expected));
    house.user(570, AUCTIONEER, Command::ResumeAll).unwrap();
    house.wait(Timestamp::from_secs(570));
    assert_eq!(book(&house).phase, Some(DayPhase::Volatility));
    let closes = |house: &House, lot| house.engine.market().lot(lot).unwrap().closes_at;
    assert_eq!(closes(&house, LOT), Timestamp::from_secs(800));
    assert_eq!(closes(&house, second), Timestamp::from_secs(600));
    house.user(599, B, bid).unwrap();
    assert!(matches!(house.outcome(), Outcome::Day { trades: 0, .. }));
}

#[test]
fn a_phase_moves_between_its_neighbours() {
    let mut house = day(terms());
    let moved = |phase, second| Command::MovePhase {
        lot: LOT,
        phase,
        ends_at: Timestamp::from_secs(second),
    };
    let seconds = Timestamp::from_secs;
    let bounds = |after, before| {
        let (after, before) = (seconds(after), seconds(before));
        Err(Reject::PhaseEnd { after, before })
    };
    assert_eq!(house.user(60, AUCTIONEER, moved(1, 60)), bounds(60, 260));
    assert_eq!(house.user(60, AUCTIONEER, moved(1, 260)), bounds(60, 260));
    assert_eq!(house.user(60, AUCTIONEER, moved(2, 200)), bounds(200, 300));
    let over = Reject::PhaseOver {
        first: 1,
        phases: 4,
    };
    assert_eq!(house.user(60, AUCTIONEER, moved(0, 70)), Err(over));
    house.user(60, AUCTIONEER, moved(1, 61)).unwrap();
    house.user(60, AUCTIONEER, moved(3, 400)).unwrap();
    house.wait(seconds(61));
    assert_eq!(book(&house).phase, Some(DayPhase::Call));
    assert_eq!(book(&house).phase_ends_at, seconds(260));
    assert_eq!(
        house.engine.market().lot(LOT).unwrap().closes_at,
        seconds(400)
    );
    house.outcome();
}

#[test]
fn a_close_moves_with_the_last_phase_once_the_day_begins() {
    let seconds = Timestamp::from_secs;
    let extended = |second| Command::ExtendLot {
        lot: LOT,
        closes_at: seconds(second),
    };
    let phase_moved = Command::MovePhase {
        lot: LOT,
        phase: 0,
        ends_at: seconds(80),
    };
    let mut house = House::new("10");
    let open = crate::house::open(1, None, terms().into());
    house
        .open(OpenLot {
            opens_at: Some(seconds(10)),
            closes_at: seconds(310),
            ..open
        })
        .unwrap();
    let opens_at = seconds(10);
    let not_begun = Err(Reject::LotNotBegun { lot: LOT, opens_at });
    assert_eq!(house.user(5, AUCTIONEER, extended(400)), not_begun);
    assert_eq!(house.user(5, AUCTIONEER, phase_moved), not_begun);
    house.wait(seconds(10));
    house.user(10, AUCTIONEER, extended(400)).unwrap();
    let lot = house.engine.market().lot(LOT).unwrap();
    assert_eq!(lot.closes_at, seconds(400));
    let after = seconds(400);
    let earlier = Err(Reject::CloseNotLater { after });
    assert_eq!(house.user(10, AUCTIONEER, extended(400)), earlier);
    house.outcome();
}

#[test]
fn a_call_stays_longer_than_its_windows() {
    let mut terms = terms();
    terms.call.random_end = Span::from_secs(10);
    terms.call.no_cancel = Some(Span::from_secs(20));
    let mut house = day(terms);
    let seconds = Timestamp::from_secs;
    let mut moved = |phase, second| {
        let ends_at = seconds(second);
        let lot = LOT;
        let command = Command::MovePhase {
            lot,
            phase,
            ends_at,
        };
        house.user(1, AUCTIONEER, command)
    };
    let bounds = |after, before| {
        let (after, before) = (seconds(after), seconds(before));
        Err(Reject::PhaseEnd { after, before })
    };
    // The running call, the phase before a call, and a call that has not begun.
    assert_eq!(moved(0, 31), bounds(31, 200));
    moved(0, 32).unwrap();
    assert_eq!(moved(1, 230), bounds(32, 230));
    moved(1, 229).unwrap();
    assert_eq!(moved(2, 259), bounds(259, 300));
    moved(2, 261).unwrap();
    // A later end is never too early, also in the windows.
    assert_eq!(moved(0, 31), bounds(31, 229));
    moved(0, 40).unwrap();
    house.outcome();
}

#[test]
fn a_call_is_made_longer_in_its_windows() {
    let mut terms = terms();
    terms.call.random_end = Span::from_secs(10);
    terms.call.no_cancel = Some(Span::from_secs(20));
    let mut house = day(terms);
    let (lot, phase) = (LOT, 0);
    let seconds = Timestamp::from_secs;
    let moved = |second| Command::MovePhase {
        lot,
        phase,
        ends_at: seconds(second),
    };
    let (after, before) = (seconds(60), seconds(200));
    let too_early = Err(Reject::PhaseEnd { after, before });
    assert_eq!(house.user(45, AUCTIONEER, moved(60)), too_early);
    house.user(45, AUCTIONEER, moved(61)).unwrap();
    house.outcome();
}

/// A day with orders in every state, of which each phase is seen.
fn busy_day() -> House {
    let mut terms = terms();
    terms.call.random_end = Span::from_secs(10);
    terms.dynamic_corridor = Some(Collar {
        absolute: price("0.20"),
        basis_points: 0,
    });
    let mut house = day(terms);
    let auction = |order: &mut DayOrder| order.time_in_force = TimeInForce::Auction;
    house.user(1, A, limit(Side::Sell, 5, "10")).unwrap();
    house.user(2, B, limit(Side::Buy, 3, "10")).unwrap();
    house
        .user(3, C, with(Side::Buy, 4, Some("9.50"), auction))
        .unwrap();
    house
        .user(60, D, with(Side::Buy, 4, Some("9.90"), until(150)))
        .unwrap();
    house
}

#[test]
fn a_day_is_the_same_after_a_restart_in_every_phase() {
    let mut house = busy_day();
    let seconds = [4, 55, 60, 70, 100, 199, 200, 255, 262, 299, 300];
    for second in seconds {
        house.wait(Timestamp::from_secs(second));
        if second == 70 {
            house.user(70, A, limit(Side::Sell, 2, "10.50")).unwrap();
            house.user(70, B, limit(Side::Buy, 9, "11")).unwrap();
            assert_eq!(book(&house).phase, Some(DayPhase::Volatility));
        }
        if second == 262 && book(&house).phase == Some(DayPhase::AtLast) {
            house
                .user(262, D, with(Side::Sell, 1, None, |_| {}))
                .unwrap();
        }
        house.holds_on_replay();
        written_and_read(&house);
    }
    assert!(matches!(house.outcome(), Outcome::Day { .. }));
}

#[cfg(feature = "serde")]
fn written_and_read(house: &House) {
    let snapshot = house.engine.snapshot();
    let bytes = postcard::to_allocvec(&snapshot).unwrap();
    let read: auction_core::Snapshot = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read, snapshot);
    let mut restored = auction_core::Engine::restore(read).unwrap();
    assert_eq!(restored.next_deadline(), house.engine.next_deadline());
    // It goes on alike, to the end.
    let mut live = house.engine.clone();
    let end = Timestamp::from_secs(1_000);
    loop {
        let (one, other) = (
            live.advance(end, || [7; 32]),
            restored.advance(end, || [7; 32]),
        );
        assert_eq!(one, other);
        if one.is_none() {
            return;
        }
    }
}

#[cfg(not(feature = "serde"))]
fn written_and_read(_house: &House) {}

#[test]
fn a_public_fold_alone_has_the_book_of_the_market() {
    let mut house = busy_day();
    house.outcome();
    let mut fold = auction_core::Market::new(auction_core::MarketId([7; 16]));
    for record in &house.records {
        for event in &record.events {
            if let Event::Public(event) = event {
                fold.apply(record.at, event).unwrap();
            }
        }
    }
    assert_eq!(fold, *house.engine.market());
    assert_eq!(fold.digest(), house.engine.digest());
}
