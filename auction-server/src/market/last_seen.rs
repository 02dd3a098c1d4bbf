//! The last time at which a market was seen to run, in a file: an idle market writes no records, and a restart must not count
//! its idle time as an outage.
//!
//! The file is written in place once a second and never synced. It is a hint: what cannot be read counts as no hint, and a
//! time is never taken for later than now.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auction_core::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::platform::clock::Clock;
use crate::platform::shutdown::stopped;

const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Microseconds since 1970 in so many digits: a time replaces the one before it whole.
const DIGITS: usize = 20;
const OWNER_ONLY: u32 = 0o600;

/// Returns the time in the file; `None` without one, or when it cannot be read.
#[must_use]
pub fn read(path: &Path) -> Option<Timestamp> {
    let text = fs::read_to_string(path).ok()?;
    let is_whole = text.len() == DIGITS;
    let micros = text.parse().ok().filter(|_| is_whole)?;
    Timestamp::from_micros(micros)
}

/// Writes the market's time to the file once a second until the server ends, and then once more.
pub async fn keep(
    path: impl AsRef<Path>,
    clock: Arc<dyn Clock>,
    mut stopping: watch::Receiver<bool>,
) {
    let path = path.as_ref();
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => {
            let path = path.display();
            tracing::warn!(%path, %error, "the time of the market is not kept: an outage counts from the last record");
            return;
        }
    };
    let mut every = interval(WRITE_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            _ = every.tick() => false,
            () = stopped(&mut stopping) => true,
        };
        let text = format!("{:0DIGITS$}", clock.now().micros());
        if let Err(error) = file.write_all_at(text.as_bytes(), 0) {
            tracing::debug!(%error, "the time of the market cannot be kept");
        }
        if is_over {
            return;
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.mode(OWNER_ONLY).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen");
        assert_eq!(read(&path), None);
        for (text, expected) in [
            (
                "00001796092757094982",
                Timestamp::from_micros(1_796_092_757_094_982),
            ),
            ("1796092757094982", None),
            ("000017960927570949820", None),
            ("0000179609275709498x", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn the_last_time_is_written_at_the_end() {
        struct Fixed;
        impl Clock for Fixed {
            fn now(&self) -> Timestamp {
                Timestamp::from_secs(77)
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen");
        let (_stop, stopping) = watch::channel(true);
        keep(&path, Arc::new(Fixed), stopping).await;
        assert_eq!(read(&path), Some(Timestamp::from_secs(77)));
    }
}
