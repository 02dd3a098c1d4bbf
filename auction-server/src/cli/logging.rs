//! Structured logs on standard error or in a file, which the operator may need afterwards. The console output for the operator
//! while the server runs is [`announce`](crate::projections::console_text), on standard output.
//!
//! A log file is opened again when the logs are rotated, and the level can change while the server runs. Standard error
//! may be a pipe that nobody reads: a separate thread writes there, so that logging never waits for it.
//! Entries that don't fit the queue are dropped, and the log reports their number.
//!
//! No password, token, hash, hidden maximum or reserve is ever logged: their types don't print them.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use crate::config::{Config, LogFormat, LogLevel};

/// Maximum number of entries waiting to be written; further ones are dropped.
pub const ENTRIES_WAITING_MAX: usize = 4_096;
/// Log files are readable by the group too, as for programs that watch them.
const LOG_FILE_MODE: u32 = 0o640;
/// Maximum time that the end of the program waits for the last entries.
const END_WITHIN: Duration = Duration::from_secs(1);
/// Interval of the checks for room in the queue.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The running logs. When dropped at the end of the program, they wait a while for unwritten entries.
#[derive(Debug)]
#[must_use = "dropped, it waits for the last entries"]
pub struct Logs(LogControl);

/// Handle that changes running logs.
#[derive(Clone, Debug)]
pub struct LogControl {
    queue: Queue,
    level: reload::Handle<LevelFilter, Registry>,
}

/// Starts logging. A second call in a process changes nothing.
///
/// # Errors
/// The log file cannot be opened, or the system cannot start a thread; with the file named.
pub fn begin(config: &Config) -> io::Result<Logs> {
    let queue = match &config.log_file {
        Some(path) => Queue::start(LogFile::open(path)?)?,
        None => Queue::start(io::stderr())?,
    };
    let (filter, level) = reload::Layer::new(filter(config.log_level));
    // A log that cannot be written (disk full, no reader) would panic in the thread that logs.
    let layer = fmt::layer()
        .with_writer(queue.clone())
        .log_internal_errors(false);
    let logs = Registry::default().with(filter);
    // An error means that logging was started before, as in tests.
    let _ = match config.log {
        LogFormat::Human => logs.with(layer.with_target(false)).try_init(),
        LogFormat::Json => logs.with(layer.json()).try_init(),
    };
    Ok(Logs(LogControl { queue, level }))
}

impl Logs {
    /// Returns a handle that changes these logs.
    pub fn control(&self) -> LogControl {
        self.0.clone()
    }
}

impl LogControl {
    /// Logs entries of this level and above from now on.
    pub fn set_level(&self, level: LogLevel) {
        // An error means that the logs were never started.
        let _ = self.level.reload(filter(level));
    }

    /// Opens the log file again, which may have been renamed; later entries go to the new one. May wait for the disk.
    ///
    /// # Errors
    /// The file cannot be opened; the old one stays in use.
    pub fn reopen(&self) -> io::Result<()> {
        let (sender, reopened) = sync_channel(1);
        let full = |_| io::Error::other("the log cannot be written");
        let sent = self.queue.waiting.send(Waiting::Reopen(sender));
        sent.map_err(|_| io::Error::other("the log has ended"))?;
        reopened.recv_timeout(END_WITHIN).map_err(full)?
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.queue.flush();
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}

/// Destination of the entries.
trait Stream: Write + Send + 'static {
    /// Opens it again, if it has a name.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for io::Stderr {}

/// A file of entries, appended to.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.append(true).create(true).mode(LOG_FILE_MODE);
        let file = options.open(path).map_err(|error| {
            let said = format!("the log file {}: {error}", path.display());
            io::Error::new(error.kind(), said)
        })?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Stream for LogFile {
    fn reopen(&mut self) -> io::Result<()> {
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

/// Entries on their way to a stream.
#[derive(Clone, Debug)]
struct Queue {
    waiting: SyncSender<Waiting>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Waiting {
    Entry(Vec<u8>),
    /// Requests a write of everything before it; this sender is dropped afterwards.
    Flush(SyncSender<()>),
    /// Requests the file to be opened again, behind everything before it.
    Reopen(SyncSender<io::Result<()>>),
}

impl Queue {
    fn start(stream: impl Stream) -> io::Result<Self> {
        let (waiting, received) = sync_channel(ENTRIES_WAITING_MAX);
        let left_out = Arc::new(AtomicU64::new(0));
        let queue = Self {
            waiting,
            left_out: left_out.clone(),
        };
        let builder = thread::Builder::new().name("log".to_owned());
        builder.spawn(move || write_all(&received, stream, &left_out))?;
        Ok(queue)
    }

    /// Waits for unwritten entries, but not for a reader that takes nothing.
    fn flush(&self) {
        let deadline = Instant::now() + END_WITHIN;
        let (sender, written) = sync_channel(0);
        let mut flush = Waiting::Flush(sender);
        loop {
            match self.waiting.try_send(flush) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < deadline => flush = back,
                Err(_) => return,
            }
            thread::sleep(LOOK_EVERY);
        }
        // Nothing is ever sent here: the other end is dropped.
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

fn write_all(received: &Receiver<Waiting>, mut stream: impl Stream, left_out: &AtomicU64) {
    while let Ok(waiting) = received.recv() {
        match waiting {
            // A failed write to the log cannot be logged.
            Waiting::Entry(entry) => drop(stream.write_all(&entry)),
            Waiting::Flush(written) => drop(written),
            // The requester may have given up.
            Waiting::Reopen(reopened) => drop(reopened.send(stream.reopen())),
        }
        let count = left_out.swap(0, Ordering::Relaxed);
        if count > 0 {
            let _ = writeln!(
                stream,
                "({count} entries of the log are left out: they came faster than they could be written)"
            );
        }
        let _ = stream.flush();
    }
}

impl Write for Queue {
    /// Takes a whole entry.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        if self
            .waiting
            .try_send(Waiting::Entry(entry.to_vec()))
            .is_err()
        {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    /// A stream whose reader takes nothing until it gets a signal.
    struct Blocked {
        go_on: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Stream for Blocked {}

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Continues without signals once the sender is gone.
            let _ = self.go_on.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn logging_never_waits_for_a_reader_and_counts_dropped_entries() {
        let (go_on, blocked) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut queue = Queue::start(Blocked {
            go_on: blocked,
            written: written.clone(),
        })
        .unwrap();
        let entries = 3 * ENTRIES_WAITING_MAX;
        for number in 0..entries {
            queue.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        drop(go_on);
        // All entries are awaited at the end, even with a full queue.
        let (sender, all_written) = sync_channel(0);
        queue.waiting.send(Waiting::Flush(sender)).unwrap();
        let _ = all_written.recv();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let left_out: Vec<usize> = text
            .lines()
            .filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse().ok())
            .collect();
        let kept = text.lines().count() - left_out.len();
        assert_eq!(kept + left_out.iter().sum::<usize>(), entries);
        assert!(kept >= ENTRIES_WAITING_MAX, "{kept}");
        assert!(text.starts_with("0\n"));
    }
}
