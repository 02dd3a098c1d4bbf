//! Cases that one lot alone does not show: the next day, several lots, and the clock.

use auction_core::{
    Book, Caller, Command, DayBook, LotId, Reject, Reply, Side, TraderLimit, TraderLimits,
};

use super::market::{LOT, Market, OPENS_AT, day_order, open_lot, price, quantity, time, user};
use super::oracle::{self, Collar, Draw, Kind, NewOrder, OwnOrder, Owner, Terms, Tif};
use super::pair::Pair;
use super::steps::Concrete;

const SECOND: LotId = LotId(2);

/// A call to 10, continuous trading to 100, a call to 110.
fn terms() -> Terms {
    Terms {
        tick: 100,
        round_lot: 1,
        reference: 100_000,
        collar: None,
        static_corridor: None,
        dynamic_corridor: None,
        extensions_max: 0,
        extend_by: 20,
        market_extension: false,
        random_end: 0,
        no_cancel: None,
        volatility_length: 30,
        volatility_random_end: 0,
        interruptions_max: 16,
        phases: vec![(Kind::Call, 0), (Kind::Continuous, 10), (Kind::Call, 100)],
        closes_at: 110,
        draw: Draw::Number(0),
        funds: false,
        is_scheduled: false,
        is_open_book: false,
    }
}

impl Market {
    fn enter(
        &mut self,
        now: u64,
        lot: LotId,
        owner: Owner,
        side: Side,
        limit: u64,
    ) -> Result<Reply, Reject> {
        self.advance(now);
        let order = day_order(NewOrder {
            side,
            quantity: 5,
            limit: Some(limit),
            tif: Tif::Day,
            own: OwnOrder::Refuse,
            post_only: false,
        });
        let caller = Caller::User(user(owner));
        self.execute(now, caller, Command::PlaceDayOrder { lot, order })
    }

    fn operator(&mut self, now: u64, command: Command) -> Result<Reply, Reject> {
        self.advance(now);
        self.execute(now, Caller::Operator, command)
    }

    fn day(&self, lot: LotId) -> &DayBook {
        match &self.engine.market().lot(lot).unwrap().book {
            Book::Day(day) => day,
            _ => panic!("the lot is a trading day"),
        }
    }
}

#[test]
fn a_closing_price_rounded_down_is_the_next_days_reference() {
    let mut market = Market::open(&terms(), &[]);
    market.enter(0, LOT, 0, Side::Sell, 100_700).unwrap();
    market.enter(0, LOT, 1, Side::Buy, 100_700).unwrap();
    market.advance(110);
    let stock = |market: &Market| {
        let stock = market.engine.market().stocks().next().unwrap();
        stock.last_uncross
    };
    assert_eq!(stock(&market), Some(price(100_700)));
    let next = Terms {
        tick: 500,
        ..terms()
    };
    market.operator(200, open_lot(&next, 200)).unwrap();
    assert_eq!(market.day(SECOND).reference, Some(price(100_500)));
    // Trades of a day that has not closed are its own.
    market.enter(200, SECOND, 0, Side::Sell, 102_000).unwrap();
    market.enter(200, SECOND, 1, Side::Buy, 102_000).unwrap();
    market.advance(211);
    assert_eq!(market.day(SECOND).statistics.last, Some(price(102_000)));
    assert_eq!(stock(&market), Some(price(100_700)));
}

#[test]
fn cancel_all_reaches_every_lot_and_counts_what_it_keeps() {
    let closed = Terms {
        no_cancel: Some(9),
        ..terms()
    };
    let mut market = Market::open(&closed, &[]);
    market.operator(0, open_lot(&terms(), 0)).unwrap();
    market.enter(0, LOT, 0, Side::Sell, 100_000).unwrap();
    for limit in [100_000, 100_100] {
        market.enter(0, SECOND, 0, Side::Sell, limit).unwrap();
    }
    market.enter(0, SECOND, 1, Side::Sell, 100_000).unwrap();
    let cancel_all = Command::CancelAll {
        trader: None,
        lot: None,
    };
    market.advance(1);
    let caller = Caller::User(user(0));
    let reply = market.execute(1, caller, cancel_all.clone()).unwrap();
    let expected = Reply::AllCancelled {
        cancelled: 2,
        kept: 1,
        more: false,
    };
    assert_eq!(reply, expected);
    market.advance(10);
    let reply = market.execute(10, caller, cancel_all).unwrap();
    let expected = Reply::AllCancelled {
        cancelled: 1,
        kept: 0,
        more: false,
    };
    assert_eq!(reply, expected);
    let of_other = market.day(SECOND).orders.iter().count();
    assert_eq!(of_other, 1, "the other trader's order rests");
}

#[test]
fn orders_and_replacements_are_counted_by_the_second() {
    let long = Terms {
        phases: vec![(Kind::Call, 0)],
        closes_at: 3_000_000,
        ..terms()
    };
    let mut market = Market::open(&long, &[]);
    let limits = TraderLimits {
        orders_per_second: Some(2),
        ..TraderLimits::default()
    };
    let trader = Some(user(0));
    let limits = Some(limits);
    market
        .operator(0, Command::SetLimits { trader, limits })
        .unwrap();
    // The lot opens at a full second.
    assert_eq!(OPENS_AT % 1_000_000, 0);
    let over = Err(Reject::OverLimit {
        limit: TraderLimit::OrdersPerSecond,
        most: 2,
    });
    let first = market.enter(0, LOT, 0, Side::Buy, 90_000).unwrap();
    let Reply::DayOrder(first) = first else {
        panic!("an order is answered: {first:?}");
    };
    let replace = |shares| Command::ReplaceDayOrder {
        lot: LOT,
        order: first.order,
        quantity: quantity(shares),
        limit: Some(price(90_000)),
        believed: None,
    };
    let caller = Caller::User(user(0));
    market.execute(1, caller, replace(4)).unwrap();
    assert_eq!(market.enter(2, LOT, 0, Side::Buy, 90_100), over);
    assert_eq!(market.execute(999_999, caller, replace(3)), over);
    market.enter(999_999, LOT, 1, Side::Buy, 90_100).unwrap();
    market.enter(1_000_000, LOT, 0, Side::Buy, 90_100).unwrap();
    market.execute(1_999_999, caller, replace(3)).unwrap();
    assert_eq!(market.execute(1_999_999, caller, replace(2)), over);
    market.execute(2_000_000, caller, replace(2)).unwrap();
}

#[test]
fn a_halt_of_the_market_moves_every_lot_not_halted_itself() {
    let mut market = Market::open(&terms(), &[]);
    market.operator(0, open_lot(&terms(), 0)).unwrap();
    market
        .operator(3, Command::HaltLot { lot: SECOND })
        .unwrap();
    market.operator(5, Command::HaltAll).unwrap();
    let since = time(5);
    let halted = Err(Reject::MarketHalted { since });
    assert_eq!(market.enter(6, LOT, 0, Side::Buy, 90_000), halted);
    market.operator(15, Command::ResumeAll).unwrap();
    let end = |market: &Market, lot| market.day(lot).phase_ends_at;
    assert_eq!(end(&market, LOT), time(20));
    assert_eq!(end(&market, SECOND), time(10));
    market
        .operator(23, Command::ResumeLot { lot: SECOND })
        .unwrap();
    assert_eq!(end(&market, SECOND), time(30));
    let ends = |market: &Market, lot| market.day(lot).ends.clone();
    assert_eq!(ends(&market, LOT), [20, 110, 120].map(time));
    assert_eq!(ends(&market, SECOND), [30, 120, 130].map(time));
}

#[test]
fn a_phase_whose_end_is_the_very_instant_is_skipped() {
    let corridor = Collar {
        absolute: 0,
        basis_points: 100,
    };
    let phases = [
        (Kind::Call, 0),
        (Kind::Continuous, 10),
        (Kind::Call, 40),
        (Kind::AtLast, 50),
    ];
    let terms = Terms {
        static_corridor: Some(corridor),
        phases: phases.to_vec(),
        closes_at: 60,
        ..terms()
    };
    let order = |side| {
        oracle::Command::Enter(NewOrder {
            side,
            quantity: 5,
            limit: Some(102_000),
            tif: Tif::Day,
            own: OwnOrder::Refuse,
            post_only: false,
        })
    };
    // A volatility call of 30 ends with the continuous phase, or one later; a closing call of 10 then ends with the
    // lot, or after it.
    for late in [0, 1, 10] {
        let mut pair = Pair::new(terms.clone(), &[]);
        pair.advance(10 + late);
        pair.ask(Concrete::Trader(0, order(Side::Sell)));
        pair.ask(Concrete::Trader(1, order(Side::Buy)));
        pair.advance(40 + late);
        assert_eq!((pair.day.phase.kind, pair.day.phase.index), (Kind::Call, 2));
        pair.advance(50 + late);
        let ended = if late == 10 {
            Kind::Closed
        } else {
            Kind::AtLast
        };
        assert_eq!(pair.day.phase.kind, ended);
        pair.advance(70);
        pair.holds_again();
    }
}

#[test]
fn the_close_is_the_schedules_after_an_early_end_of_a_call() {
    let phases = [
        (Kind::Call, 0),
        (Kind::Continuous, 10),
        (Kind::Call, 40),
        (Kind::AtLast, 56),
    ];
    let terms = Terms {
        market_extension: true,
        random_end: 3,
        extend_by: 17,
        phases: phases.to_vec(),
        closes_at: 68,
        draw: Draw::Number(3),
        ..terms()
    };
    let mut pair = Pair::new(terms, &[]);
    let order = |side, limit| {
        oracle::Command::Enter(NewOrder {
            side,
            quantity: 5,
            limit,
            tif: Tif::Day,
            own: OwnOrder::Refuse,
            post_only: false,
        })
    };
    pair.advance(10);
    pair.ask(Concrete::Trader(0, order(Side::Buy, Some(100_000))));
    pair.ask(Concrete::Trader(1, order(Side::Sell, Some(100_000))));
    pair.advance(40);
    // A market order that stays unfilled extends the call from 53, where it was drawn to end, to 70.
    pair.ask(Concrete::Trader(0, order(Side::Buy, None)));
    pair.advance(53);
    let closes_at = |pair: &Pair| pair.market.engine.market().lot(LOT).unwrap().closes_at;
    assert_eq!(closes_at(&pair), time(70));
    // It ends at 67, and trading at last with the schedule.
    pair.advance(67);
    assert_eq!(pair.day.phase.kind, Kind::AtLast);
    assert_eq!(closes_at(&pair), time(68));
    pair.advance(68);
    pair.holds_again();
}
