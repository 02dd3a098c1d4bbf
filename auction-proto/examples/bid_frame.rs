//! Prints the bytes that a client sends for a bid, as hexadecimal digits: `cargo run -p auction-proto --example
//! bid_frame -- 3 1.40`.
//! The example `decode_frames` reads them again.

use std::error::Error;

use auction_core::{LotId, Price, RequestId};
use auction_proto::{Bid, ClientMessage, PREFACE};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lot, price] = arguments.as_slice() else {
        return Err("usage: bid_frame LOT PRICE, such as: bid_frame 3 1.40".into());
    };
    let bid = Bid {
        lot: LotId(lot.parse()?),
        price: Price::parse(price)?,
    };
    // A connection begins with the preface. A real program sends `hello` and `login` between the preface and the bid.
    let mut bytes = PREFACE.to_vec();
    ClientMessage::from(bid).encode(RequestId(1), &mut bytes);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{digits}");
    Ok(())
}
