//! Copies of a journal that is being written, and archived segments.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use auction_server::testing::journal::{
    Journal, JournalError, Log, Prepare, Reader, RealDisk, SnapshotStore, TailState,
    archive_segments, copy_journal, missing_archives,
};
use tempfile::tempdir;

use crate::workload::{Owned, options};

fn batch(index: u64) -> Owned {
    Owned::new(index, 1, 700, 70, 0)
}

fn open(dir: &Path) -> Journal {
    let mut options = options();
    options.prepare = Prepare::Background;
    let opened = Journal::open(Arc::new(RealDisk), dir, options, None, |_| Ok(()));
    opened.unwrap().0
}

/// Reads a journal to its end, checks every frame, and returns its last record.
fn last(dir: &Path) -> u64 {
    let mut reader = Reader::open(Arc::new(RealDisk), dir).unwrap();
    let mut last = 0;
    while let Some(frame) = reader.next().expect("no damage") {
        assert!(Owned::from(frame) == batch(last + 1), "frame {}", last + 1);
        last += 1;
    }
    assert_eq!(reader.tail_state().unwrap(), TailState::Clean);
    last
}

fn segments(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let segments: BTreeSet<_> = names.filter(|name| name.ends_with(".seg")).collect();
    segments.into_iter().collect()
}

/// Appends to a journal until `work` is done, which gets the number of the last acknowledged record.
fn beside_a_writer(dir: &Path, work: impl FnOnce(&AtomicU64)) {
    let mut journal = open(dir);
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in 1.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                journal.append(&batch(index).batch()).unwrap();
                acknowledged.store(index, Ordering::Release);
            }
        });
        let work = std::panic::AssertUnwindSafe(|| work(&acknowledged));
        let outcome = std::panic::catch_unwind(work);
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Waits until this many records are acknowledged.
fn until(acknowledged: &AtomicU64, records: u64) {
    while acknowledged.load(Ordering::Acquire) < records {
        std::thread::yield_now();
    }
}

#[test]
fn a_copy_beside_a_writer_has_all_that_was_acknowledged() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let mut kept = 0;
    beside_a_writer(from.path(), |acknowledged| {
        for round in 1..=10 {
            until(acknowledged, round * 30);
            let least = acknowledged.load(Ordering::Acquire);
            let copied = copy_journal(from.path(), to.path(), &mut |_, _| {}).unwrap();
            assert!(copied.last_sequence >= least, "{copied:?} after {least}");
            assert_eq!(last(to.path()), copied.last_sequence);
            assert_eq!(segments(to.path()).len(), copied.segments);
            assert!(copied.kept >= kept, "{copied:?}");
            kept = copied.kept;
        }
        assert!(kept > 2, "sealed segments are copied once: {kept}");
    });
    // A market goes on from the copy.
    let records = last(to.path());
    let mut journal = open(to.path());
    journal.append(&batch(records + 1).batch()).unwrap();
    drop(journal);
    assert_eq!(last(to.path()), records + 1);
}

#[test]
fn a_copy_again_writes_only_the_last_segment() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let mut journal = open(from.path());
    (1..=100).for_each(|index| journal.append(&batch(index).batch()).unwrap());
    let copy = || copy_journal(from.path(), to.path(), &mut |_, _| {}).unwrap();
    let first = copy();
    assert_eq!((first.last_sequence, first.kept), (100, 0));
    // The copy of a sealed segment is not written again: what is done to it stays.
    let sealed = to.path().join(&segments(to.path())[0]);
    let modified = fs::metadata(&sealed).unwrap().modified().unwrap();
    let second = copy();
    assert_eq!(second.kept, first.segments - 1);
    assert!(second.bytes < first.bytes);
    assert_eq!(fs::metadata(&sealed).unwrap().modified().unwrap(), modified);
    // Interrupted: the unfinished file is ignored, and the missing segment copied.
    fs::write(to.path().join("00000000000000000001.seg.tmp"), "half").unwrap();
    fs::remove_file(&sealed).unwrap();
    assert_eq!(copy().kept, first.segments - 2);
    assert_eq!(last(to.path()), 100);
    for name in segments(to.path()) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(to.path().join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[test]
fn a_copy_over_another_journal_is_refused_and_changes_nothing() {
    let (from, other) = (tempdir().unwrap(), tempdir().unwrap());
    drop(open(from.path()));
    let mut options = options();
    options.new.key = auction_server::testing::journal::Key::new([9; 16]);
    let opened = Journal::open(Arc::new(RealDisk), other.path(), options, None, |_| Ok(()));
    drop(opened.unwrap());
    let before = fs::read(other.path().join("journal.key")).unwrap();
    let copied = copy_journal(from.path(), other.path(), &mut |_, _| {});
    assert!(
        matches!(copied, Err(JournalError::OtherJournal { .. })),
        "{copied:?}"
    );
    let archived = archive_segments(from.path(), other.path(), &mut |_, _| {});
    assert!(matches!(archived, Err(JournalError::OtherJournal { .. })));
    assert_eq!(fs::read(other.path().join("journal.key")).unwrap(), before);
    // A server runs on the target.
    let _running = open(from.path());
    let copied = copy_journal(from.path(), from.path(), &mut |_, _| {});
    assert!(
        matches!(copied, Err(JournalError::Locked { .. })),
        "{copied:?}"
    );
}

#[test]
fn a_snapshot_beyond_the_copied_records_is_left_out() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let mut journal = open(from.path());
    (1..=10).for_each(|index| journal.append(&batch(index).batch()).unwrap());
    let mut reader = Reader::open(Arc::new(RealDisk), from.path()).unwrap();
    let store = SnapshotStore::new(Arc::new(RealDisk), from.path());
    while reader.next().unwrap().is_some() {
        let position = reader.position().unwrap();
        if [5, 10].contains(&position.sequence) {
            store.save(position, b"a state").unwrap();
        }
    }
    // As if it were made while the segment was copied.
    let newer = from.path().join("00000000000000000099.snap");
    fs::write(&newer, "newer").unwrap();
    copy_journal(from.path(), to.path(), &mut |_, _| {}).unwrap();
    let newest = SnapshotStore::new(Arc::new(RealDisk), to.path())
        .newest_valid()
        .unwrap();
    assert_eq!(newest.snapshot.unwrap().position.sequence, 10);
    assert!(newest.skipped.is_empty());
}

#[test]
fn archived_segments_are_read_through_links_beside_a_writer() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    beside_a_writer(from.path(), |acknowledged| {
        let mut reader = Reader::open(Arc::new(RealDisk), from.path()).unwrap();
        let mut read = 0;
        for round in 1..=5 {
            until(acknowledged, round * 60);
            let least = acknowledged.load(Ordering::Acquire);
            archive_segments(from.path(), to.path(), &mut |_, _| {}).unwrap();
            while reader.next().expect("no damage").is_some() {
                read += 1;
            }
            assert!(read >= least);
        }
    });
    let all = segments(from.path());
    let archived = archive_segments(from.path(), to.path(), &mut |_, _| {}).unwrap();
    assert_eq!(archived.before + archived.moved, all.len() - 1);
    assert!(archived.before > 2, "{archived:?}");
    let is_link = |name: &String| from.path().join(name).is_symlink();
    assert!(all[..all.len() - 1].iter().all(is_link));
    assert!(!is_link(&all[all.len() - 1]), "the last one is written to");
    let records = last(from.path());
    assert_eq!(missing_archives(from.path()), []);
    // A copy of it is whole, and a market goes on.
    let copy = tempdir().unwrap();
    copy_journal(from.path(), copy.path(), &mut |_, _| {}).unwrap();
    assert_eq!(last(copy.path()), records);
    assert!(
        segments(copy.path())
            .iter()
            .all(|name| !copy.path().join(name).is_symlink())
    );
    open(from.path())
        .append(&batch(records + 1).batch())
        .unwrap();

    // The archive is away.
    let away = to.path().with_extension("away");
    fs::rename(to.path(), &away).unwrap();
    let missing = missing_archives(from.path());
    assert_eq!(missing.len(), all.len() - 1);
    let mut reader = Reader::open(Arc::new(RealDisk), from.path()).unwrap();
    let error = reader.next().unwrap_err().to_string();
    let archive = to
        .path()
        .canonicalize()
        .unwrap_or_else(|_| to.path().to_owned());
    let expected = archive.join(&all[0]);
    assert!(error.contains("was archived"), "{error}");
    assert!(error.contains(&expected.display().to_string()), "{error}");
    fs::rename(&away, to.path()).unwrap();
    assert_eq!(last(from.path()), records + 1);
}
