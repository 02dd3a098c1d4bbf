//! The next segment, made before it is needed.
//!
//! Zeros that were written and synced have their blocks and their length; writing over them changes no
//! metadata, so that the sync of an append is one write to the disk. A file being made has the name
//! `next.tmp`, and gets a segment's name only when its header is durable too: whatever has a segment's
//! name is a segment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::chunks::CHUNK_BYTES;
use super::descriptors::{for_an_append, when_free};
use super::disk::{Access, Disk, DiskFile};
use super::error::JournalError;
use super::options::Prepare;

const BACKGROUND_NAME: &str = "next.tmp";
const IN_LINE_NAME: &str = "now.tmp";
/// The helper rests so long between two pieces, for the appends to have the disk.
const PIECE_PAUSE: Duration = Duration::from_millis(20);
/// It does not rest when the segment that is written fills: the share that it has made is at least so many times the
/// share that is full.
const AHEAD: u64 = 2;
/// A whole segment, as shares of it are counted.
const WHOLE: u64 = 1 << 16;

/// A file of `bytes` durable zeros, not yet a segment.
pub(super) struct Prepared {
    pub file: Box<dyn DiskFile>,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Where the next segment comes from.
pub(super) struct Preallocator {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    helper: Option<Helper>,
    ready: Option<Prepared>,
    /// Whether the helper is at work. One at a time: a second one would take over the first one's name.
    making: bool,
    failure: Option<io::Error>,
}

struct Helper {
    /// `None` once the helper was told to end.
    requests: Option<Sender<u64>>,
    made: Receiver<io::Result<Prepared>>,
    pace: Arc<Pace>,
    thread: Option<JoinHandle<()>>,
}

/// What the helper is told while it is at work.
#[derive(Default)]
struct Pace {
    stop: AtomicBool,
    /// How much of the segment that is written is full, of [`WHOLE`].
    full: AtomicU64,
}

impl Preallocator {
    /// Clears away what an earlier run was making, and starts the helper if there is to be one.
    pub fn start(disk: Arc<dyn Disk>, dir: &Path, prepare: Prepare) -> Result<Self, JournalError> {
        for path in [dir.join(BACKGROUND_NAME), dir.join(IN_LINE_NAME)] {
            match disk.remove(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(JournalError::Io {
                        action: "remove",
                        path,
                        source,
                    });
                }
                _ => {}
            }
        }
        let helper = match prepare {
            Prepare::InLine => None,
            Prepare::Background => Some(Helper::start(disk.clone(), dir).map_err(|source| {
                let path = dir.join(BACKGROUND_NAME);
                JournalError::Io {
                    action: "start the thread that prepares",
                    path,
                    source,
                }
            })?),
        };
        Ok(Self {
            disk,
            dir: dir.to_owned(),
            helper,
            ready: None,
            making: false,
            failure: None,
        })
    }

    /// So much of the segment that is written is full: the next one is made in time for its end.
    pub fn tell_full(&self, end: u64, bytes: u64) {
        if let Some(helper) = &self.helper {
            let share = share(end, bytes);
            helper.pace.full.store(share, Ordering::Relaxed);
        }
    }

    /// Asks the helper for a segment of `bytes`, unless one is ready or in the making.
    pub fn request(&mut self, bytes: u64) {
        self.poll();
        let Some(helper) = &self.helper else { return };
        if self.making || self.ready.is_some() {
            return;
        }
        // A helper that has ended makes nothing; the append makes its segment itself.
        self.making = helper
            .requests
            .as_ref()
            .is_some_and(|requests| requests.send(bytes).is_ok());
    }

    /// A prepared file of at least `bytes_min`. If none is ready, one of `bytes_min` is made here and
    /// now: the smallest that will do, for an append waits.
    pub fn take(&mut self, bytes_min: u64) -> io::Result<Prepared> {
        self.poll();
        if let Some(ready) = self.ready.take_if(|ready| ready.bytes >= bytes_min) {
            return Ok(ready);
        }
        Self::make(&*self.disk, &self.dir, bytes_min)
    }

    /// Makes one here and now.
    pub fn make(disk: &dyn Disk, dir: &Path, bytes: u64) -> io::Result<Prepared> {
        make(disk, dir.join(IN_LINE_NAME), bytes, None)
    }

    /// Why the helper could not make the next segment, if it could not; said once.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.poll();
        self.failure.take()
    }

    fn poll(&mut self) {
        let Some(helper) = &self.helper else { return };
        while let Ok(made) = helper.made.try_recv() {
            self.making = false;
            match made {
                Ok(prepared) => self.ready = Some(prepared),
                Err(error) => self.failure = Some(error),
            }
        }
    }
}

impl Helper {
    fn start(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        let (requests, inbox) = channel::<u64>();
        let (outbox, made) = channel();
        let pace = Arc::new(Pace::default());
        let (path, told) = (dir.join(BACKGROUND_NAME), pace.clone());
        let work = move || {
            for bytes in inbox {
                let made = make(&*disk, path.clone(), bytes, Some(&*told));
                if outbox.send(made).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("journal-prepare".into())
            .spawn(work)?;
        Ok(Self {
            requests: Some(requests),
            made,
            pace,
            thread: Some(thread),
        })
    }
}

/// Waits for the thread: it must not write in the folder once the lock is given up.
impl Drop for Helper {
    fn drop(&mut self) {
        self.pace.stop.store(true, Ordering::Relaxed);
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: it has said so itself, and there is nothing to save.
            let _ = thread.join();
        }
    }
}

/// Makes a file of durable zeros, at the pace of the helper or at once.
fn make(disk: &dyn Disk, path: PathBuf, bytes: u64, pace: Option<&Pace>) -> io::Result<Prepared> {
    let goes_on = |waited| match pace {
        None => for_an_append(waited),
        // Nobody waits for it yet.
        Some(pace) => !pace.stop.load(Ordering::Relaxed),
    };
    let file = when_free(&path, goes_on, || disk.open(&path, Access::Create))?;
    let zeros = vec![0; CHUNK_BYTES.min(bytes as usize)];
    let mut at = 0;
    while at < bytes {
        let piece = (bytes - at).min(zeros.len() as u64);
        file.write_at(&zeros[..piece as usize], at)?;
        at += piece;
        if let Some(pace) = pace
            && at < bytes
        {
            file.sync_data()?;
            pace.keep(share(at, bytes))?;
        }
    }
    file.sync_data()?;
    Ok(Prepared { file, path, bytes })
}

impl Pace {
    /// Rests, unless the share that is made is too little.
    fn keep(&self, made: u64) -> io::Result<()> {
        if made >= AHEAD * self.full.load(Ordering::Relaxed) {
            std::thread::sleep(PIECE_PAUSE);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the journal was closed"));
        }
        Ok(())
    }
}

fn share(part: u64, bytes: u64) -> u64 {
    part.saturating_mul(WHOLE) / bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::lock::DirLock;
    use super::*;

    /// A disk of one file that keeps no bytes: how many were written before each sync.
    #[derive(Clone, Default)]
    struct Counted(Arc<Mutex<Vec<u64>>>);

    impl Disk for Counted {
        fn create_dir(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn list(&self, _: &Path) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }
        fn open(&self, _: &Path, _: Access) -> io::Result<Box<dyn DiskFile>> {
            self.0.lock().unwrap().push(0);
            Ok(Box::new(self.clone()))
        }
        fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn remove(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn sync_dir(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn try_lock(&self, _: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
            Ok(None)
        }
    }

    impl DiskFile for Counted {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.lock().unwrap().iter().sum())
        }
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
            unreachable!("zeros are not read")
        }
        fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            assert_eq!(offset, self.len()?, "one behind the other");
            assert!(bytes.iter().all(|byte| *byte == 0));
            *self.0.lock().unwrap().last_mut().unwrap() += bytes.len() as u64;
            Ok(())
        }
        fn sync_data(&self) -> io::Result<()> {
            self.0.lock().unwrap().push(0);
            Ok(())
        }
    }

    /// What lies between syncs of a file of `bytes` that is made in the background, while so much is full.
    fn made(bytes: u64, full: u64) -> Vec<u64> {
        let disk = Counted::default();
        let pace = Pace::default();
        pace.full.store(full, Ordering::Relaxed);
        let prepared = make(&disk, PathBuf::from("next.tmp"), bytes, Some(&pace)).unwrap();
        assert_eq!(prepared.bytes, bytes);
        let mut between = disk.0.lock().unwrap().clone();
        assert_eq!(between.pop(), Some(0), "it ends with a sync");
        between
    }

    #[test]
    fn beside_appends_no_more_than_a_piece_is_written_between_two_syncs() {
        let piece = CHUNK_BYTES as u64;
        for full in [0, WHOLE] {
            assert_eq!(made(3 * piece + 8, full), [piece, piece, piece, 8]);
            assert_eq!(made(2 * piece, full), [piece, piece]);
            assert_eq!(made(4096, full), [4096]);
        }
    }

    #[test]
    fn a_journal_that_is_closed_ends_the_making_at_the_next_piece() {
        let disk = Counted::default();
        let pace = Pace::default();
        pace.stop.store(true, Ordering::Relaxed);
        let path = PathBuf::from("next.tmp");
        assert!(make(&disk, path, 1 << 30, Some(&pace)).is_err());
        assert_eq!(*disk.0.lock().unwrap(), [CHUNK_BYTES as u64, 0]);
    }
}
