//! Log entries that anyone can cause, written now and then only.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two entries.
pub const ENTRY_EVERY: Duration = Duration::from_secs(10);

/// A kind of log entry, and the time of the last one.
#[derive(Debug, Default)]
pub struct Occasional(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl Occasional {
    /// Calls `write` with the number of entries left out since the last one, unless that one was just written.
    pub fn log(&self, write: impl FnOnce(u64)) {
        if let Some(unlogged) = self.take(Instant::now()) {
            write(unlogged);
        }
    }

    fn take(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = state
            .logged_at
            .is_none_or(|at| now.duration_since(at) >= ENTRY_EVERY);
        if !is_due {
            state.unlogged += 1;
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_an_interval_counts_those_left_out() {
        let entries = Occasional::default();
        let begin = Instant::now();
        assert_eq!(entries.take(begin), Some(0));
        assert_eq!(entries.take(begin), None);
        let almost = begin + ENTRY_EVERY - Duration::from_nanos(1);
        assert_eq!(entries.take(almost), None);
        assert_eq!(entries.take(begin + ENTRY_EVERY), Some(2));
        assert_eq!(entries.take(begin + 2 * ENTRY_EVERY), Some(0));
    }
}
