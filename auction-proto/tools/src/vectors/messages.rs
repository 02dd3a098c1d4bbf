//! Valid messages: those of the golden files, and random ones.

use std::collections::BTreeMap;

use auction_core::RequestId;
use auction_proto::arbitrary;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::golden;
use super::vector::{Message, hex};

/// Number of random messages of each kind.
const DRAWN: usize = 6;
/// Maximum length in bytes; longer messages are left out, because people read the vectors.
const DRAWN_BYTES_MAX: usize = 700;
/// Number of draws after which missing kinds are given up.
const DRAWS_MAX: usize = 20_000;

pub fn vectors() -> Vec<Value> {
    let golden = golden().into_iter();
    let golden = golden.map(|(name, request, message)| vector(name, request, &message));
    golden.chain(drawn()).collect()
}

/// Name, request and message of each golden file.
pub fn golden() -> Vec<(&'static str, RequestId, Message)> {
    let client = golden::client()
        .into_iter()
        .map(|(name, request, message)| (name, request, Message::Client(message)));
    let server = golden::server()
        .into_iter()
        .map(|(name, request, message)| (name, request, Message::Server(message)));
    client.chain(server).collect()
}

fn drawn() -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let any = proptest::prop_oneof![
        arbitrary::client_message().prop_map(Message::Client),
        arbitrary::server_message().prop_map(Message::Server),
    ];
    let mut counts = BTreeMap::new();
    let mut vectors = Vec::new();
    for draw in 0..DRAWS_MAX as u64 {
        let message = any
            .new_tree(&mut runner)
            .expect("strategies refuse nothing")
            .current();
        let request = RequestId(if draw % 5 == 0 { u64::MAX - draw } else { draw });
        let count = counts.entry(message.kind()).or_insert(0);
        if *count < DRAWN && message.frame(request).len() <= DRAWN_BYTES_MAX {
            *count += 1;
            let json = message.json(request);
            let fields = json.as_object().expect("a message is an object");
            let kind = fields.keys().find(|name| *name != "request");
            let name = format!("drawn_{}_{count}", kind.expect("a message has a kind"));
            vectors.push((message.kind(), vector(&name, request, &message)));
        }
    }
    vectors.sort_by_key(|(kind, _)| *kind);
    vectors.into_iter().map(|(_, vector)| vector).collect()
}

fn vector(name: &str, request: RequestId, message: &Message) -> Value {
    json!({
        "name": name,
        "from": message.from(),
        "hex": hex(&message.frame(request)),
        "json": message.json(request),
    })
}
