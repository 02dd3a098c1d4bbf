//! Request ids. They rise within a session, even across programs that share it: each program begins at the current
//! time, which is above all earlier ids.

use std::time::{SystemTime, UNIX_EPOCH};

use auction_core::RequestId;

/// Generator of request ids.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestIds {
    last: RequestId,
}

impl RequestIds {
    /// Returns the next id: microseconds UTC, or one above the last if that is more.
    pub(crate) fn next(&mut self) -> RequestId {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.last = RequestId(self.last.0.saturating_add(1).max(micros));
        self.last
    }

    /// Continues above an id that the session has accepted.
    pub(crate) fn seen(&mut self, last: RequestId) {
        self.last = self.last.max(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_from_the_time_and_from_the_last_accepted_id() {
        let mut numbers = RequestIds::default();
        let first = numbers.next();
        assert!(first.0 > 1_700_000_000_000_000, "{first}");
        assert!(numbers.next() > first);
        let far = RequestId(u64::MAX / 2);
        numbers.seen(far);
        assert_eq!(numbers.next(), RequestId(far.0 + 1));
        numbers.seen(first);
        assert_eq!(numbers.next(), RequestId(far.0 + 2));
    }
}
