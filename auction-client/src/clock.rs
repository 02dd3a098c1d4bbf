//! The server's time, learned from round trips. The local wall clock has no part in it: only how much time
//! has gone by since.

use std::time::Duration;

use auction_core::{Span, Timestamp};
use tokio::time::Instant;

/// How fast two clocks are taken to come apart: 100 millionths. An older sample is worth less.
const DRIFT_PER_SECOND: Duration = Duration::from_micros(100);

/// What is known of the server's time.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    server: Timestamp,
    at: Instant,
    error: Duration,
    round_trip: Duration,
}

impl ServerClock {
    /// A clock of one round trip: what was sent at `sent` was answered with the server's time.
    #[must_use]
    pub fn of_round_trip(sent: Instant, received: Instant, server: Timestamp) -> Self {
        let round_trip = received.duration_since(sent);
        // The server read its clock somewhere on the way: half of it is the best guess, and the error.
        let error = round_trip / 2;
        Self {
            server,
            at: sent + error,
            error,
            round_trip,
        }
    }

    /// Takes another round trip when it tells more than what is known.
    pub fn learn(&mut self, other: Self) {
        if other.error <= self.error_at(other.at) {
            *self = other;
        } else {
            self.round_trip = other.round_trip;
        }
    }

    /// The server's time now, as far as it is known.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The server's time at a moment.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        let since = moment.saturating_duration_since(self.at);
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.server
            .saturating_add(Span::from_micros(micros).unwrap_or_default())
    }

    /// How far off [`now`](Self::now) may be, either way.
    #[must_use]
    pub fn error(&self) -> Duration {
        self.error_at(Instant::now())
    }

    /// How long the latest round trip took.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    fn error_at(&self, moment: Instant) -> Duration {
        let age = moment.saturating_duration_since(self.at);
        let seconds = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        self.error + DRIFT_PER_SECOND.saturating_mul(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(start: Instant, sent_ms: u64, received_ms: u64, server_ms: u64) -> ServerClock {
        let at = |ms| start + Duration::from_millis(ms);
        let server = Timestamp::from_micros(server_ms * 1_000).unwrap();
        ServerClock::of_round_trip(at(sent_ms), at(received_ms), server)
    }

    #[test]
    fn the_server_read_its_clock_half_way() {
        let start = Instant::now();
        let clock = sample(start, 0, 20, 1_000_000);
        let at = clock.at(start + Duration::from_millis(20));
        assert_eq!(at, Timestamp::from_micros(1_000_010_000).unwrap());
        assert_eq!(clock.error_at(clock.at), Duration::from_millis(10));
    }

    #[test]
    fn a_slower_round_trip_teaches_nothing_until_the_old_one_is_stale() {
        let start = Instant::now();
        let mut clock = sample(start, 0, 2, 1_000_000);
        clock.learn(sample(start, 1_000, 1_100, 5_000_000));
        assert_eq!(clock.server, Timestamp::from_secs(1_000));
        assert_eq!(clock.round_trip(), Duration::from_millis(100));
        clock.learn(sample(start, 2_000_000, 2_000_100, 7_000_000));
        assert_eq!(clock.server, Timestamp::from_secs(7_000));
    }
}
