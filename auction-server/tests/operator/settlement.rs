//! Exports of the settlement, beside the balances that the core keeps in a market on funds.

use std::collections::BTreeMap;

use auction_core::{
    AccountMode, Asset, CallTerms, Caller, Command, DayOrder, DayTerms, DutchTerms, EnglishTerms,
    Event, Executed, LotId, MarginalPriority, OpenLot, PrivateEvent, Quantity, Role, Schedule,
    SealedPricing, SealedTerms, SelfTrade, Side, Span, Terms, TimeInForce, Timestamp,
    UniformPricing, UniformTerms, UserId,
};
use auction_server::testing::cli::export::{ExportError, export};
use auction_server::testing::cli::{Format, What};
use auction_server::testing::projections::market_data::bar_rows::BarLength;
use proptest::prelude::*;

use crate::stage::{START, Stage, open};

const TRADERS: [&str; 3] = ["mia", "tom", "eve"];
const CASH: &str = "3000";
const SHARES: u64 = 200;
const DAY: u32 = 7;

fn written(stage: &Stage, what: What, format: Format) -> Result<String, ExportError> {
    let mut out = Vec::new();
    let every = BarLength::MINUTE;
    export(&stage.folder(), what, format, every, &mut out, &mut |_| {})?;
    Ok(String::from_utf8(out).unwrap())
}

fn rows(stage: &Stage, what: What) -> Vec<Vec<String>> {
    let text = written(stage, what, Format::Csv).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn units(money: &str) -> i128 {
    let (whole, parts) = money.split_once('.').unwrap();
    let parts: i128 = format!("{parts:0<4}").parse().unwrap();
    whole.parse::<i128>().unwrap() * 10_000 + parts
}

/// A market on funds with a lot of each format.
fn funded() -> Stage {
    let mut stage = Stage::on_disk();
    let mode = AccountMode::Funds;
    stage.operate(0, Command::SetAccounts { mode });
    stage.list("AAPL", "01954", "10", "0");
    for (index, name) in TRADERS.into_iter().enumerate() {
        stage.register(name, Role::Trader);
        let user = UserId(index as u32 + 1);
        let shares = Asset::Shares {
            symbol: "AAPL".parse().unwrap(),
            quantity: Quantity::new(SHARES).unwrap(),
        };
        for asset in [Asset::Cash(CASH.parse().unwrap()), shares] {
            stage.operate(1, Command::Deposit { user, asset });
        }
    }
    let sealed = |pricing| Terms::Sealed(SealedTerms { pricing });
    let parts = |pricing| {
        Terms::Uniform(UniformTerms {
            pricing,
            priority: MarginalPriority::Time,
            bids_max: UniformTerms::BIDS_MAX,
        })
    };
    for (quantity, terms) in [
        (3, Terms::English(EnglishTerms::default())),
        (4, sealed(SealedPricing::FirstPrice)),
        (5, sealed(SealedPricing::SecondPrice)),
        (20, parts(UniformPricing::Uniform)),
        (20, parts(UniformPricing::PayAsBid)),
        (1, Terms::Call(CallTerms::default())),
    ] {
        stage.operate(1, open("AAPL", quantity, None, terms));
    }
    let schedule: Schedule = "call 1m, continuous 5m, call 1m".parse().unwrap();
    let day = OpenLot {
        symbol: "AAPL".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: Timestamp::from_secs(START + 1).saturating_add(schedule.length),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    stage.operate(1, Command::OpenLot(Box::new(day)));
    let falling = Terms::Dutch(DutchTerms {
        start: "12".parse().unwrap(),
        step: "1".parse().unwrap(),
        interval: Span::from_secs(10),
        floor: "9".parse().unwrap(),
    });
    stage.operate(1, open("AAPL", 2, None, falling));
    stage
}

/// Sends a bid or an order, if the market takes it.
fn send(stage: &mut Stage, secs: u64, user: u32, lot: u32, side: Side, shares: u64, limit: &str) {
    let now = Timestamp::from_secs(START + secs);
    while let Some(record) = stage.engine.advance(now, || [7; 32]) {
        stage.take(&record);
    }
    let quantity = match lot {
        2 => Quantity::new(4),
        3 => Quantity::new(5),
        _ => Quantity::new(shares),
    };
    let (quantity, lot_id) = (quantity.unwrap(), LotId(lot));
    let command = match lot {
        1 => Command::Bid {
            lot: lot_id,
            price: limit.parse().unwrap(),
        },
        DAY => Command::PlaceDayOrder {
            lot: lot_id,
            order: DayOrder {
                side,
                quantity,
                limit: limit.parse().ok(),
                time_in_force: TimeInForce::Day,
                post_only: false,
                self_trade: SelfTrade::CancelOldest,
            },
        },
        _ => Command::PlaceOrder {
            lot: lot_id,
            side: if lot == 6 { side } else { Side::Buy },
            quantity,
            limit: limit.parse().ok(),
        },
    };
    let decided = stage
        .engine
        .execute(now, Caller::User(UserId(user)), command);
    if let Ok(Executed::Decided(record)) = decided {
        stage.take(&record);
    }
}

/// Checks every row against the core's balances: deposits + receipts - payments = balance, also while lots are open.
fn check(stage: &Stage) {
    let lots = rows(stage, What::Settlement);
    let mut sums: BTreeMap<String, [i128; 4]> = BTreeMap::new();
    let mut by_lot: BTreeMap<String, [i128; 4]> = BTreeMap::new();
    for row in &lots {
        let shares = |column: usize| row[column].parse::<i128>().unwrap();
        let own = [shares(4), shares(5), units(&row[6]), units(&row[7])];
        for sum in [
            sums.entry(row[3].clone()).or_default(),
            by_lot.entry(row[0].clone()).or_default(),
        ] {
            for (sum, own) in sum.iter_mut().zip(own) {
                *sum += own;
            }
        }
    }
    for (lot, [bought, sold, pays, receives]) in by_lot {
        assert_eq!((bought, pays), (sold, receives), "lot {lot}");
    }
    for (index, name) in TRADERS.into_iter().enumerate() {
        let balance = stage.engine.balance(UserId(index as u32 + 1)).unwrap();
        let [bought, sold, pays, receives] = sums.get(name).copied().unwrap_or_default();
        let cash = i128::from(balance.cash().units());
        assert_eq!(30_000_000 + receives - pays, cash, "{name}: {lots:?}");
        let held = balance.holding("AAPL".parse().unwrap()).shares;
        let shares = i128::from(SHARES) + bought - sold;
        assert_eq!(shares, i128::from(held), "{name}: {lots:?}");
    }
    let proceeds = stage.engine.ledger().unwrap().house().proceeds();
    let of_house = sums.get("").copied().unwrap_or_default();
    assert_eq!(of_house[3], i128::from(proceeds.units()), "{lots:?}");
    let totals = rows(stage, What::SettlementTotals).into_iter();
    let totals: BTreeMap<String, [i128; 4]> = totals
        .map(|row| {
            let shares = |column: usize| row[column].parse().unwrap();
            let own = [shares(1), shares(2), units(&row[3]), units(&row[4])];
            (row[0].clone(), own)
        })
        .collect();
    assert_eq!(totals, sums);
}

fn played() -> Stage {
    let mut stage = funded();
    for (secs, user, lot, side, shares, limit) in [
        (2, 1, 1, Side::Buy, 0, "11"),
        (2, 1, 3, Side::Buy, 0, "12"),
        (2, 2, 3, Side::Buy, 0, "11"),
        (2, 1, 4, Side::Buy, 15, "12"),
        (2, 2, 4, Side::Buy, 15, "11.5"),
        (2, 3, 6, Side::Sell, 30, "10"),
        (2, 1, 6, Side::Buy, 20, "10.01"),
        (3, 1, DAY, Side::Sell, 5, "10"),
        (3, 2, DAY, Side::Buy, 3, "10"),
        (100, 3, DAY, Side::Buy, 1, "10"),
    ] {
        send(&mut stage, secs, user, lot, side, shares.max(1), limit);
    }
    stage
}

#[test]
fn each_trader_has_a_row_for_each_lot() {
    let mut stage = played();
    stage.bid(101, 2, 8, "9");
    // The trades of an open day are owed already.
    let header = "lot,symbol,format,trader,bought,sold,pays,receives\n";
    assert_eq!(
        written(&stage, What::Settlement, Format::Csv).unwrap(),
        format!(
            "{header}8,AAPL,dutch,,0,2,0.00,18.00\n8,AAPL,dutch,tom,2,0,18.00,0.00\n7,AAPL,day,mia,0,4,0.00,40.00\n7,AAPL,day,tom,3,0,30.00,0.00\n7,AAPL,day,eve,1,0,10.00,0.00\n"
        )
    );
    check(&stage);
    stage.close_all();
    let told = written(&stage, What::Settlement, Format::Csv).unwrap();
    for row in [
        "1,AAPL,english,,0,3,0.00,33.00",
        "1,AAPL,english,mia,3,0,33.00,0.00",
        "3,AAPL,vickrey,mia,5,0,55.00,0.00",
        "4,AAPL,uniform,mia,15,0,",
        "6,AAPL,call,eve,0,20,0.00,200.00",
        "6,AAPL,call,mia,20,0,200.00",
    ] {
        assert!(told.contains(row), "{row} is not in {told}");
    }
    check(&stage);
    let json = written(&stage, What::SettlementTotals, Format::Json).unwrap();
    let totals: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(totals[0]["trader"], serde_json::Value::Null);
    assert_eq!(totals.len(), 4, "{json}");
}

#[test]
fn a_lot_whose_fills_do_not_balance_ends_the_export() {
    let mut stage = funded();
    send(&mut stage, 70, 1, DAY, Side::Sell, 5, "10");
    let order = DayOrder {
        side: Side::Buy,
        quantity: Quantity::new(3).unwrap(),
        limit: "10".parse().ok(),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::CancelOldest,
    };
    let place = Command::PlaceDayOrder {
        lot: LotId(DAY),
        order,
    };
    let now = Timestamp::from_secs(START + 71);
    let Ok(Executed::Decided(record)) = stage.engine.execute(now, Caller::User(UserId(2)), place)
    else {
        panic!("the order is refused")
    };
    let mut record = record;
    let is_sale = |event: &Event| matches!(event, Event::Private(PrivateEvent::DayOrderFilled { trader, .. }) if *trader == UserId(1));
    let events = record.events.len();
    record.events.retain(|event| !is_sale(event));
    assert_eq!(record.events.len(), events - 1);
    stage.take(&record);
    for what in [What::Settlement, What::SettlementTotals] {
        let error = written(&stage, what, Format::Csv).unwrap_err().to_string();
        let expected = "lot 7 does not balance: 3 shares were bought, and 0 sold";
        assert!(error.contains(expected), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_settlement_is_what_the_balances_say(
        orders in proptest::collection::vec(
            (0_u64..15, 1_u32..4, 1_u32..=DAY, any::<bool>(), 1_u64..30, 95_u64..106), 1..60,
        ),
    ) {
        let mut stage = funded();
        let mut secs = 2;
        for (wait, user, lot, buys, shares, limit) in orders {
            secs += wait;
            let side = if buys { Side::Buy } else { Side::Sell };
            // Calls and days have a tick; other bids go to the ten-thousandth.
            let rest = if lot < 6 { "001" } else { "" };
            let limit = format!("{}.{}{rest}", limit / 10, limit % 10);
            send(&mut stage, secs, user, lot, side, shares, &limit);
        }
        check(&stage);
        stage.close_all();
        check(&stage);
    }
}
