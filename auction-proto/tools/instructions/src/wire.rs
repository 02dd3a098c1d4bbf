//! Hot paths of the wire and the journal.

use std::hint::black_box;

use auction_core::{
    BidAccepted, BidReply, FeedSequence, LotId, MarketId, Price, PublicEvent, Reply, RequestId,
    ReserveStatus, Term, Timestamp, UserId,
};
use auction_proto::{
    Accepted, Bid, Body, ClientMessage, Done, Feed, FeedEntry, FrameDecoder, SALT_BYTES,
    ServerMessage, decode_records, encode_frame, encode_record, limits,
};

use crate::stage::record_of_a_bid;

pub fn bids(operations: u64) {
    let body = Bid {
        lot: LotId(1_234),
        price: price(1_234_500),
    };
    let mut wire = Wire::new();
    for number in 0..operations {
        wire.carry(number, &body, |frame| {
            ClientMessage::decode(frame.kind, frame.body).is_ok()
        });
    }
}

pub fn acknowledgements(operations: u64) {
    let body = Accepted {
        feed_sequence: FeedSequence(1_234_567),
        done: Done::Now,
        reply: Reply::Bid(BidReply {
            lot: LotId(1_234),
            leads: true,
            price: Some(price(1_234_500)),
            extended_to: None,
            bought: false,
        }),
    };
    let mut wire = Wire::new();
    for number in 0..operations {
        wire.carry(number, &body, |frame| {
            ServerMessage::decode(frame.kind, frame.body).is_ok()
        });
    }
}

pub fn feeds(operations: u64) {
    let entry = |number: u32| FeedEntry {
        at: Timestamp::from_secs(1_800_000_000),
        event: PublicEvent::BidAccepted(BidAccepted {
            lot: LotId(number),
            bidder: UserId(number),
            amount: Some(price(1_234_500)),
            leader: UserId(number),
            price: price(1_234_500),
            least: Some(price(1_234_600)),
            bidders: 7,
            reserve: ReserveStatus::None,
        }),
    };
    let entries = (1_000..1_064).map(entry);
    let feed = Feed::of_commit(MarketId([7; 16]), Term(1), FeedSequence(5_000), entries);
    let mut wire = Wire::new();
    for number in 0..operations {
        wire.carry(number, &feed[0], |frame| {
            ServerMessage::decode(frame.kind, frame.body).is_ok()
        });
    }
}

pub fn records_written(operations: u64) {
    let record = record_of_a_bid();
    let (mut public, mut private) = (Vec::with_capacity(1_024), Vec::with_capacity(1_024));
    for _ in 0..operations {
        public.clear();
        encode_record(
            black_box(&record),
            &[7; SALT_BYTES],
            &mut public,
            &mut private,
        );
        black_box(&public);
    }
}

pub fn records_read(operations: u64) {
    let record = record_of_a_bid();
    let (mut public, mut private) = (Vec::new(), Vec::new());
    encode_record(&record, &[7; SALT_BYTES], &mut public, &mut private);
    for _ in 0..operations {
        for record in decode_records(black_box(&public), &private) {
            black_box(record.expect("what was written can be read"));
        }
    }
}

struct Wire {
    bytes: Vec<u8>,
    decoder: FrameDecoder,
}

impl Wire {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(64 * 1_024),
            decoder: FrameDecoder::new(limits::FRAME_BYTES_MAX),
        }
    }

    fn carry<B: Body>(
        &mut self,
        number: u64,
        body: &B,
        read: impl FnOnce(auction_proto::Frame<'_>) -> bool,
    ) {
        self.bytes.clear();
        encode_frame(RequestId(number), black_box(body), &mut self.bytes);
        let mut input = black_box(&self.bytes[..]);
        let frame = self.decoder.next_frame(&mut input).expect("a frame");
        assert!(
            read(frame.expect("a whole one")),
            "what was written can be read"
        );
    }
}

fn price(units: u64) -> Price {
    Price::from_units(units).expect("a small price")
}
