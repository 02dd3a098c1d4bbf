//! Relaxed durability: an append is acknowledged when it is written, and synced in the background soon after.
//!
//! Whatever was acknowledged survives a crash of the process, for the system has it. A crash of the machine may take
//! the last moments back, and may leave holes: pages go to the disk in any order. So a later frame is no proof any
//! more that an earlier one was synced. What is proof stands in a file of its own, the *mark*: the last record that
//! was synced before it was written. A hole behind it is the end of the journal; one before it is damage, as ever.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::disk::{Access, Disk, DiskFile};
use super::error::{Damage, JournalError};
use super::key::{Key, Purpose};
use super::layout::{Beginning, array_at};

/// How often what was acknowledged is synced: a crash of the machine takes no more back than this, and what a sync
/// takes.
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
/// Two, each in a sector of its own, written in turns: a torn write leaves the other.
const SLOTS: usize = 2;
const SLOT_BYTES: usize = 512;

/// The mark, open for writing.
struct Mark {
    file: Box<dyn DiskFile>,
    key: Key,
    written: usize,
}

/// The last record that is known to be synced, of a journal that was written with relaxed durability; `None`: it was
/// not.
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

/// Takes the mark away. All of the journal is synced, and its folder is synced after this.
pub(super) fn unmark(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    match disk.remove(&mark_path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Mark {
    /// Makes the mark anew, durably. All records to `synced` are.
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

/// The thread that syncs what was acknowledged. All is synced when this is dropped.
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// The segment that is written.
    file: Arc<dyn DiskFile>,
    /// The last record that was written.
    written: u64,
    /// Why a sync failed: nothing may be acknowledged any more.
    failure: Option<io::Error>,
    ends: bool,
}

impl Syncer {
    /// Starts the thread. All records to `synced`, which lie in `file`, are durable.
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

    /// All records to this one are written.
    ///
    /// # Errors
    /// What an earlier sync said. It is said once; the journal takes nothing after it.
    pub fn wrote(&self, sequence: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.written = sequence;
        state.failure.take().map_or(Ok(()), Err)
    }

    /// Whether all syncs so far went well.
    ///
    /// # Errors
    /// As [`wrote`](Self::wrote).
    pub fn check(&self) -> io::Result<()> {
        self.shared.lock().failure.take().map_or(Ok(()), Err)
    }

    /// What follows is written to this segment; the one before it is synced.
    pub fn goes_on_in(&self, file: Arc<dyn DiskFile>) {
        self.shared.lock().file = file;
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.ended.notify_one();
        if let Some(thread) = self.thread.take() {
            // It panicked: it has said so itself, and the next start finds out what is there.
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
                // The mark is written when what it vouches for is on the disk, and not before.
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
