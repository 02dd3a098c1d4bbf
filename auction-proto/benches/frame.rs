//! What the protocol adds to bare postcard: `cargo bench -p auction-proto --bench frame`.

use std::hint::black_box;

use auction_core::{LotId, Price, RequestId};
use auction_proto::{Bid, ClientMessage, FrameDecoder, encode_frame, limits};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

/// A bid without checks, as postcard alone would have it.
#[derive(Serialize, Deserialize)]
struct BareBid {
    lot: u32,
    price: u64,
}

fn bid(criterion: &mut Criterion) {
    let bid = Bid {
        lot: LotId(1_234),
        price: Price::parse("123.45").expect("a decimal"),
    };
    let bare = BareBid {
        lot: bid.lot.0,
        price: bid.price.units(),
    };
    let mut group = criterion.benchmark_group("bid");
    group.throughput(Throughput::Elements(1));
    let mut bytes = Vec::with_capacity(64);
    group.bench_function("bare postcard, written and read", |bencher| {
        let mut buffer = [0; 64];
        bencher.iter(|| {
            let bytes = postcard::to_slice(black_box(&bare), &mut buffer).expect("it fits");
            postcard::from_bytes::<BareBid>(black_box(bytes)).map(|bid| bid.price)
        });
    });
    group.bench_function("frame, written", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            encode_frame(RequestId(7), black_box(&bid), &mut bytes);
        });
    });
    let mut decoder = FrameDecoder::new(limits::REQUEST_BYTES_MAX);
    group.bench_function("frame, found and read", |bencher| {
        bencher.iter(|| {
            let mut input = black_box(&bytes[..]);
            let frame = decoder
                .next_frame(&mut input)
                .expect("a frame")
                .expect("whole");
            ClientMessage::decode(frame.kind, frame.body).is_ok()
        });
    });
    group.bench_function("frame, written, found and read", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            encode_frame(RequestId(7), black_box(&bid), &mut bytes);
            let mut input = black_box(&bytes[..]);
            let frame = decoder
                .next_frame(&mut input)
                .expect("a frame")
                .expect("whole");
            ClientMessage::decode(frame.kind, frame.body).is_ok()
        });
    });
    group.finish();
}

criterion_group!(benches, bid);
criterion_main!(benches);
