//! How much one address and one user can have, and what they are told at the limit.

use std::num::NonZeroU32;
use std::time::Duration;

use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{Code, FrameDecoder, Goodbye, ServerMessage};
use auction_server::testing::config::Rate;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::market::{Market, assert_kind, within};

fn an_hour(count: u32) -> Option<Rate> {
    Some(Rate {
        count: NonZeroU32::new(count).unwrap(),
        period: Duration::from_secs(3_600),
    })
}

/// What a connection that is turned away is told.
async fn turned_away(market: &Market) -> Goodbye {
    let mut bytes = Vec::new();
    within(market.connect().await.read_to_end(&mut bytes))
        .await
        .unwrap();
    let mut decoder = FrameDecoder::new(FRAME_BYTES_MAX);
    let frame = decoder.next_frame(&mut &bytes[..]).unwrap().unwrap();
    match ServerMessage::decode(frame.kind, frame.body).unwrap() {
        ServerMessage::Goodbye(goodbye) => goodbye,
        other => panic!("expected goodbye: {other:?}"),
    }
}

fn assert_told_when(answer: &Value, now: &Value) {
    let refused = &answer["refused"];
    assert_eq!(refused["code"], "slow_down", "{answer}");
    let micros = |time: &Value| time.as_str().unwrap().parse::<u64>().unwrap();
    let wait = micros(&refused["at"]) - micros(now);
    assert!(wait > 0 && wait <= 3_600_000_000, "{wait}");
}

#[tokio::test]
async fn one_connection_too_many_of_an_address_is_told_so_and_there_is_room_when_one_ends() {
    let market = Market::start_with(|config| {
        config.network.connections_per_address = NonZeroU32::new(2).unwrap();
    })
    .await;
    let first = market.lines().await;
    let _second = market.lines().await;
    assert_eq!(turned_away(&market).await.code, Code::TOO_MANY_CONNECTIONS);
    drop(first);
    // The server hears of it soon.
    within(async {
        loop {
            let mut stream = market.connect().await;
            let waits = tokio::time::timeout(Duration::from_millis(50), stream.read_u8());
            if waits.await.is_err() {
                break;
            }
        }
    })
    .await;
    market.stop().await;
}

#[tokio::test]
async fn an_address_that_connects_too_fast_is_told_how_long_to_wait() {
    let market = Market::start_with(|config| config.network.rate_connections = an_hour(2)).await;
    drop(market.lines().await);
    drop(market.lines().await);
    let goodbye = turned_away(&market).await;
    assert_eq!(goodbye.code, Code::SLOW_DOWN);
    assert!(goodbye.message.contains("more are taken in"), "{goodbye:?}");
    market.stop().await;
}

#[tokio::test]
async fn logins_and_registrations_of_an_address_are_limited_whatever_the_connection() {
    let market = Market::start_with(|config| {
        config.network.rate_logins = an_hour(2);
        config.network.rate_registrations = an_hour(1);
    })
    .await;
    let mut mia = market.trader("mia").await;
    let pong = mia.ask("ping", &json!({"client_time": "0"})).await;
    let now = &pong["pong"]["server_time"];
    let account = json!({"name": "leo", "password": "a password"});
    let mut other = market.lines().await;
    assert_told_when(&other.ask("register", &account).await, now);
    let wrong = json!({"name": "mia", "password": "wrong"});
    let answer = other.ask("login", &wrong).await;
    assert_eq!(answer["refused"]["code"], "bad_credentials");
    assert_told_when(&other.ask("login", &wrong).await, now);
    // Who is logged in is not concerned.
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    market.stop().await;
}

#[tokio::test]
async fn a_users_commands_are_limited_when_the_operator_says_so_and_anothers_are_not() {
    let market = Market::start_with(|config| config.network.rate_commands = an_hour(2)).await;
    let mut mia = market.trader("mia").await;
    let mut leo = market.trader("leo").await;
    let pong = mia.ask("ping", &json!({"client_time": "0"})).await;
    let now = &pong["pong"]["server_time"];
    assert_kind(&mia.bid(1, "2").await, "accepted");
    assert_kind(&mia.bid(1, "2").await, "refused");
    assert_told_when(&mia.bid(1, "3").await, now);
    // Whatever is worked out for one user alone counts as a command.
    let order = json!({"lot": 1, "side": "buy", "quantity": "1", "limit": "3"});
    for (kind, body) in [
        ("place_order", order),
        ("cancel_order", json!({"lot": 1, "order": 1})),
        ("halt_lot", json!({"lot": 1})),
        ("get_least_winning", json!({"lot": 1})),
        ("get_orders", json!({"lot": 1})),
        ("watch_account", json!({})),
        ("get_balance", json!({})),
    ] {
        assert_told_when(&mia.ask(kind, &body).await, now);
    }
    assert_kind(&leo.bid(1, "3").await, "accepted");
    // What is no command is not limited.
    for _ in 0..10 {
        assert_kind(&mia.ask("get_snapshot", &json!({})).await, "snapshot_part");
    }
    market.stop().await;
}
