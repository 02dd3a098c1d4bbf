//! Explained bytes: every byte is covered, no secret is shown, and an error is reported at its place.

use auction_core::{LotId, Name, Price, RequestId};
use auction_proto::arbitrary::{client_message, server_message};
use auction_proto::explain::{
    BodyFault, NOT_SHOWN, Part, Says, Unexplained, Wrong, explain, explain_body, hides,
};
use auction_proto::{
    Bid, ClientMessage, FrameError, HEADER_BYTES, Kind, Login, PREFACE, Secret, ServerMessage,
    limits,
};
use proptest::prelude::*;

fn bid() -> Vec<u8> {
    let (lot, price) = (LotId(3), Price::parse("1.40").unwrap());
    let mut bytes = Vec::new();
    ClientMessage::from(Bid { lot, price }).encode(RequestId(7), &mut bytes);
    bytes
}

fn frame(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = (HEADER_BYTES - 4 + body.len()) as u32;
    [
        &length.to_le_bytes()[..],
        &kind.to_le_bytes(),
        &7_u64.to_le_bytes(),
        body,
    ]
    .concat()
}

fn part(at: std::ops::Range<usize>, says: Says) -> Part {
    Part { at, says }
}

#[test]
fn a_conversation_is_explained_field_by_field() {
    let bytes = [&PREFACE[..], &bid(), &frame(99, &[1, 2]), &frame(14, &[])].concat();
    let json = |text: &str| Says::Body(text.to_owned());
    let expected = [
        part(0..4, Says::Preface),
        part(4..8, Says::Length(13)),
        part(8..10, Says::Kind(Kind::BID)),
        part(10..18, Says::Request(RequestId(7))),
        part(18..21, json(r#"{"lot":3,"price":"1.40"}"#)),
        part(21..25, Says::Length(12)),
        part(25..27, Says::Kind(Kind(99))),
        part(27..35, Says::Request(RequestId(7))),
        part(35..37, Says::Unknown),
        part(37..41, Says::Length(10)),
        part(41..43, Says::Kind(Kind::GET_SNAPSHOT)),
        part(43..51, Says::Request(RequestId(7))),
        part(51..51, json("{}")),
    ];
    assert_eq!(explain(&bytes), expected);
    assert_eq!(explain(&[]), []);
}

#[test]
fn what_is_cut_off_says_how_much_is_missing() {
    let bytes = bid();
    for end in 1..bytes.len() {
        let parts = explain(&bytes[..end]);
        let last = parts.last().unwrap();
        let missing = if end < 4 { 4 - end } else { bytes.len() - end };
        assert_eq!(last.says, Says::Wrong(Wrong::Cut { missing }), "{end}");
        assert_eq!(last.at.end, end);
    }
}

#[test]
fn what_is_no_frame_ends_the_explanation() {
    let too_long = |length: usize, most| FrameError::TooLong { length, most };
    let (request, most) = (limits::REQUEST_BYTES_MAX, limits::FRAME_BYTES_MAX);
    let bid_too_long = [&65_537_u32.to_le_bytes()[..], &8_u16.to_le_bytes()].concat();
    let cases: [(&[u8], FrameError); 5] = [
        (&[9, 0, 0, 0, 8, 0], FrameError::TooShort { length: 9 }),
        (&[0; 4], FrameError::TooShort { length: 0 }),
        (b"HTTP/1.1", too_long(0x5054_5448, most)),
        (&[0xff; 20], too_long(0xffff_ffff, most)),
        (&bid_too_long, too_long(65_537, request)),
    ];
    for (bytes, wrong) in cases {
        let expected = [part(0..4, Says::Wrong(Wrong::Frame(wrong)))];
        assert_eq!(explain(bytes), expected, "{bytes:?}");
        // The result is the same after a complete frame.
        let behind = [&bid(), bytes].concat();
        assert_eq!(explain(&behind).last().unwrap().at, 17..21);
    }
}

#[test]
fn a_wrong_body_names_a_byte_and_the_next_frame_is_explained() {
    use BodyFault::{Ends, GoesOn, Number, Value};
    let (bid, hello, login) = (8, 1, 3);
    let cases: [(u16, &[u8], usize, BodyFault); 11] = [
        (bid, &[], 0, Ends),
        (bid, &[3], 1, Ends),
        (bid, &[3, 0x80], 1, Ends),
        (bid, &[0x83, 0, 1], 0, Number),
        (bid, &[3, 0x81, 0x80, 0], 1, Number),
        (bid, &[0xff, 0xff, 0xff, 0xff, 0x7f, 1], 0, Number),
        (bid, &[3, 1, 9, 9], 2, GoesOn { bytes: 2 }),
        // A price above the maximum.
        (
            bid,
            &[3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            1,
            Value,
        ),
        // A text that ends early, and one that is not valid UTF-8.
        (hello, &[1, 1, 5, b'a'], 2, Ends),
        (hello, &[1, 1, 2, 0xff, 0xff], 2, Value),
        // An invalid name.
        (login, &[2, b'M', b'!', 1, b'x'], 0, Value),
    ];
    for (kind, body, offset, fault) in cases {
        let wrong = Unexplained::Wrong { offset, fault };
        assert_eq!(
            explain_body(Kind(kind), body),
            Err(wrong),
            "{kind} {body:?}"
        );
        let bytes = [frame(kind, body), self::bid()].concat();
        let parts = explain(&bytes);
        let (begin, end) = (HEADER_BYTES + offset, HEADER_BYTES + body.len());
        let wrong = Says::Wrong(Wrong::Body(fault));
        assert_eq!(parts[3], part(begin..end, wrong), "{kind} {body:?}");
        assert!(matches!(parts.last().unwrap().says, Says::Body(_)));
    }
    let unknown = Err(Unexplained::UnknownKind(Kind(99)));
    assert_eq!(explain_body(Kind(99), &[]), unknown);
}

#[test]
fn a_password_is_not_shown() {
    let name = Name::parse("mia").unwrap();
    let password = Secret::new("correct horse".into()).unwrap();
    let mut bytes = Vec::new();
    ClientMessage::from(Login { name, password }).encode(RequestId(7), &mut bytes);
    let parts = explain(&bytes);
    let shown = r#"{"name":"mia","password":"(not shown)"}"#;
    assert_eq!(parts[3].says, Says::Body(shown.into()));
}

/// Number of secrets in a message, counted by their redacted `Debug` output.
fn secrets(debug: &str) -> usize {
    debug.matches("Secret(..)").count() + debug.matches("Token(..)").count()
}

#[track_caller]
fn holds(kind: Kind, debug: &str, bytes: &[u8], json: &str) -> Result<(), TestCaseError> {
    let parts = explain(bytes);
    let mut end = 0;
    for part in &parts {
        prop_assert_eq!(part.at.start, end);
        end = part.at.end;
    }
    prop_assert_eq!(end, bytes.len());
    let Says::Body(shown) = &parts[3].says else {
        return Err(TestCaseError::fail(format!("{parts:?}")));
    };
    prop_assert_eq!(shown.matches(NOT_SHOWN).count(), secrets(debug));
    if secrets(debug) == 0 {
        prop_assert!(json.contains(shown.as_str()), "{} {}", json, shown);
    } else {
        prop_assert!(hides(kind), "{}", kind);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_message_is_explained_in_full_without_its_secrets(
        client in client_message(),
        server in server_message(),
    ) {
        let (mut bytes, mut json) = (Vec::new(), Vec::new());
        client.encode(RequestId(7), &mut bytes);
        client.encode_json(RequestId(7), &mut json);
        let text = String::from_utf8(json).unwrap();
        holds(client.kind(), &format!("{client:?}"), &bytes, &text)?;

        let (mut bytes, mut json) = (Vec::new(), Vec::new());
        server.encode(RequestId(7), &mut bytes);
        server.encode_json(RequestId(7), &mut json);
        let text = String::from_utf8(json).unwrap();
        holds(server.kind(), &format!("{server:?}"), &bytes, &text)?;
    }

    #[test]
    fn explained_is_as_read_whatever_the_bytes(
        kind in 1_u16..160,
        body in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let explained = explain_body(Kind(kind), &body).is_ok();
        let client = ClientMessage::decode(Kind(kind), &body).is_ok();
        let server = ServerMessage::decode(Kind(kind), &body).is_ok();
        prop_assert_eq!(explained, client || server);
        // No bytes cause a panic.
        let _ = explain(&body);
        let _ = explain(&frame(kind, &body));
    }
}
