//! Freshness of the view, by the times that the market signs: old statements, in whatever number and order, make
//! nothing fresh.

use std::time::Duration;

use auction_core::Timestamp;

use crate::peer::limits::{DRIFT_PARTS, STALE_AFTER, WALL_CLOCK_ERROR_MAX};

/// Estimate of the market's time. Moments count from any common origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// Newest signed time.
    newest: Option<Timestamp>,
    /// Lower bound of the market's time at a moment, in microseconds; signed, because it can lie before the origin.
    least: Option<(Duration, i128)>,
}

impl Freshness {
    /// Creates the state before any statement. `wall_clock` is the machine's time at `now`: without it, a peer that
    /// receives only old data from the beginning on could not notice that.
    pub(crate) fn new(now: Duration, wall_clock: Option<Timestamp>) -> Self {
        let error = micros(WALL_CLOCK_ERROR_MAX);
        let least = wall_clock.map(|time| (now, i128::from(time.micros()) - error));
        Self {
            newest: None,
            least,
        }
    }

    /// Records a signed time; returns true if it is newer than all before.
    pub(crate) fn hear(&mut self, now: Duration, time: Timestamp) -> bool {
        let heard = i128::from(time.micros());
        if self.least_at(now).is_none_or(|least| heard > least) {
            self.least = Some((now, heard));
        }
        let newer = self.newest.is_none_or(|newest| time > newest);
        if newer {
            self.newest = Some(time);
        }
        newer
    }

    /// Returns the least age of a signed time, by the market's time now.
    pub(crate) fn age(&self, now: Duration, time: Timestamp) -> Duration {
        let behind = self
            .least_at(now)
            .map_or(0, |least| least - i128::from(time.micros()));
        Duration::from_micros(u64::try_from(behind.max(0)).unwrap_or(u64::MAX))
    }

    /// Returns true if nothing new came for too long, or what comes is too old.
    pub(crate) fn is_stale(&self, now: Duration) -> bool {
        self.newest
            .is_none_or(|newest| self.age(now, newest) >= STALE_AFTER)
    }

    /// Returns the time until the view is stale, if nothing new comes.
    pub(crate) fn left(&self, now: Duration) -> Duration {
        let age = self
            .newest
            .map_or(STALE_AFTER, |newest| self.age(now, newest));
        let left = STALE_AFTER.saturating_sub(age);
        // Ages grow a little slower than real time, by the assumed drift.
        left + left / (DRIFT_PARTS - 1) + Duration::from_micros(2)
    }

    /// Returns the market's time, as estimated; statements take a while to arrive.
    pub(crate) fn market_time(&self, now: Duration) -> Option<Timestamp> {
        let micros = u64::try_from(self.least_at(now)?).ok()?;
        self.newest.and(Timestamp::from_micros(micros))
    }

    fn least_at(&self, now: Duration) -> Option<i128> {
        let (at, time) = self.least?;
        let since = now.saturating_sub(at);
        Some(time + micros(since - since / DRIFT_PARTS))
    }
}

fn micros(duration: Duration) -> i128 {
    i128::try_from(duration.as_micros()).unwrap_or(i128::MAX)
}
