//! `doctor` on the real program: beside a server, without one, and where something is wrong.

use std::process::Command;

use serde_json::Value;

use crate::test_market::{TestMarket, ended, text};

/// Runs `doctor --json` with the market's settings; returns the exit code and the output.
fn doctor(market: &TestMarket) -> (Option<i32>, Value) {
    let mut command = market.server();
    let output = ended(command.args(["doctor", "--json"]));
    let printed = text(output.stdout);
    let json = serde_json::from_str(&printed);
    (
        output.status.code(),
        json.unwrap_or_else(|error| panic!("{error}: {printed}{}", text(output.stderr))),
    )
}

/// The states and texts of a topic.
fn of<'a>(json: &'a Value, topic: &str) -> Vec<(&'a str, &'a str)> {
    let findings = json["findings"].as_array().unwrap().iter();
    let of_topic = findings.filter(|found| found["topic"] == topic);
    let pair = |found: &'a Value| {
        (
            found["state"].as_str().unwrap(),
            found["text"].as_str().unwrap(),
        )
    };
    of_topic.map(pair).collect()
}

#[test]
fn doctor_looks_at_everything_and_changes_nothing() {
    let market = TestMarket::with_lots(1);
    let before = std::fs::read_dir(market.path()).unwrap().count();
    let (code, json) = doctor(&market);
    assert_eq!(code, Some(0), "{json}");
    assert_eq!(json["errors"], 0, "{json}");
    for topic in [
        "version",
        "clock",
        "descriptors",
        "inputs",
        "journal",
        "disk space",
        "disk speed",
        "proxy",
        "server",
    ] {
        assert!(!of(&json, topic).is_empty(), "{topic}: {json}");
    }
    let version = of(&json, "version")[0].1;
    let own = format!("auction-server {}", env!("CARGO_PKG_VERSION"));
    assert!(version.starts_with(&own), "{version}");
    let after = std::fs::read_dir(market.path()).unwrap().count();
    assert_eq!(before, after);

    // The lines for people say the same.
    let output = ended(market.server().arg("doctor"));
    let printed = text(output.stdout);
    let lines = json["findings"].as_array().unwrap().len();
    assert_eq!(printed.lines().count(), lines + 1, "{printed}");
    assert!(printed.contains("\n0 errors, "), "{printed}");
}

#[test]
fn doctor_asks_the_running_server() {
    let market = TestMarket::with_lots(1).set("ops-listen", "127.0.0.1:0");
    // A port that is free until the server takes it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ops = free.local_addr().unwrap().to_string();
    drop(free);
    let market = market.set("ops-listen", &ops);
    let server = market.open();
    let (code, json) = doctor(&market);
    assert_eq!(code, Some(0), "{json}");
    let ready = format!("{ops}: a server runs, and is ready");
    assert_eq!(of(&json, "server"), [("ok", &*ready)]);
    assert!(json.to_string().contains("is running on it"), "{json}");
    server.end();
    let (_, json) = doctor(&market);
    let (state, said) = of(&json, "server")[0];
    assert_eq!(state, "ok");
    assert!(said.starts_with("no server answers"), "{said}");
}

#[test]
fn doctor_ends_with_1_for_an_error_and_2_for_a_setting() {
    let market = TestMarket::with_lots(1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let market = market.set("listen", &taken.local_addr().unwrap().to_string());
    let (code, json) = doctor(&market);
    assert_eq!(code, Some(1), "{json}");
    assert_eq!(json["errors"], 1, "{json}");
    assert_eq!(of(&json, "ports")[0].0, "error", "{json}");
    let market = market.set("listen", "nowhere");
    let command: &mut Command = &mut market.server();
    assert_eq!(ended(command.arg("doctor")).status.code(), Some(2));
}
