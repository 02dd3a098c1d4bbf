//! Feeds and snapshots of trading days: random orders and commands until every event of a day has occurred.

use auction_core::{Asset, Book, Caller, Command, Price, Quantity, UserId};
use auction_proto::SCHEMA_JSON;
use serde_json::{Value, json};

use super::feeds::{Run, names_of, symbol};

/// Public events and values that only trading days have.
pub(super) const EVENTS: [&str; 13] = [
    "day",
    "phase_began",
    "phase_extended",
    "phase_moved",
    "call_uncrossed",
    "order_shown",
    "order_reduced",
    "order_gone",
    "traded",
    "interrupted",
    "day_halted",
    "market_halted",
    "market_resumed",
];
/// Shares of each stock that each trader has.
const TRADERS_SHARES: u64 = 100_000;

pub fn vectors() -> Vec<Value> {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).expect("the schema is JSON");
    let mut everything = names_of(&schema, &["DayPhase", "CorridorKind", "DayHaltCause"]);
    everything.extend(EVENTS.map(String::from));
    let values = [
        "volatility",
        "market_orders",
        "crossed",
        "no_cross",
        "end_opened",
    ];
    everything.extend(values.map(String::from));
    let mut run = Run::new();
    let (_, middle) = run.drive(&everything, turn);
    run.vectors("trading days", middle)
}

/// One request of an auctioneer or a trader.
fn turn(run: &mut Run) {
    let auctioneer = Caller::User(UserId(6));
    let trader = UserId(1 + run.random.below(4) as u32);
    let lots = run.engine.market().lots();
    let open = lots.iter().filter(|lot| !lot.is_closed()).count();
    if lots.is_empty() {
        give_shares(run);
    }
    // While the market is halted, no lot is opened.
    if run.engine.market().halted_since().is_some() && run.random.below(10) == 0 {
        return run.ask(auctioneer, "resume_all", json!({}));
    }
    let what = if open == 0 { 0 } else { run.random.below(60) };
    match what {
        0 if open < 3 => {
            let open = day_to_open(run);
            run.ask(auctioneer, "open_lot", open);
        }
        1..=4 => {
            let (kind, body) = order_to_auctioneer(run);
            run.ask(auctioneer, kind, body);
        }
        5 => {
            let lot = lot(run);
            run.ask(
                Caller::User(trader),
                "cancel_all",
                json!({"trader": null, "lot": lot}),
            );
        }
        6..=14 => {
            let order = 1 + run.random.below(40);
            let lot = lot(run);
            let body = json!({"lot": lot, "order": order});
            run.ask(Caller::User(trader), "cancel_order", body);
        }
        15..=24 => {
            let quantity = (1 + run.random.below(20)).to_string();
            let limit = price(run);
            let order = 1 + run.random.below(40);
            let lot = lot(run);
            let body = json!({"lot": lot, "order": order, "quantity": quantity, "limit": limit, "believed": null});
            run.ask(Caller::User(trader), "replace_day_order", body);
        }
        _ => {
            let body = order(run);
            run.ask(Caller::User(trader), "place_day_order", body);
        }
    }
}

fn give_shares(run: &mut Run) {
    let quantity = Quantity::new(TRADERS_SHARES).expect("a quantity");
    for user in (1..=4).map(UserId) {
        for symbol in (1..=3).map(symbol) {
            let asset = Asset::Shares { symbol, quantity };
            run.execute(Caller::Operator, Command::Deposit { user, asset });
        }
    }
}

/// One of the lots that have not closed.
fn lot(run: &mut Run) -> u32 {
    let lots = run.engine.market().lots();
    let open: Vec<u32> = lots
        .iter()
        .filter(|lot| !lot.is_closed())
        .map(|lot| lot.id.0)
        .collect();
    open[run.random.below(open.len() as u64) as usize]
}

/// A limit near 10.00, at a tick of 0.05.
fn price(run: &mut Run) -> String {
    let units = 9_5000 + 500 * run.random.below(21);
    Price::from_units(units).expect("a price").to_string()
}

fn order(run: &mut Run) -> Value {
    let side = ["buy", "sell"][run.random.below(2) as usize];
    let limit = match run.random.below(7) {
        0 => json!(null),
        _ => json!(price(run)),
    };
    let until = (run.now.micros() + 1_000_000 + run.random.below(60_000_000)).to_string();
    let time_in_force = match run.random.below(16) {
        0 => json!("immediate_or_cancel"),
        1 => json!("fill_or_kill"),
        2 => json!("at_open"),
        3 => json!("at_close"),
        4 => json!("auction"),
        5 | 6 => json!({"until": until}),
        _ => json!("day"),
    };
    let modes = [
        "refuse",
        "cancel_newest",
        "cancel_oldest",
        "cancel_both",
        "decrement",
    ];
    let self_trade = modes[run.random.below(5) as usize];
    let quantity = (1 + run.random.below(30)).to_string();
    let post_only = limit != json!(null) && run.random.below(10) == 0;
    json!({"lot": lot(run), "order": {
        "side": side, "quantity": quantity, "limit": limit, "time_in_force": time_in_force,
        "post_only": post_only, "self_trade": self_trade,
    }})
}

fn order_to_auctioneer(run: &mut Run) -> (&'static str, Value) {
    let id = lot(run);
    let lot = run.engine.market().lot(auction_core::LotId(id));
    let index = match lot.map(|lot| &lot.book) {
        Some(Book::Day(day)) => day.phase_index,
        _ => 0,
    };
    match run.random.below(14) {
        0 => ("close_lot", json!({"lot": id})),
        1 => ("cancel_lot", json!({"lot": id})),
        2 | 3 => {
            let ends_at =
                (run.now.micros() + 20_000_000 + run.random.below(60_000_000)).to_string();
            (
                "move_phase",
                json!({"lot": id, "phase": index, "ends_at": ends_at}),
            )
        }
        4 => ("halt_lot", json!({"lot": id})),
        5 => ("halt_all", json!({})),
        _ => ("resume_lot", json!({"lot": id})),
    }
}

fn day_to_open(run: &mut Run) -> Value {
    let collar = |basis_points: u32| json!({"absolute": "0.00", "basis_points": basis_points});
    let book = ["open", "closed"][run.random.below(2) as usize];
    let around = [json!(null), collar(200)][run.random.below(2) as usize].clone();
    let call = json!({
        "tick": "0.05", "book": book,
        "collar": around, "extensions_max": 1,
        "market_extension": true, "extend_by": "10000000", "random_end": "5000000", "no_cancel": null,
    });
    let dynamic = [json!(null), collar(150)][run.random.below(2) as usize].clone();
    let mut phases = vec![
        ("call", 40 + run.random.below(40)),
        ("continuous", 200 + run.random.below(200)),
        ("call", 40 + run.random.below(40)),
    ];
    if run.random.below(2) == 0 {
        phases.insert(0, ("pre_open", 30));
    }
    if run.random.below(2) == 0 {
        phases.push(("at_last", 60));
    }
    let mut begins_after = 0;
    let mut scheduled = Vec::new();
    for (phase, secs) in phases {
        scheduled
            .push(json!({"phase": phase, "begins_after": (begins_after * 1_000_000).to_string()}));
        begins_after += secs;
    }
    let opens_at = match run.random.below(3) {
        0 => Some(run.now.micros() + 5_000_000),
        _ => None,
    };
    let closes_at = opens_at.unwrap_or(run.now.micros()) + begins_after * 1_000_000;
    let symbol = symbol(1 + run.random.below(3) as u32).to_string();
    json!({
        "symbol": symbol, "quantity": "1", "opens_at": opens_at.map(|at| at.to_string()),
        "closes_at": closes_at.to_string(), "reserve": null,
        "terms": {"day": {
            "call": call, "phases": scheduled, "static_corridor": collar(300), "dynamic_corridor": dynamic,
            "volatility_length": "30000000", "volatility_random_end": "5000000", "interruptions_max": 2,
        }},
    })
}
