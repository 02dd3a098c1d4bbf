//! A journal for which there is no file descriptor for a while.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use auction_server::testing::journal::disk::{Access, DiskFile};
use auction_server::testing::journal::lock::DirLock;
use auction_server::testing::journal::{
    Disk, Journal, JournalError, Log, Prepare, Reader, RealDisk, SnapshotStore,
    is_out_of_descriptors,
};
use rustix::io::Errno;
use tempfile::tempdir;

use crate::workload::{append, drain, options};

/// The disk of this machine, which refuses to open a file so many times.
struct Scarce {
    refusals: AtomicU32,
    errno: Errno,
}

impl Scarce {
    fn new(errno: Errno) -> Arc<Self> {
        Arc::new(Self {
            refusals: AtomicU32::new(0),
            errno,
        })
    }

    fn refuse(&self, times: u32) {
        self.refusals.store(times, Ordering::SeqCst);
    }

    fn left(&self) -> u32 {
        self.refusals.load(Ordering::SeqCst)
    }

    fn opens(&self) -> io::Result<()> {
        let less = |left: u32| left.checked_sub(1);
        match self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => Err(self.errno.into()),
            Err(_) => Ok(()),
        }
    }
}

impl Disk for Scarce {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.opens()?;
        RealDisk.list(dir)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        self.opens()?;
        RealDisk.open(path, access)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.opens()?;
        RealDisk.sync_dir(dir)
    }
    fn try_lock(&self, dir: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        RealDisk.try_lock(dir)
    }
}

fn open(disk: &Arc<Scarce>, dir: &Path, prepare: Prepare) -> Journal {
    let mut options = options();
    options.prepare = prepare;
    Journal::open(disk.clone(), dir, options, None, |_| Ok(()))
        .unwrap()
        .0
}

#[test]
fn the_next_segment_is_waited_for_until_there_is_a_descriptor() {
    for errno in [Errno::MFILE, Errno::NFILE] {
        for prepare in [Prepare::InLine, Prepare::Background] {
            let dir = tempdir().unwrap();
            let disk = Scarce::new(errno);
            let mut journal = open(&disk, dir.path(), prepare);
            let mut appended = append(&mut journal, 5, 0);
            disk.refuse(3);
            // Over several segments.
            appended.extend(append(&mut journal, 200, 1));
            assert_eq!(disk.left(), 0, "{prepare:?}");
            drop(journal);
            let mut reader = Reader::open(Arc::new(RealDisk), dir.path()).unwrap();
            assert_eq!(drain(&mut reader).unwrap(), appended);
        }
    }
}

#[test]
fn another_failure_to_open_the_next_segment_is_not_waited_out() {
    let dir = tempdir().unwrap();
    let disk = Scarce::new(Errno::ACCESS);
    let mut journal = open(&disk, dir.path(), Prepare::InLine);
    append(&mut journal, 5, 0);
    disk.refuse(1);
    let mut failed = None;
    for index in 0..200 {
        let first = journal.position().sequence + 1;
        let batch = crate::workload::Owned::new(first, 1, 300, 0, index);
        if let Err(error) = journal.append(&batch.batch()) {
            failed = Some(error);
            break;
        }
    }
    let failed = failed.expect("a segment was needed");
    assert_eq!(failed.kind(), io::ErrorKind::PermissionDenied, "{failed}");
    assert_eq!(disk.left(), 0);
}

#[test]
fn a_journal_that_waits_in_the_background_closes_at_once() {
    let dir = tempdir().unwrap();
    let disk = Scarce::new(Errno::MFILE);
    let mut journal = open(&disk, dir.path(), Prepare::Background);
    append(&mut journal, 5, 0);
    // The helper asks for one after this; it never gets it, and dropping the journal waits for the helper.
    let segments = || list(dir.path(), ".seg");
    let begun = segments();
    disk.refuse(1);
    while segments() == begun {
        append(&mut journal, 1, 2);
    }
    disk.refuse(u32::MAX);
    drop(journal);
}

#[test]
fn a_snapshot_without_a_descriptor_says_that_it_can_be_tried_again_and_leaves_nothing() {
    let dir = tempdir().unwrap();
    let disk = Scarce::new(Errno::MFILE);
    let mut journal = open(&disk, dir.path(), Prepare::InLine);
    append(&mut journal, 5, 0);
    let store = SnapshotStore::new(disk.clone(), dir.path());
    // The key, the folder, the segment, the file: each may be the one there is no descriptor for.
    for opened in 0..4 {
        let error = (0..=opened).find_map(|nth| {
            disk.refuse(u32::from(nth == opened));
            store.save(journal.position(), b"state").err()
        });
        let error = error.expect("there is no descriptor");
        assert!(error.is_out_of_descriptors(), "{error}");
    }
    disk.refuse(0);
    assert_eq!(list(dir.path(), ".tmp"), [""; 0]);
    store.save(journal.position(), b"state").unwrap();
    let full = JournalError::Io {
        action: "write",
        path: dir.path().to_owned(),
        source: io::Error::from(Errno::NOSPC),
    };
    assert!(!full.is_out_of_descriptors());
    assert!(!is_out_of_descriptors(&io::Error::other(
        "Too many open files"
    )));
}

fn list(dir: &Path, suffix: &str) -> Vec<String> {
    let mut names = RealDisk.list(dir).unwrap();
    names.retain(|name| name.ends_with(suffix));
    names.sort();
    names
}
