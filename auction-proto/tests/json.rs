//! Messages as lines of JSON: equal to those in frames, with errors that name the place.

use auction_core::RequestId;
use auction_proto::{
    ClientMessage, Code, FrameDecoder, JsonError, LineDecoder, LineError, ServerMessage, arbitrary,
    limits,
};
use proptest::prelude::*;

/// The one message of a frame, and its request number.
fn of_frame<T>(bytes: &[u8], decode: impl Fn(auction_proto::Frame<'_>) -> T) -> T {
    let mut decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
    decode(decoder.next_frame(&mut &*bytes).unwrap().unwrap())
}

proptest! {
    #[test]
    fn both_encodings_of_a_clients_message_say_the_same(message in arbitrary::client_message(), request: u64) {
        let request = RequestId(request);
        let (mut line, mut frame) = (Vec::new(), Vec::new());
        message.encode_json(request, &mut line);
        message.encode(request, &mut frame);
        let binary = of_frame(&frame, |frame| {
            (frame.request, ClientMessage::decode(frame.kind, frame.body).unwrap())
        });
        prop_assert_eq!(ClientMessage::decode_json(&line).unwrap(), binary);
        prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    }

    #[test]
    fn both_encodings_of_a_servers_message_say_the_same(message in arbitrary::server_message(), request: u64) {
        let request = RequestId(request);
        let (mut line, mut frame) = (Vec::new(), Vec::new());
        message.encode_json(request, &mut line);
        message.encode(request, &mut frame);
        let binary = of_frame(&frame, |frame| {
            (frame.request, ServerMessage::decode(frame.kind, frame.body).unwrap())
        });
        prop_assert_eq!(ServerMessage::decode_json(&line).unwrap(), binary);
        prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    }

    #[test]
    fn lines_come_out_of_bytes_split_anywhere(
        messages in prop::collection::vec(arbitrary::client_message(), 1..6),
        cuts: Vec<prop::sample::Index>,
        ends in prop::sample::select(vec!["", "\n", "\r\n \r\n"]),
    ) {
        let mut bytes = Vec::new();
        for (request, message) in (0..).zip(&messages) {
            message.encode_json(RequestId(request), &mut bytes);
            bytes.extend_from_slice(ends.as_bytes());
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = LineDecoder::new(limits::REQUEST_BYTES_MAX);
        let mut decoded = Vec::new();
        for cut in cuts.windows(2) {
            let mut input = &bytes[cut[0]..cut[1]];
            while let Some(line) = decoder.next_line(&mut input).unwrap() {
                let (request, message) = ClientMessage::decode_json(line).unwrap();
                prop_assert_eq!(request, RequestId(decoded.len() as u64));
                decoded.push(message);
            }
            prop_assert!(input.is_empty());
        }
        prop_assert!(!decoder.is_inside_line());
        prop_assert_eq!(decoded, messages);
    }

    #[test]
    fn any_text_is_a_message_or_an_error(text in "[ -~]{0,200}", bytes: Vec<u8>) {
        let _ = ClientMessage::decode_json(text.as_bytes());
        let _ = ServerMessage::decode_json(text.as_bytes());
        let _ = ClientMessage::decode_json(&bytes);
        let with_request = format!("{{\"request\":\"1\",{text}}}");
        if let Err(error) = ClientMessage::decode_json(with_request.as_bytes()) {
            prop_assert_eq!(error.request(), RequestId(1));
        }
    }
}

/// As deep as a line can be: a reader that calls itself for each level would use up its stack.
#[test]
fn a_message_nested_as_deep_as_a_line_can_be_is_refused() {
    for open in ["[", "{\"a\":"] {
        let nested = open.repeat((limits::REQUEST_BYTES_MAX - 100) / open.len());
        let in_price = format!(r#"{{"request":"7","bid":{{"lot":3,"price":{nested}"#);
        let in_unknown_kind = format!(r#"{{"request":"7","nobody":{nested}"#);
        for text in [&nested, &in_price, &in_unknown_kind] {
            assert!(text.len() <= limits::REQUEST_BYTES_MAX);
            assert!(ClientMessage::decode_json(text.as_bytes()).is_err());
        }
    }
}

#[test]
fn an_error_names_the_place_and_the_request_wherever_it_stands() {
    let cases = [
        (
            r#"{"request":"7","bid":{"lot":3,"price":1.4}}"#,
            7,
            "bid.price: invalid type: floating point `1.4`, expected a price in a string",
        ),
        (
            r#"{"bid":{"lot":3,"price":"1,40"},"request":"7"}"#,
            7,
            "bid.price: \"1,40\" is not a decimal",
        ),
        (
            r#"{"request":"7","bid":{"lot":-3,"price":"1.40"}}"#,
            7,
            "bid.lot: invalid value: integer `-3`",
        ),
        (
            r#"{"request":"7","bid":{"lot":3}}"#,
            7,
            "bid: missing field `price`",
        ),
        (
            r#"{"request":"7","bid":{"lot":3,"lot":3,"price":"1"}}"#,
            7,
            "bid: duplicate field `lot`",
        ),
        (
            r#"{"request":"7","bid":{"lot":3,"price":"1","note":""}}"#,
            7,
            "bid.note: unknown field `note`, expected `lot` or `price`",
        ),
        (
            r#"{"request":"7","watch_symbols":{"symbols":["AAPL","+"]}}"#,
            7,
            "watch_symbols.symbols[1]: \"+\" is not",
        ),
        (
            r#"{"request":7,"ping":{"client_time":"0"}}"#,
            0,
            "request: invalid type: integer `7`, expected a whole number in a string",
        ),
        (
            r#"{"ping":{"client_time":"0"}}"#,
            0,
            "missing field `request`",
        ),
        (r#"{"request":"7"}"#, 7, "the kind is missing"),
        (
            r#"{"request":"7","logout":{},"logout":{}}"#,
            7,
            "a message is of one kind",
        ),
        (
            r#"{"request":"7","request":"8","logout":{}}"#,
            8,
            "duplicate field `request`",
        ),
        (r#"{"request":"7","bid":{"lot":3,"#, 7, "bid: EOF while"),
        (
            r#"{"request":"7","logout":{}} {}"#,
            7,
            "trailing characters",
        ),
        (
            "[]",
            0,
            "invalid type: sequence, expected a message such as",
        ),
        (
            "7",
            0,
            "invalid type: integer `7`, expected a message such as",
        ),
        ("GET / HTTP/1.1", 0, "expected value"),
    ];
    for (text, request, expected) in cases {
        let error = ClientMessage::decode_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.request(), RequestId(request), "{text}");
        assert_eq!(error.code(), Code::MALFORMED, "{text}");
        let shown = error.to_string();
        assert!(shown.starts_with(expected), "{text}: {shown}");
    }
}

#[test]
fn a_kind_of_the_other_side_or_of_nobody_is_unknown() {
    for name in ["welcome", "bit", "BID", ""] {
        let text = format!(r#"{{"{name}":{{"deep":[1,{{}}]}},"request":"9"}}"#);
        let error = ClientMessage::decode_json(text.as_bytes()).unwrap_err();
        let expected = JsonError::UnknownKind {
            request: RequestId(9),
            name: name.to_owned(),
        };
        assert_eq!(error, expected);
        assert_eq!(error.code(), Code::UNKNOWN_KIND);
    }
}

#[test]
fn a_password_never_comes_back_in_an_error() {
    let texts = [
        r#"{"request":"7","login":{"name":"mia","password":"hunter2","x":1}}"#,
        r#"{"request":"7","login":{"name":"mia","password":["hunter2"]}}"#,
        r#"{"request":"7","login":{"name":"m","password":"hunter2"}}"#,
    ];
    for text in texts {
        let error = ClientMessage::decode_json(text.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_line_is_cut_off_at_the_limit_before_it_is_whole() {
    let mut decoder = LineDecoder::new(8);
    let mut input = &b"12345678\n1234"[..];
    assert_eq!(decoder.next_line(&mut input), Ok(Some(&b"12345678"[..])));
    assert_eq!(decoder.next_line(&mut input), Ok(None));
    assert!(decoder.is_inside_line());
    assert_eq!(
        decoder.next_line(&mut &b"56789"[..]),
        Err(LineError { most: 8 })
    );
    let mut decoder = LineDecoder::new(8);
    assert_eq!(
        decoder.next_line(&mut &b"123456789\n"[..]),
        Err(LineError { most: 8 })
    );
}
