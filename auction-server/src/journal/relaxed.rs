//! Relaxed durability: an append is acknowledged when it is written, and synced in the background soon after.
//!
//! Acknowledged records survive a crash of the process, because the system has them. A crash of the machine may lose
//! the last moments, and may leave holes: pages go to the disk in any order. So a later frame no longer proves that an
//! earlier one was synced. The proof is in a separate file, the *mark*: the last record that was synced before the mark
//! was written. A hole after it is the end of the journal; one before it is damage, as always.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::disk::{Access, Disk, DiskFile};
use super::error::{Damage, JournalError};
use super::key::{Key, Purpose};
use super::layout::{Beginning, array_at};

/// Interval between syncs of acknowledged records: a crash of the machine loses at most this time, plus the time of a
/// sync.
pub const RELAXED_SYNC_EVERY: Duration = Duration::from_millis(100);

const MARK_NAME: &str = "journal.relaxed";
const MARK_TMP_NAME: &str = "journal.relaxed.tmp";
const BEGINNING: Beginning = Beginning {
    magic: b"AUCTRLX\n",
    version: 1,
};
const SYNCED_AT: usize = 16;
const CHECKSUM_AT: usize = 32;
const SLOT_END: usize = 48;
/// Two slots, each in its own sector, written in turns: a torn write leaves the other intact.
const SLOTS: usize = 2;
const SLOT_BYTES: usize = 512;

/// The mark, open for writing.
struct Mark {
    file: Box<dyn DiskFile>,
    key: Key,
    written: usize,
}

/// Returns the last record that is known to be synced, for a journal that was written with relaxed durability; `None`
/// for any other.
pub(super) fn marked(disk: &dyn Disk, dir: &Path, key: &Key) -> Result<Option<u64>, JournalError> {
    let path = mark_path(dir);
    let failed = |source| JournalError::Io {
        action: "read",
        path: path.clone(),
        source,
    };
    let file = match disk.open(&path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let (expected, found) = ((SLOTS * SLOT_BYTES) as u64, file.len().map_err(failed)?);
    if found != expected {
        let what = Damage::Length { expected, found };
        return Err(JournalError::damaged(&path, 0, what));
    }
    let mut bytes = [0; SLOTS * SLOT_BYTES];
    file.read_at(&mut bytes, 0).map_err(failed)?;
    let slots = bytes.chunks_exact(SLOT_BYTES);
    let synced = slots.filter_map(|slot| {
        let is_whole = slot[CHECKSUM_AT..SLOT_END]
            == key.checksum(Purpose::RelaxedMark, &[&slot[..CHECKSUM_AT]]);
        is_whole.then(|| u64::from_le_bytes(array_at(slot, SYNCED_AT)))
    });
    match synced.max() {
        Some(synced) => Ok(Some(synced)),
        None => Err(JournalError::damaged(&path, 0, Damage::Header)),
    }
}

/// Removes the mark. The caller has synced all of the journal, and syncs its folder after this.
pub(super) fn unmark(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    match disk.remove(&mark_path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Mark {
    /// Creates a new mark, durably. All records to `synced` are durable.
    fn make(disk: &dyn Disk, dir: &Path, key: &Key, synced: u64) -> io::Result<Self> {
        let aside = dir.join(MARK_TMP_NAME);
        let mut mark = Self {
            file: disk.open(&aside, Access::Create)?,
            key: key.clone(),
            written: 0,
        };
        mark.file.write_at(&[0; SLOTS * SLOT_BYTES], 0)?;
        (0..SLOTS).try_for_each(|_| mark.write(synced))?;
        disk.rename(&aside, &mark_path(dir))?;
        disk.sync_dir(dir)?;
        Ok(mark)
    }

    fn write(&mut self, synced: u64) -> io::Result<()> {
        let mut slot = [0; SLOT_END];
        BEGINNING.write(&mut slot);
        slot[SYNCED_AT..SYNCED_AT + 8].copy_from_slice(&synced.to_le_bytes());
        let checksum = self
            .key
            .checksum(Purpose::RelaxedMark, &[&slot[..CHECKSUM_AT]]);
        slot[CHECKSUM_AT..].copy_from_slice(&checksum);
        let place = self.written % SLOTS;
        self.written += 1;
        self.file.write_at(&slot, (place * SLOT_BYTES) as u64)?;
        self.file.sync_data()
    }
}

fn mark_path(dir: &Path) -> PathBuf {
    dir.join(MARK_NAME)
}

/// The thread that syncs acknowledged records. When this is dropped, all of them are synced.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// The current segment.
    file: Arc<dyn DiskFile>,
    /// The last record that was written.
    written: u64,
    /// Error of a failed sync: nothing may be acknowledged any more.
    failure: Option<io::Error>,
    ends: bool,
}

impl Syncer {
    /// Starts the thread. All records to `synced`, in `file`, are durable.
    pub fn start(
        disk: &dyn Disk,
        dir: &Path,
        key: &Key,
        file: Arc<dyn DiskFile>,
        synced: u64,
    ) -> io::Result<Self> {
        let mark = Mark::make(disk, dir, key, synced)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                file,
                written: synced,
                failure: None,
                ends: false,
            }),
            ended: Condvar::new(),
        });
        let builder = std::thread::Builder::new().name("journal-sync".into());
        let of_thread = shared.clone();
        let thread = builder.spawn(move || of_thread.run(mark, synced))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Reports that all records to this one are written.
    ///
    /// # Errors
    /// The error of an earlier sync, returned once; the journal accepts nothing after it.
    pub fn wrote(&self, sequence: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.written = sequence;
        state.failure.take().map_or(Ok(()), Err)
    }

    /// Checks that all syncs so far succeeded.
    ///
    /// # Errors
    /// As [`wrote`](Self::wrote).
    pub fn check(&self) -> io::Result<()> {
        self.shared.lock().failure.take().map_or(Ok(()), Err)
    }

    /// Switches to this segment for later records; the one before it is synced.
    pub fn goes_on_in(&self, file: Arc<dyn DiskFile>) {
        self.shared.lock().file = file;
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.ended.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panicked and has reported that itself; the next start determines the state.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, mut mark: Mark, mut synced: u64) {
        loop {
            let state = self.lock();
            let waited = self
                .ended
                .wait_timeout_while(state, RELAXED_SYNC_EVERY, |state| !state.ends);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (file, written, ends) = (state.file.clone(), state.written, state.ends);
            drop(state);
            if written > synced {
                // The mark is written after the records that it covers are on the disk, and not before.
                match file.sync_data().and_then(|()| mark.write(written)) {
                    Ok(()) => synced = written,
                    Err(error) => {
                        self.lock().failure = Some(error);
                        return;
                    }
                }
            }
            if ends {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
