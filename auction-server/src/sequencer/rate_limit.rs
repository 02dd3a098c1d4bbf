//! The rate limiter of commands, logins and connections: a token bucket that takes no lock.

use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};

use crate::config::Rate;

/// Token bucket: `count` burst, refilled evenly over `period`. It begins full.
#[derive(Debug)]
pub struct RateLimiter(DefaultDirectRateLimiter);

impl RateLimiter {
    /// Makes a full bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let each = rate.period / rate.count.get();
        let quota = Quota::with_period(each).expect("a rate has a period");
        Self(DefaultDirectRateLimiter::direct(
            quota.allow_burst(rate.count),
        ))
    }

    /// Takes one token.
    ///
    /// # Errors
    /// The time until there is a token again.
    pub fn take(&self) -> Result<(), Duration> {
        let taken = self.0.check();
        taken.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}
