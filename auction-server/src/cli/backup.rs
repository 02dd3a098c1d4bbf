//! `backup`, `restore` and `archive`: copies of a market, and segments in another folder.
//!
//! A backup has the form of a data folder, so that every command for one works on it with `--data`: `verify`, `export`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::data_dir::DataDir;
use crate::journal::{
    Archived, Copied, JournalError, Reader, RealDisk, TailState, archive_segments, copy_file,
    copy_journal,
};
use crate::platform::progress::{Progress, ReadProgress, Task};

/// Reason why nothing was copied, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The journal, or a copy of it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no market to copy.
    #[error("there is no market in {}: name the folder that holds journal/ and market.key", path.display())]
    NoMarket {
        /// The folder.
        path: PathBuf,
    },
    /// The folder to restore into has a market.
    #[error(
        "{} holds a market already: restore into a folder without one, by --data, or move its journal away",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has the key of another market.
    #[error("{} is the key of another market; choose another folder", path.display())]
    OtherKey {
        /// The key.
        path: PathBuf,
    },
    /// The two folders are one.
    #[error("{} is the data folder itself; choose another folder, best on another disk", path.display())]
    SameFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be copied.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// Copies the market of a data folder into `to`, also beside its running server. An earlier backup there is brought up to
/// date.
///
/// # Errors
/// [`BackupError`]; a backup that was there remains valid.
pub fn back_up(
    data: &DataDir,
    to: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Copied, BackupError> {
    require_market(data)?;
    let copy = DataDir::new(to);
    if is_same_folder(data.path(), to) {
        return Err(BackupError::SameFolder {
            path: to.to_owned(),
        });
    }
    if differs(&data.market_key(), &copy.market_key())? {
        return Err(BackupError::OtherKey {
            path: copy.market_key(),
        });
    }
    let mut on_bytes = copying(on_progress);
    let copied = copy_journal(&data.journal(), &copy.journal(), &mut on_bytes)?;
    for (source, target) in [(data.market_key(), copy.market_key())]
        .into_iter()
        .chain(inputs(data, &copy))
    {
        copy_small(&source, &target)?;
    }
    Ok(copied)
}

/// Copies the backup `from` into a data folder without a market, after the whole backup was verified.
///
/// # Errors
/// [`BackupError`]; the folder has no market then.
pub fn restore(
    data: &DataDir,
    from: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Copied, BackupError> {
    let backup = DataDir::new(from);
    require_market(&backup)?;
    let occupied = |path: PathBuf| BackupError::Occupied { path };
    if data.journal().exists() {
        return Err(occupied(data.path().to_owned()));
    }
    if differs(&backup.market_key(), &data.market_key())? {
        return Err(BackupError::OtherKey {
            path: data.market_key(),
        });
    }
    verify(&backup, on_progress)?;
    // Under another name until it is whole: a server must not start on a part of it.
    let aside = data.path().join("journal.restoring");
    let mut on_bytes = copying(on_progress);
    let copied = copy_journal(&backup.journal(), &aside, &mut on_bytes)?;
    copy_small(&backup.market_key(), &data.market_key())?;
    for (source, target) in inputs(&backup, data) {
        // Those of the folder are newer than the backup's, if they are there.
        if !target.exists() {
            copy_small(&source, &target)?;
        }
    }
    let journal = data.journal();
    let renamed = fs::rename(&aside, &journal)
        .and_then(|()| fs::File::open(data.path()).and_then(|folder| folder.sync_all()));
    renamed.map_err(|source| BackupError::File {
        path: journal,
        source,
    })?;
    Ok(copied)
}

/// Moves the sealed segments of a data folder's journal to `to`, and leaves links to them. Also works beside its running
/// server.
///
/// # Errors
/// [`BackupError`]; what was moved before stays moved.
pub fn archive(
    data: &DataDir,
    to: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Archived, BackupError> {
    require_market(data)?;
    if is_same_folder(&data.journal(), to) {
        return Err(BackupError::SameFolder {
            path: to.to_owned(),
        });
    }
    let mut on_bytes = copying(on_progress);
    Ok(archive_segments(&data.journal(), to, &mut on_bytes)?)
}

fn require_market(data: &DataDir) -> Result<(), BackupError> {
    let is_there = data.journal().exists() && data.market_key().exists();
    match is_there {
        true => Ok(()),
        false => Err(BackupError::NoMarket {
            path: data.path().to_owned(),
        }),
    }
}

/// The files beside the journal that an operator has made, or that clients know the server by.
fn inputs(from: &DataDir, to: &DataDir) -> Vec<(PathBuf, PathBuf)> {
    let pairs = [
        (from.stocks(), to.stocks()),
        (from.lots(), to.lots()),
        (from.users(), to.users()),
        (from.settings(), to.settings()),
        (from.self_signed(), to.self_signed()),
    ];
    let there = pairs.into_iter().filter(|(source, _)| source.exists());
    there.collect()
}

fn copy_small(source: &Path, target: &Path) -> Result<(), BackupError> {
    let copy = || {
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        copy_file(source, target, u64::MAX, &mut |_| {})
    };
    copy().map_err(|error| BackupError::File {
        path: source.to_owned(),
        source: error,
    })
}

/// Returns whether both files are there and their bytes differ.
fn differs(a: &Path, b: &Path) -> Result<bool, BackupError> {
    let read = |path: &Path| match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BackupError::File {
            path: path.to_owned(),
            source,
        }),
    };
    let (a, b) = (read(a)?, read(b)?);
    Ok(a.is_some() && b.is_some() && a != b)
}

fn is_same_folder(a: &Path, b: &Path) -> bool {
    let (a, b) = (a.canonicalize(), b.canonicalize());
    matches!((a, b), (Ok(a), Ok(b)) if a == b)
}

/// Reads the whole journal and checks every frame.
fn verify(data: &DataDir, on_progress: &mut dyn FnMut(Progress)) -> Result<(), JournalError> {
    let mut reader = Reader::open(Arc::new(RealDisk), &data.journal())?;
    let mut reading = ReadProgress::new(&RealDisk, &data.journal(), on_progress);
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
    }
    reading.end();
    match reader.tail_state()? {
        TailState::Clean | TailState::Torn(_) | TailState::Grew => Ok(()),
    }
}

fn copying(on_progress: &mut dyn FnMut(Progress)) -> impl FnMut(u64, u64) {
    move |done, of| {
        on_progress(Progress {
            task: Task::Copying,
            done,
            of,
        });
    }
}
