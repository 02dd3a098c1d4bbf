//! Token bucket for the requests of a peer: a burst, and a rate per second.

use std::time::Duration;

/// Remaining tokens of one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateLimit {
    left: f64,
    at_once: u32,
    per_second: u32,
    at: Duration,
}

impl RateLimit {
    pub(super) fn new(now: Duration, at_once: u32, per_second: u32) -> Self {
        Self {
            left: f64::from(at_once),
            at_once,
            per_second,
            at: now,
        }
    }

    /// Takes a token; returns false if none is left.
    pub(super) fn allow(&mut self, now: Duration) -> bool {
        let gained = now.saturating_sub(self.at).as_secs_f64() * f64::from(self.per_second);
        self.at = self.at.max(now);
        self.left = (self.left + gained).min(f64::from(self.at_once));
        let has = self.left >= 1.0;
        if has {
            self.left -= 1.0;
        }
        has
    }
}
