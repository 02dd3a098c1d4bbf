//! A reader beside a writer: every frame once, in order, and no false alarm.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auction_server::testing::journal::disk::{Access, DiskFile};
use auction_server::testing::journal::lock::DirLock;
use auction_server::testing::journal::{Disk, Journal, Log, Prepare, Reader, RealDisk, TailState};
use tempfile::tempdir;

use crate::faulty_disk::FaultyDisk;
use crate::workload::{Owned, options};

const DEADLINE: Duration = Duration::from_secs(120);

fn batch(index: u64) -> Owned {
    Owned::new(
        index,
        1,
        (index as usize * 131) % 3000,
        index as usize % 70,
        0,
    )
}

fn read_beside_a_writer(disk: Arc<dyn Disk>, dir: &Path, frames: u64) {
    let options = || {
        let mut options = options();
        options.prepare = Prepare::Background;
        options
    };
    let open = || {
        Journal::open(disk.clone(), dir, options(), None, |_| Ok(()))
            .unwrap()
            .0
    };
    drop(open());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut journal = open();
            for index in 1..=frames {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                journal.append(&batch(index).batch()).unwrap();
            }
        });
        let follow = || {
            let began = Instant::now();
            let mut reader = Reader::open(disk.clone(), dir).unwrap();
            let mut next = 1;
            while next <= frames {
                assert!(began.elapsed() < DEADLINE, "{next} of {frames} frames came");
                match reader.next().expect("no damage") {
                    Some(frame) => {
                        assert!(
                            Owned::from(frame) == batch(next),
                            "frame {next} as it was written"
                        );
                        next += 1;
                    }
                    None => {
                        reader.tail_state().expect("no damage");
                        std::thread::yield_now();
                    }
                }
            }
            assert!(reader.next().unwrap().is_none());
            // The last frame may be seen before its sync has returned, never torn.
            assert_eq!(reader.tail_state().unwrap(), TailState::Clean);
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(follow));
        stop.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
    drop(open());
}

/// A disk on which something happens just before a folder is listed.
struct BeforeList {
    disk: FaultyDisk,
    happens: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Disk for BeforeList {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if let Some(happens) = self.happens.lock().unwrap().take() {
            happens();
        }
        self.disk.list(dir)
    }
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path, access)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn try_lock(&self, dir: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        self.disk.try_lock(dir)
    }
}

#[test]
fn a_segment_begun_between_two_looks_hides_no_frame() {
    let (disk, dir) = (FaultyDisk::new(0), Path::new("journal"));
    let mut journal = Journal::open(disk.shared(), dir, options(), None, |_| Ok(()))
        .unwrap()
        .0;
    journal.append(&batch(1).batch()).unwrap();
    let beside = Arc::new(BeforeList {
        disk,
        happens: Mutex::new(None),
    });
    let mut reader = Reader::open(beside.clone(), dir).unwrap();
    assert!(reader.next().unwrap().is_some());
    // The reader has seen that nothing follows; before it asks for a next segment, both come.
    *beside.happens.lock().unwrap() = Some(Box::new(move || {
        (2..40).for_each(|index| journal.append(&batch(index).batch()).unwrap());
    }));
    for index in 2..40 {
        let frame = reader.next().expect("no damage").expect("it is there");
        assert!(Owned::from(frame) == batch(index));
    }
}

#[test]
fn a_reader_beside_a_writer_sees_every_frame_once() {
    let dir = tempdir().unwrap();
    read_beside_a_writer(Arc::new(RealDisk), dir.path(), 400);
}

#[test]
fn sectors_that_come_in_any_order_are_never_called_damage() {
    for seed in 0..4 {
        let disk = FaultyDisk::new(seed);
        disk.scatter_writes();
        read_beside_a_writer(disk.shared(), Path::new("journal"), 600);
    }
}
