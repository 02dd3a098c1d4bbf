//! The market's time: UTC as it was at the start, advanced by the time since boot.
//!
//! A step of the wall clock closes no lot and opens none, and a machine that was suspended finds that its time
//! went on. A trait, for the clock is at the edge of the process: tests wind their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auction_core::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Where the market's time comes from. It never goes back.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct BootClock {
    utc_at_start: Duration,
    boot_at_start: Duration,
}

impl BootClock {
    /// Reads the wall clock for the last time.
    #[must_use]
    pub fn start() -> Self {
        let utc_at_start = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            utc_at_start,
            boot_at_start: since_boot(),
        }
    }
}

impl Clock for BootClock {
    fn now(&self) -> Timestamp {
        let utc = self.utc_at_start + since_boot().saturating_sub(self.boot_at_start);
        let micros = u64::try_from(utc.as_micros()).ok();
        micros
            .and_then(Timestamp::from_micros)
            .expect("the year is at most 9999")
    }
}

/// Counts while the machine is suspended, where the system has such a clock.
fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let time = clock_gettime(clock);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(secs, nanos)
}
