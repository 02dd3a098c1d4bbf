//! `SPEC.md` shows the actual bytes and JSON, and every kind, code and limit.
//!
//! A fenced block `hex NAME` contains the bytes of the golden message, annotated: each line begins with bytes, and
//! two spaces end them. A block `json NAME` contains its JSON.

use auction_proto::{Code, Kind, limits};

use crate::messages;

const SPEC: &str = include_str!("../../SPEC.md");

/// Info string and text of each fenced block.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = SPEC;
    while let Some((_, block)) = rest.split_once("\n```") {
        let (info, block) = block.split_once('\n').unwrap();
        let (text, after) = block.split_once("\n```").unwrap_or((block, ""));
        blocks.push((info, text));
        rest = after;
    }
    blocks
}

fn named<'a>(language: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for (info, text) in blocks() {
        if let Some((first, name)) = info.split_once(' ')
            && first == language
        {
            found.push((name, text));
        }
    }
    assert!(!found.is_empty(), "SPEC.md has no {language} example");
    found
}

#[test]
fn the_bytes_shown_are_true() {
    for (name, text) in named("hex") {
        let mut shown = Vec::new();
        for line in text.lines() {
            let bytes = line.split("  ").next().unwrap();
            shown.extend(
                bytes
                    .split_whitespace()
                    .map(|byte| u8::from_str_radix(byte, 16).unwrap()),
            );
        }
        let expected = crate::message_bytes(name).unwrap_or_else(|| panic!("no example {name}"));
        assert_eq!(
            shown,
            expected,
            "{name}: expected {}",
            crate::hex_file(&expected)
        );
    }
}

#[test]
fn the_json_shown_is_true() {
    for (name, text) in named("json") {
        let client = messages::client()
            .into_iter()
            .find(|(found, ..)| *found == name);
        let server = messages::server()
            .into_iter()
            .find(|(found, ..)| *found == name);
        let expected = match (client, server) {
            (Some((_, _, message)), _) => serde_json::to_string(&message).unwrap(),
            (_, Some((_, _, message))) => serde_json::to_string(&message).unwrap(),
            _ => panic!("no example {name}"),
        };
        assert_eq!(text.trim(), expected, "{name}");
    }
}

#[test]
fn every_request_names_what_answers_it() {
    for kind in Kind::ALL.iter().filter(|kind| !kind.answers().is_empty()) {
        let begin = format!("| {} | `{kind}` |", kind.0);
        let row = SPEC.lines().find(|line| line.starts_with(&begin)).unwrap();
        // The reason why a snapshot follows is not an answer by itself.
        for answer in kind.answers().iter().filter(|kind| **kind != Kind::RESYNC) {
            assert!(row.contains(&format!("`{answer}`")), "{row}: {answer}");
        }
    }
}

/// The digest is defined in the core; `SPEC.md` repeats it for readers who do not use Rust.
#[test]
fn the_digest_is_the_cores() {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../auction-core/src/market/digest.rs"
    );
    let source = std::fs::read_to_string(source).unwrap();
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! "));
    let mut rows = rows.filter(|line| line.starts_with("| ")).peekable();
    assert!(rows.peek().is_some());
    for row in rows {
        assert!(
            SPEC.lines().any(|line| line == row),
            "SPEC.md has no row {row}"
        );
    }
}

#[test]
fn every_kind_code_and_limit_has_its_row() {
    let has = |row: String| assert!(SPEC.contains(&row), "SPEC.md has no row {row}");
    for kind in Kind::ALL {
        has(format!("\n| {} | `{kind}` |", kind.0));
    }
    for code in Code::ALL {
        has(format!("\n| {} | `{code}` |", code.0));
    }
    let limits = [
        ("REQUEST_BYTES_MAX", limits::REQUEST_BYTES_MAX),
        ("FRAME_BYTES_MAX", limits::FRAME_BYTES_MAX),
        ("PROGRAM_BYTES_MAX", limits::PROGRAM_BYTES_MAX),
        ("MESSAGE_BYTES_MAX", limits::MESSAGE_BYTES_MAX),
        ("PASSWORD_BYTES_MAX", limits::PASSWORD_BYTES_MAX),
        ("SESSIONS_LISTED_MAX", limits::SESSIONS_LISTED_MAX),
        ("HISTORY_BIDS_MAX", limits::HISTORY_BIDS_MAX),
        ("HOLDINGS_LISTED_MAX", limits::HOLDINGS_LISTED_MAX),
        ("ORDERS_LISTED_MAX", limits::ORDERS_LISTED_MAX),
        ("FEED_ENTRIES_MAX", limits::FEED_ENTRIES_MAX),
        ("SYMBOLS_WATCHED_MAX", limits::SYMBOLS_WATCHED_MAX),
        ("PART_USERS_MAX", limits::PART_USERS_MAX),
        ("PART_STOCKS_MAX", limits::PART_STOCKS_MAX),
        ("PART_LOTS_MAX", limits::PART_LOTS_MAX),
        (
            "BATCH_STATEMENT_BYTES_MAX",
            limits::BATCH_STATEMENT_BYTES_MAX,
        ),
        ("SNAPSHOT_PARTS_MAX", limits::SNAPSHOT_PARTS_MAX),
        (
            "SNAPSHOT_STATEMENT_BYTES_MAX",
            limits::SNAPSHOT_STATEMENT_BYTES_MAX,
        ),
        ("SNAPSHOT_PART_BYTES_MAX", limits::SNAPSHOT_PART_BYTES_MAX),
        (
            "CHECKPOINT_STATEMENT_BYTES_MAX",
            limits::CHECKPOINT_STATEMENT_BYTES_MAX,
        ),
        ("RECEIPT_RECORD_BYTES_MAX", limits::RECEIPT_RECORD_BYTES_MAX),
        (
            "RECEIPT_PRIVATE_BYTES_MAX",
            limits::RECEIPT_PRIVATE_BYTES_MAX,
        ),
        ("TREE_PATH_MAX", limits::TREE_PATH_MAX),
    ];
    for (name, value) in limits {
        has(format!("\n| `{name}` | {value} |"));
    }
}

/// The tables give fields, from which nobody can tell which variants hold a value without its field's name.
#[test]
fn the_variants_with_a_bare_value_are_those_of_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(auction_proto::SCHEMA_JSON).unwrap();
    let types = schema["$defs"].as_object().unwrap();
    let whole = |shape: &serde_json::Value| {
        let mut shape = shape.clone();
        while let Some(name) = shape["$ref"].as_str() {
            shape = types[name.rsplit('/').next().unwrap()].clone();
        }
        shape
    };
    let mut bare = std::collections::BTreeSet::new();
    let choices = types.values().filter_map(|shape| shape["oneOf"].as_array());
    for variant in choices.flatten() {
        let Some(fields) = variant["properties"].as_object() else {
            continue;
        };
        // A message is a choice too: beside its kind stands the request.
        if let (1, Some((name, value))) = (fields.len(), fields.iter().next())
            && whole(value)["type"] != "object"
        {
            bare.insert(name.clone());
        }
    }
    let (_, list) = SPEC
        .split_once("Only these fifteen hold the bare value:")
        .unwrap();
    let (list, _) = list.split_once("Where a table").unwrap();
    assert_eq!(bare.len(), 15, "{bare:?}");
    for name in bare {
        assert!(list.contains(&format!("`{name}`")), "{name}");
    }
}
