//! Heartbeats both ways, and clients that say or take nothing.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::market::{Market, assert_kind, within};

const HEARTBEAT: Duration = Duration::from_millis(200);

async fn market() -> Market {
    Market::start_with(|config| config.network.heartbeat = HEARTBEAT).await
}

#[tokio::test]
async fn a_client_that_does_not_watch_is_told_that_the_server_lives_and_lives_by_its_pings() {
    let market = market().await;
    let mut client = market.lines().await;
    for _ in 0..6 {
        let heartbeat = client.next_of("heartbeat").await;
        assert_eq!(heartbeat["digest"].as_str().unwrap().len(), 64);
        assert_kind(
            &client.ask("ping", &json!({"client_time": "0"})).await,
            "pong",
        );
    }
    market.stop().await;
}

#[tokio::test]
async fn a_client_gone_silent_is_dropped_and_told_why() {
    let market = market().await;
    let mut client = market.lines().await;
    let silent_since = Instant::now();
    let goodbye = client.next_of("goodbye").await;
    assert_eq!(goodbye["code"], "timed_out");
    assert!(silent_since.elapsed() >= 2 * HEARTBEAT - Duration::from_millis(50));
    assert_eq!(client.next().await, None);
    market.stop().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_and_others_are_served() {
    let market = market().await;
    let mut deaf = market.connect().await;
    // Asks and asks, and reads nothing: its answers fill what the system holds, then it is not read from, and
    // its own writes come to a halt.
    let hello = json!({"request": "1", "hello": crate::market::hello()});
    deaf.write_all(format!("{hello}\n").as_bytes())
        .await
        .unwrap();
    let asking = tokio::spawn(async move {
        let ask = "{\"request\":\"2\",\"get_snapshot\":{}}\n".repeat(100);
        let mut asked = 0_u64;
        while deaf.write_all(ask.as_bytes()).await.is_ok() {
            asked += ask.len() as u64;
        }
        asked
    });
    let mut mia = market.trader("mia").await;
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    let asked = tokio::time::timeout(Duration::from_secs(60), asking);
    let asked = asked.await.expect("the server drops it").unwrap();
    assert!(asked < 64 << 20, "what it asked is bounded: {asked}");
    market.stop().await;
}

#[tokio::test]
async fn one_that_connects_and_says_nothing_or_half_a_thing_is_told_in_time() {
    let market = market().await;
    let mut waiting = JoinSet::new();
    for begin in [
        &b""[..],
        b"{",
        b"\xa5UC",
        b"GET / HT",
        b"{\"request\":\"1\"}\n",
    ] {
        let mut stream = market.connect().await;
        waiting.spawn(async move {
            stream.write_all(begin).await.unwrap();
            let mut said = Vec::new();
            // The end comes, with or without a word.
            within(stream.read_to_end(&mut said)).await.unwrap();
        });
    }
    waiting.join_all().await;
    market.stop().await;
}
