//! Structured logs, on standard error: what the one who runs the server may need afterwards. What they look at
//! while it runs is [`announce`](crate::projections::console_text), on standard output.
//!
//! Standard error may be a pipe that nobody reads: a thread of its own writes there, and whoever logs never waits
//! for it. What does not fit its queue is left out, and it is said how much.
//!
//! No password, token, hash, hidden maximum or reserve is ever logged: their types show nothing of them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// How many entries can wait to be written; one more is left out.
pub const ENTRIES_WAITING_MAX: usize = 4_096;
/// How long the end of the program waits for the last entries.
const END_WITHIN: Duration = Duration::from_secs(1);
/// How often it looks whether there is room.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The way to the thread that writes. Dropped at the end of the program, it waits a while for what is not written
/// yet.
#[derive(Debug)]
#[must_use = "dropped, it waits for the last entries"]
pub struct Logs(Queue);

/// Begins to log. A second call in a process changes nothing.
///
/// # Errors
/// When the system has no thread to give.
pub fn begin(format: LogFormat) -> io::Result<Logs> {
    let queue = Queue::start(io::stderr())?;
    let logs = tracing_subscriber::fmt()
        .with_writer(queue.clone())
        // A log that cannot be written (its disk is full, nobody reads it) would panic in whoever logs.
        .log_internal_errors(false)
        .with_max_level(tracing::Level::INFO);
    // An error says that logs were begun before, as in tests.
    let _ = match format {
        LogFormat::Human => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    Ok(Logs(queue))
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.flush();
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
    /// Everything before it is to be written; then this is dropped.
    Flush(SyncSender<()>),
}

impl Queue {
    fn start(stream: impl Write + Send + 'static) -> io::Result<Self> {
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

    /// Waits for what is not written yet, but not for a reader who is not there.
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
        // An answer never comes: the other end is dropped.
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

fn write_all(received: &Receiver<Waiting>, mut stream: impl Write, left_out: &AtomicU64) {
    while let Ok(waiting) = received.recv() {
        match waiting {
            // Where it cannot be written, it cannot be said either.
            Waiting::Entry(entry) => drop(stream.write_all(&entry)),
            Waiting::Flush(written) => drop(written),
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
    /// Takes an entry, whole.
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

    /// A stream whose reader takes nothing until they are told to go on.
    struct Blocked {
        go_on: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once nobody can block it any more, it goes on by itself.
            let _ = self.go_on.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_logs_never_waits_for_a_reader_and_what_is_left_out_is_counted() {
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
        // The last entries are waited for, however long the queue.
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
