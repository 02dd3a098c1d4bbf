//! The lock that keeps a second server off a journal.
//!
//! There are two, and a server needs both. One is on the folder itself: it lasts as long as the folder, whatever is
//! removed from it. The other is on the file `journal.lock`, which is all that earlier versions look at; it is made
//! again when it was removed. Both hold on this machine alone: a folder on a network file system is not kept from
//! servers of other machines.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const FILE_NAME: &str = "journal.lock";

/// Hidden maxima and sealed bids lie in these files.
pub(super) const OWNER_ONLY: u32 = 0o600;

/// A lock on a journal's folder, held until it is dropped.
pub trait DirLock: Send + Sync {
    /// Looks whether the lock still keeps others off, and mends what can be mended.
    ///
    /// # Errors
    /// Another server may write where this one does, or this one would write somewhere else from now on: nothing may
    /// be appended any more.
    fn check(&mut self) -> io::Result<LockState>;
}

/// What became of a lock since it was taken, or last looked at.
#[derive(Debug)]
pub enum LockState {
    /// Nothing.
    Held,
    /// Its file was removed, and made and locked again.
    FileRemade,
    /// Its file was removed, and cannot be made: only servers of this version are kept off. Said once.
    FileMissing(io::Error),
}

/// Locks the folder `dir` and the file in it; `None`: someone else holds one of them.
pub(super) fn lock(dir: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
    // The folder first: who is kept off by it touches nothing in it.
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

struct RealLock {
    path: PathBuf,
    folder: File,
    file: File,
    /// Whether it was said that the file is missing.
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
