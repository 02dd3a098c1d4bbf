//! Making, closing, opening, locking.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auction_core::MarketId;
use auction_server::testing::journal::{
    Chain, Disk, FRAME_BYTES_MAX, Journal, JournalError, Log, Position, Prepare, Reader, RealDisk,
    SnapshotStore, TailState,
};
use tempfile::tempdir;

use crate::workload::{Owned, append, drain, open, options};

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

#[test]
fn what_was_appended_is_there_again_in_order() {
    let dir = tempdir().unwrap();
    let (mut journal, recovery, frames) = open(&real(), dir.path(), None).unwrap();
    assert!(recovery.created && frames.is_empty());
    assert_eq!(
        recovery.chain,
        Chain::genesis(MarketId(options().new.market))
    );
    let mut appended = append(&mut journal, 100, 0);
    drop(journal);

    let (mut journal, recovery, frames) = open(&real(), dir.path(), None).unwrap();
    assert_eq!(frames, appended);
    assert!(!recovery.created);
    assert_eq!((recovery.market, recovery.term), (options().new.market, 7));
    assert_eq!(recovery.last_sequence, appended.last().unwrap().last());
    appended.extend(append(&mut journal, 100, 0));
    let position = journal.position();
    drop(journal);

    let mut reader = Reader::open(real(), dir.path()).unwrap();
    assert_eq!(drain(&mut reader).unwrap(), appended);
    assert_eq!(reader.position(), Some(position));
    assert_eq!(reader.tail_state().unwrap(), TailState::Clean);
}

#[test]
fn a_second_server_is_told_that_one_runs() {
    let dir = tempdir().unwrap();
    let first = open(&real(), dir.path(), None).unwrap();
    let error = open(&real(), dir.path(), None).err().expect("locked");
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another server runs"), "{error}");
    drop(first);
    open(&real(), dir.path(), None).expect("the lock ends with its owner");
}

#[test]
fn every_file_is_its_owners_only() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    append(&mut journal, 100, 0);
    SnapshotStore::new(real(), dir.path())
        .save(journal.position(), b"state")
        .unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn an_unknown_version_is_refused_and_named() {
    let dir = tempdir().unwrap();
    let (journal, ..) = open(&real(), dir.path(), None).unwrap();
    SnapshotStore::new(real(), dir.path())
        .save(journal.position(), b"state")
        .unwrap();
    drop(journal);
    for name in ["00000000000000000001.seg", "journal.key"] {
        let path = dir.path().join(name);
        let before = fs::read(&path).unwrap();
        let mut after = before.clone();
        after[8] = 2;
        fs::write(&path, &after).unwrap();
        let error = open(&real(), dir.path(), None).err().expect("refused");
        assert!(
            matches!(
                error,
                JournalError::UnknownVersion {
                    found: 2,
                    known: 1,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(fs::read(&path).unwrap(), after, "left alone");
        fs::write(&path, before).unwrap();
    }
    let snapshot = dir.path().join("00000000000000000000.snap");
    let mut bytes = fs::read(&snapshot).unwrap();
    bytes[8] = 2;
    fs::write(&snapshot, bytes).unwrap();
    let newest = SnapshotStore::new(real(), dir.path())
        .newest_valid()
        .unwrap();
    assert!(newest.snapshot.is_none(), "passed over");
    assert!(matches!(
        newest.skipped[0].why,
        JournalError::UnknownVersion { .. }
    ));
}

#[test]
fn a_missing_key_is_named() {
    let dir = tempdir().unwrap();
    drop(open(&real(), dir.path(), None).unwrap());
    fs::remove_file(dir.path().join("journal.key")).unwrap();
    let error = open(&real(), dir.path(), None).err().expect("refused");
    assert!(matches!(error, JournalError::KeyMissing { .. }), "{error}");
    assert!(error.to_string().contains("journal.key"), "{error}");
    assert!(
        !dir.path().join("journal.key").exists(),
        "no other key is made"
    );
}

#[test]
fn a_journal_whose_segments_are_gone_is_not_begun_anew() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    append(&mut journal, 3, 0);
    SnapshotStore::new(real(), dir.path())
        .save(journal.position(), b"state")
        .unwrap();
    drop(journal);
    fs::remove_file(dir.path().join("00000000000000000001.seg")).unwrap();
    let error = open(&real(), dir.path(), None).err().expect("refused");
    assert!(
        matches!(error, JournalError::SegmentMissing { sequence: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_frame_larger_than_a_segment_gets_one_it_fits() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let mut appended = append(&mut journal, 2, 0);
    let large = Owned::new(journal.position().sequence + 1, 1, 100_000, 50_000, 0);
    journal.append(&large.batch()).unwrap();
    appended.push(large);
    appended.extend(append(&mut journal, 20, 0));
    drop(journal);
    assert_eq!(open(&real(), dir.path(), None).unwrap().2, appended);
}

#[test]
fn a_frame_of_the_largest_size_is_taken_and_one_byte_more_is_refused() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let mut batch = Owned::new(1, 1, FRAME_BYTES_MAX as usize - 88, 0, 0);
    journal.append(&batch.batch()).unwrap();
    batch.first = 2;
    batch.private.push(1);
    let error = journal.append(&batch.batch()).expect_err("over the limit");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    drop(journal);
    let frames = open(&real(), dir.path(), None).unwrap().2;
    assert_eq!(frames.len(), 1);
    assert!(frames[0].public == batch.public);
}

#[test]
fn what_was_being_made_when_it_ended_confuses_nobody() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let appended = append(&mut journal, 10, 0);
    drop(journal);
    for name in [
        "next.tmp",
        "now.tmp",
        "journal.key.tmp",
        "00000000000000000009.snap.tmp",
    ] {
        fs::write(dir.path().join(name), b"AUCTSEG\n and then nothing").unwrap();
    }
    assert_eq!(open(&real(), dir.path(), None).unwrap().2, appended);
    assert!(
        SnapshotStore::new(real(), dir.path())
            .newest_valid()
            .unwrap()
            .snapshot
            .is_none()
    );
}

#[test]
fn segments_double_until_the_largest() {
    let dir = tempdir().unwrap();
    let mut options = options();
    options.prepare = Prepare::Background;
    options.segment_bytes_max = 32 << 10;
    let (mut journal, _) = Journal::open(real(), dir.path(), options, None, |_| Ok(())).unwrap();
    let lengths = || -> Vec<u64> {
        let segments = segments(dir.path()).into_iter();
        segments
            .map(|path| fs::metadata(path).unwrap().len() >> 10)
            .collect()
    };
    // If the helper is late, a small one comes between.
    for _ in 0..10_000 {
        if lengths().contains(&32) {
            break;
        }
        append(&mut journal, 1, 0);
    }
    append(&mut journal, 200, 0);
    let lengths = lengths();
    assert_eq!(lengths[0], 8);
    assert!(lengths.contains(&32) && lengths.iter().all(|length| [8, 16, 32].contains(length)));
    assert!(journal.early_warning().is_none());
}

#[test]
fn the_newest_two_snapshots_are_kept() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let store = SnapshotStore::new(real(), dir.path());
    for state in 0..5u8 {
        append(&mut journal, 3, 0);
        store.save(journal.position(), &[state; 100]).unwrap();
    }
    let newest = store.newest_valid().unwrap();
    assert!(newest.skipped.is_empty());
    let snapshot = newest.snapshot.unwrap();
    assert_eq!(
        (snapshot.position, snapshot.payload),
        (journal.position(), vec![4; 100])
    );
    assert_eq!(snapshots(dir.path()).len(), 2);

    let newest = snapshots(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&newest, bytes).unwrap();
    let found = store.newest_valid().unwrap();
    assert_eq!(
        found.snapshot.unwrap().payload,
        vec![3; 100],
        "the one before"
    );
    assert_eq!(found.skipped.len(), 1);
    assert_eq!(found.skipped[0].file, newest);
}

#[test]
fn a_start_from_a_snapshot_reads_only_what_came_after() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    append(&mut journal, 150, 0);
    let position = journal.position();
    let after = append(&mut journal, 7, 0);
    drop(journal);
    assert!(segments(dir.path()).len() > 3);
    // Unreadable, and not needed; `verify` reads it.
    let first = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&first).unwrap();
    bytes[5000] ^= 1;
    fs::write(&first, bytes).unwrap();
    let (_, recovery, frames) = open(&real(), dir.path(), Some(position)).unwrap();
    assert_eq!(frames, after);
    assert_eq!(recovery.frames, 7);
    let mut reader = Reader::open(real(), dir.path()).unwrap();
    assert!(
        drain(&mut reader)
            .unwrap_err()
            .to_string()
            .contains("00000000000000000001.seg")
    );
}

#[test]
fn a_snapshot_ahead_of_the_journal_says_that_its_end_is_lost() {
    let (ahead, behind) = (tempdir().unwrap(), tempdir().unwrap());
    let (mut journal, ..) = open(&real(), ahead.path(), None).unwrap();
    append(&mut journal, 5, 0);
    SnapshotStore::new(real(), ahead.path())
        .save(journal.position(), b"state")
        .unwrap();
    let (mut journal, ..) = open(&real(), behind.path(), None).unwrap();
    append(&mut journal, 4, 0);
    drop(journal);
    let snapshot = snapshots(ahead.path()).remove(0);
    fs::copy(&snapshot, behind.path().join(snapshot.file_name().unwrap())).unwrap();

    let newest = SnapshotStore::new(real(), behind.path())
        .newest_valid()
        .unwrap();
    let from = newest.snapshot.expect("it is valid").position;
    let error = open(&real(), behind.path(), Some(from))
        .err()
        .expect("refused");
    assert!(
        matches!(
            error,
            JournalError::EndLost {
                last: 7,
                snapshot: 9,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_snapshot_of_another_history_is_passed_over() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    append(&mut journal, 5, 0);
    let position = journal.position();
    append(&mut journal, 5, 0);
    drop(journal);
    let other = Position {
        chain: Chain([7; 32]),
        ..position
    };
    let within = Position {
        sequence: position.sequence + 3,
        ..position
    };
    for wrong in [other, within] {
        let error = open(&real(), dir.path(), Some(wrong))
            .err()
            .expect("refused");
        assert!(
            matches!(error, JournalError::SnapshotDisagrees { .. }),
            "{error}"
        );
        let store = SnapshotStore::new(real(), dir.path());
        store.save(wrong, b"state").unwrap();
        let newest = store.newest_valid().unwrap();
        assert!(newest.snapshot.is_none());
        assert!(matches!(
            newest.skipped[0].why,
            JournalError::SnapshotDisagrees { .. }
        ));
    }
}

#[test]
fn what_the_visitor_refuses_is_named() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    append(&mut journal, 2, 0);
    drop(journal);
    let refuse =
        |_: &auction_server::testing::journal::FrameView<'_>| Err("no such record kind".into());
    let error = Journal::open(real(), dir.path(), options(), None, refuse)
        .err()
        .expect("refused");
    let text = error.to_string();
    assert!(
        text.contains("byte 4096: record 1") && text.contains("no such record kind"),
        "{text}"
    );
    assert!(text.contains("00000000000000000001.seg"), "{text}");
}

#[test]
fn a_reader_begins_with_the_frame_that_holds_the_record() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let appended = append(&mut journal, 120, 0);
    let mut reader = Reader::open(real(), dir.path()).unwrap();
    for sequence in 0..=journal.position().sequence + 1 {
        reader.seek(sequence);
        let expected = appended.iter().find(|batch| batch.last() >= sequence);
        let found = reader.next().unwrap().map(Owned::from);
        assert!(found.as_ref() == expected, "record {sequence}");
    }
    // The last seek was beyond the end: it goes on when there is more.
    let more = append(&mut journal, 2, 0);
    assert_eq!(drain(&mut reader).unwrap(), more);
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    files(dir, "seg")
}

fn snapshots(dir: &Path) -> Vec<PathBuf> {
    files(dir, "snap")
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}
