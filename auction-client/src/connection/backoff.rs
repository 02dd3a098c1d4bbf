//! Waits between attempts to connect: doubled each time up to a bound, and randomised, so that a thousand clients of a
//! restarted server do not reconnect at once.

use std::time::Duration;

use crate::limits::{BACKOFF_FIRST, BACKOFF_MAX};

/// Exponential backoff with jitter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Returns the wait before the next attempt: random, in the upper half of a bound that doubles.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let bound = BACKOFF_FIRST
            .saturating_mul(2_u32.saturating_pow(self.tries))
            .min(BACKOFF_MAX);
        self.tries = self.tries.saturating_add(1);
        bound.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Resets the backoff after the server has answered.
    pub(crate) fn succeeded(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_reset_after_success() {
        let mut backoff = Backoff::default();
        for bound in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = backoff.next_wait();
            let bound = Duration::from_millis(bound);
            assert!(wait >= bound / 2 && wait <= bound, "{wait:?} of {bound:?}");
        }
        (0..100).for_each(|_| assert!(backoff.next_wait() <= BACKOFF_MAX));
        backoff.succeeded();
        assert!(backoff.next_wait() <= BACKOFF_FIRST);
    }
}
