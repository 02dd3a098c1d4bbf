//! Copies of a journal, made beside its running server, and segments that lie in another folder.
//!
//! A sealed segment never changes, so it is copied as a file, once. The last segment is copied up to its last whole frame
//! and is zero behind it: a plain copy of a file that is being written could hold a later frame without an earlier one,
//! which is damage.
//!
//! An archived segment has left the folder, and a symbolic link to its new place is in its stead: everything that reads
//! the journal follows it.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk as _, RealDisk};
use super::error::JournalError;
use super::key::key_path;
use super::lock::OWNER_ONLY;
use super::reader::Reader;
use super::recovery::SNAPSHOT_SUFFIX;
use super::segment::{list_numbered, list_segments, segment_path};

/// Size of the pieces in which files are copied. A sync of the server waits for the pieces before it, so they are small.
const PIECE_BYTES: usize = 4 << 20;
/// Mode of the folders that are created.
const FOLDER_MODE: u32 = 0o700;

/// Result of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The last record in the copy.
    pub last_sequence: u64,
    /// Number of segments in the copy.
    pub segments: usize,
    /// Number of them that an earlier copy had already.
    pub kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
}

/// Copies the journal in `from` into the folder `to`, which may hold an earlier copy: its sealed segments are kept. Both
/// remain readable all the time; a copy that is interrupted is completed by the next one. Calls `on_bytes` with the bytes
/// done and their total.
///
/// # Errors
/// [`JournalError`] names the file. [`JournalError::OtherJournal`]: `to` holds the copy of another journal.
pub fn copy_journal(
    from: &Path,
    to: &Path,
    on_bytes: &mut dyn FnMut(u64, u64),
) -> Result<Copied, JournalError> {
    create_folder(to).map_err(failed("create", to))?;
    let lock = RealDisk.try_lock(to).map_err(failed("lock", to))?;
    let _lock = lock.ok_or_else(|| JournalError::Locked {
        path: to.to_owned(),
    })?;
    copy_key(from, to)?;

    let sources = list_segments(&RealDisk, from)?;
    let Some((&last, sealed)) = sources.split_last() else {
        return Err(JournalError::SegmentMissing {
            path: segment_path(from, 1),
            sequence: 1,
        });
    };
    let there = list_segments(&RealDisk, to)?;
    // The last one of an earlier copy was not sealed, or not known to be.
    let kept = |first: &u64| {
        there
            .split_last()
            .is_some_and(|(_, sealed)| sealed.contains(first))
    };
    let missing: Vec<u64> = sealed
        .iter()
        .copied()
        .filter(|first| !kept(first))
        .collect();
    let length =
        |first: &u64| fs::metadata(segment_path(from, *first)).map_or(0, |file| file.len());
    let total = missing.iter().chain([&last]).map(length).sum();
    let mut copied = Copied {
        segments: sources.len(),
        kept: sealed.len() - missing.len(),
        ..Copied::default()
    };
    let mut done = |bytes: u64| {
        copied.bytes += bytes;
        on_bytes(copied.bytes, total);
    };
    for first in missing {
        let (source, target) = (segment_path(from, first), segment_path(to, first));
        copy_file(&source, &target, u64::MAX, &mut done).map_err(failed("copy", &source))?;
    }

    let (sequence, end) = end_of(from, last)?;
    let (source, target) = (segment_path(from, last), segment_path(to, last));
    copy_file(&source, &target, end, &mut done).map_err(failed("copy", &source))?;
    copied.last_sequence = sequence;
    copy_snapshot(from, to, sequence)?;
    Ok(copied)
}

/// Returns the last record of a segment, and the offset of the end of its last whole frame. All of it is durable.
fn end_of(dir: &Path, segment: u64) -> Result<(u64, u64), JournalError> {
    let mut reader = Reader::open(Arc::new(RealDisk), dir)?;
    reader.seek(segment);
    reader.locate()?;
    let mut end = (segment - 1, 0);
    while let Some((first, offset, _)) = reader.tail() {
        // It may have been sealed meanwhile, and the reader be in the next one.
        if first != segment {
            return Ok(end);
        }
        end = (
            reader.position().map_or(0, |position| position.sequence),
            offset,
        );
        if reader.next_view()?.is_none() {
            break;
        }
    }
    // A record that a failing machine may still lose must not be in a copy.
    reader.sync()?;
    Ok(end)
}

/// Copies the newest snapshot that the copied records reach, in place of older ones: a start from the copy is faster.
fn copy_snapshot(from: &Path, to: &Path, last: u64) -> Result<(), JournalError> {
    let path = |dir: &Path, sequence: u64| dir.join(format!("{sequence:020}{SNAPSHOT_SUFFIX}"));
    let snapshots = list_numbered(&RealDisk, from, SNAPSHOT_SUFFIX)?;
    let Some(newest) = snapshots.into_iter().rfind(|sequence| *sequence <= last) else {
        return Ok(());
    };
    let there = list_numbered(&RealDisk, to, SNAPSHOT_SUFFIX)?;
    if !there.contains(&newest) {
        let source = path(from, newest);
        match copy_file(&source, &path(to, newest), u64::MAX, &mut |_| {}) {
            // The server replaced it by a newer one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            copied => copied.map_err(failed("copy", &source))?,
        }
    }
    for old in there.into_iter().filter(|sequence| *sequence != newest) {
        let old = path(to, old);
        fs::remove_file(&old).map_err(failed("remove", &old))?;
    }
    Ok(())
}

/// Copies the key of the checksums; refuses a folder that has another one.
fn copy_key(from: &Path, to: &Path) -> Result<(), JournalError> {
    let (source, target) = (key_path(from), key_path(to));
    let key = fs::read(&source).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => JournalError::KeyMissing {
            path: source.clone(),
        },
        _ => failed("read", &source)(error),
    })?;
    match fs::read(&target) {
        Ok(there) if there == key => Ok(()),
        Ok(_) => Err(JournalError::OtherJournal {
            path: to.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            copy_file(&source, &target, u64::MAX, &mut |_| {}).map_err(failed("copy", &source))
        }
        Err(error) => Err(failed("read", &target)(error)),
    }
}

/// Result of an archiving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// Number of segments that were moved.
    pub moved: usize,
    /// Number of segments that had been moved before.
    pub before: usize,
    /// Bytes that were moved.
    pub bytes: u64,
}

/// Moves the sealed segments of the journal in `dir` to the folder `to`, and leaves links to them. Also works beside the
/// running server. Calls `on_bytes` with the bytes done and their total.
///
/// # Errors
/// [`JournalError`] names the file; what was moved before stays moved.
pub fn archive_segments(
    dir: &Path,
    to: &Path,
    on_bytes: &mut dyn FnMut(u64, u64),
) -> Result<Archived, JournalError> {
    create_folder(to).map_err(failed("create", to))?;
    // The links hold for every working folder.
    let to = &to.canonicalize().map_err(failed("open", to))?;
    let lock = RealDisk.try_lock(to).map_err(failed("lock", to))?;
    let _lock = lock.ok_or_else(|| JournalError::Locked {
        path: to.to_owned(),
    })?;
    copy_key(dir, to)?;
    let segments = list_segments(&RealDisk, dir)?;
    let sealed = segments.split_last().map_or(&[][..], |(_, sealed)| sealed);
    let is_here = |first: &u64| !segment_path(dir, *first).is_symlink();
    let here: Vec<u64> = sealed.iter().copied().filter(is_here).collect();
    let length = |first: &u64| fs::metadata(segment_path(dir, *first)).map_or(0, |file| file.len());
    let total = here.iter().map(length).sum();
    let mut archived = Archived {
        moved: here.len(),
        before: sealed.len() - here.len(),
        bytes: 0,
    };
    for first in here {
        let (source, target) = (segment_path(dir, first), segment_path(to, first));
        let mut done = |bytes: u64| {
            archived.bytes += bytes;
            on_bytes(archived.bytes, total);
        };
        copy_file(&source, &target, u64::MAX, &mut done).map_err(failed("copy", &source))?;
        if !is_same(&source, &target).map_err(failed("compare", &target))? {
            return Err(failed("compare", &target)(io::Error::other(
                "the copy reads differently from what was written",
            )));
        }
        let link = source.with_extension("link.tmp");
        let linked = || {
            match fs::remove_file(&link) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            symlink(&target, &link)?;
            // In one step: a reader finds the file or the link.
            fs::rename(&link, &source)?;
            RealDisk.sync_dir(dir)
        };
        linked().map_err(failed("replace", &source))?;
    }
    Ok(archived)
}

/// Returns the archived segments of the journal in `dir` whose files cannot be found now: the link and its target.
#[must_use]
pub fn missing_archives(dir: &Path) -> Vec<(PathBuf, PathBuf)> {
    let segments = list_segments(&RealDisk, dir).unwrap_or_default();
    let links = segments.into_iter().map(|first| segment_path(dir, first));
    let missing = links.filter(|link| !link.exists());
    missing
        .filter_map(|link| Some((link.clone(), fs::read_link(&link).ok()?)))
        .collect()
}

fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut of_a, mut of_b) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    loop {
        let count = a.read(&mut of_a)?;
        if count == 0 {
            return Ok(true);
        }
        b.read_exact(&mut of_b[..count])?;
        if of_a[..count] != of_b[..count] {
            return Ok(false);
        }
    }
}

/// Copies the first `end` bytes of a file, with zeros to its length, durably: under another name, then renamed. Calls
/// `done` with the bytes of each piece.
pub fn copy_file(
    source: &Path,
    target: &Path,
    end: u64,
    done: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let mut from = File::open(source)?;
    let length = from.metadata()?.len();
    let mut aside = target.as_os_str().to_owned();
    aside.push(".tmp");
    let aside = PathBuf::from(aside);
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true).mode(OWNER_ONLY);
    let mut to = options.open(&aside)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut left = end.min(length);
    while left > 0 {
        let wanted = usize::try_from(left)
            .unwrap_or(PIECE_BYTES)
            .min(PIECE_BYTES);
        let count = from.read(&mut piece[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&piece[..count])?;
        to.sync_data()?;
        left -= count as u64;
        done(count as u64);
    }
    to.set_len(length)?;
    to.sync_all()?;
    fs::rename(&aside, target)?;
    let folder = target.parent().expect("a file lies in a folder");
    RealDisk.sync_dir(folder)
}

fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(FOLDER_MODE).create(path)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Io {
        action,
        path,
        source,
    }
}
