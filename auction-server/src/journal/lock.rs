//! The lock that keeps a second server off a journal.
//!
//! There are two locks, and a server needs both. One is on the folder itself: it lasts as long as the folder, even if
//! files in it are removed. The other is on the file `journal.lock`, the only one that earlier versions check; if the
//! file is removed, it is created again. Both work only on this machine: they do not protect a folder on a network file
//! system from servers on other machines.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "journal.lock";

/// These files contain hidden maxima and sealed bids.
pub(super) const OWNER_ONLY: u32 = 0o600;

/// A lock on a journal's folder, held until it is dropped.
pub trait DirLock: Send + Sync {
    /// Checks whether the lock still keeps other servers out, and repairs it where possible.
    ///
    /// # Errors
    /// Another server may write to the same journal, or this one would write to another folder from now on: nothing may
    /// be appended any more.
    fn check(&mut self) -> io::Result<LockState>;
}

/// State of a lock, compared with the last check.
#[derive(Debug)]
pub enum LockState {
    /// Unchanged.
    Held,
    /// Its file was removed; it was created and locked again.
    FileRemade,
    /// Its file was removed and cannot be created: only servers of this version are kept out. Reported once.
    FileMissing(io::Error),
}

/// Locks the folder `dir` and the file in it; `None`: another process holds one of the locks.
pub(super) fn lock(dir: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
    // The folder first: a server that finds it locked changes nothing in it.
    let Some(folder) = locked(File::open(dir)?)? else {
        return Ok(None);
    };
    let Some(file) = locked(open_file(dir)?)? else {
        return Ok(None);
    };
    Ok(Some(Box::new(RealLock {
        path: dir.to_owned(),
        folder,
        file,
        is_missing: false,
    })))
}

/// Returns whether a process holds the lock of the folder `dir`. It is held for a moment to find out.
///
/// # Errors
/// The folder cannot be opened.
pub fn is_held(dir: &Path) -> io::Result<bool> {
    match File::open(dir)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

struct RealLock {
    path: PathBuf,
    folder: File,
    file: File,
    /// True if the missing file was reported already.
    is_missing: bool,
}

impl DirLock for RealLock {
    fn check(&mut self) -> io::Result<LockState> {
        let dir = self.path.display();
        match fs::metadata(&self.path) {
            Ok(there) if is_same(&there, &self.folder.metadata()?) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {
                return Err(io::Error::other(format!(
                    "{dir} was moved, removed or replaced while the server ran; put the folder back that the server \
                     had, and start again"
                )));
            }
        }
        if let Ok(there) = fs::metadata(self.path.join(FILE_NAME))
            && is_same(&there, &self.file.metadata()?)
        {
            self.is_missing = false;
            return Ok(LockState::Held);
        }
        match open_file(&self.path) {
            Ok(file) => {
                let file = locked(file)?.ok_or_else(|| {
                    io::Error::other(format!(
                        "another server has begun on {dir} since {FILE_NAME} was removed; stop both, and run `verify` \
                         before one of them starts again"
                    ))
                })?;
                self.file = file;
                self.is_missing = false;
                Ok(LockState::FileRemade)
            }
            Err(_) if self.is_missing => Ok(LockState::Held),
            Err(error) => {
                self.is_missing = true;
                Ok(LockState::FileMissing(error))
            }
        }
    }
}

fn open_file(dir: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(OWNER_ONLY).open(dir.join(FILE_NAME))
}

fn locked(file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_same(there: &Metadata, held: &Metadata) -> bool {
    (there.dev(), there.ino()) == (held.dev(), held.ino())
}
