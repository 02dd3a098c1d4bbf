//! Bytes that are not messages, and streams that are not frames.

use auction_proto::{PREFACE, limits};
use serde_json::{Value, json};

use super::messages::golden;
use super::vector::{bytes, frame, hex};

/// Name, kind and body: each malformed for one reason.
const MALFORMED: [(&str, u16, &str); 47] = [
    ("varint_overlong_lot", 8, "83 00  b0 6d"),
    ("varint_overlong_price", 8, "03  b0 ed 00"),
    ("varint_overlong_zero", 8, "80 00  b0 6d"),
    ("varint_of_33_bits", 8, "80 80 80 80 10  b0 6d"),
    (
        "varint_of_six_bytes_for_32_bits",
        8,
        "80 80 80 80 80 01  b0 6d",
    ),
    ("varint_without_end", 8, "03  b0 ed"),
    ("varint_of_65_bits", 7, "80 80 80 80 80 80 80 80 80 02"),
    (
        "varint_of_eleven_bytes",
        7,
        "80 80 80 80 80 80 80 80 80 80 01",
    ),
    ("varint_of_17_bits", 1, "80 80 04  01  00"),
    ("price_too_large", 8, "03  80 c0 ca f3 84 a3 02"),
    ("quantity_nothing", 24, "03  00  00  00"),
    ("quantity_too_large", 24, "03  00  81 a0 94 a5 8d 1d  00"),
    ("time_too_late", 16, "80 c0 cd e3 cc 81 91 c2 03"),
    (
        "span_too_long",
        11,
        "04 41 41 50 4c  01  00  a0 1f  01  02 01 81 80 ad cf aa 98 07 01  00",
    ),
    (
        "profit_too_large",
        10,
        "04 41 41 50 4c  02 30 31  80 80 a0 f6 f4 ac db e0 1b",
    ),
    ("option_of_neither", 13, "02"),
    ("bool_of_neither", 130, "e9 07  00  04  03  02  00  00  00"),
    ("choice_unknown", 24, "03  02  01  00"),
    ("choice_overlong", 24, "03  80 00  01  00"),
    ("variant_unknown_reply", 130, "e9 07  00  7f"),
    (
        "variant_unknown_event",
        135,
        "10 000102030405060708090a0b0c0d0e0f  01  05  06  01  05  7f",
    ),
    (
        "variant_unknown_terms",
        11,
        "04 41 41 50 4c  01  00  a0 1f  7f",
    ),
    ("name_too_short", 3, "01 61  01 78"),
    (
        "name_too_long",
        3,
        "21 616161616161616161616161616161616161616161616161616161616161616161  01 78",
    ),
    ("name_of_capitals", 3, "03 4d 69 61  01 78"),
    ("name_with_space", 3, "03 6d 20 61  01 78"),
    ("name_beginning_with_dot", 3, "03 2e 69 61  01 78"),
    ("symbol_of_small_letters", 17, "01 04 61 61 70 6c  00"),
    ("symbol_empty", 17, "01 00  00"),
    ("symbol_too_long", 17, "01 09 414141414141414141  00"),
    (
        "security_too_long",
        10,
        "01 41  11 3030303030303030303030303030303030  00",
    ),
    ("security_with_slash", 10, "01 41  03 302f30  00"),
    ("secret_empty", 3, "03 6d 69 61  00"),
    ("secret_too_long", 3, "03 6d 69 61  81 01"),
    ("text_not_utf8", 1, "01  01  02 c3 28"),
    ("text_of_a_surrogate", 1, "01  01  03 ed a0 80"),
    ("text_with_line_end", 1, "01  01  03 61 0a 62"),
    ("text_with_c1_control", 1, "01  01  02 c2 85"),
    ("text_longer_than_the_body", 1, "01  01  05 61"),
    ("text_of_four_billion_bytes", 1, "01  01  ff ff ff ff 0f 61"),
    (
        "bytes_too_few",
        4,
        "1f 00000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "bytes_too_many",
        4,
        "21 000000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("list_of_four_billion", 17, "ff ff ff ff 0f"),
    ("list_longer_than_the_body", 17, "02 01 41"),
    (
        "list_within_a_list_of_four_billion",
        135,
        "10 000102030405060708090a0b0c0d0e0f  01  05  06  01  05  0b 01  ff ff ff ff 0f",
    ),
    (
        "steps_none",
        11,
        "04 41 41 50 4c  01  00  a0 1f  00 00 00 00 00 00 00 00",
    ),
    (
        "steps_that_fall",
        11,
        "04 41 41 50 4c  01  00  a0 1f  00 02 00 05 05 04 00 00 00 00 00 00",
    ),
];

pub fn bodies() -> Vec<Value> {
    let mut vectors = Vec::new();
    let mut push = |name: String, from: &str, frame: &[u8], error: &str| {
        vectors.push(json!({"name": name, "from": from, "hex": hex(frame), "error": error}));
    };
    // Every message without its last byte, and with one byte more.
    for (name, request, message) in golden() {
        let (whole, from) = (message.frame(request), message.from());
        let (header, body) = whole.split_at(14);
        let kind = u16::from_le_bytes([header[4], header[5]]);
        if let [cut @ .., _] = body {
            let cut = frame(kind, request.0, cut);
            push(format!("{name}_cut"), from, &cut, "malformed");
        }
        let longer = frame(kind, request.0, &[body, &[0]].concat());
        push(
            format!("{name}_with_one_byte_more"),
            from,
            &longer,
            "malformed",
        );
    }
    for (name, kind, body) in MALFORMED {
        let from = if kind < 128 { "client" } else { "server" };
        push(
            name.to_owned(),
            from,
            &frame(kind, 7, &bytes(body)),
            "malformed",
        );
    }
    let many = [&[65][..], &[1, b'A'].repeat(65), &[0]].concat();
    push(
        "list_of_one_too_many".into(),
        "client",
        &frame(17, 7, &many),
        "malformed",
    );
    let long = [&[1, 1, 65][..], &[b'x'; 65]].concat();
    push(
        "text_too_long".into(),
        "client",
        &frame(1, 7, &long),
        "malformed",
    );
    for (name, kind) in [
        ("kind_0", 0),
        ("kind_127", 127),
        ("kind_of_the_server", 130),
        ("kind_256", 256),
        ("kind_65535", 65_535),
    ] {
        push(name.into(), "client", &frame(kind, 7, &[]), "unknown_kind");
    }
    for (name, kind) in [("kind_of_the_client", 8), ("kind_255", 255)] {
        push(name.into(), "server", &frame(kind, 7, &[]), "unknown_kind");
    }
    vectors
}

pub fn frames() -> Vec<Value> {
    let ping = frame(16, 1, &bytes("e8 07"));
    let logout = frame(5, 2, &[]);
    let unknown = frame(99, u64::MAX, &bytes("de ad"));
    let both = [&ping[..], &logout].concat();
    let length = |length: usize| {
        u32::try_from(length)
            .expect("it is short")
            .to_le_bytes()
            .to_vec()
    };
    let mut vectors = Vec::new();
    let mut push = |name: &str, from: &str, stream: &[u8], frames: &[&[u8]], then: &str| {
        let stream = match from {
            "client" => [&PREFACE, stream].concat(),
            _ => stream.to_vec(),
        };
        let frames: Vec<_> = frames.iter().map(|frame| hex(frame)).collect();
        vectors.push(json!({"name": name, "from": from, "hex": hex(&stream), "frames": frames, "then": then}));
    };
    push("nothing", "client", &[], &[], "whole");
    push("one", "client", &ping, &[&ping], "whole");
    push("two", "client", &both, &[&ping, &logout], "whole");
    push(
        "one_of_an_unknown_kind_between",
        "client",
        &[&ping[..], &unknown, &logout].concat(),
        &[&ping, &unknown, &logout],
        "whole",
    );
    push(
        "from_a_server_without_preface",
        "server",
        &both,
        &[&ping, &logout],
        "whole",
    );
    push(
        "cut_in_its_length",
        "client",
        &both[..ping.len() + 3],
        &[&ping],
        "incomplete",
    );
    push(
        "cut_in_its_kind",
        "client",
        &both[..ping.len() + 5],
        &[&ping],
        "incomplete",
    );
    push(
        "cut_in_its_body",
        "client",
        &ping[..ping.len() - 1],
        &[],
        "incomplete",
    );
    push(
        "too_short",
        "client",
        &[&ping[..], &length(9), &[0; 9]].concat(),
        &[&ping],
        "too_short",
    );
    push(
        "of_no_length",
        "client",
        &[&ping[..], &length(0)].concat(),
        &[&ping],
        "too_short",
    );
    let (request, server) = (limits::REQUEST_BYTES_MAX, limits::FRAME_BYTES_MAX);
    push(
        "as_long_as_can_be_and_incomplete",
        "client",
        &length(request),
        &[],
        "incomplete",
    );
    push(
        "longer_than_can_be",
        "client",
        &[&ping[..], &length(request + 1)].concat(),
        &[&ping],
        "too_long",
    );
    push(
        "longer_than_any_server_sends",
        "server",
        &length(server + 1),
        &[],
        "too_long",
    );
    push("of_four_gigabytes", "server", &[0xff; 4], &[], "too_long");
    for (name, first) in [
        ("without_preface", &ping[..]),
        ("preface_of_another_protocol", b"\xa5UCX"),
        ("cut_in_its_preface", &PREFACE[..3]),
    ] {
        let then = if first.len() == 3 {
            "incomplete"
        } else {
            "no_preface"
        };
        vectors.push(
            json!({"name": name, "from": "client", "hex": hex(first), "frames": [], "then": then}),
        );
    }
    vectors
}
