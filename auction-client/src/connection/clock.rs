//! The server's time, estimated from round trips. The local wall clock is not used, only the time elapsed since.

use std::time::Duration;

use auction_core::{Span, Timestamp};
use tokio::time::Instant;

/// Assumed drift between two clocks: one part in this many. It makes an older sample less accurate.
const DRIFT_PARTS: u32 = 10_000;

/// Estimate of the server's time.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    server: Timestamp,
    at: Instant,
    error: Duration,
    round_trip: Duration,
}

impl ServerClock {
    /// Creates a clock from one round trip: the server answered the message sent at `sent` with its time.
    #[must_use]
    pub fn of_round_trip(sent: Instant, received: Instant, server: Timestamp) -> Self {
        let round_trip = received.duration_since(sent);
        // The server read its clock somewhere on the way: half the round trip is the best estimate, and the error.
        let error = round_trip / 2;
        Self {
            server,
            at: sent + error,
            error,
            round_trip,
        }
    }

    /// Adopts another round trip if it is more accurate than the current estimate.
    pub fn learn(&mut self, other: Self) {
        if other.error <= self.error_at(other.at) {
            *self = other;
        } else {
            self.round_trip = other.round_trip;
        }
    }

    /// Returns the server's time now, as estimated.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// Returns the server's time at a moment.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        let since = moment.saturating_duration_since(self.at);
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.server
            .saturating_add(Span::from_micros(micros).unwrap_or_default())
    }

    /// Returns the maximum error of [`now`](Self::now), in either direction.
    #[must_use]
    pub fn error(&self) -> Duration {
        self.error_at(Instant::now())
    }

    /// Returns the duration of the latest round trip.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    fn error_at(&self, moment: Instant) -> Duration {
        let age = moment.saturating_duration_since(self.at);
        self.error + age / DRIFT_PARTS
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
    fn a_slower_round_trip_is_ignored_until_the_old_one_is_stale() {
        let start = Instant::now();
        let mut clock = sample(start, 0, 2, 1_000_000);
        clock.learn(sample(start, 1_000, 1_100, 5_000_000));
        assert_eq!(clock.server, Timestamp::from_secs(1_000));
        assert_eq!(clock.round_trip(), Duration::from_millis(100));
        clock.learn(sample(start, 2_000_000, 2_000_100, 7_000_000));
        assert_eq!(clock.server, Timestamp::from_secs(7_000));
    }

    /// Round trips with unequal delays in the two directions, clocks that drift by the allowed amount, and samples at
    /// any time.
    #[test]
    fn the_servers_time_is_never_further_off_than_the_error_says() {
        let start = Instant::now();
        let mut state = 7_u64;
        // Knuth's MMIX generator.
        let mut below = |most: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        for drift_ppm in [-100_i64, -30, 0, 30, 100] {
            let server = |micros: u64| {
                let local = i64::try_from(micros).unwrap();
                u64::try_from(1_000_000_000_000 + local + local * drift_ppm / 1_000_000).unwrap()
            };
            let at = |micros: u64| start + Duration::from_micros(micros);
            let mut now = 0;
            let mut clock: Option<ServerClock> = None;
            for _ in 0..500 {
                now += below(20_000_000);
                let (sent, read) = (now, now + below(300_000));
                let received = read + below(300_000);
                let time = Timestamp::from_micros(server(read)).unwrap();
                let sample = ServerClock::of_round_trip(at(sent), at(received), time);
                match &mut clock {
                    Some(clock) => clock.learn(sample),
                    None => clock = Some(sample),
                }
                let clock = clock.as_ref().unwrap();
                for later in [received, received + below(5_000_000)] {
                    let off = clock.at(at(later)).micros().abs_diff(server(later));
                    let error = clock.error_at(at(later)).as_micros();
                    // The drift during the sample's own round trip is not counted.
                    assert!(u128::from(off) <= error + 60, "{off} > {error}");
                }
                now = received;
            }
        }
    }
}
