//! The order log: entries of all sessions, one JSON document a line, in one file.
//!
//! A thread writes what has queued as one batch and syncs it once: many sessions share a sync. An intent is on disk before
//! its request is sent; a report need not be, because it can be derived from the market again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::orders::{Entry, Orders};

const FILE: &str = "orders.log";
const NEW_FILE: &str = "orders.log.new";
/// Entries that wait for the disk; beyond that sessions wait.
const QUEUE: usize = 4_096;

/// Reason why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "{path}:{line}: this is no entry ({why}); restore the file from a copy, or move it away: orders then lose their ClOrdIDs"
    )]
    Damaged {
        path: PathBuf,
        line: usize,
        why: String,
    },
    #[error("{0}: another gateway uses this folder")]
    InUse(PathBuf),
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    session: std::borrow::Cow<'a, str>,
    entry: Entry,
}

/// Handle to the log.
#[derive(Clone)]
pub struct OrderLog {
    queue: mpsc::SyncSender<Batch>,
}

struct Batch {
    bytes: Vec<u8>,
    /// Answered once the bytes are on disk; `None`: written, not synced.
    synced: Option<oneshot::Sender<()>>,
}

impl OrderLog {
    /// Opens the log in a folder, and returns the orders of each session. The file is compacted.
    pub fn open(folder: &Path) -> Result<(Self, BTreeMap<String, Orders>), LogError> {
        let path = folder.join(FILE);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| LogError::Io { path, error }
        };
        let lock = private(&folder.join("lock")).map_err(failed(folder))?;
        if lock.try_lock().is_err() {
            return Err(LogError::InUse(folder.to_owned()));
        }
        let sessions = match File::open(&path) {
            Ok(file) => read(&path, file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(failed(&path)(error)),
        };
        let new = folder.join(NEW_FILE);
        let _ = std::fs::remove_file(&new);
        let mut file = private(&new).map_err(failed(&new))?;
        let mut bytes = Vec::new();
        for (session, orders) in &sessions {
            for entry in orders.compacted() {
                encode(session, entry, &mut bytes);
            }
        }
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&new, &path))
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(failed(&path))?;
        let (queue, batches) = mpsc::sync_channel(QUEUE);
        let write = move || {
            // Held as long as the gateway writes here.
            let _lock = lock;
            if let Err(error) = write(file, &batches) {
                // Sessions know entries that the disk does not have: going on could carry out a request twice.
                tracing::error!(%error, path = %path.display(), "the order log cannot be written; the gateway ends");
                std::process::exit(1);
            }
        };
        thread::Builder::new()
            .name("order-log".to_owned())
            .spawn(write)
            .map_err(failed(folder))?;
        Ok((Self { queue }, sessions))
    }

    /// Writes an entry.
    pub fn write(&self, session: &str, entry: Entry) {
        let mut bytes = Vec::new();
        encode(session, entry, &mut bytes);
        let synced = None;
        // The thread ends only with the process.
        let _ = self.queue.send(Batch { bytes, synced });
    }

    /// Writes entries, and returns once they survive a power loss.
    pub async fn write_durably(&self, session: &str, entries: impl IntoIterator<Item = Entry>) {
        let mut bytes = Vec::new();
        for entry in entries {
            encode(session, entry, &mut bytes);
        }
        let (done, synced) = oneshot::channel();
        let synced_by = Some(done);
        let _ = self.queue.send(Batch {
            bytes,
            synced: synced_by,
        });
        let _ = synced.await;
    }
}

/// Opens a file that only its owner can read: it holds hidden prices.
pub fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn encode(session: &str, entry: Entry, bytes: &mut Vec<u8>) {
    let session = session.into();
    serde_json::to_writer(&mut *bytes, &Line { session, entry }).expect("entries are JSON");
    bytes.push(b'\n');
}

fn read(path: &Path, file: File) -> Result<BTreeMap<String, Orders>, LogError> {
    let mut sessions: BTreeMap<String, Orders> = BTreeMap::new();
    let mut file = BufReader::new(file);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let read = file.read_until(b'\n', &mut text);
        let read = read.map_err(|error| LogError::Io {
            path: path.to_owned(),
            error,
        })?;
        // A crash can cut the last line: its request was not sent.
        if read == 0 || text.last() != Some(&b'\n') {
            break;
        }
        let parsed: Line = serde_json::from_slice(&text).map_err(|error| LogError::Damaged {
            path: path.to_owned(),
            line,
            why: error.to_string(),
        })?;
        let orders = sessions.entry(parsed.session.into_owned()).or_default();
        orders.apply(&parsed.entry);
    }
    Ok(sessions)
}

fn write(mut file: File, batches: &mpsc::Receiver<Batch>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = batches.recv() {
        bytes.clear();
        for batch in std::iter::once(first).chain(batches.try_iter().take(QUEUE)) {
            bytes.extend_from_slice(&batch.bytes);
            waiting.extend(batch.synced);
        }
        file.write_all(&bytes)?;
        if !waiting.is_empty() {
            file.sync_data()?;
            for done in waiting.drain(..) {
                // Ignore send errors: the session may have ended.
                let _ = done.send(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(number: u64) -> Entry {
        Entry::Reports { last: number }
    }

    #[test]
    fn a_cut_last_line_is_dropped_and_damage_before_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut bytes = Vec::new();
        encode("MIA", sent(7), &mut bytes);
        let whole = bytes.clone();
        bytes.extend_from_slice(&whole[..whole.len() - 1]);
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(read(&path, file).unwrap()["MIA"].compacted(), [sent(7)]);

        std::fs::write(&path, [b"{}\n".as_slice(), &whole].concat()).unwrap();
        let file = File::open(&path).unwrap();
        let error = read(&path, file).unwrap_err().to_string();
        assert!(error.contains("orders.log:1: this is no entry"), "{error}");
    }

    #[tokio::test]
    async fn a_folder_is_used_by_one_gateway_and_its_log_outlives_it() {
        let folder = tempfile::tempdir().unwrap();
        let (log, sessions) = OrderLog::open(folder.path()).unwrap();
        assert!(sessions.is_empty());
        log.write_durably("MIA", [sent(3)]).await;
        let second = OrderLog::open(folder.path()).err().unwrap();
        assert!(matches!(second, LogError::InUse(_)), "{second}");
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(
            text,
            "{\"session\":\"MIA\",\"entry\":{\"Reports\":{\"last\":3}}}\n"
        );
    }
}
