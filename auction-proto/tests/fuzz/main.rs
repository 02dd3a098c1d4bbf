//! The fuzzers' checks over inputs drawn by seed: short, so that every test run covers them. For longer runs see
//! `fuzz/README.md`.

mod entry;
mod large;

use std::fs;
use std::path::Path;

use auction_core::{MarketId, Record, RequestId, Sequence, Term};
use auction_proto::{
    Chain, PublicFrame, append_opening, arbitrary, begin_public_journal, decode_openings,
    encode_record, end_public_journal,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Number of inputs of each kind.
const INPUTS: usize = 300;
/// Number of changes per input.
const CHANGES: usize = 12;

type Entry = fn(&[u8]);

#[test]
fn changed_frames_break_nothing() {
    run(entry::frame, &frames());
}

#[test]
fn changed_bodies_break_nothing() {
    run(entry::body, &bodies());
}

#[test]
fn changed_json_breaks_nothing() {
    run(entry::json, &jsons());
}

#[test]
fn changed_records_break_nothing() {
    run(entry::record, &records());
}

#[test]
fn changed_public_journals_break_nothing() {
    run(entry::public_journal, &public_journals());
}

#[test]
fn changed_feeds_and_snapshots_break_no_fold() {
    run(entry::fold, &folds());
}

/// Number of changes per input that is as large as a frame.
const LARGE_CHANGES: usize = 2;

#[test]
fn frames_of_the_largest_size_break_nothing() {
    let streams = large::large_streams();
    run_changed(entry::frame, &streams, LARGE_CHANGES);
}

#[test]
fn bodies_that_fill_a_frame_break_nothing() {
    let full: Vec<_> = large::full_frames()
        .iter()
        .map(|frame| [&frame[4..6], &frame[14..]].concat())
        .collect();
    run_changed(entry::body, &full, LARGE_CHANGES);
    large::senseless_bodies().for_each(|body| entry::body(&body));
}

#[test]
fn lines_of_the_largest_size_break_nothing() {
    run_changed(entry::json, &large::large_lines(), LARGE_CHANGES);
}

#[test]
fn a_batch_of_records_as_large_as_it_can_be_breaks_nothing() {
    run_changed(entry::record, &[large::large_batch()], LARGE_CHANGES);
}

#[test]
fn feeds_and_snapshots_that_fill_a_frame_break_no_fold() {
    run_changed(entry::fold, &large::full_frames(), LARGE_CHANGES);
}

/// Writes seed inputs for the fuzzers.
#[test]
#[ignore = "writes fuzz/corpus"]
fn seeds() {
    let targets = [
        ("frame", frames()),
        ("body", bodies()),
        ("json", jsons()),
        ("record", records()),
        ("public_journal", public_journals()),
        ("fold", folds()),
    ];
    for (target, inputs) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), input).unwrap();
        }
    }
}

fn run(entry: Entry, inputs: &[Vec<u8>]) {
    run_changed(entry, inputs, CHANGES);
}

fn run_changed(entry: Entry, inputs: &[Vec<u8>], changes: usize) {
    let mut random = SplitMix(0x5eed);
    for input in inputs {
        entry(input);
        for _ in 0..changes {
            entry(&changed(input, &mut random));
        }
    }
}

/// Changes, inserts or removes one to four bytes, or cuts off the end.
fn changed(input: &[u8], random: &mut SplitMix) -> Vec<u8> {
    let mut input = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(input.len());
        // Values at the limits of varints and tags are drawn more often.
        let byte = [0, 1, 2, 0x7f, 0x80, 0xff, random.below(255) as u8][random.below(6)];
        match random.below(4) {
            0 | 1 if at < input.len() => input[at] = byte,
            2 => input.insert(at, byte),
            3 if at < input.len() => drop(input.remove(at)),
            _ => input.truncate(at),
        }
    }
    input
}

fn frames() -> Vec<Vec<u8>> {
    drawn(arbitrary::client_message())
        .map(|message| {
            let mut bytes = vec![7];
            message.encode(RequestId(1), &mut bytes);
            message.encode(RequestId(2), &mut bytes);
            bytes
        })
        .collect()
}

fn bodies() -> Vec<Vec<u8>> {
    let client = drawn(arbitrary::client_message()).map(|message| {
        let mut bytes = Vec::new();
        message.encode(RequestId(1), &mut bytes);
        bytes
    });
    let server = drawn(arbitrary::server_message()).map(|message| {
        let mut bytes = Vec::new();
        message.encode(RequestId(1), &mut bytes);
        bytes
    });
    // Kind, then the body after the request number.
    client
        .chain(server)
        .map(|frame| [&frame[4..6], &frame[14..]].concat())
        .collect()
}

fn jsons() -> Vec<Vec<u8>> {
    drawn(arbitrary::client_message())
        .map(|message| {
            let mut line = Vec::new();
            message.encode_json(RequestId(1), &mut line);
            line
        })
        .collect()
}

fn records() -> Vec<Vec<u8>> {
    drawn(arbitrary::record())
        .map(|record| {
            let (mut public, mut private) = (Vec::new(), Vec::new());
            encode_record(&record, &[9; 16], &mut public, &mut private);
            let public_bytes = u16::try_from(public.len()).unwrap();
            [&public_bytes.to_le_bytes()[..], &public, &private].concat()
        })
        .collect()
}

/// Journals of three records in two frames, all private parts opened.
fn public_journals() -> Vec<Vec<u8>> {
    let market = MarketId([7; 16]);
    let records: Vec<_> = drawn(arbitrary::record()).collect();
    let journal = |records: &[Record]| {
        let (mut out, mut chain, mut next) = (vec![11], Chain::genesis(market), 1);
        begin_public_journal(market, &mut out);
        for part in [&records[..1], &records[1..]] {
            let (mut public, mut openings) = (Vec::new(), Vec::new());
            let first = next;
            for record in part {
                let mut record = record.clone();
                record.sequence = Sequence(next);
                next += 1;
                let mut private = Vec::new();
                encode_record(&record, &[9; 16], &mut public, &mut private);
                for opening in decode_openings(&private) {
                    append_opening(record.sequence, opening.unwrap(), &mut openings);
                }
            }
            let count = part.len() as u32;
            chain = chain.next(first, count, &public);
            let frame = PublicFrame {
                first,
                count,
                term: Term(1),
                public: &public,
                openings: &openings,
                chain,
            };
            frame.append(&mut out);
        }
        end_public_journal(next - 1, chain, &mut out);
        out
    };
    records.chunks_exact(3).map(journal).collect()
}

fn folds() -> Vec<Vec<u8>> {
    let mut messages = drawn(arbitrary::server_message());
    std::iter::from_fn(|| {
        let mut bytes = Vec::new();
        messages.next()?.encode(RequestId(0), &mut bytes);
        messages.next()?.encode(RequestId(0), &mut bytes);
        Some(bytes)
    })
    .collect()
}

/// Draws the same values in every run.
fn drawn<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    (0..INPUTS).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

/// Steele, Lea and Flood's SplitMix64.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `most`.
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % (most as u64 + 1)).unwrap()
    }
}
