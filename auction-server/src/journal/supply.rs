//! The next segment, made before it is needed.
//!
//! Zeros that were written and synced have their blocks and their length; writing over them changes no
//! metadata, so that the sync of an append is one write to the disk. A file being made has the name
//! `next.tmp`, and gets a segment's name only when its header is durable too: whatever has a segment's
//! name is a segment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::disk::{Access, Disk, DiskFile};
use super::error::JournalError;
use super::options::Prepare;

const BACKGROUND_NAME: &str = "next.tmp";
const IN_LINE_NAME: &str = "now.tmp";
/// Zeros are written in pieces of this size: a thread that should end looks up after each.
const PIECE_BYTES: usize = 1 << 20;

/// A file of `bytes` durable zeros, not yet a segment.
pub(super) struct Prepared {
    pub file: Box<dyn DiskFile>,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Where the next segment comes from.
pub(super) struct Supply {
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
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Supply {
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
        make(disk, dir.join(IN_LINE_NAME), bytes, &AtomicBool::new(false))
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
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopped) = (dir.join(BACKGROUND_NAME), stop.clone());
        let work = move || {
            for bytes in inbox {
                if outbox
                    .send(make(&*disk, path.clone(), bytes, &stopped))
                    .is_err()
                {
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
            stop,
            thread: Some(thread),
        })
    }
}

/// Waits for the thread: it must not write in the folder once the lock is given up.
impl Drop for Helper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It panicked: it has said so itself, and there is nothing to save.
            let _ = thread.join();
        }
    }
}

fn make(disk: &dyn Disk, path: PathBuf, bytes: u64, stop: &AtomicBool) -> io::Result<Prepared> {
    let file = disk.open(&path, Access::Create)?;
    let zeros = vec![0; PIECE_BYTES.min(bytes as usize)];
    let mut at = 0;
    while at < bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the journal was closed"));
        }
        let piece = (bytes - at).min(zeros.len() as u64);
        file.write_at(&zeros[..piece as usize], at)?;
        at += piece;
    }
    file.sync_data()?;
    Ok(Prepared { file, path, bytes })
}
