//! Lines of JSON: alternative forms of the same message, and invalid lines.

use serde_json::{Value, json};

/// Name, line, and the message read from it. Reading is more tolerant than writing.
const READ: [(&str, &str, &str); 8] = [
    (
        "kind_first",
        r#"{"bid":{"price":"1.40","lot":3},"request":"7"}"#,
        r#"{"request":"7","bid":{"lot":3,"price":"1.40"}}"#,
    ),
    (
        "spaces",
        " { \"request\" : \"7\" ,\t\"bid\" : { \"lot\" : 3 , \"price\" : \"1.40\" } } \r",
        r#"{"request":"7","bid":{"lot":3,"price":"1.40"}}"#,
    ),
    (
        "fewer_decimals",
        r#"{"request":"7","bid":{"lot":3,"price":"1.4"}}"#,
        r#"{"request":"7","bid":{"lot":3,"price":"1.40"}}"#,
    ),
    (
        "more_zeros",
        r#"{"request":"007","bid":{"lot":3,"price":"01.4000"}}"#,
        r#"{"request":"7","bid":{"lot":3,"price":"1.40"}}"#,
    ),
    (
        "letters_folded",
        r#"{"request":"7","watch_symbols":{"symbols":["aapl","Brk.b"],"resume":null}}"#,
        r#"{"request":"7","watch_symbols":{"symbols":["AAPL","BRK.B"],"resume":null}}"#,
    ),
    (
        "hexadecimal_capitals",
        r#"{"request":"7","watch":{"resume":{"market":"101112131415161718191A1B1C1D1E1F","feed_sequence":"5"}}}"#,
        r#"{"request":"7","watch":{"resume":{"market":"101112131415161718191a1b1c1d1e1f","feed_sequence":"5"}}}"#,
    ),
    (
        "optional_left_out",
        r#"{"request":"7","watch":{}}"#,
        r#"{"request":"7","watch":{"resume":null}}"#,
    ),
    (
        "escapes",
        r#"{"request":"7","login":{"name":"\u006dia","password":"\u00e9\n\"\\\ud83d\ude00"}}"#,
        "{\"request\":\"7\",\"login\":{\"name\":\"mia\",\"password\":\"\u{e9}\\n\\\"\\\\\u{1f600}\"}}",
    ),
];

/// Name, line, request that can be read, code, and the path at the beginning of the error message.
const REFUSED: [(&str, &str, &str, &str, &str); 35] = [
    ("not_json", "hello", "0", "malformed", ""),
    ("an_array", "[]", "0", "malformed", ""),
    ("empty_object", "{}", "0", "malformed", ""),
    (
        "cut",
        r#"{"request":"7","bid":{"lot":3,"#,
        "7",
        "malformed",
        "bid",
    ),
    (
        "two_messages",
        r#"{"request":"7","logout":{}} {}"#,
        "7",
        "malformed",
        "",
    ),
    ("no_request", r#"{"logout":{}}"#, "0", "malformed", ""),
    ("no_kind", r#"{"request":"7"}"#, "7", "malformed", ""),
    (
        "request_as_number",
        r#"{"request":7,"logout":{}}"#,
        "0",
        "malformed",
        "request",
    ),
    (
        "request_negative",
        r#"{"request":"-7","logout":{}}"#,
        "0",
        "malformed",
        "request",
    ),
    (
        "request_of_65_bits",
        r#"{"request":"18446744073709551616","logout":{}}"#,
        "0",
        "malformed",
        "request",
    ),
    (
        "request_twice",
        r#"{"request":"7","request":"7","logout":{}}"#,
        "7",
        "malformed",
        "",
    ),
    (
        "two_kinds",
        r#"{"request":"7","logout":{},"list_sessions":{}}"#,
        "7",
        "malformed",
        "",
    ),
    (
        "unknown_kind",
        r#"{"request":"7","sing":{}}"#,
        "7",
        "unknown_kind",
        "",
    ),
    (
        "kind_of_the_server",
        r#"{"request":"7","resumed":{"feed_sequence":"5"}}"#,
        "7",
        "unknown_kind",
        "",
    ),
    (
        "unknown_field",
        r#"{"request":"7","bid":{"lot":3,"price":"1.40","note":""}}"#,
        "7",
        "malformed",
        "bid.note",
    ),
    (
        "unknown_field_of_none",
        r#"{"request":"7","logout":{"why":""}}"#,
        "7",
        "malformed",
        "logout.why",
    ),
    (
        "unknown_field_within",
        r#"{"request":"7","watch":{"resume":{"market":"101112131415161718191a1b1c1d1e1f","feed_sequence":"5","term":"1"}}}"#,
        "7",
        "malformed",
        "watch.resume.term",
    ),
    (
        "fields_in_an_array",
        r#"{"request":"7","bid":[3,"1.40"]}"#,
        "7",
        "malformed",
        "bid",
    ),
    (
        "no_fields_in_an_array",
        r#"{"request":"7","logout":[]}"#,
        "7",
        "malformed",
        "logout",
    ),
    (
        "fields_in_an_array_within",
        r#"{"request":"7","watch":{"resume":["101112131415161718191a1b1c1d1e1f","5"]}}"#,
        "7",
        "malformed",
        "watch.resume",
    ),
    (
        "missing_field",
        r#"{"request":"7","bid":{"lot":3}}"#,
        "7",
        "malformed",
        "bid",
    ),
    (
        "field_twice",
        r#"{"request":"7","bid":{"lot":3,"lot":3,"price":"1.40"}}"#,
        "7",
        "malformed",
        "bid",
    ),
    (
        "price_as_number",
        r#"{"request":"7","bid":{"lot":3,"price":1.40}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_with_comma",
        r#"{"request":"7","bid":{"lot":3,"price":"1,40"}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_with_sign",
        r#"{"request":"7","bid":{"lot":3,"price":"+1.40"}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_negative",
        r#"{"request":"7","bid":{"lot":3,"price":"-1.40"}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_of_five_decimals",
        r#"{"request":"7","bid":{"lot":3,"price":"1.40000"}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_too_large",
        r#"{"request":"7","bid":{"lot":3,"price":"1000000000"}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "price_null",
        r#"{"request":"7","bid":{"lot":3,"price":null}}"#,
        "7",
        "malformed",
        "bid.price",
    ),
    (
        "lot_as_string",
        r#"{"request":"7","bid":{"lot":"3","price":"1.40"}}"#,
        "7",
        "malformed",
        "bid.lot",
    ),
    (
        "lot_of_33_bits",
        r#"{"request":"7","bid":{"lot":4294967296,"price":"1.40"}}"#,
        "7",
        "malformed",
        "bid.lot",
    ),
    (
        "symbol_within_a_list",
        r#"{"request":"7","watch_symbols":{"symbols":["AAPL","+"],"resume":null}}"#,
        "7",
        "malformed",
        "watch_symbols.symbols[1]",
    ),
    (
        "quantity_nothing",
        r#"{"request":"7","place_order":{"lot":3,"side":"buy","quantity":"0","limit":null}}"#,
        "7",
        "malformed",
        "place_order.quantity",
    ),
    (
        "unknown_variant",
        r#"{"request":"7","place_order":{"lot":3,"side":"steal","quantity":"1","limit":null}}"#,
        "7",
        "malformed",
        "place_order.side",
    ),
    (
        "token_too_short",
        r#"{"request":"7","resume":{"token":"abcd"}}"#,
        "7",
        "malformed",
        "resume.token",
    ),
];

/// Nesting deeper than a recursive parser should follow.
const DEPTH: usize = 20_000;

pub fn vectors() -> Vec<Value> {
    let read = READ.into_iter().map(|(name, line, read)| {
        let read: Value = serde_json::from_str(read).expect("it is JSON");
        json!({"name": name, "from": "client", "line": line, "json": read})
    });
    let refused = |name: &str, line: &str, request: &str, code: &str, path: &str| {
        json!({
            "name": name, "from": "client", "line": line, "request": request, "error": code, "path": path,
        })
    };
    let refusals = REFUSED
        .into_iter()
        .map(|(name, line, request, code, path)| refused(name, line, request, code, path));
    let deep = "[".repeat(DEPTH);
    let nested = format!(r#"{{"request":"7","bid":{deep}"#);
    let deep = [refused("nested", &nested, "7", "malformed", "bid")];
    read.chain(refusals).chain(deep).collect()
}
