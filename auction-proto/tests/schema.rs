//! The published schema and AsyncAPI document equal those generated from the types, and accept the same messages as
//! the decoders.

use std::collections::BTreeSet;

use auction_core::RequestId;
use auction_proto::{
    ASYNCAPI_JSON, ClientMessage, Kind, SCHEMA_JSON, Sender, ServerMessage, arbitrary, schema,
};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Validator of a `ClientMessage` or `ServerMessage`.
fn validator(of: &str) -> jsonschema::Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    schema["anyOf"] = json!([{"$ref": format!("#/$defs/{of}")}]);
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn the_documents_published_are_those_of_the_types() {
    let made = [
        (SCHEMA_JSON, schema::json_schema()),
        (ASYNCAPI_JSON, schema::asyncapi()),
    ];
    for (published, made) in made {
        assert!(
            published == format!("{made:#}\n"),
            "schema/v1 is not of these types: cargo xtask schema"
        );
    }
}

#[test]
fn the_schema_is_a_json_schema_and_every_kind_is_in_it() {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    for kind in Kind::ALL {
        let message = &schema["$defs"][kind.to_string()];
        assert_eq!(message["x-kind"], kind.0, "{kind}");
        let side = match kind.sender() {
            Sender::Client => "ClientMessage",
            _ => "ServerMessage",
        };
        let reference = json!({"$ref": format!("#/$defs/{kind}")});
        let of_side = schema["$defs"][side]["oneOf"].as_array().unwrap();
        assert!(of_side.contains(&reference), "{kind}");
    }
}

/// Types that contain secrets do not occur in any message.
#[test]
fn the_schema_has_no_credential_and_no_hash_of_a_token() {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    for private in ["Credential", "TokenHash", "PrivateEvent", "Command"] {
        assert!(schema["$defs"].get(private).is_none(), "{private}");
    }
}

#[test]
fn every_reference_of_the_documents_leads_somewhere() {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    let asyncapi: Value = serde_json::from_str(ASYNCAPI_JSON).unwrap();
    for document in [&schema, &asyncapi] {
        let mut references = BTreeSet::new();
        collect_references(document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            let (file, pointer) = reference.split_once('#').unwrap();
            let target = match file {
                "" => document,
                "./schema.json" => &schema,
                other => panic!("{other}"),
            };
            assert!(target.pointer(pointer).is_some(), "{reference}");
        }
    }
}

fn collect_references(document: &Value, references: &mut BTreeSet<String>) {
    match document {
        Value::Array(all) => all
            .iter()
            .for_each(|one| collect_references(one, references)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(reference) if name == "$ref" => {
                        references.insert(reference.to_owned());
                    }
                    _ => collect_references(value, references),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_asyncapi_document_has_each_request_with_its_answers() {
    let asyncapi: Value = serde_json::from_str(ASYNCAPI_JSON).unwrap();
    for kind in Kind::ALL {
        let operation = &asyncapi["operations"][kind.to_string()];
        match kind.sender() {
            Sender::Client => {
                assert_eq!(operation["action"], "receive", "{kind}");
                let answers = operation["reply"]["messages"].as_array().unwrap();
                assert_eq!(answers.len(), kind.answers().len() + 1, "{kind}");
            }
            _ if kind.is_unasked() => assert_eq!(operation["action"], "send", "{kind}"),
            _ => assert_eq!(operation, &Value::Null, "{kind}"),
        }
    }
}

fn value_of(encode: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut line = Vec::new();
    encode(&mut line);
    serde_json::from_slice(&line).unwrap()
}

/// The strategies of the property tests are complete: every kind is drawn, and every variant of each type.
#[test]
fn the_strategies_make_every_kind_and_every_variant() {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let cases = definitions.filter_map(|definition| definition["oneOf"].as_array());
    let name = |case: &Value| {
        case["const"]
            .as_str()
            .or(case["required"][0].as_str())
            .map(String::from)
    };
    let mut missing: BTreeSet<String> = cases.flatten().filter_map(name).collect();
    missing.extend(Kind::ALL.iter().map(Kind::to_string));
    let mut runner = TestRunner::deterministic();
    for _ in 0..DRAWS_MAX {
        let client = arbitrary::client_message().new_tree(&mut runner).unwrap();
        let server = arbitrary::server_message().new_tree(&mut runner).unwrap();
        let client = value_of(|out| client.current().encode_json(RequestId(1), out));
        let server = value_of(|out| server.current().encode_json(RequestId(1), out));
        for line in [client, server] {
            take_out_names(&line, &mut missing);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never drawn: {missing:?}");
}

/// Number of messages drawn per side before missing kinds fail the test.
const DRAWS_MAX: usize = 20_000;

fn take_out_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            names.remove(text);
        }
        Value::Array(all) => all.iter().for_each(|value| take_out_names(value, names)),
        Value::Object(fields) => {
            for (name, value) in fields {
                names.remove(name);
                take_out_names(value, names);
            }
        }
        _ => {}
    }
}

/// Collects the paths of all values within a value.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| places(value, &format!("{path}/{name}"), out)),
        Value::Array(all) => (0..)
            .zip(all)
            .for_each(|(index, value)| places(value, &format!("{path}/{index}"), out)),
        _ => {}
    }
}

/// Changes one value as a programmer's mistake would, and returns its path.
fn mutate(message: &mut Value, place: Index, change: usize) -> String {
    let mut all = Vec::new();
    places(message, "", &mut all);
    let path = place.get(&all).clone();
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", ""));
    match change {
        0 => {
            if let Some(Value::Object(fields)) = message.pointer_mut(parent) {
                fields.remove(name);
            }
        }
        1 => {
            if let Some(Value::Object(fields)) = message.pointer_mut(parent)
                && let Some(value) = fields.remove(name)
            {
                fields.insert(format!("{name}_"), value);
            }
        }
        2 => {
            if let Some(Value::Object(fields)) = message.pointer_mut(&path) {
                fields.insert("note".into(), json!("x"));
            }
        }
        _ => {
            let others = [
                json!(null),
                json!(-1),
                json!(1.5),
                json!(4_294_967_296_u64),
                json!(true),
                json!("no such thing"),
                json!("7"),
                json!("1.23456"),
                json!("a\u{7}"),
                json!(["x"]),
            ];
            *message.pointer_mut(&path).unwrap() = others[(change - 3) % others.len()].clone();
        }
    }
    path
}

/// Number of changes that [`mutate`] knows.
const CHANGES: usize = 13;

proptest! {
    // Each case draws many messages, because creating a validator takes longer than using it.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_schema_takes_every_message(
        client in prop::collection::vec(arbitrary::client_message(), 20),
        server in prop::collection::vec(arbitrary::server_message(), 20),
        request: u64,
    ) {
        let (of_client, of_server) = (validator("ClientMessage"), validator("ServerMessage"));
        for message in client {
            let line = value_of(|out| message.encode_json(RequestId(request), out));
            prop_assert!(of_client.validate(&line).is_ok(), "{line}");
            prop_assert!(!of_server.is_valid(&line), "{line}");
        }
        for message in server {
            let line = value_of(|out| message.encode_json(RequestId(request), out));
            prop_assert!(of_server.validate(&line).is_ok(), "{line}");
            prop_assert!(!of_client.is_valid(&line), "{line}");
        }
    }

    #[test]
    fn schema_and_decoders_accept_the_same_messages(
        client in prop::collection::vec((arbitrary::client_message(), any::<Index>(), 0..CHANGES), 40),
        server in prop::collection::vec((arbitrary::server_message(), any::<Index>(), 0..CHANGES), 40),
    ) {
        let (of_client, of_server) = (validator("ClientMessage"), validator("ServerMessage"));
        let mut cases = Vec::new();
        for (message, place, change) in client {
            let mut line = value_of(|out| message.encode_json(RequestId(7), out));
            let path = mutate(&mut line, place, change);
            let decoded = ClientMessage::decode_json(line.to_string().as_bytes()).map(drop);
            cases.push((of_client.is_valid(&line), decoded, path, line));
        }
        for (message, place, change) in server {
            let mut line = value_of(|out| message.encode_json(RequestId(7), out));
            let path = mutate(&mut line, place, change);
            let decoded = ServerMessage::decode_json(line.to_string().as_bytes()).map(drop);
            cases.push((of_server.is_valid(&line), decoded, path, line));
        }
        for (is_valid, decoded, path, line) in cases {
            // JSON Schema cannot express that the bands of a step table rise.
            let is_beyond = is_valid && path.contains("/steps/");
            prop_assert!(is_valid == decoded.is_ok() || is_beyond, "{path}: {decoded:?}\n{line}");
        }
    }
}
