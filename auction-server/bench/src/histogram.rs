//! How long bids took, every one of them.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer times count as this.
const LONGEST: Duration = Duration::from_secs(60);
/// Times are kept to a thousandth of themselves.
const DIGITS: u8 = 3;

/// Times, each counted.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Times {
    pub fn new() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        Self(Histogram::new_with_bounds(1, longest, DIGITS).expect("the bounds are valid"))
    }

    /// One more.
    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record(time.as_nanos() as u64);
    }

    /// The time that this part of all did not exceed, in microseconds.
    pub fn quantile(&self, part: f64) -> f64 {
        self.0.value_at_quantile(part) as f64 / 1e3
    }

    /// The longest, in microseconds.
    pub fn longest(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }
}
