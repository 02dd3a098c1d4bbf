//! Cost of a frame over bare postcard: `cargo bench -p auction-proto --bench frame`.
//!
//! A bid is written and read as a frame with all its checks, and for comparison as postcard alone does it: two
//! numbers without range checks and without a frame. Sixteen bids are written, then read, as they arrive over a
//! socket: a bid that is read immediately after it is written measures only the wait for its own bytes to reach
//! memory. Both forms alternate in one run; each value is the median over all turns. A test (`tests/memory.rs`)
//! checks that nothing is allocated. With `--values` the output is for programs: a name, our nanoseconds per bid, and
//! those of bare postcard.

use std::hint::black_box;
use std::time::Instant;

use auction_core::{LotId, Price, RequestId};
use auction_proto::{Bid, ClientMessage, FrameDecoder, encode_frame, limits};
use serde::{Deserialize, Serialize};

const TURNS: usize = 501;
/// Number of rounds of writing and reading in one turn.
const TIMES: u32 = 1_000;
/// Number of bids written before they are read.
const BIDS: u32 = 16;
/// Upper bound of the bytes of one bid in either form.
const BYTES_EACH: usize = 64;

/// A bid without checks, as postcard alone encodes it.
#[derive(Serialize, Deserialize)]
struct BareBid {
    lot: u32,
    price: u64,
}

fn main() {
    let bid = Bid {
        lot: LotId(1_234),
        price: Price::parse("123.45").expect("a decimal"),
    };
    let bare = BareBid {
        lot: bid.lot.0,
        price: bid.price.units(),
    };
    let mut bytes = Vec::with_capacity(BIDS as usize * BYTES_EACH);
    let mut buffer = [0; BIDS as usize * BYTES_EACH];
    let mut decoder = FrameDecoder::new(limits::REQUEST_BYTES_MAX);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        theirs.push(nanos(|| write_and_read_bare(&bare, &mut buffer)));
        ours.push(nanos(|| write_and_read(&bid, &mut decoder, &mut bytes)));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    if std::env::args().any(|argument| argument == "--values") {
        println!("frame\t{ours}\t{theirs}");
    } else {
        println!("a bid's frame, written and read: {ours:.1} ns");
        println!("bare postcard, written and read: {theirs:.1} ns");
        println!("ratio: {:.2}", ours / theirs);
    }
}

fn write_and_read(bid: &Bid, decoder: &mut FrameDecoder, bytes: &mut Vec<u8>) {
    bytes.clear();
    for _ in 0..BIDS {
        encode_frame(RequestId(7), black_box(bid), bytes);
    }
    let mut input = black_box(&bytes[..]);
    while let Some(frame) = decoder.next_frame(&mut input).expect("frames") {
        let message = ClientMessage::decode(frame.kind, frame.body);
        black_box(&message).as_ref().expect("a bid");
    }
}

fn write_and_read_bare(bid: &BareBid, buffer: &mut [u8]) {
    let mut rest = &mut *buffer;
    for _ in 0..BIDS {
        let written = postcard::to_slice(black_box(bid), rest).expect("it fits");
        let count = written.len();
        rest = &mut rest[count..];
    }
    let left = rest.len();
    let mut input = black_box(&buffer[..buffer.len() - left]);
    while !input.is_empty() {
        let (bid, rest) = postcard::take_from_bytes::<BareBid>(input).expect("a bid");
        black_box(&bid);
        input = rest;
    }
}

/// Nanoseconds per bid.
fn nanos(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    (0..TIMES).for_each(|_| work());
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES * BIDS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
