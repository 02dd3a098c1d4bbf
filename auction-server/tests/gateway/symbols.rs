//! The feed of some stocks, and a feed that begins anew.

use std::time::Duration;

use serde_json::{Value, json};

use crate::market::{Market, assert_kind};

/// The number of the lot of a symbol.
async fn lot_of(market: &Market, symbol: &str) -> u64 {
    let mut client = market.lines().await;
    let snapshot = client.ask("get_snapshot", &json!({})).await;
    let lots = snapshot["snapshot_part"]["lots"].as_array().unwrap();
    let lot = lots.iter().find(|lot| lot["symbol"] == symbol).unwrap();
    lot["id"].as_u64().unwrap()
}

fn place(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_view_of_a_stock_shows_its_bids_alone_and_no_gap() {
    let market = Market::start_with(|config| {
        // A machine that has much to do hashes a password in seconds, while others are silent.
        config.network.heartbeat = Duration::from_secs(4);
    })
    .await;
    let (a, b) = (lot_of(&market, "A").await, lot_of(&market, "B").await);
    let mut watcher = market.lines().await;
    let snapshot = watcher
        .ask("watch_symbols", &json!({"symbols": ["A"]}))
        .await;
    let part = &snapshot["snapshot_part"];
    assert_eq!(part["lots"].as_array().unwrap().len(), 1);
    assert_eq!(part["lots"][0]["symbol"], "A");
    assert_eq!(part["stocks"].as_array().unwrap().len(), 1);
    let mut told = place(&part["feed_sequence"]);

    let mut mia = market.trader("mia").await;
    let mut leo = market.trader("leo").await;
    for n in 1..=20 {
        let price = format!("{}.00", 10 + n);
        let bidder = if n % 2 == 0 { &mut mia } else { &mut leo };
        assert_kind(&bidder.bid(b, &price).await, "accepted");
        if n % 5 == 0 {
            assert_kind(&bidder.bid(a, &price).await, "accepted");
        }
    }
    let mut bids = Vec::new();
    let mut registered = 0;
    while bids.len() < 4 {
        let feed = watcher.next_of("filtered_feed").await;
        assert_eq!(place(&feed["after"]), told, "no gap");
        told = place(&feed["through"]);
        for entry in feed["entries"].as_array().unwrap() {
            if let Some(bid) = entry["event"].get("bid_accepted") {
                assert_eq!(bid["lot"], a);
                bids.push(bid["amount"].as_str().unwrap().to_owned());
            } else {
                registered += u32::from(entry["event"].get("user_registered").is_some());
            }
        }
        watcher.send("ping", &json!({"client_time": "0"})).await;
    }
    assert_eq!(bids, ["15.00", "20.00", "25.00", "30.00"]);
    assert_eq!(registered, 2);
    // A heartbeat finds the view at its place, though what came last was of another stock.
    let last = leo.bid(b, "500").await;
    let last = place(&last["accepted"]["feed_sequence"]);
    loop {
        let message = watcher.next().await.expect("the feed");
        if let Some(feed) = message.get("filtered_feed") {
            assert_eq!(place(&feed["after"]), told);
            told = place(&feed["through"]);
        }
        if let Some(heartbeat) = message.get("heartbeat") {
            let place = place(&heartbeat["feed_sequence"]);
            assert_eq!(place, told);
            if place >= last {
                break;
            }
        }
        watcher.send("ping", &json!({"client_time": "0"})).await;
    }
    // From there it goes on, without a snapshot.
    let market_id = part["market"].clone();
    let resume = json!({"market": market_id, "feed_sequence": told.to_string()});
    let again = watcher
        .ask(
            "watch_symbols",
            &json!({"symbols": ["A"], "resume": resume}),
        )
        .await;
    assert_eq!(again["resumed"]["feed_sequence"], told.to_string());
    market.stop().await;
}

#[tokio::test]
async fn a_feed_that_cannot_go_on_says_why_before_its_snapshot() {
    let market = Market::start().await;
    let mut client = market.lines().await;
    let snapshot = client.ask("get_snapshot", &json!({})).await;
    let own = snapshot["snapshot_part"]["market"].clone();
    let last = place(&snapshot["snapshot_part"]["feed_sequence"]);
    let other = json!("00".repeat(16));
    let cases = [
        (own.clone(), last, None),
        (own.clone(), last + 5, Some("journal_lost")),
        (other, last, Some("unknown_place")),
        // What was before this start is not at hand.
        (own, 0, Some("too_long_ago")),
    ];
    for (market, place, because) in cases {
        let resume = json!({"market": market, "feed_sequence": place.to_string()});
        let request = client.send("watch", &json!({"resume": resume})).await;
        let first = client.answer(request).await;
        match because {
            None => assert_kind(&first, "resumed"),
            Some(because) => {
                assert_eq!(first["resync"]["because"], because);
                assert_kind(&client.answer(request).await, "snapshot_part");
            }
        }
    }
    market.stop().await;
}
