//! Inputs as large as a frame or a line can be: messages with full lists, and bytes without meaning.

use std::collections::BTreeMap;

use auction_core::RequestId;
use auction_proto::limits::{FRAME_BYTES_MAX, REQUEST_BYTES_MAX};
use auction_proto::{HEADER_BYTES, Kind, List, ServerMessage, arbitrary, encode_record};

use super::{SplitMix, drawn};

/// Bytes with special meanings in varints, tags and lengths; 0x5a has none.
const FILLS: [u8; 6] = [0, 1, 0x7f, 0x80, 0xff, 0x5a];

/// Messages with full lists, as frames; for each kind that has a list, the largest one drawn.
pub fn full_frames() -> Vec<Vec<u8>> {
    let mut largest: BTreeMap<Kind, Vec<u8>> = BTreeMap::new();
    for mut message in drawn(arbitrary::server_message()) {
        if fill(&mut message) {
            let mut bytes = Vec::new();
            message.encode(RequestId(1), &mut bytes);
            assert!(bytes.len() <= 4 + FRAME_BYTES_MAX, "{}", message.kind());
            let before = largest.entry(message.kind()).or_default();
            if bytes.len() > before.len() {
                *before = bytes;
            }
        }
    }
    assert!(largest.len() >= 5, "most kinds with lists are drawn");
    let longest = largest.values().map(Vec::len).max();
    assert!(longest > Some(FRAME_BYTES_MAX / 16), "{longest:?}");
    largest.into_values().collect()
}

/// For each kind, bodies that fill a frame with bytes without meaning.
pub fn senseless_bodies() -> impl Iterator<Item = Vec<u8>> {
    let of_kind = |kind: &Kind| {
        let kind = kind.0.to_le_bytes();
        FILLS.map(move |fill| {
            let mut body = kind.to_vec();
            body.resize(2 + 4 + FRAME_BYTES_MAX - HEADER_BYTES, fill);
            body
        })
    };
    Kind::ALL.iter().flat_map(of_kind)
}

/// Streams of frames that contain a frame of the maximum length, one byte more, or the maximum length cut short.
pub fn large_streams() -> Vec<Vec<u8>> {
    let mut random = SplitMix(0x1a46e);
    let mut streams = Vec::new();
    for length in [REQUEST_BYTES_MAX, REQUEST_BYTES_MAX + 1] {
        for missing in [0, 1, 4_096] {
            // The split, then twice a length and as many bytes.
            let mut stream = vec![250];
            for _ in 0..2 {
                stream.extend(u32::try_from(length).unwrap().to_le_bytes());
                stream.extend((0..length).map(|_| random.below(255) as u8));
            }
            stream.truncate(stream.len() - missing);
            streams.push(stream);
        }
    }
    streams
}

/// Lines of the maximum length: deep, wide, long, or almost a message.
pub fn large_lines() -> Vec<Vec<u8>> {
    let whole = |begin: &str, middle: &str, end: &str| {
        let room = REQUEST_BYTES_MAX - begin.len() - end.len();
        let middle = middle.repeat(room / middle.len());
        [begin, &middle, end].concat().into_bytes()
    };
    let bid = "{\"request\":\"1\",\"bid\":{\"lot\":1,\"price\":\"";
    let symbols = "{\"request\":\"1\",\"watch_symbols\":{\"resume\":null,\"symbols\":[\"A\"";
    vec![
        whole("", "[", ""),
        whole("", "{\"a\":", ""),
        whole("{\"request\":\"1\",\"bid\":", "[[]", "}"),
        whole(bid, "9", "\"}}"),
        whole(bid, "\\u0031", "\"}}"),
        whole(
            "{\"request\":\"",
            "0",
            "1\",\"ping\":{\"client_time\":\"1\"}}",
        ),
        whole("{\"request\":\"1\",", " ", "\"logout\":{}}"),
        whole("{\"request\":\"1\",", "\"bid\":{},", "\"bid\":{}}"),
        whole(symbols, ",\"A\"", "]}}"),
        whole(
            "{\"request\":\"1\",\"login\":{\"name\":\"mia\",\"password\":\"",
            "\u{e9}",
            "\"}}",
        ),
        whole("", "\u{0}", ""),
        vec![0xff; REQUEST_BYTES_MAX],
    ]
}

/// Batches of records whose public part has the maximum length that the target's input format can express, in the
/// order of the target.
pub fn large_batch() -> Vec<u8> {
    let (mut public, mut private) = (Vec::new(), Vec::new());
    for record in drawn(arbitrary::record()) {
        let before = (public.len(), private.len());
        encode_record(&record, &[9; 16], &mut public, &mut private);
        if public.len() > usize::from(u16::MAX) {
            public.truncate(before.0);
            private.truncate(before.1);
            break;
        }
    }
    let length = u16::try_from(public.len()).unwrap();
    [&length.to_le_bytes()[..], &public, &private].concat()
}

/// Fills the lists of a message by repeating their elements; returns true if one of them is full.
fn fill(message: &mut ServerMessage) -> bool {
    match message {
        ServerMessage::Feed(feed) => full(&mut feed.entries),
        ServerMessage::FilteredFeed(feed) => full(&mut feed.entries),
        ServerMessage::SnapshotPart(part) => {
            let users = full(&mut part.users);
            full(&mut part.lots) | users
        }
        ServerMessage::History(history) => full(&mut history.bids),
        ServerMessage::Account(account) => full(&mut account.leads) | full(&mut account.orders),
        ServerMessage::AccountFeed(feed) => full(&mut feed.entries),
        ServerMessage::Balance(balance) => full(&mut balance.holdings),
        ServerMessage::Orders(orders) => full(&mut orders.orders),
        _ => false,
    }
}

fn full<T: Clone, const MAX: usize>(list: &mut List<T, MAX>) -> bool {
    let elements = std::mem::take(list).into_vec();
    let is_some = !elements.is_empty();
    let elements = elements.iter().cloned().cycle();
    let elements = elements.take(if is_some { MAX } else { 0 }).collect();
    *list = List::new(elements).expect("no longer than it can be");
    is_some
}
