//! Entry points of the fuzzers: each takes bytes, and checks the properties of the result.

use auction_core::{FeedSequence, Market, MarketId, RequestId};
use auction_proto::{
    ClientMessage, Frame, FrameDecoder, HEADER_BYTES, Kind, PublicJournalDecoder,
    PublicJournalError, PublicPart, RecordError, ServerMessage, SnapshotAssembler,
    decode_public_records, decode_records, encode_record, limits,
};

/// Frames are the same when the bytes arrive whole and split. The first byte selects the split.
pub fn frame(data: &[u8]) {
    let Some((chunk, bytes)) = data.split_first() else {
        return;
    };
    let most = limits::REQUEST_BYTES_MAX;
    let mut decoder = FrameDecoder::new(most);
    let mut whole = bytes;
    for mut input in bytes.chunks(usize::from(*chunk).max(1)) {
        loop {
            match decoder.next_frame(&mut input) {
                Ok(Some(frame)) => {
                    let expected = Frame::split_from(&mut whole, most);
                    assert_eq!(expected, Ok(Some(frame)), "a split frame differs");
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(Frame::split_from(&mut whole, most), Err(error));
                    return;
                }
            }
        }
        assert!(input.is_empty(), "the decoder takes all it is given");
    }
    assert_eq!(
        Frame::split_from(&mut whole, most),
        Ok(None),
        "the whole holds more"
    );
    assert_eq!(decoder.is_inside_frame(), !whole.is_empty());
}

/// A body is either malformed, or a message whose only encoding it is, and that JSON can represent. The first two
/// bytes are the kind.
pub fn body(data: &[u8]) {
    let Some((kind, body)) = data.split_first_chunk() else {
        return;
    };
    let kind = Kind(u16::from_le_bytes(*kind));
    let mut bytes = Vec::new();
    if let Ok(message) = ClientMessage::decode(kind, body) {
        message.encode(RequestId(0), &mut bytes);
        assert_eq!(&bytes[HEADER_BYTES..], body);
        let json = serde_json::to_string(&message).expect("every message has JSON");
        assert_eq!(
            serde_json::from_str::<ClientMessage>(&json).expect(&json),
            message
        );
    }
    if let Ok(message) = ServerMessage::decode(kind, body) {
        message.encode(RequestId(0), &mut bytes);
        assert_eq!(&bytes[HEADER_BYTES..], body);
        let json = serde_json::to_string(&message).expect("every message has JSON");
        assert_eq!(
            serde_json::from_str::<ServerMessage>(&json).expect(&json),
            message
        );
    }
}

/// A line is either invalid, or a message that is equal after encoding as a frame and as a line.
pub fn json(data: &[u8]) {
    let _ = ServerMessage::decode_json(data);
    if let Ok((request, message)) = ClientMessage::decode_json(data) {
        let mut bytes = Vec::new();
        message.encode_json(request, &mut bytes);
        let again = ClientMessage::decode_json(&bytes);
        assert_eq!(again.as_ref(), Ok(&(request, message.clone())));
        bytes.clear();
        message.encode(request, &mut bytes);
        let body = &bytes[HEADER_BYTES..];
        assert_eq!(ClientMessage::decode(message.kind(), body), Ok(message));
    }
}

/// Decoded records encode to the same bytes; their public parts can be read without the private ones. The first two
/// bytes give the number of public bytes among the others.
pub fn record(data: &[u8]) {
    let Some((public_bytes, bytes)) = data.split_first_chunk() else {
        return;
    };
    let public_bytes = usize::from(u16::from_le_bytes(*public_bytes)).min(bytes.len());
    let (public, private) = bytes.split_at(public_bytes);
    let shown: Result<Vec<_>, RecordError> = decode_public_records(public).collect();
    let records: Result<Vec<_>, RecordError> = decode_records(public, private).collect();
    let Ok(records) = records else {
        return;
    };
    assert_eq!(
        shown.expect("what is read whole is read in part").len(),
        records.len()
    );
    let (mut public_again, mut private_again) = (Vec::new(), Vec::new());
    for record in &records {
        encode_record(record, &[0; 16], &mut public_again, &mut private_again);
    }
    if private.is_empty() && !records.is_empty() {
        assert_eq!(public_again, public);
    }
    let again: Result<Vec<_>, _> = decode_records(&public_again, &private_again).collect();
    assert_eq!(again, Ok(records));
}

/// A public journal gives the same parts whole and split, the same error at the same place, and never more records
/// than its frames count. The first byte selects the split.
pub fn public_journal(data: &[u8]) {
    let Some((chunk, bytes)) = data.split_first() else {
        return;
    };
    let whole = journal_parts(std::iter::once(bytes));
    let split = journal_parts(bytes.chunks(usize::from(*chunk).max(1)));
    assert_eq!(whole, split, "a split journal differs");
}

/// The parts of a journal, and its end.
fn journal_parts<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<u64>, Result<(), PublicJournalError>) {
    let (mut decoder, mut parts) = (PublicJournalDecoder::new(), Vec::new());
    for piece in pieces {
        let mut input = piece;
        loop {
            match decoder.next_part(&mut input) {
                Ok(Some(PublicPart::Market(_))) => parts.push(0),
                Ok(Some(PublicPart::End { last, .. })) => parts.push(last),
                Ok(Some(PublicPart::Frame(frame))) => {
                    let records: Result<Vec<_>, _> = frame.records().collect();
                    if let Ok(records) = records {
                        assert_eq!(records.len() as u64, u64::from(frame.count));
                        parts.push(frame.last());
                        for (record, opening) in records {
                            let _ = record.open(opening);
                        }
                    }
                }
                Ok(None) => break,
                Err(error) => return (parts, Err(error)),
            }
        }
        assert!(input.is_empty(), "the decoder takes all it is given");
    }
    (parts, decoder.finish())
}

/// No message of a server, valid or not, breaks the fold of a client.
pub fn fold(data: &[u8]) {
    let mut input = data;
    let mut assembler = SnapshotAssembler::new();
    let mut market = Market::new(MarketId([0; 16]));
    while let Ok(Some(frame)) = Frame::split_from(&mut input, limits::FRAME_BYTES_MAX) {
        match ServerMessage::decode(frame.kind, frame.body) {
            Ok(ServerMessage::SnapshotPart(part)) => match assembler.add(part) {
                Ok(Some(assembled)) => market = assembled,
                Ok(None) => {}
                Err(_) => assembler = SnapshotAssembler::new(),
            },
            Ok(ServerMessage::Feed(mut feed)) => {
                // Random input would never name the right market and places.
                feed.market = market.id();
                feed.after = market.feed_sequence();
                let end = feed.after.0.saturating_add(feed.entries.len() as u64);
                feed.through = FeedSequence(end);
                let _ = feed.apply_to(&mut market);
            }
            Ok(_) | Err(_) => {}
        }
        let _ = market.digest();
    }
}
