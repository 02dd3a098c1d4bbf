//! Flips every bit of every file, and cuts every file at every byte.

use std::path::Path;

use auction_server::testing::journal::{
    Damage, Journal, JournalError, Key, Log, NewJournal, Options, Position, Prepare, Reader,
    SnapshotStore, TailState, Torn,
};

use crate::faulty_disk::FaultyDisk;
use crate::workload::{Owned, drain};

const DIR: &str = "journal";
const PAGE: usize = 4096;
const FRAME_HEADER: usize = 88;

/// An undamaged journal, whose copies are damaged.
struct Whole {
    disk: FaultyDisk,
    frames: Vec<Owned>,
    snapshot: Position,
    /// Range of the last frame in the last segment.
    last_frame: std::ops::Range<usize>,
}

fn options(key: &[u8; 16]) -> Options {
    let new = NewJournal {
        market: *b"a market for you",
        key: Key::new(*key),
        term: 1,
    };
    let (segment_bytes_first, segment_bytes_max) = (6 << 10, 7 << 10);
    Options {
        segment_bytes_first,
        segment_bytes_max,
        prepare: Prepare::InLine,
        ..Options::new(new)
    }
}

fn create(disk: &FaultyDisk, key: &[u8; 16]) -> Journal {
    Journal::open(
        disk.shared(),
        Path::new(DIR),
        options(key),
        None,
        |_| Ok(()),
    )
    .unwrap()
    .0
}

fn whole() -> Whole {
    let disk = FaultyDisk::new(0);
    let mut journal = create(&disk, b"0123456789abcdef");
    let mut frames: Vec<Owned> = Vec::new();
    let mut snapshot = None;
    for index in 0..54 {
        let first = journal.position().sequence + 1;
        let frame = Owned::new(
            first,
            1 + index % 3,
            (index as usize * 7) % 23,
            index as usize % 5,
            0,
        );
        journal.append(&frame.batch()).unwrap();
        frames.push(frame);
        if index == 30 {
            let store = SnapshotStore::new(disk.shared(), Path::new(DIR));
            store
                .save(journal.position(), b"the state after thirty-one frames")
                .unwrap();
            snapshot = Some(journal.position());
        }
    }
    let segments: Vec<String> = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".seg"))
        .collect();
    assert!(segments.len() >= 3, "{segments:?}");
    let content = disk.content(segments.last().unwrap());
    let end = content.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let last = frames.last().unwrap();
    let length = FRAME_HEADER + last.public.len() + last.private.len();
    let start = end.next_multiple_of(8) - length.next_multiple_of(8);
    let last_frame = start..start + length.next_multiple_of(8);
    Whole {
        disk,
        frames,
        snapshot: snapshot.unwrap(),
        last_frame,
    }
}

/// Result of reading a journal: its frames and its tail, or an error.
type Read = Result<(Vec<Owned>, Option<Torn>), JournalError>;

/// Reads everything, as `verify` does.
fn verify(disk: &FaultyDisk) -> Read {
    let mut reader = Reader::open(disk.shared(), Path::new(DIR))?;
    let frames = drain(&mut reader)?;
    match reader.tail_state()? {
        TailState::Clean => Ok((frames, None)),
        TailState::Torn(torn) => Ok((frames, Some(torn))),
        TailState::Grew => panic!("nobody writes"),
    }
}

/// Reads as a server does: from the newest snapshot, or from the beginning if `from_start`.
fn start(disk: &FaultyDisk, whole: &Whole, from_start: bool) -> Read {
    let newest = SnapshotStore::new(disk.shared(), Path::new(DIR)).newest_valid()?;
    let mut before: Vec<Owned> = Vec::new();
    let mut from = None;
    if let Some(snapshot) = newest.snapshot.filter(|_| !from_start) {
        assert_eq!(snapshot.payload, b"the state after thirty-one frames");
        assert_eq!(snapshot.position, whole.snapshot);
        from = Some(snapshot.position);
        // The frames that the snapshot covers.
        before.extend(
            whole
                .frames
                .iter()
                .filter(|frame| frame.last() <= whole.snapshot.sequence)
                .cloned(),
        );
    } else if !from_start {
        assert!(
            newest
                .skipped
                .iter()
                .all(|skipped| skipped.why.to_string().contains(".snap"))
        );
        assert_eq!(newest.skipped.len(), 1, "a damaged snapshot is said");
    }
    let mut frames = before;
    let opened = Journal::open(
        disk.shared(),
        Path::new(DIR),
        options(&[0; 16]),
        from,
        |frame| {
            frames.push(Owned::from(frame.to_owned_frame()));
            Ok(())
        },
    );
    Ok((frames_of(opened.as_ref().err(), frames), opened?.1.torn))
}

fn frames_of(error: Option<&JournalError>, frames: Vec<Owned>) -> Vec<Owned> {
    if error.is_some() { Vec::new() } else { frames }
}

/// Accepts the same frames, an error naming file and byte, or a torn tail in place of the last frame.
fn check(read: Read, whole: &Whole, name: &str, byte: usize, what: &str) {
    let all = &whole.frames[..];
    let is_last_segment = name == last_segment(whole);
    match read {
        Ok((frames, None)) => assert!(
            frames == all,
            "{what}: frames were lost or changed silently"
        ),
        Ok((frames, Some(torn))) => {
            assert!(
                is_last_segment && torn.file.ends_with(name),
                "{what}: {torn:?}"
            );
            if byte >= whole.last_frame.end {
                assert!(
                    frames == all,
                    "{what}: only what follows the last frame is damaged"
                );
                assert_eq!(torn.offset, whole.last_frame.end as u64, "{what}");
            } else {
                assert!(
                    whole.last_frame.contains(&byte),
                    "{what}: torn, but not the last frame"
                );
                assert!(
                    frames == all[..all.len() - 1],
                    "{what}: all but the last frame"
                );
                assert_eq!(torn.offset, whole.last_frame.start as u64, "{what}");
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.contains(name) && text.contains("byte"),
                "{what}: {text}"
            );
        }
    }
}

fn last_segment(whole: &Whole) -> String {
    whole
        .disk
        .names()
        .into_iter()
        .rfind(|name| name.ends_with(".seg"))
        .unwrap()
}

fn check_all_ways(damaged: &[u8], whole: &Whole, name: &str, byte: usize, what: &str) {
    let disk = whole.disk.copy();
    disk.set_content(name, damaged);
    check(verify(&disk), whole, name, byte, what);
    // A start wipes a torn tail, so each run uses a separate copy.
    let disk = whole.disk.copy();
    disk.set_content(name, damaged);
    check(start(&disk, whole, false), whole, name, byte, what);
    if byte.is_multiple_of(16) {
        let disk = whole.disk.copy();
        disk.set_content(name, damaged);
        check(start(&disk, whole, true), whole, name, byte, what);
    }
}

/// All bytes that hold data, with some zeros around them; a sample of the long runs of zeros.
fn telling_bytes(content: &[u8]) -> impl Iterator<Item = usize> {
    (0..content.len()).filter(|&byte| {
        let near = byte.saturating_sub(16)..(byte + 17).min(content.len());
        byte.is_multiple_of(101) || content[near].iter().any(|&near| near != 0)
    })
}

#[test]
fn every_flipped_bit_is_harmless_or_named() {
    let whole = whole();
    for name in whole.disk.names() {
        let content = whole.disk.content(&name);
        for byte in telling_bytes(&content) {
            for bit in 0..8 {
                let mut damaged = content.clone();
                damaged[byte] ^= 1 << bit;
                let what = format!("bit {bit} of byte {byte} of {name}");
                check_all_ways(&damaged, &whole, &name, byte, &what);
            }
        }
    }
}

#[test]
fn every_cut_is_harmless_or_named() {
    let whole = whole();
    for name in whole.disk.names() {
        let content = whole.disk.content(&name);
        for length in telling_bytes(&content) {
            let what = format!("{name} cut to {length} bytes");
            // Never a torn tail: a segment has its whole length before it gets its name.
            check_all_ways(&content[..length], &whole, &name, 0, &what);
        }
        let mut longer = content.clone();
        longer.push(0);
        check_all_ways(
            &longer,
            &whole,
            &name,
            0,
            &format!("{name} with a byte more"),
        );
    }
}

#[test]
fn every_file_that_is_gone_is_missed() {
    let whole = whole();
    let names = whole.disk.names();
    let segments: Vec<&String> = names.iter().filter(|name| name.ends_with(".seg")).collect();
    for name in names.iter().filter(|name| Some(name) != segments.last()) {
        let disk = whole.disk.copy();
        auction_server::testing::journal::Disk::remove(&disk, &Path::new(DIR).join(name)).unwrap();
        let read = verify(&disk);
        if name.ends_with(".snap") {
            assert_eq!(read.unwrap().0, whole.frames);
        } else {
            read.expect_err(name);
        }
    }
}

#[test]
fn frames_swapped_between_places_are_refused() {
    let whole = whole();
    let name = whole
        .disk
        .names()
        .into_iter()
        .find(|name| name.ends_with(".seg"))
        .unwrap();
    let content = whole.disk.content(&name);
    let length = |frame: &Owned| {
        (FRAME_HEADER + frame.public.len() + frame.private.len()).next_multiple_of(8)
    };
    let (one, two) = (length(&whole.frames[0]), length(&whole.frames[1]));
    let mut swapped = content.clone();
    swapped[PAGE..PAGE + two].copy_from_slice(&content[PAGE + one..PAGE + one + two]);
    swapped[PAGE + two..PAGE + two + one].copy_from_slice(&content[PAGE..PAGE + one]);
    whole.disk.set_content(&name, &swapped);
    let Err(JournalError::Damaged { offset, what, .. }) = verify(&whole.disk) else {
        panic!("read")
    };
    assert_eq!(
        (offset, what),
        (
            PAGE as u64,
            Damage::Sequence {
                expected: 1,
                found: 2
            }
        )
    );
}

#[test]
fn a_frame_of_another_history_is_refused() {
    let written = |seed| {
        let disk = FaultyDisk::new(0);
        let mut journal = create(&disk, b"0123456789abcdef");
        for sequence in 1..=3 {
            // The first record differs, the others are the same.
            let seed = if sequence == 1 { seed } else { 0 };
            journal
                .append(&Owned::new(sequence, 1, 40, 0, seed).batch())
                .unwrap();
        }
        disk
    };
    let (one, other) = (written(1), written(2));
    let name = last_segment_of(&one);
    let (mut content, grafted) = (one.content(&name), other.content(&name));
    let second = PAGE + FRAME_HEADER + 40;
    content[second..].copy_from_slice(&grafted[second..]);
    one.set_content(&name, &content);
    let Err(JournalError::Damaged { offset, what, .. }) = verify(&one) else {
        panic!("read")
    };
    assert_eq!((offset, what), (second as u64, Damage::Chain { first: 2 }));
}

#[test]
fn a_segment_of_another_length_is_refused() {
    let whole = whole();
    for name in whole
        .disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".seg"))
    {
        for length in [-1, 1] {
            let disk = whole.disk.copy();
            let mut content = disk.content(&name);
            content.resize(content.len().checked_add_signed(length).unwrap(), 0);
            disk.set_content(&name, &content);
            let Err(JournalError::Damaged { file, what, .. }) = verify(&disk) else {
                panic!("read")
            };
            assert!(file.ends_with(&name) && matches!(what, Damage::Length { .. }));
        }
    }
}

#[test]
fn a_frame_wiped_out_in_the_last_segment_is_no_end() {
    let whole = whole();
    let name = last_segment(&whole);
    let mut content = whole.disk.content(&name);
    content[PAGE..PAGE + 512].fill(0);
    whole.disk.set_content(&name, &content);
    let error = verify(&whole.disk).expect_err("later frames follow");
    assert!(
        matches!(error, JournalError::Damaged { offset: 4096, .. }),
        "{error}"
    );
    let error = start(&whole.disk, &whole, true).expect_err("later frames follow");
    assert!(
        matches!(error, JournalError::Damaged { offset: 4096, .. }),
        "{error}"
    );
}

/// The bytes of the frame that holds record `first`, from a journal with this key.
fn frame_of(key: &[u8; 16], first: u64) -> Vec<u8> {
    let disk = FaultyDisk::new(0);
    let mut journal = create(&disk, key);
    for sequence in 1..=first {
        journal
            .append(&Owned::new(sequence, 1, 40, 0, 9).batch())
            .unwrap();
    }
    let content = disk.content(&last_segment_of(&disk));
    let start = content.len() - PAGE;
    assert!(start > 0);
    let end = content.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    content[end - 128..end].to_vec()
}

fn last_segment_of(disk: &FaultyDisk) -> String {
    disk.names()
        .into_iter()
        .rfind(|name| name.ends_with(".seg"))
        .unwrap()
}

/// A journal of two frames; the second holds `payload`, and its header is torn.
fn torn_over(payload: &[u8]) -> Read {
    let disk = FaultyDisk::new(0);
    let mut journal = create(&disk, b"the server's key");
    let first = Owned::new(1, 1, 40, 0, 0);
    journal.append(&first.batch()).unwrap();
    let second = Owned {
        first: 2,
        count: 1,
        public: payload.to_vec(),
        private: Vec::new(),
    };
    journal.append(&second.batch()).unwrap();
    drop(journal);
    let name = last_segment_of(&disk);
    let mut content = disk.content(&name);
    let start = PAGE + (FRAME_HEADER + 40);
    content[start..start + 16].fill(0);
    disk.set_content(&name, &content);
    verify(&disk)
}

#[test]
fn bytes_of_a_client_do_not_pose_as_a_frame() {
    // Created with the real key it is accepted: so the payload is at an offset that is searched.
    let real = torn_over(&frame_of(b"the server's key", 9));
    assert!(
        matches!(real, Err(JournalError::Damaged { .. })),
        "{real:?}"
    );
    // Created with another key, or an old frame of this journal that the client has seen.
    for posing in [
        frame_of(b"a client's guess", 9),
        frame_of(b"the server's key", 2),
    ] {
        let (frames, torn) = torn_over(&posing).expect("a torn tail is no damage");
        assert_eq!(frames.len(), 1);
        assert_eq!(
            torn.expect("it is reported").offset,
            (PAGE + FRAME_HEADER + 40) as u64
        );
    }
}

/// The chain does not cover the terms: two journals of the same records differ in nothing else.
#[test]
fn a_segment_of_an_earlier_term_is_refused() {
    let written = |term| {
        let disk = FaultyDisk::new(0);
        let mut options = options(b"0123456789abcdef");
        options.new.term = term;
        let opened = Journal::open(disk.shared(), Path::new(DIR), options, None, |_| Ok(()));
        let mut journal = opened.unwrap().0;
        for sequence in 1..=40 {
            let frame = Owned::new(sequence, 1, 200, 0, 0);
            journal.append(&frame.batch()).unwrap();
        }
        disk
    };
    let (first, second) = (written(1), written(2));
    let names = first.names().into_iter();
    let segments: Vec<_> = names.filter(|name| name.ends_with(".seg")).collect();
    assert!(segments.len() > 2, "{segments:?}");
    let mixed = |terms: [u64; 2]| {
        let [before, after] = terms.map(|term| if term == 1 { &first } else { &second });
        let disk = before.copy();
        for name in &segments[1..] {
            disk.set_content(name, &after.content(name));
        }
        verify(&disk)
    };
    assert_eq!(mixed([1, 2]).unwrap().0.len(), 40, "terms rise");
    let Err(JournalError::Damaged { file, what, .. }) = mixed([2, 1]) else {
        panic!("read")
    };
    let (before, found) = (2, 1);
    assert_eq!(what, Damage::Term { before, found });
    assert!(file.ends_with(&segments[1]), "{}", file.display());
}
