//! The market's time: one clock for everything that the server stamps, tells and compares.
//!
//! It begins at the machine's UTC, or at the time of the journal's last record when that is later, and goes on with the
//! time since boot. Records never go back in time, so a clock that began before the last record would tell clients one
//! time while the records got another: countdowns, openings and expiries would be off by the difference. Now all follow
//! the same clock, and a lot of 30 s is open for 30 s whatever the machine's clock was or is set to.
//!
//! - A step of the wall clock while the server runs changes nothing: no lot closes or opens by it.
//! - A suspended machine finds that the market's time went on. Nobody could bid meanwhile: a standstill of the sequencer
//!   of more than [`STANDSTILL`] is an outage, and lots that fell due in it are extended or closed as after a restart.
//! - If the machine was ahead of UTC once, the market's time stays ahead by a constant offset, minus the time that the
//!   server is down. It returns to UTC at the first start at which the machine's UTC has passed the last record. It is not
//!   slewed back: at a rate that leaves a lot's length alone, two hours would take weeks.
//!
//! The offset is never silent: it is a metric, and a start, `config check` and `user add` warn of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auction_core::{Span, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::platform::metrics::Metrics;

/// Offset between market and machine that is worth a warning; less is how exact clocks are.
pub const OFFSET_LOUD: Span = Span::from_secs(1);
/// Age of the last record at a start from which a wrong clock is as likely as a long outage.
pub const LAST_RECORD_OLD: Span = Span::from_secs(24 * 60 * 60);
/// 2026-01-01, before this program was written: a machine with an earlier time has no clock that was set.
pub const CLOCK_SET_SINCE: Timestamp = Timestamp::from_secs(1_767_225_600);
/// Longest time without a look at the clock that is no standstill. The sequencer looks once a second at least; a busy
/// machine or a slow disk takes it a little longer.
pub const STANDSTILL: Span = Span::from_secs(5);
/// Interval at which the machine's clock is compared with the market's.
const OFFSET_EVERY: Duration = Duration::from_secs(10);

/// Source of the market's time. It never goes back.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clocks of a machine.
pub trait Machine: Send + Sync {
    /// UTC as the machine's wall clock has it: it can be wrong, and can be set at any moment.
    fn utc(&self) -> Timestamp;

    /// Time since boot, suspended time included. It never goes back.
    fn since_boot(&self) -> Duration;
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn utc(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        timestamp(since.unwrap_or_default())
    }

    /// Counts while the machine is suspended, where the system has such a clock.
    fn since_boot(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = ClockId::Monotonic;
        let time = clock_gettime(clock);
        let secs = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
        Duration::new(secs, nanos)
    }
}

/// The market's clock.
#[derive(Clone)]
pub struct MarketClock {
    machine: Arc<dyn Machine>,
    began_at: Timestamp,
    boot_at_start: Duration,
}

impl MarketClock {
    /// Goes on from the last record of a journal, or from the machine's UTC if that is later. A market without records
    /// has [`Timestamp::default`].
    #[must_use]
    pub fn continuing(machine: Arc<dyn Machine>, last_record: Timestamp) -> Self {
        Self {
            began_at: machine.utc().max(last_record),
            boot_at_start: machine.since_boot(),
            machine,
        }
    }

    /// Market time minus the machine's UTC, in microseconds.
    #[must_use]
    pub fn offset_micros(&self) -> i64 {
        let (market, utc) = (self.now().micros(), self.machine.utc().micros());
        market.cast_signed() - utc.cast_signed()
    }
}

impl Clock for MarketClock {
    fn now(&self) -> Timestamp {
        let since = self.machine.since_boot();
        let since = since.saturating_sub(self.boot_at_start);
        timestamp(Duration::from_micros(self.began_at.micros()).saturating_add(since))
    }
}

/// A time after 1970, at most the last there is.
fn timestamp(since: Duration) -> Timestamp {
    let micros = u64::try_from(since.as_micros()).ok();
    micros
        .and_then(Timestamp::from_micros)
        .unwrap_or(Timestamp::MAX)
}

/// Something about the machine's clock that its operator should know before the market goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockWarning {
    /// It is behind the journal's last record: the market's time stays ahead of it.
    Behind {
        /// The time of that record.
        last_record: Timestamp,
        /// The difference.
        by: Span,
    },
    /// It is far beyond the journal's last record.
    FarAhead {
        /// The time of that record.
        last_record: Timestamp,
        /// The difference.
        by: Span,
    },
    /// It was never set.
    NotSet {
        /// What it says.
        utc: Timestamp,
    },
}

impl ClockWarning {
    /// Compares the machine's UTC at a start with the time of the last record; [`Timestamp::default`] is no record.
    #[must_use]
    pub fn at_start(utc: Timestamp, last_record: Timestamp) -> Option<Self> {
        let (behind, ahead) = (last_record.since(utc), utc.since(last_record));
        if behind >= OFFSET_LOUD {
            let by = behind;
            Some(Self::Behind { last_record, by })
        } else if utc < CLOCK_SET_SINCE {
            Some(Self::NotSet { utc })
        } else if last_record > Timestamp::default() && ahead >= LAST_RECORD_OLD {
            let by = ahead;
            Some(Self::FarAhead { last_record, by })
        } else {
            None
        }
    }
}

impl fmt::Display for ClockWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { last_record, by } => write!(
                f,
                "this machine's clock is {} behind the market's last record, of {last_record}: it was ahead then, or is \
                 wrong now. The market's time goes on from that record and stays ahead of this clock. If the clock is \
                 wrong now, stop the server, set it, and start again",
                by.whole_seconds()
            ),
            Self::FarAhead { last_record, by } => write!(
                f,
                "the market's last record, of {last_record}, is {} old by this machine's clock. If nothing happened for \
                 so long, all is well; if the clock is ahead, stop the server and set it: what it records now keeps the \
                 market's time ahead",
                by.whole_seconds()
            ),
            Self::NotSet { utc } => write!(
                f,
                "this machine's clock says {utc}: it is not set. The market's time follows it until the server is \
                 started again with the right one"
            ),
        }
    }
}

/// Keeps the metric of the offset up to date, and warns when the machine's clock was set.
pub(crate) async fn watch_offset(
    clock: Arc<MarketClock>,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut known = KnownOffset(clock.offset_micros());
    let mut ticks = tokio::time::interval(OFFSET_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let offset = clock.offset_micros();
        metrics.clock_offset.set(offset);
        if known.has_changed(offset) {
            let by = Span::from_micros(offset.unsigned_abs()).map_or_else(
                || "more than a year".to_owned(),
                |by| by.whole_seconds().to_string(),
            );
            let side = if offset < 0 { "behind" } else { "ahead of" };
            tracing::warn!(
                "this machine's clock was set: the market's time goes on steadily, and is {by} {side} it now"
            );
        }
    }
}

/// The offset that was warned of last, in microseconds.
struct KnownOffset(i64);

impl KnownOffset {
    /// Takes the offset as it is now. `true`: the machine's clock was set since.
    fn has_changed(&mut self, offset: i64) -> bool {
        let has_changed = offset.abs_diff(self.0) >= OFFSET_LOUD.micros();
        if has_changed {
            self.0 = offset;
        }
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Set(Mutex<(Timestamp, Duration)>);

    impl Machine for Set {
        fn utc(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }

        fn since_boot(&self) -> Duration {
            self.0.lock().unwrap().1
        }
    }

    const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);
    const HOUR: Span = Span::from_secs(3_600);

    fn micro() -> Span {
        Span::from_micros(1).unwrap()
    }

    #[test]
    fn time_goes_on_from_the_later_of_the_last_record_and_utc() {
        let machine = Arc::new(Set::default());
        *machine.0.lock().unwrap() = (NOON, Duration::from_secs(7));
        for (last_record, begins) in [
            (Timestamp::default(), NOON),
            (NOON.saturating_sub(HOUR), NOON),
            (NOON.saturating_add(HOUR), NOON.saturating_add(HOUR)),
        ] {
            *machine.0.lock().unwrap() = (NOON, Duration::from_secs(7));
            let clock = MarketClock::continuing(machine.clone(), last_record);
            assert_eq!(clock.now(), begins);
            let ahead = begins.since(NOON).micros().cast_signed();
            assert_eq!(clock.offset_micros(), ahead);
            // The wall clock is set back; the time since boot counts.
            *machine.0.lock().unwrap() = (NOON.saturating_sub(HOUR), Duration::from_secs(37));
            assert_eq!(clock.now(), begins.saturating_add(Span::from_secs(30)));
            let set_back = (HOUR.micros() + 30_000_000).cast_signed();
            assert_eq!(clock.offset_micros(), ahead + set_back);
        }
    }

    #[test]
    fn a_clock_at_the_end_of_time_stays_there() {
        let machine = Arc::new(Set::default());
        *machine.0.lock().unwrap() = (Timestamp::MAX, Duration::ZERO);
        let clock = MarketClock::continuing(machine.clone(), Timestamp::default());
        machine.0.lock().unwrap().1 = Duration::MAX;
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn a_start_warns_of_a_clock_that_is_behind_or_far_ahead_or_not_set() {
        let second = OFFSET_LOUD;
        let day = LAST_RECORD_OLD;
        let warns = |utc, last_record| ClockWarning::at_start(utc, last_record);
        let none = Timestamp::default();
        assert_eq!(warns(NOON, none), None);
        assert_eq!(warns(NOON, NOON), None);
        let last_record = NOON.saturating_add(second);
        let by = second;
        let behind = ClockWarning::Behind { last_record, by };
        assert_eq!(warns(NOON, last_record), Some(behind));
        assert_eq!(warns(NOON, last_record.saturating_sub(micro())), None);
        let (last_record, by) = (NOON.saturating_sub(day), day);
        let ahead = ClockWarning::FarAhead { last_record, by };
        assert_eq!(warns(NOON, last_record), Some(ahead));
        assert_eq!(warns(NOON, last_record.saturating_add(micro())), None);
        let utc = CLOCK_SET_SINCE.saturating_sub(micro());
        assert_eq!(warns(utc, none), Some(ClockWarning::NotSet { utc }));
        assert_eq!(warns(CLOCK_SET_SINCE, none), None);
        let by = NOON.since(utc);
        let behind = ClockWarning::Behind {
            last_record: NOON,
            by,
        };
        assert_eq!(warns(utc, NOON), Some(behind));
        for (warning, says) in [(behind, "behind"), (ahead, "1d old")] {
            assert!(warning.to_string().contains(says), "{warning}");
        }
    }

    #[test]
    fn a_step_of_the_clock_is_told_once_and_a_drift_is_none() {
        let mut known = KnownOffset(0);
        let second = OFFSET_LOUD.micros().cast_signed();
        assert!(!known.has_changed(second - 1));
        assert!(known.has_changed(-second));
        assert!(!known.has_changed(-second));
        assert!(known.has_changed(0));
    }
}
