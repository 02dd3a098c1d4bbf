//! The numbers of requests. They rise within a session, also from one program to the next that shares it:
//! each begins at the time, so that it is above all that came before.

use std::time::{SystemTime, UNIX_EPOCH};

use auction_core::RequestId;

/// Where the next number comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestIds {
    last: RequestId,
}

impl RequestIds {
    /// The next number: microseconds UTC, or one above the last when that is more.
    pub(crate) fn next(&mut self) -> RequestId {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.last = RequestId(self.last.0.saturating_add(1).max(micros));
        self.last
    }

    /// The session has accepted this number: go on above it.
    pub(crate) fn seen(&mut self, last: RequestId) {
        self.last = self.last.max(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_from_the_time_and_from_what_the_session_has_seen() {
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
