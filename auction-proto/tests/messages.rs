//! Every message in both encodings, whole, cut, extended and split.

use auction_core::limits::{BIDS_OPENED_MAX, QUANTITY_MAX, TIMESTAMP_MAX_MICROS};
use auction_core::{
    FeedSequence, LotId, MarketId, OpenedBid, OrderId, Price, PublicEvent, Quantity, RequestId,
    Term, Timestamp, UserId,
};
use auction_proto::{
    BodyError, ClientMessage, Feed, FeedEntry, Frame, FrameDecoder, HEADER_BYTES, Kind, Sender,
    ServerMessage, arbitrary, limits,
};
use proptest::prelude::*;

/// A message of either side.
#[derive(Clone, Debug, PartialEq)]
enum Message {
    Client(ClientMessage),
    Server(ServerMessage),
}

impl Message {
    fn frame(&self, request: RequestId) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Client(message) => message.encode(request, &mut bytes),
            Self::Server(message) => message.encode(request, &mut bytes),
        }
        bytes
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Client(message) => message.kind(),
            Self::Server(message) => message.kind(),
        }
    }

    fn decode(kind: Kind, body: &[u8]) -> Result<Self, BodyError> {
        match kind.sender() {
            Sender::Server => ServerMessage::decode(kind, body).map(Self::Server),
            Sender::Client | Sender::Nobody => ClientMessage::decode(kind, body).map(Self::Client),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Client(message) => serde_json::to_string(message),
            Self::Server(message) => serde_json::to_string(message),
        }
        .unwrap()
    }

    fn of_this_side(&self, json: &str) -> serde_json::Result<Self> {
        match self {
            Self::Client(_) => serde_json::from_str(json).map(Self::Client),
            Self::Server(_) => serde_json::from_str(json).map(Self::Server),
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        arbitrary::client_message().prop_map(Message::Client),
        arbitrary::server_message().prop_map(Message::Server),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_back_from_its_frame(message in message(), request: u64) {
        let bytes = message.frame(RequestId(request));
        let mut input = &bytes[..];
        let frame = Frame::split_from(&mut input, limits::FRAME_BYTES_MAX).unwrap().unwrap();
        prop_assert_eq!(frame.kind, message.kind());
        prop_assert_eq!(frame.request, RequestId(request));
        prop_assert_eq!(Message::decode(frame.kind, frame.body), Ok(message));
        prop_assert!(input.is_empty());
    }

    #[test]
    fn a_message_comes_back_from_its_json_and_stands_under_its_kind(message in message()) {
        let json = message.json();
        let start = format!("{{\"{}\":{{", message.kind().name().unwrap());
        prop_assert!(json.starts_with(&start), "{json}");
        prop_assert_eq!(message.of_this_side(&json).unwrap(), message);
    }

    #[test]
    fn a_body_cut_short_or_followed_by_a_byte_is_malformed(message in message(), next: u8) {
        let kind = message.kind();
        let mut body = message.frame(RequestId(0)).split_off(HEADER_BYTES);
        for length in 0..body.len() {
            prop_assert_eq!(Message::decode(kind, &body[..length]), Err(BodyError::Malformed(kind)));
        }
        body.push(next);
        prop_assert_eq!(Message::decode(kind, &body), Err(BodyError::Malformed(kind)));
    }

    #[test]
    fn a_body_has_one_encoding(message in message(), at: prop::sample::Index, byte: u8) {
        let kind = message.kind();
        let mut body = message.frame(RequestId(0)).split_off(HEADER_BYTES);
        prop_assume!(!body.is_empty());
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(other) = Message::decode(kind, &body) {
            prop_assert_eq!(&other.frame(RequestId(0))[HEADER_BYTES..], &body[..]);
        }
    }

    #[test]
    fn any_bytes_are_a_message_in_its_one_encoding_or_an_error(kind in 0_u16..160, body: Vec<u8>) {
        if let Ok(message) = Message::decode(Kind(kind), &body) {
            prop_assert_eq!(&message.frame(RequestId(0))[HEADER_BYTES..], &body[..]);
        }
    }

    #[test]
    fn frames_come_out_of_bytes_split_anywhere(
        messages in prop::collection::vec(message(), 1..6),
        cuts: Vec<prop::sample::Index>,
    ) {
        let mut bytes = auction_proto::PREFACE.to_vec();
        for (request, message) in (0..).zip(&messages) {
            bytes.extend(message.frame(RequestId(request)));
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = FrameDecoder::after_preface(limits::FRAME_BYTES_MAX);
        let mut decoded = Vec::new();
        for cut in cuts.windows(2) {
            let mut input = &bytes[cut[0]..cut[1]];
            while let Some(frame) = decoder.next_frame(&mut input).unwrap() {
                prop_assert_eq!(frame.request, RequestId(decoded.len() as u64));
                decoded.push(Message::decode(frame.kind, frame.body).unwrap());
            }
            prop_assert!(input.is_empty());
        }
        prop_assert!(!decoder.is_inside_frame());
        prop_assert_eq!(decoded, messages);
    }

    #[test]
    fn any_bytes_are_frames_or_an_error(bytes: Vec<u8>, chunk in 1_usize..40) {
        let mut decoder = FrameDecoder::new(1_000);
        'connection: for mut input in bytes.chunks(chunk) {
            loop {
                match decoder.next_frame(&mut input) {
                    Ok(Some(frame)) => prop_assert!(frame.body.len() <= 990),
                    Ok(None) => break,
                    Err(_) => break 'connection,
                }
            }
        }
    }
}

#[test]
fn a_feed_of_the_longest_opened_bids_fits_its_frame() {
    let bid = OpenedBid {
        bidder: UserId(u32::MAX),
        order: OrderId(u32::MAX),
        price: Price::MAX,
        quantity: Quantity::new(QUANTITY_MAX).unwrap(),
        filled: u64::MAX,
        pays: Some(Price::MAX),
    };
    let entry = FeedEntry {
        at: Timestamp::from_micros(TIMESTAMP_MAX_MICROS).unwrap(),
        event: PublicEvent::BidsOpened {
            lot: LotId(u32::MAX),
            bids: vec![bid; BIDS_OPENED_MAX],
        },
    };
    let entries = vec![entry; limits::FEED_ENTRIES_MAX];
    let last = FeedSequence(u64::MAX);
    let feeds = Feed::of_commit(MarketId([0xff; 16]), Term(u64::MAX), last, entries);
    let mut bytes = Vec::new();
    ServerMessage::from(feeds[0].clone()).encode(RequestId(0), &mut bytes);
    assert!(
        bytes.len() - 4 <= limits::FRAME_BYTES_MAX,
        "{}",
        bytes.len()
    );
}
