//! Lines of JSON over a plain socket.

use auction_proto::limits::REQUEST_BYTES_MAX;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::market::{Lines, Market, PATIENCE, assert_kind, hello};

#[tokio::test]
async fn a_program_bids_in_json_and_another_sees_it() {
    let market = Market::start().await;
    let mut watcher = market.lines().await;
    assert_kind(&watcher.ask("watch", &json!({})).await, "snapshot_part");
    let mut mia = market.trader("mia").await;
    let accepted = mia.bid(1, "1.40").await;
    assert_eq!(accepted["accepted"]["reply"]["bid"]["price"], "1.40");
    loop {
        let feed = watcher.next_of("feed").await;
        if let Some(bid) = feed["entries"][0]["event"].get("bid_accepted") {
            assert_eq!(bid["amount"], "1.40");
            break;
        }
    }
    market.stop().await;
    assert_eq!(mia.next_of("goodbye").await["code"], "shutting_down");
}

#[tokio::test]
async fn an_invalid_line_is_refused_with_its_field_name() {
    let market = Market::start().await;
    let mut mia = market.trader("mia").await;
    mia.write(r#"{"bid":{"lot":1,"price":1.4},"request":"70"}"#)
        .await;
    let refused = mia.answer(70).await["refused"].clone();
    assert_eq!(refused["code"], "malformed");
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("bid.price: "), "{message}");
    mia.write("\r\n\n{oops").await;
    let refused = mia.next_of("refused").await;
    assert_eq!(refused["code"], "malformed");
    mia.write(r#"{"request":"71","bidd":{}}"#).await;
    assert_eq!(
        mia.answer(71).await["refused"]["code"],
        "unknown_kind",
        "of an unknown name"
    );
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    market.stop().await;
}

#[tokio::test]
async fn a_line_without_end_is_ended_at_the_limit() {
    let market = Market::start().await;
    let mut stream = market.connect().await;
    stream.write_all(b"{").await.unwrap();
    // More than the limit; the rest is still under way when the server stops reading.
    let _ = stream.write_all(&vec![b' '; 4 * REQUEST_BYTES_MAX]).await;
    let mut lines = Lines::new(stream);
    let goodbye = lines.next_of("goodbye").await;
    assert_eq!(goodbye["code"], "frame_too_large");
    assert_eq!(lines.next().await, None);
    market.stop().await;
}

#[tokio::test]
async fn the_first_message_is_hello_and_a_version_in_common_is_needed() {
    let market = Market::start().await;
    let mut lines = Lines::new(market.connect().await);
    let refused = lines.ask("ping", &json!({"client_time": "0"})).await;
    assert_eq!(refused["refused"]["code"], "out_of_order");
    let mut later = hello();
    later["version_min"] = json!(7);
    later["version_max"] = json!(9);
    let refused = lines.ask("hello", &later).await;
    assert_eq!(refused["refused"]["code"], "version_unsupported");
    assert_eq!(refused["refused"]["number"], "2");
    assert_kind(&lines.next().await.unwrap(), "goodbye");
    assert_eq!(lines.next().await, None);

    let mut lines = Lines::new(market.connect().await);
    let mut many = hello();
    many["version_min"] = json!(0);
    many["version_max"] = json!(65_535);
    let welcome = lines.ask("hello", &many).await;
    assert_eq!(welcome["welcome"]["version"], 2);
    market.stop().await;
}

/// The conversation at the beginning of the protocol document, compared word for word except for values that differ
/// between servers.
#[tokio::test]
async fn the_first_conversation_of_the_specification_is_true() {
    let (_, block) = auction_proto::SPEC_MD
        .split_once("```conversation\n")
        .unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let market = Market::start_with(|config| config.network.heartbeat = PATIENCE).await;
    let mut lines = Lines::new(market.connect().await);
    let mut asked = 0;
    for line in block.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            lines.write(request).await;
            asked += 1;
        } else {
            let shown = line.strip_prefix("< ").expect("a question or an answer");
            let shown: Value = serde_json::from_str(shown).unwrap();
            let answer = lines.answer(asked).await;
            assert_like(&shown, &answer, "");
        }
    }
    assert!(asked > 5);
    market.stop().await;
}

/// Values that differ between servers or over time.
const DIFFERS: [&str; 9] = [
    "market",
    "time",
    "server",
    "heartbeat_ms",
    "feed_sequence",
    "session",
    "token",
    "expires_at",
    "at",
];

#[track_caller]
fn assert_like(shown: &Value, answer: &Value, name: &str) {
    match (shown, answer) {
        (Value::Object(shown), Value::Object(answer)) => {
            assert_eq!(
                shown.keys().collect::<Vec<_>>(),
                answer.keys().collect::<Vec<_>>()
            );
            for (name, value) in shown {
                assert_like(value, &answer[name], name);
            }
        }
        (Value::Array(shown), Value::Array(answer)) => {
            assert_eq!(shown.len(), answer.len());
            for (shown, answer) in shown.iter().zip(answer) {
                assert_like(shown, answer, name);
            }
        }
        (Value::String(_), Value::String(_)) if DIFFERS.contains(&name) => {}
        (Value::Number(_), Value::Number(_)) if DIFFERS.contains(&name) => {}
        (shown, answer) => assert_eq!(shown, answer, "{name}"),
    }
}

/// The name of a program goes to the log, and the names of fields come back in messages that people read.
#[tokio::test]
async fn invisible_characters_are_refused_and_not_repeated() {
    let market = Market::start().await;
    let mut lines = Lines::new(market.connect().await);
    for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}'] {
        let mut greeting = hello();
        greeting["client"] = format!("a{hidden}b").into();
        let answer = lines.ask("hello", &greeting).await;
        assert_eq!(answer["refused"]["code"], "malformed");
        let message = answer["refused"]["message"].as_str().unwrap();
        let named = format!("hello.client: U+{:04X} ", u32::from(hidden));
        assert!(message.starts_with(&named), "{message}");
        let unknown =
            json!({"version_min": 1, "version_max": 1, "client": "", format!("x{hidden}y"): 1});
        let answer = lines.ask("hello", &unknown).await;
        let message = answer["refused"]["message"].as_str().unwrap();
        assert!(message.contains("x y"), "{message}");
        assert!(!message.contains(hidden), "{message}");
    }
    assert_kind(&lines.ask("hello", &hello()).await, "welcome");
    market.stop().await;
}

#[tokio::test]
async fn a_least_winning_price_is_told_after_the_close_alone() {
    let market = Market::start().await;
    let mut mia = market.trader("mia").await;
    let snapshot = mia.ask("get_snapshot", &json!({})).await;
    let lots = snapshot["snapshot_part"]["lots"].as_array().unwrap();
    let early = mia.ask("get_least_winning", &json!({"lot": 1})).await["refused"].clone();
    assert_eq!(early["code"], "not_due");
    assert_eq!(early["at"], lots[0]["closes_at"]);
    let none = mia.ask("get_least_winning", &json!({"lot": 3})).await["refused"].clone();
    assert_eq!(
        (&none["code"], &none["number"]),
        (&"unknown_lot".into(), &"3".into())
    );
    market.stop().await;
}

#[tokio::test]
async fn a_request_with_the_number_of_the_server_is_not_executed() {
    let market = Market::start().await;
    let mut mia = market.trader("mia").await;
    let say = r#"{"request":"0","bid":{"lot":1,"price":"1.40"}}"#;
    mia.write(say).await;
    let refused = mia.answer(0).await["refused"].clone();
    assert_eq!(refused["code"], "malformed");
    assert_eq!(refused["message"], "request numbers begin at 1");
    let history = mia.ask("get_history", &json!({"lot": 1, "limit": 1})).await;
    assert_eq!(history["history"]["total"], 0);
    let mut new = Lines::new(market.connect().await);
    new.write(&json!({"request": "0", "hello": hello()}).to_string())
        .await;
    assert_eq!(new.answer(0).await["refused"]["code"], "malformed");
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    market.stop().await;
}
