//! Whether the view is up to date, told by the times that the market signs: old statements, however many arrive and in
//! whatever order, make nothing fresh.

use std::time::Duration;

use auction_core::Timestamp;

use crate::peer::limits::{DRIFT_PARTS, STALE_AFTER, WALL_CLOCK_ERROR_MAX};

/// What is known of the market's time. Moments are counted from any one beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// The newest time that was signed.
    newest: Option<Timestamp>,
    /// The market's time at a moment, at the least: in microseconds, for it can lie before the beginning.
    least: Option<(Duration, i128)>,
}

impl Freshness {
    /// Nothing was heard. `wall_clock` is the machine's time at `now`: who is told only what is old from the beginning on
    /// has nothing else to tell it by.
    pub(crate) fn new(now: Duration, wall_clock: Option<Timestamp>) -> Self {
        let error = micros(WALL_CLOCK_ERROR_MAX);
        let least = wall_clock.map(|time| (now, i128::from(time.micros()) - error));
        Self {
            newest: None,
            least,
        }
    }

    /// A signed time was heard; whether it is newer than all before.
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

    /// How far a signed time lies behind what the market's time is now, at the least.
    pub(crate) fn age(&self, now: Duration, time: Timestamp) -> Duration {
        let behind = self
            .least_at(now)
            .map_or(0, |least| least - i128::from(time.micros()));
        Duration::from_micros(u64::try_from(behind.max(0)).unwrap_or(u64::MAX))
    }

    /// Whether nothing new has come for too long, or what comes is too old.
    pub(crate) fn is_stale(&self, now: Duration) -> bool {
        self.newest
            .is_none_or(|newest| self.age(now, newest) >= STALE_AFTER)
    }

    /// How long it is from now until the view is stale, if nothing new comes.
    pub(crate) fn left(&self, now: Duration) -> Duration {
        let age = self
            .newest
            .map_or(STALE_AFTER, |newest| self.age(now, newest));
        let left = STALE_AFTER.saturating_sub(age);
        // Time is taken to pass a little slower than it does.
        left + left / (DRIFT_PARTS - 1) + Duration::from_micros(2)
    }

    /// The market's time, as far as it is known: what was signed takes a while to arrive.
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
