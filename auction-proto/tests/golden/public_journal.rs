//! A public journal: the golden records in two frames, one private part opened, and its end.

use auction_core::{Sequence, Term};
use auction_proto::{
    Chain, Opening, PublicFrame, PublicJournalDecoder, PublicJournalError, PublicPart,
    append_opening, begin_public_journal, decode_openings, encode_record, end_public_journal,
};

use super::messages::MARKET;
use super::records::{SALT, records};

/// Number of records in the first frame.
const FIRST: usize = 3;
/// Total number of records.
const RECORDS: usize = 8;

/// Bytes of the file, and number of its openings.
pub fn journal() -> (Vec<u8>, usize) {
    let records: Vec<_> = records().into_iter().map(|(_, record)| record).collect();
    let (mut out, mut chain, mut opened) = (Vec::new(), Chain::genesis(MARKET), 0);
    begin_public_journal(MARKET, &mut out);
    let mut next = 1;
    for part in [&records[..FIRST], &records[FIRST..RECORDS]] {
        let (mut public, mut private) = (Vec::new(), Vec::new());
        let mut hidden = None;
        for record in part {
            let mut record = record.clone();
            record.sequence = Sequence(next);
            next += 1;
            let before = private.len();
            encode_record(&record, &SALT, &mut public, &mut private);
            if private.len() > before {
                hidden = Some(record.sequence);
            }
        }
        let mut openings = Vec::new();
        if let (Some(sequence), Some(last)) = (hidden, decode_openings(&private).last()) {
            let Opening { salt, part } = last.unwrap();
            append_opening(sequence, Opening { salt, part }, &mut openings);
            opened += 1;
        }
        let first = next - part.len() as u64;
        let count = part.len() as u32;
        chain = chain.next(first, count, &public);
        PublicFrame {
            first,
            count,
            term: Term(2),
            public: &public,
            openings: &openings,
            chain,
        }
        .append(&mut out);
    }
    end_public_journal(next - 1, chain, &mut out);
    (out, opened)
}

#[test]
fn a_public_journal_keeps_its_bytes() {
    let mut golden = super::Golden::open("public_journal");
    let (bytes, opened) = journal();
    golden.holds("journal.hex", &super::hex_file(&bytes));
    golden.assert_complete();

    let mut decoder = PublicJournalDecoder::new();
    let (mut found, mut shown, mut ended) = (0, 0, false);
    for piece in bytes.chunks(7) {
        let mut rest = piece;
        while let Some(part) = decoder.next_part(&mut rest).unwrap() {
            match part {
                PublicPart::Market(market) => assert_eq!(market, MARKET),
                PublicPart::Frame(frame) => {
                    for record in frame.records() {
                        let (record, opening) = record.unwrap();
                        found += 1;
                        assert_eq!(record.sequence, Sequence(found));
                        if opening.is_some() {
                            shown += 1;
                            record.open(opening).unwrap();
                        }
                    }
                }
                PublicPart::End { last, .. } => ended = last == RECORDS as u64,
            }
        }
    }
    decoder.finish().unwrap();
    assert_eq!((found, shown, ended), (RECORDS as u64, opened, true));
    assert!(opened > 0);
}

/// The chain does not cover the term, so the decoder must judge it alone.
#[test]
fn terms_begin_at_one_and_never_fall() {
    let (bytes, _) = journal();
    let frames = frame_offsets(&bytes);
    let read = |terms: [u64; 2]| {
        let mut changed = bytes.clone();
        for (&frame, term) in frames.iter().zip(terms) {
            changed[frame + 12..frame + 20].copy_from_slice(&term.to_le_bytes());
        }
        let (mut decoder, mut rest) = (PublicJournalDecoder::new(), &changed[..]);
        loop {
            match decoder.next_part(&mut rest) {
                Ok(Some(_)) => {}
                Ok(None) => return decoder.finish(),
                Err(error) => return Err(error),
            }
        }
    };
    let falls = |frame: usize, before, found| {
        Err(PublicJournalError::Term {
            offset: frames[frame] as u64,
            before: Term(before),
            found: Term(found),
        })
    };
    for terms in [[1, 1], [1, 2], [2, 2], [1, u64::MAX], [u64::MAX, u64::MAX]] {
        assert_eq!(read(terms), Ok(()), "{terms:?}");
    }
    assert_eq!(read([0, 1]), falls(0, 1, 0));
    assert_eq!(read([2, 1]), falls(1, 2, 1));
    assert_eq!(
        read([u64::MAX, u64::MAX - 1]),
        falls(1, u64::MAX, u64::MAX - 1)
    );
}

/// Offsets of the frames with records.
fn frame_offsets(bytes: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut offsets) = (32, Vec::new());
    while number(at) > 0 {
        offsets.push(at);
        at += 60 + number(at + 20) + number(at + 24);
    }
    offsets
}
