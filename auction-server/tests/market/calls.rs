//! Call auctions over the protocol: orders of both sides, the indicative uncross for all watchers, kills in the middle,
//! and the fills of each side.

use auction_core::{
    Book, EndCommitment, Event, Indicative, Lot, LotId, Phase, PrivateEvent, PublicEvent,
    RandomEnd, Record,
};
use auction_proto::{ServerMessage, Watch};
use serde_json::{Value, json};

use crate::json_line::JsonLine;
use crate::killing::{in_millis, records};
use crate::line::{Line, PASSWORD, Watcher};
use crate::test_market::{Server, TestMarket};

/// Lots of a round have the first numbers.
const CALL: u32 = 2;
/// Number of requests in flight when the server is killed.
const IN_FLIGHT: u64 = 40;
const TOLD_OF_THEM: usize = 5;

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(1).set("accounts", "funds");
    test_market.write("stocks.csv", &crate::test_market::stocks(2));
    test_market.write("lots.csv", "symbol,format\nS1,english\n");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

fn ann(server: &Server) -> JsonLine {
    let mut ann = JsonLine::open(server.address());
    ann.log_in("ann");
    ann
}

/// A call auction with an open book; both times are in milliseconds.
fn call(symbol: &str, open_for: u64, random_end: u64) -> Value {
    json!({
        "symbol": symbol,
        "quantity": "1",
        "opens_at": null,
        "closes_at": in_millis(open_for).micros().to_string(),
        "terms": { "call": {
            "tick": "0.01",
            "book": "open",
            "collar": null,
            "extensions_max": 0,
            "market_extension": false,
            "extend_by": "60000000",
            "random_end": (random_end * 1_000).to_string(),
            "no_cancel": null,
        } },
        "reserve": null,
    })
}

fn order(lot: u32, side: &str, quantity: u64, limit: Option<&str>) -> Value {
    json!({ "lot": lot, "side": side, "quantity": quantity.to_string(), "limit": limit })
}

fn watching(server: &Server) -> JsonLine {
    let mut watcher = JsonLine::open(server.address());
    watcher.send("watch", &json!({ "resume": null }));
    watcher
}

/// Waits until the indicative uncross of a lot has this value, and returns the levels of the book.
fn sees(watcher: &mut JsonLine, lot: u32, expected: &Value) -> Value {
    watcher.until(&expected.to_string(), |told| {
        let told = &told["indicative"];
        (told["lot"] == lot && told["indicative"] == *expected).then(|| told["depth"].clone())
    })
}

fn cross(price: &str, volume: u64, surplus: i64, by: &str) -> Value {
    let (volume, surplus) = (volume.to_string(), surplus.to_string());
    json!({ "cross": { "price": price, "volume": volume, "surplus": surplus, "decided_by": by } })
}

fn no_cross(buy: Option<(&str, &str)>, sell: Option<(&str, &str)>) -> Value {
    let quote = |quote: Option<(&str, &str)>| {
        quote.map(|(price, quantity)| json!({ "price": price, "quantity": quantity }))
    };
    json!({ "no_cross": { "best_buy": quote(buy), "best_sell": quote(sell) } })
}

/// Results of a trader's orders in the call: number, shares filled, price.
fn fills(trader: &mut JsonLine) -> Vec<(u64, String, Value)> {
    let told = trader.ask("get_orders", json!({ "lot": CALL }));
    let orders = told["orders"]["orders"].as_array().unwrap().iter();
    let closed = orders.map(|order| {
        let closed = &order["state"]["closed"];
        let filled = closed["filled"].as_str().unwrap().to_owned();
        (
            order["order"].as_u64().unwrap(),
            filled,
            closed["price"].clone(),
        )
    });
    closed.collect()
}

fn balance(trader: &mut JsonLine) -> Value {
    let mut told = trader.ask("get_balance", json!({}));
    told["balance"].take()
}

/// Checks the result of the call for a watcher, and the fills and balances of its two traders.
fn check_uncross(
    watcher: &mut JsonLine,
    mia: &mut JsonLine,
    tom: &mut JsonLine,
    small_orders: usize,
) {
    let outcome = watcher.until("the uncross", |told| {
        let entries = told["feed"]["entries"].as_array()?.iter();
        let mut closed = entries.filter_map(|entry| entry["event"].get("lot_closed"));
        closed.next().cloned()
    });
    let crossed = json!({
        "price": "1.10",
        "volume": "400",
        "surplus": "100",
        "by": "pressure",
        "candidates": { "lowest": "1.05", "highest": "1.10" },
        "traders": 2,
    });
    assert_eq!(
        outcome,
        json!({ "lot": CALL, "outcome": { "crossed": crossed } })
    );
    let filled = |order, shares: &str| (order, shares.to_owned(), json!("1.10"));
    assert_eq!(fills(tom), [filled(1, "300"), filled(2, "100")]);
    let mias = fills(mia);
    assert_eq!(mias[0], filled(1, "400"));
    assert_eq!(mias.len(), 2 + small_orders);
    let lapsed = |of: &(u64, String, Value)| of.1 == "0" && of.2.is_null();
    assert!(mias[1..].iter().all(lapsed), "{mias:?}");
    // Unfilled orders no longer bind anyone.
    for (trader, cash, shares) in [(mia, "560.00", "400"), (tom, "440.00", "600")] {
        let held = balance(trader);
        assert_eq!(
            (&held["cash"], &held["reserved"]),
            (&json!(cash), &json!("0.00"))
        );
        let holding = json!({ "symbol": "S2", "shares": shares, "reserved": "0" });
        assert_eq!(held["holdings"], json!([holding]));
    }
}

#[test]
fn a_killed_call_keeps_acknowledged_orders_and_fills_both_sides() {
    let test_market = test_market();
    let server = test_market.open();
    let mut ann = ann(&server);
    let (mut mia, token) = JsonLine::trader(server.address(), "mia");
    let (mut tom, _) = JsonLine::trader(server.address(), "tom");
    let mut watcher = watching(&server);
    // Users are numbered in the order of their creation: ann, mia, tom.
    ann.done(
        "deposit",
        json!({ "user": 2, "asset": { "cash": "1000.00" } }),
    );
    let shares = json!({ "shares": { "symbol": "S2", "quantity": "1000" } });
    ann.done("deposit", json!({ "user": 3, "asset": shares }));
    let opened = ann.done("open_lot", call("S2", 3_600_000, 0));
    assert_eq!(opened, json!({ "lot_opened": CALL }));
    sees(&mut watcher, CALL, &no_cross(None, None));

    let placed = mia.done("place_order", order(CALL, "buy", 500, Some("1.10")));
    assert_eq!(placed, json!({ "order_placed": 1 }));
    let apart = no_cross(Some(("1.10", "500")), None);
    sees(&mut watcher, CALL, &apart);
    tom.done("place_order", order(CALL, "sell", 300, Some("1.05")));
    sees(&mut watcher, CALL, &cross("1.10", 300, 200, "pressure"));
    mia.done("place_order", order(CALL, "buy", 100, Some("1.02")));
    let fewer = json!({ "lot": CALL, "order": 2, "quantity": "50", "limit": "1.02" });
    mia.done("replace_order", fewer);
    mia.done("place_order", order(CALL, "buy", 10, Some("1.00")));
    mia.done("cancel_order", json!({ "lot": CALL, "order": 3 }));
    tom.done("place_order", order(CALL, "sell", 100, None));
    let now = cross("1.10", 400, 100, "pressure");
    let depth = sees(&mut watcher, CALL, &now);
    assert_eq!(
        depth,
        json!({
            "market_buy": "0",
            "market_sell": "100",
            "buys": [{ "price": "1.10", "quantity": "500" }, { "price": "1.02", "quantity": "50" }],
            "sells": [{ "price": "1.05", "quantity": "300" }],
        })
    );
    let refusals = [
        (order(CALL, "sell", 1, Some("1.10")), "would_self_trade"),
        (order(CALL, "buy", 1, Some("1.001")), "off_tick"),
        (
            order(CALL, "buy", 1_000, Some("1.10")),
            "insufficient_funds",
        ),
    ];
    for (order, code) in refusals {
        assert_eq!(mia.refused("place_order", order), code);
    }

    let small = order(CALL, "buy", 1, Some("1.01"));
    let first = mia.send("place_order", &small);
    for _ in 1..IN_FLIGHT {
        mia.send("place_order", &small);
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < TOLD_OF_THEM {
        let told = mia.read().unwrap();
        acknowledged.extend(told["accepted"]["reply"]["order_placed"].as_u64());
    }
    server.kill();
    while let Some(told) = mia.read() {
        acknowledged.extend(told["accepted"]["reply"]["order_placed"].as_u64());
    }

    let server = test_market.open();
    // A new watcher gets the current state, and none of it was requested again.
    let mut late = watching(&server);
    sees(&mut late, CALL, &now);
    let mut mia = JsonLine::resume(server.address(), &token, first);
    let again: Vec<u64> = (0..IN_FLIGHT)
        .map(|_| {
            let placed = mia.done("place_order", small.clone());
            placed["order_placed"].as_u64().unwrap()
        })
        .collect();
    let all: Vec<u64> = (4..4 + IN_FLIGHT).collect();
    assert_eq!(again, all, "each once, in their order");
    assert!(acknowledged.iter().eq(&all[..acknowledged.len()]));
    // Some of them may already have been there at the first look.
    let mut late = watching(&server);
    let depth = late.until("all small orders", |told| {
        let depth = &told["indicative"]["depth"];
        (depth["buys"][2]["quantity"].as_str() == Some(&IN_FLIGHT.to_string()))
            .then(|| depth.clone())
    });
    assert_eq!(depth["buys"][2]["price"], "1.01");

    let mut ann = self::ann(&server);
    let mut tom = JsonLine::open(server.address());
    tom.log_in("tom");
    ann.done("close_lot", json!({ "lot": CALL }));
    check_uncross(&mut late, &mut mia, &mut tom, all.len());
    server.end();
    test_market.verified_digest();
}

#[test]
fn a_random_end_is_committed_first_and_revealed_after_any_kill() {
    let test_market = test_market().set("on-outage", "close");
    let server = test_market.open();
    let mut watcher = Watcher::begin(server.address());
    let opened = ann(&server).done("open_lot", call("S2", 3_000, 2_500));
    assert_eq!(opened, json!({ "lot_opened": CALL }));
    let end = |lot: &Lot| -> Option<EndCommitment> {
        match &lot.book {
            Book::Call(book) => book.end,
            _ => None,
        }
    };
    let lot = LotId(CALL);
    let committed = watcher.until_some(|market| market.lot(lot).and_then(end));
    server.kill();

    let server = test_market.open();
    let mut watcher = Watcher::begin(server.address());
    let (at, closes_at) = watcher.until_some(|market| {
        let lot = market.lot(lot).unwrap();
        match lot.phase {
            Phase::Closed { at, .. } => Some((at, lot.closes_at)),
            _ => None,
        }
    });
    server.end();
    test_market.verified_digest();
    let records = records(&test_market);
    let drawn: Vec<RandomEnd> = private(&records, |event| match event {
        PrivateEvent::EndDrawn { end, .. } => Some(*end),
        _ => None,
    });
    assert_eq!(drawn.len(), 1, "it is drawn once");
    assert_eq!(drawn[0].commitment(lot), committed);
    assert_eq!(at, closes_at.saturating_sub(drawn[0].before_close));
    let events = records.iter().flat_map(Record::public_events);
    let opened: Vec<_> = events
        .filter_map(|event| match event {
            PublicEvent::EndOpened { end, .. } => Some(*end),
            _ => None,
        })
        .collect();
    assert_eq!(opened, drawn);
}

fn private<T>(records: &[Record], found: impl Fn(&PrivateEvent) -> Option<T>) -> Vec<T> {
    let events = records.iter().flat_map(|record| &record.events);
    let private = events.filter_map(|event| match event {
        Event::Private(event) => found(event),
        Event::Public(_) => None,
    });
    private.collect()
}

#[test]
fn stock_subscribers_see_their_calls_and_suspension_cancels() {
    let test_market = test_market();
    let server = test_market.open();
    let mut ann = ann(&server);
    for symbol in ["S1", "S2"] {
        ann.done("open_lot", call(symbol, 3_600_000, 0));
    }
    let (other, seen) = (CALL, CALL + 1);
    let (mut mia, _) = JsonLine::trader(server.address(), "mia");
    ann.done(
        "deposit",
        json!({ "user": 2, "asset": { "cash": "1000.00" } }),
    );
    let mut watcher = JsonLine::open(server.address());
    watcher.send("watch_symbols", &json!({ "symbols": ["S2"] }));
    let mut whole = Line::open(server.address());
    whole.send(&Watch { resume: None });
    whole.flush().unwrap();
    for lot in [other, seen] {
        mia.done("place_order", order(lot, "buy", 5, Some("1.10")));
    }
    let wanted = no_cross(Some(("1.10", "5")), None);
    let mut told = Vec::new();
    watcher.until("the call that is watched", |message| {
        let indicative = message.get("indicative")?;
        told.push(indicative["lot"].clone());
        (indicative["indicative"] == wanted).then_some(())
    });
    assert!(told.iter().all(|lot| *lot == seen), "{told:?}");
    // The same, as frames, for every stock.
    let mut left = vec![other, seen];
    while !left.is_empty() {
        if let (_, ServerMessage::Indicative(of)) = whole.next().unwrap().unwrap()
            && let Indicative::NoCross {
                best_buy: Some(best),
                ..
            } = of.indicative
        {
            assert_eq!(best.quantity, 5);
            left.retain(|lot| *lot != of.lot.0);
        }
    }
    ann.done("suspend_user", json!({ "user": 2 }));
    sees(&mut watcher, seen, &no_cross(None, None));
    server.end();
}
