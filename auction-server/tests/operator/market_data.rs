//! Exports of market data: trades, bars, and orders with their life.

use auction_core::{
    Book, Caller, Command, DayOrder, DayStatistics, DayTerms, LotId, OpenLot, Outcome, Phase,
    Quantity, Role, Schedule, SealedPricing, SealedTerms, SelfTrade, Side, Terms, TimeInForce,
    Timestamp, UniformPricing, UniformTerms, UserId,
};
use auction_server::testing::cli::export::export;
use auction_server::testing::cli::{Format, What};
use auction_server::testing::projections::market_data::bar_rows::BarLength;
use proptest::prelude::*;

use crate::stage::{START, Stage, open};

const DAY: LotId = LotId(1);
const SCHEDULE: &str = "call 1m, continuous 5m, call 1m, at-last 1m";

fn rows(stage: &Stage, what: What, every: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let every: BarLength = every.parse().unwrap();
    export(
        &stage.folder(),
        what,
        Format::Csv,
        every,
        &mut out,
        &mut |_| {},
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn texts(stage: &Stage, what: What, every: &str) -> Vec<String> {
    let rows = rows(stage, what, every).into_iter();
    rows.map(|row| row.join(",")).collect()
}

fn day() -> Stage {
    let mut stage = Stage::on_disk();
    stage.list("AAPL", "01954", "10", "0");
    for name in ["mia", "tom", "eve"] {
        stage.register(name, Role::Trader);
    }
    let schedule: Schedule = SCHEDULE.parse().unwrap();
    let opened = Timestamp::from_secs(START + 1);
    let open = OpenLot {
        symbol: "AAPL".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: opened.saturating_add(schedule.length),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    stage.operate(1, Command::OpenLot(Box::new(open)));
    stage
}

/// Advances to a time, and enters an order if the market takes it.
fn order(stage: &mut Stage, secs: u64, user: u32, side: Side, shares: u64, limit: &str) {
    advance(stage, secs);
    let order = DayOrder {
        side,
        quantity: Quantity::new(shares).unwrap(),
        limit: limit.parse().ok(),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::CancelOldest,
    };
    let place = Command::PlaceDayOrder { lot: DAY, order };
    let now = Timestamp::from_secs(START + secs);
    let decided = stage.engine.execute(now, Caller::User(UserId(user)), place);
    if let Ok(auction_core::Executed::Decided(record)) = decided {
        stage.take(&record);
    }
}

fn advance(stage: &mut Stage, secs: u64) {
    let now = Timestamp::from_secs(START + secs);
    while let Some(record) = stage.engine.advance(now, || [7; 32]) {
        stage.take(&record);
    }
}

fn statistics(stage: &Stage) -> DayStatistics {
    match &stage.engine.market().lot(DAY).unwrap().book {
        Book::Day(book) => book.statistics,
        _ => panic!("it is a day"),
    }
}

pub fn played() -> Stage {
    let mut stage = day();
    // The call: 3 trade at 10, and 2 are left to sell as order 1.
    order(&mut stage, 2, 1, Side::Sell, 5, "10");
    order(&mut stage, 3, 2, Side::Buy, 3, "10");
    // Continuous trading, across a minute of the clock; 7 are cancelled by the trader's own next order.
    order(&mut stage, 100, 1, Side::Sell, 4, "10.50");
    order(&mut stage, 110, 3, Side::Sell, 7, "11");
    order(&mut stage, 119, 2, Side::Buy, 3, "10.50");
    order(&mut stage, 120, 3, Side::Buy, 4, "11");
    order(&mut stage, 130, 3, Side::Sell, 1, "12");
    // The closing call, with what is left to buy.
    order(&mut stage, 380, 1, Side::Sell, 1, "10");
    stage
}

#[test]
fn trades_have_their_phase_and_what_they_met() {
    let mut stage = played();
    stage.close_all();
    assert_eq!(
        texts(&stage, What::Trades, "1m"),
        [
            "8,2026-11-22T13:01:01.000000Z,1,AAPL,day,call,1,10.00,3,30.00,,",
            "11,2026-11-22T13:01:59.000000Z,1,AAPL,day,continuous,2,10.00,2,20.00,buy,1",
            "11,2026-11-22T13:01:59.000000Z,1,AAPL,day,continuous,3,10.50,1,10.50,buy,2",
            "12,2026-11-22T13:02:00.000000Z,1,AAPL,day,continuous,4,10.50,3,31.50,buy,2",
            "16,2026-11-22T13:07:01.000000Z,1,AAPL,day,call,5,10.50,1,10.50,,",
        ]
    );
}

#[test]
fn a_bar_begins_with_its_minute_and_has_a_trade() {
    let mut stage = played();
    let running = [
        "2026-11-22T13:01:00.000000Z,1,AAPL,10.00,10.50,10.00,10.50,6,60.50,3",
        "2026-11-22T13:02:00.000000Z,1,AAPL,10.50,10.50,10.50,10.50,3,31.50,1",
    ];
    assert_eq!(texts(&stage, What::Bars, "1m"), running);
    stage.close_all();
    let last = "2026-11-22T13:07:00.000000Z,1,AAPL,10.50,10.50,10.50,10.50,1,10.50,1";
    assert_eq!(
        texts(&stage, What::Bars, "1m"),
        [running[0], running[1], last]
    );
    assert_eq!(
        texts(&stage, What::Bars, "1d"),
        ["2026-11-22T00:00:00.000000Z,1,AAPL,10.00,10.50,10.00,10.50,10,102.50,5"]
    );
}

#[test]
fn an_order_has_a_row_when_its_life_is_over() {
    let mut stage = played();
    let over = [
        "8,2026-11-22T13:01:01.000000Z,1,AAPL,1,sell,10.00,2,2,20.00,0,2026-11-22T13:01:59.000000Z,filled",
        "9,2026-11-22T13:01:40.000000Z,1,AAPL,2,sell,10.50,4,4,42.00,0,2026-11-22T13:02:00.000000Z,filled",
        "10,2026-11-22T13:01:50.000000Z,1,AAPL,3,sell,11.00,7,0,0.00,7,2026-11-22T13:02:00.000000Z,gone",
    ];
    let live = [
        "12,2026-11-22T13:02:00.000000Z,1,AAPL,4,buy,11.00,1,0,0.00,1,,",
        "13,2026-11-22T13:02:10.000000Z,1,AAPL,5,sell,12.00,1,0,0.00,1,,",
    ];
    let all: Vec<&str> = over.into_iter().chain(live).collect();
    assert_eq!(texts(&stage, What::Orders, "1m"), all);
    stage.close_all();
    let ended = live.map(|row| {
        let row = row.strip_suffix(",,").unwrap();
        format!("{row},2026-11-22T13:08:01.000000Z,call")
    });
    let rows = texts(&stage, What::Orders, "1m");
    assert_eq!(rows[..3], over);
    assert_eq!(rows[3..], ended);
}

#[test]
fn other_formats_trade_at_their_close() {
    let mut stage = Stage::on_disk();
    stage.play();
    stage.close_all();
    assert_eq!(
        texts(&stage, What::Trades, "1m"),
        ["15,2026-11-22T13:05:00.000000Z,1,AAPL,english,,1,1.51,100,151.00,,"]
    );

    let mut stage = Stage::on_disk();
    stage.play_calls();
    let told = texts(&stage, What::Trades, "1m");
    assert!(
        told[0].ends_with("1,AAPL,call,,1,11.00,80,880.00,,"),
        "{told:?}"
    );
    assert!(
        told[1].ends_with("2,AAPL,call,,1,10.00,50,500.00,,"),
        "{told:?}"
    );

    // Sold in parts: a trade for each filled bid. Sold by sealed bids: one.
    let mut stage = Stage::on_disk();
    stage.list("AAPL", "01954", "10", "0");
    for name in ["mia", "tom", "eve"] {
        stage.register(name, Role::Trader);
    }
    let parts = UniformTerms {
        pricing: UniformPricing::PayAsBid,
        priority: auction_core::MarginalPriority::Time,
        bids_max: UniformTerms::BIDS_MAX,
    };
    let sealed = SealedTerms {
        pricing: SealedPricing::SecondPrice,
    };
    stage.operate(1, open("AAPL", 10, None, Terms::Uniform(parts)));
    stage.operate(1, open("AAPL", 10, None, Terms::Sealed(sealed)));
    for (user, shares, limit) in [(1, 6, "12"), (2, 6, "11"), (3, 6, "10")] {
        for (lot, shares) in [(1, shares), (2, 10)] {
            let order = Command::PlaceOrder {
                lot: LotId(lot),
                side: Side::Buy,
                quantity: Quantity::new(shares).unwrap(),
                limit: limit.parse().ok(),
            };
            stage.run(2, Caller::User(UserId(user)), order);
        }
    }
    stage.close_all();
    let told = texts(&stage, What::Trades, "1m");
    let ends = [
        "1,AAPL,pay-as-bid,,1,12.00,6,72.00,,",
        "1,AAPL,pay-as-bid,,2,11.00,4,44.00,,",
        "2,AAPL,vickrey,,1,11.00,10,110.00,,",
    ];
    assert_eq!(told.len(), ends.len(), "{told:?}");
    for (row, end) in told.iter().zip(ends) {
        assert!(row.ends_with(end), "{row} is not {end}");
    }
}

fn sum(rows: &[Vec<String>], column: usize) -> u128 {
    let value = |row: &Vec<String>| {
        let (whole, parts) = row[column]
            .split_once('.')
            .unwrap_or((&row[column], "0000"));
        let parts = format!("{parts:0<4}");
        whole.parse::<u128>().unwrap() * 10_000 + parts.parse::<u128>().unwrap()
    };
    rows.iter().map(value).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// The statistics are the core's, counted elsewhere.
    #[test]
    fn trades_and_bars_add_up_to_the_statistics_of_the_day(
        orders in proptest::collection::vec(
            (0_u64..20, 1_u32..4, any::<bool>(), 1_u64..50, 95_u64..106), 1..80,
        ),
    ) {
        let mut stage = day();
        let mut secs = 2;
        for (wait, user, buys, shares, limit) in orders {
            secs += wait;
            let side = if buys { Side::Buy } else { Side::Sell };
            order(&mut stage, secs, user, side, shares, &format!("{}.{:02}", limit / 10, limit % 10 * 10));
        }
        for is_closed in [false, true] {
            if is_closed {
                stage.close_all();
                let closed = &stage.engine.market().lot(DAY).unwrap().phase;
                let is_day = matches!(closed, Phase::Closed { outcome: Outcome::Day { .. }, .. });
                prop_assert!(is_day);
            }
            let expected = statistics(&stage);
            let trades = rows(&stage, What::Trades, "1m");
            prop_assert_eq!(trades.len() as u64, expected.trades);
            prop_assert_eq!(sum(&trades, 8) / 10_000, expected.volume);
            prop_assert_eq!(sum(&trades, 9), expected.value);
            for every in ["1s", "1m", "1d"] {
                let bars = rows(&stage, What::Bars, every);
                prop_assert_eq!(sum(&bars, 9) / 10_000, u128::from(expected.trades));
                prop_assert_eq!(sum(&bars, 7) / 10_000, expected.volume);
                prop_assert_eq!(sum(&bars, 8), expected.value);
                let begins: Vec<&String> = bars.iter().map(|bar| &bar[0]).collect();
                prop_assert!(begins.is_sorted_by(|one, next| one < next));
            }
            if let [bar] = &rows(&stage, What::Bars, "1d")[..] {
                let told = [expected.open, expected.high, expected.low, expected.last];
                let told = told.map(|price| price.unwrap().to_string());
                prop_assert_eq!(&bar[3..7], &told[..]);
            }
            // An order traded what it was short of at its end, or a call hid it.
            let orders = rows(&stage, What::Orders, "1m");
            let of = |order: &Vec<String>, column: usize| order[column].parse::<u64>().unwrap();
            for order in orders.iter().filter(|order| order[12] == "filled") {
                prop_assert_eq!(of(order, 10), 0);
                prop_assert!(of(order, 8) <= of(order, 7));
            }
            let resting: u128 = orders.iter().map(|order| u128::from(of(order, 8))).sum();
            let met = trades.iter().filter(|trade| !trade[11].is_empty()).cloned();
            let met: Vec<Vec<String>> = met.collect();
            prop_assert_eq!(sum(&met, 8) / 10_000, resting, "each trade but an uncross met a shown order");
        }
    }
}
