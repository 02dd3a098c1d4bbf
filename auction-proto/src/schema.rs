//! JSON Schema of all messages, and the AsyncAPI document of the protocol, both generated from the types (feature
//! `schema`). `schema/v1` contains both ([`SCHEMA_JSON`](crate::SCHEMA_JSON),
//! [`ASYNCAPI_JSON`](crate::ASYNCAPI_JSON)); a test checks that they are equal to the generated ones.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use auction_core::RequestId;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::encoding::kind::{Kind, Sender};
use crate::encoding::schema::Shape;
use crate::message::{ClientMessage, ServerMessage};
use crate::{PREFACE, VERSION};

/// Relative path by which the AsyncAPI document refers to the schema, in the folder and on a server.
const SCHEMA: &str = "./schema.json";

/// Returns the JSON Schema (draft 2020-12) of all messages as lines of JSON. The definition of a message has the name
/// of its kind, that of a value the name of its type. The keywords that begin with `x-` describe the binary form;
/// `SPEC.md` has their table.
#[must_use]
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let client = ClientMessage::shapes(&mut generator);
    let server = ServerMessage::shapes(&mut generator);
    let mut messages = Map::new();
    let client = all(client, &mut messages, &mut generator);
    let server = all(server, &mut messages, &mut generator);
    messages.insert("ClientMessage".into(), client);
    messages.insert("ServerMessage".into(), server);
    messages.append(&mut generator.take_definitions(true));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the real-time stock auction",
        "description": format!(
            "Version {VERSION}. Each message as it stands on a line of JSON or in a text message of WebSocket. The keywords \
             x-... say how it stands in the binary protocol: SPEC.md."
        ),
        "anyOf": [{"$ref": "#/$defs/ClientMessage"}, {"$ref": "#/$defs/ServerMessage"}],
        "$defs": messages,
    });
    for_all_readers(&mut schema);
    schema
}

/// Adds each message to the definitions, and returns a schema for any one of them.
fn all(
    bodies: Vec<(Kind, Schema)>,
    messages: &mut Map<String, Value>,
    generator: &mut SchemaGenerator,
) -> Value {
    let request = generator.subschema_for::<Shape<RequestId>>();
    let mut one_of = Vec::new();
    for (kind, mut body) in bodies {
        let name = kind.to_string();
        one_of.push(json!({"$ref": format!("#/$defs/{name}")}));
        let description = body.remove("description");
        let message = json_schema!({
            "type": "object",
            "description": description,
            "properties": {"request": request, (&*name): body},
            "required": ["request", name],
            "additionalProperties": false,
            "x-kind": kind.0,
        });
        messages.insert(name, message.to_value());
    }
    json!({"oneOf": one_of})
}

/// Replaces Rust's links in descriptions by plain text: `` [`Watch`](super::Watch) `` becomes `` `Watch` ``.
fn for_all_readers(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(for_all_readers),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "description" => *text = without_links(text),
                    _ => for_all_readers(value),
                }
            }
        }
        _ => {}
    }
}

fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, linked)) = rest.split_once('[') {
        let (shown, after) = linked.split_once(']').unwrap_or((linked, ""));
        out.push_str(before);
        out.push_str(shown);
        let target = after
            .strip_prefix('(')
            .and_then(|link| link.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    out.push_str(rest);
    // Doc comments are wrapped at the end of a line.
    out.replace('\n', " ")
}

/// Returns the AsyncAPI document (version 3.0): channels, and the answers to each request.
#[must_use]
pub fn asyncapi() -> Value {
    let of = |sender| {
        let kinds = Kind::ALL.iter();
        kinds
            .filter(move |kind| kind.sender() == sender)
            .map(|kind| kind.to_string())
    };
    let all = || of(Sender::Client).chain(of(Sender::Server));
    let on_channel = |name: &str| reference(&format!("#/channels/market/messages/{name}"));

    let channel: Map<_, _> = all()
        .map(|name| {
            let message = reference(&format!("#/components/messages/{name}"));
            (name, message)
        })
        .collect();
    let components: Map<_, _> = all()
        .map(|name| {
            let message = json!({
                "name": name,
                "contentType": "application/json",
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-2020-12",
                    "schema": reference(&format!("{SCHEMA}#/$defs/{name}")),
                },
                "correlationId": {"location": "$message.payload#/request"},
            });
            (name, message)
        })
        .collect();

    let mut operations = Map::new();
    for kind in Kind::ALL {
        let name = kind.to_string();
        let operation = match kind.sender() {
            // The document describes the server: it receives the messages of clients.
            Sender::Client => {
                let answers = kind.answers().iter().chain([&Kind::REFUSED]);
                let answers: Vec<_> = answers.map(|kind| on_channel(&kind.to_string())).collect();
                json!({
                    "action": "receive",
                    "channel": reference("#/channels/market"),
                    "messages": [on_channel(&name)],
                    "reply": {"channel": reference("#/channels/market"), "messages": answers},
                })
            }
            _ if kind.is_unasked() => json!({
                "action": "send",
                "channel": reference("#/channels/market"),
                "messages": [on_channel(&name)],
            }),
            _ => continue,
        };
        operations.insert(name, operation);
    }

    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Real-time stock auction",
            "version": format!("{VERSION}.0.0"),
            "description": "One port speaks lines of JSON over TCP, WebSocket at /ws, and binary frames, all with the same \
                messages and the same states. Say hello first; number your requests from 1; an answer carries its request's \
                number, what the server says of its own accord carries 0. SPEC.md says what each message means.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "lines": {
                "host": "localhost:2022",
                "protocol": "tcp",
                "description": "Lines of JSON: a message ends with a line feed. (tls in place of tcp where the server has TLS.)",
            },
            "websocket": {
                "host": "localhost:2022",
                "pathname": "/ws",
                "protocol": "ws",
                "description": "A text message is one message of JSON, a binary one a frame. (wss where the server has TLS.)",
            },
            "binary": {
                "host": "localhost:2022",
                "protocol": "tcp",
                "description": format!("Frames behind the preface {}.", hex(&PREFACE)),
            },
        },
        "channels": {"market": {
            "address": null,
            "description": "The one conversation of a connection, in both directions.",
            "messages": channel,
        }},
        "operations": operations,
        "components": {"messages": components},
    })
}

fn reference(to: &str) -> Value {
    json!({"$ref": to})
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}
