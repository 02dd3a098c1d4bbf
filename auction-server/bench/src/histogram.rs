//! Latencies of all bids.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Maximum recorded latency; longer ones count as this.
const LONGEST: Duration = Duration::from_secs(60);
/// Significant digits of a recorded latency.
const DIGITS: u8 = 3;

/// Histogram of latencies.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Times {
    pub fn new() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        Self(Histogram::new_with_bounds(1, longest, DIGITS).expect("the bounds are valid"))
    }

    /// Records one latency.
    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record(time.as_nanos() as u64);
    }

    /// Returns the latency that this share of all did not exceed, in microseconds.
    pub fn quantile(&self, part: f64) -> f64 {
        self.0.value_at_quantile(part) as f64 / 1e3
    }

    /// Returns the longest latency, in microseconds.
    pub fn longest(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }
}
