//! Memory use of decoding: none for a bid, and never more than the received bytes justify.

use allocation_counter::measure;
use auction_core::{
    Actor, BidAccepted, Command, Event, LotId, Price, PublicEvent, Record, RequestId,
    ReserveStatus, Sequence, SessionId, Timestamp, UserId,
};
use auction_proto::{
    Bid, BodyError, ClientMessage, FrameDecoder, Kind, ServerMessage, arbitrary, decode_records,
    encode_frame, encode_record, limits,
};
use proptest::prelude::*;

/// Maximum ratio of an element's size in memory to its smallest encoding: an event of nearly two hundred bytes can be
/// encoded in five.
const FACTOR: u64 = 48;
/// Memory that decoding may use for any input: the first reservation of each list.
const BASE: u64 = 16 * 1024;

const BID: Bid = Bid {
    lot: LotId(3),
    price: Price::MAX,
};

#[test]
fn a_plain_bid_is_written_and_read_without_allocation() {
    let mut bytes = Vec::with_capacity(64);
    let mut decoder = FrameDecoder::after_preface(limits::REQUEST_BYTES_MAX);
    decoder
        .next_frame(&mut &auction_proto::PREFACE[..])
        .unwrap();
    let counted = measure(|| {
        encode_frame(RequestId(7), &BID, &mut bytes);
        let mut input = &bytes[..];
        let frame = decoder.next_frame(&mut input).unwrap().unwrap();
        let message = ClientMessage::decode(frame.kind, frame.body).unwrap();
        assert_eq!(message, ClientMessage::Bid(BID));
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_record_of_a_plain_bid_is_written_without_allocation() {
    let (lot, price) = (LotId(3), Price::MAX);
    let accepted = BidAccepted {
        lot,
        bidder: UserId(1),
        amount: Some(price),
        leader: UserId(1),
        price,
        least: None,
        bidders: 1,
        reserve: ReserveStatus::None,
    };
    let record = Record {
        sequence: Sequence(u64::MAX),
        at: Timestamp::from_secs(1_800_000_000),
        rules: 1,
        actor: Actor::User(UserId(1)),
        request: Some((SessionId(9), RequestId(7))),
        command: Command::Bid { lot, price },
        events: [Event::Public(PublicEvent::BidAccepted(accepted))]
            .into_iter()
            .collect(),
    };
    let (mut public, mut private) = (Vec::with_capacity(1_024), Vec::new());
    let counted = measure(|| encode_record(&record, &[0; 16], &mut public, &mut private));
    assert_eq!(counted.count_total, 0);
    assert!(private.is_empty());
}

fn bytes_to_decode(kind: Kind, body: &[u8]) -> u64 {
    let counted = measure(|| {
        let _ = ClientMessage::decode(kind, body);
        let _ = ServerMessage::decode(kind, body);
    });
    counted.bytes_max
}

fn assert_justified(kind: Kind, body: &[u8]) {
    let taken = bytes_to_decode(kind, body);
    let length = body.len() as u64;
    assert!(
        taken <= BASE + FACTOR * length,
        "{taken} bytes were taken for {length} of {kind}"
    );
}

#[test]
fn a_list_that_claims_billions_of_elements_is_refused_at_once() {
    // Four billion, and the largest number that a length can have.
    let claims = [
        &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ];
    for claim in claims {
        let sessions = Kind::SESSIONS;
        let decoded = ServerMessage::decode(sessions, claim);
        assert_eq!(decoded, Err(BodyError::Malformed(sessions)));
        assert_justified(sessions, claim);
        // A name with the same number of bytes.
        let login = Kind::LOGIN;
        let decoded = ClientMessage::decode(login, claim);
        assert_eq!(decoded, Err(BodyError::Malformed(login)));
        assert_justified(login, claim);
    }
}

#[test]
fn a_list_over_its_limit_is_refused_though_its_bytes_are_there() {
    // History of 1,025 bids of six bytes each: lot 1, total 0, then the number as a varint; last, no opened bids.
    let mut body = vec![1, 0, 0x81, 0x08];
    body.extend([0; 6 * 1_025]);
    body.push(0);
    let history = Kind::HISTORY;
    let decoded = ServerMessage::decode(history, &body);
    assert_eq!(decoded, Err(BodyError::Malformed(history)));
    // One bid fewer is accepted.
    body[2] = 0x80;
    body.truncate(4 + 6 * 1_024 + 1);
    assert!(ServerMessage::decode(history, &body).is_ok());
    assert_justified(history, &body);
}

#[test]
fn the_smallest_elements_take_no_more_than_the_factor() {
    // Feeds of published profits, the smallest events: time 0, kind 6, symbol "A", profit 0.
    for count in [10, 100, 1_000] {
        let mut body = vec![16];
        body.extend([0; 16 + 3]);
        body.extend([0x80 | (count & 0x7f) as u8, (count >> 7) as u8]);
        if count < 0x80 {
            body.pop();
            *body.last_mut().unwrap() &= 0x7f;
        }
        for _ in 0..count {
            body.extend([0, 6, 1, b'A', 0]);
        }
        assert!(ServerMessage::decode(Kind::FEED, &body).is_ok());
        assert_justified(Kind::FEED, &body);
    }
}

#[test]
fn overlong_numbers_are_refused() {
    // Lot 3 as `83 00`, and as five bytes; price 1.
    for body in [
        &[0x83, 0x00, 0x01][..],
        &[0x83, 0x80, 0x80, 0x80, 0x00, 0x01],
    ] {
        let decoded = ClientMessage::decode(Kind::BID, body);
        assert_eq!(decoded, Err(BodyError::Malformed(Kind::BID)));
    }
    assert!(ClientMessage::decode(Kind::BID, &[0x03, 0x01]).is_ok());
}

#[test]
fn values_out_of_range_are_refused() {
    let cases: [(Kind, &[u8], &str); 5] = [
        (
            Kind::BID,
            &[3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            "a price",
        ),
        (
            Kind::BID,
            &[0xff, 0xff, 0xff, 0xff, 0x1f, 1],
            "a lot of more than 32 bits",
        ),
        (Kind::WATCH, &[2], "an option that is neither there nor not"),
        (Kind::LOGIN, b"\x03miA\x01x", "a name in upper case"),
        (Kind::LOGIN, b"\x03mi\xff\x01x", "a name that is no UTF-8"),
    ];
    for (kind, body, what) in cases {
        let decoded = ClientMessage::decode(kind, body);
        assert_eq!(decoded, Err(BodyError::Malformed(kind)), "{what}");
    }
}

proptest! {
    #[test]
    fn decoding_takes_no_more_than_the_bytes_justify(kind in 0_u16..160, body: Vec<u8>) {
        assert_justified(Kind(kind), &body);
    }

    #[test]
    fn decoding_records_takes_no_more_than_the_bytes_justify(
        record in arbitrary::record(),
        changes: Vec<(prop::sample::Index, u8)>,
    ) {
        let (mut public, mut private) = (Vec::new(), Vec::new());
        encode_record(&record, &[0; 16], &mut public, &mut private);
        for (at, byte) in changes {
            let at = at.index(public.len());
            public[at] = byte;
        }
        let counted = measure(|| {
            let _ = decode_records(&public, &private).count();
        });
        let length = (public.len() + private.len()) as u64;
        prop_assert!(counted.bytes_max <= BASE + FACTOR * length);
    }

    #[test]
    fn a_changed_message_takes_no_more_memory_than_bytes_justify(
        message in arbitrary::server_message(),
        changes: Vec<(prop::sample::Index, u8)>,
    ) {
        let mut bytes = Vec::new();
        message.encode(RequestId(0), &mut bytes);
        let body = &mut bytes[auction_proto::HEADER_BYTES..];
        prop_assume!(!body.is_empty());
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        assert_justified(message.kind(), body);
    }

    #[test]
    fn a_decoder_holds_no_more_than_the_frame_that_has_begun(
        length in 10_u32..1_000_000,
        come in 0_usize..5_000,
    ) {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.resize(4 + come.min(length as usize - 1), 0);
        let counted = measure(|| {
            let mut decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
            for mut input in bytes.chunks(100) {
                assert!(decoder.next_frame(&mut input).unwrap().is_none());
            }
        });
        assert!(counted.bytes_max <= 3 * bytes.len() as u64 + 64);
    }
}
