//! The lock: what is removed, moved or replaced while a journal is open lets no second one in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use auction_server::testing::journal::lock::LockState;
use auction_server::testing::journal::{Disk, Journal, JournalError, Log, RealDisk};
use tempfile::tempdir;

use crate::workload::{Owned, append, open};

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

fn assert_locked(dir: &Path) {
    let error = open(&real(), dir, None).err().expect("locked");
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    let folder = dir.display().to_string();
    assert!(error.to_string().starts_with(&folder), "{error}");
}

/// Appends until the next segment is begun, or an append fails.
fn append_past_a_segment(journal: &mut Journal) -> std::io::Result<()> {
    for index in 0..100 {
        let first = journal.position().sequence + 1;
        journal.append(&Owned::new(first, 1, 300, 0, index).batch())?;
    }
    Ok(())
}

#[test]
fn a_second_server_is_kept_off_whatever_is_removed_from_the_folder() {
    let dir = tempdir().unwrap();
    let (mut journal, ..) = open(&real(), dir.path(), None).unwrap();
    let appended = append(&mut journal, 5, 0);
    fs::remove_file(dir.path().join("journal.lock")).unwrap();
    assert_locked(dir.path());
    // By another path too.
    let other = tempdir().unwrap();
    let link = other.path().join("journal");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    assert_locked(&link);
    drop(journal);
    let (journal, _, frames) = open(&real(), dir.path(), None).unwrap();
    assert_eq!(frames, appended);
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_locked(dir.path());
    drop(journal);
}

#[test]
fn a_server_of_an_earlier_version_keeps_others_off_by_the_lock_file_alone() {
    let dir = tempdir().unwrap();
    let earlier = fs::File::create(dir.path().join("journal.lock")).unwrap();
    earlier.try_lock().unwrap();
    assert_locked(dir.path());
    drop(earlier);
    let (journal, ..) = open(&real(), dir.path(), None).unwrap();
    let earlier = fs::File::open(dir.path().join("journal.lock")).unwrap();
    assert!(earlier.try_lock().is_err(), "it is kept off too");
    drop(journal);
}

#[test]
fn a_lock_file_that_was_removed_is_made_again_unless_another_has_it() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("journal.lock");
    let mut lock = RealDisk.try_lock(dir.path()).unwrap().unwrap();
    assert!(matches!(lock.check().unwrap(), LockState::Held));
    fs::remove_file(&file).unwrap();
    assert!(matches!(lock.check().unwrap(), LockState::FileRemade));
    assert!(matches!(lock.check().unwrap(), LockState::Held));
    assert!(fs::File::open(&file).unwrap().try_lock().is_err());

    // What cannot be made is said once, and is no reason to end.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(lock.check().unwrap(), LockState::FileMissing(_)));
    assert!(matches!(lock.check().unwrap(), LockState::Held));
    fs::remove_dir(&file).unwrap();
    assert!(matches!(lock.check().unwrap(), LockState::FileRemade));

    fs::remove_file(&file).unwrap();
    let earlier = fs::File::create(&file).unwrap();
    earlier.try_lock().unwrap();
    let error = lock.check().unwrap_err();
    assert!(
        error.to_string().contains("another server has begun"),
        "{error}"
    );
}

#[test]
fn a_folder_that_was_moved_or_replaced_gets_no_segment_and_no_further_append() {
    type Change = fn(&Path, &Path);
    let changes: [Change; 3] = [
        |dir, aside| fs::rename(dir, aside).unwrap(),
        |dir, aside| {
            // Replaced by a copy, as if it had been restored.
            fs::rename(dir, aside).unwrap();
            fs::create_dir(dir).unwrap();
            for entry in fs::read_dir(aside).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
            }
        },
        |dir, _| fs::remove_dir_all(dir).unwrap(),
    ];
    for change in changes {
        let parent = tempdir().unwrap();
        let (dir, aside) = (parent.path().join("journal"), parent.path().join("aside"));
        let (mut journal, ..) = open(&real(), &dir, None).unwrap();
        append(&mut journal, 5, 0);
        change(&dir, &aside);
        let list = || {
            let names = fs::read_dir(&dir).map(|entries| {
                let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
                names.sort();
                names
            });
            names.unwrap_or_default()
        };
        let before = list();
        let error = append_past_a_segment(&mut journal).expect_err("the folder is another");
        let says = "was moved, removed or replaced while the server ran";
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(list(), before, "nothing was made there");
        let first = journal.position().sequence + 1;
        journal
            .append(&Owned::new(first, 1, 10, 0, 0).batch())
            .expect_err("never again");
    }
}

#[test]
fn a_copy_of_the_folder_is_a_journal_of_its_own() {
    let parent = tempdir().unwrap();
    let (dir, copy) = (parent.path().join("journal"), parent.path().join("copy"));
    let (mut journal, ..) = open(&real(), &dir, None).unwrap();
    let appended = append(&mut journal, 5, 0);
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let (second, _, frames) = open(&real(), &copy, None).unwrap();
    assert_eq!(frames, appended);
    drop((journal, second));
}
