//! Explains the bytes of a connection, given as hexadecimal digits:
//! `cargo run -p auction-proto --example decode_frames -- a55543540d0000000800010000000000000003b06d`.

use std::error::Error;

use auction_proto::explain::{Says, explain};
use auction_proto::{ClientMessage, FrameDecoder, PREFACE, limits};

fn main() -> Result<(), Box<dyn Error>> {
    let digits = std::env::args().nth(1);
    let digits =
        digits.ok_or("usage: decode_frames DIGITS, such as the example bid_frame prints")?;
    let bytes = from_digits(&digits)?;

    // Explains the bytes part by part, including invalid ones.
    for part in explain(&bytes) {
        let range = format!("{}..{}", part.at.start, part.at.end);
        match part.says {
            Says::Body(json) => println!("{range:>9}  {json}"),
            says => println!("{range:>9}  {says:?}"),
        }
    }

    // Decodes them as a program does: complete frames, then messages.
    let mut rest = bytes.strip_prefix(&PREFACE).unwrap_or(&bytes);
    let mut decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
    while let Some(frame) = decoder.next_frame(&mut rest)? {
        println!("{:?}", ClientMessage::decode(frame.kind, frame.body)?);
    }
    Ok(())
}

fn from_digits(digits: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return Err("expected an even number of hexadecimal digits".into());
    }
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16);
    Ok((0..digits.len())
        .step_by(2)
        .map(byte)
        .collect::<Result<_, _>>()?)
}
