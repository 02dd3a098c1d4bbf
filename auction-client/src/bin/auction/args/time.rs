//! Durations and moments as people type them.

use auction_core::{Span, Timestamp};

/// A duration of whole microseconds, at most 366 days.
pub fn span(text: &str) -> Result<Span, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        "is not a duration; expected a number and a unit, for example 300s, 5m or 1500ms".to_owned()
    })?;
    if duration.subsec_nanos() % 1_000 != 0 {
        return Err("is finer than a microsecond, the smallest unit of time here".to_owned());
    }
    let micros = u64::try_from(duration.as_micros()).ok();
    micros
        .and_then(Span::from_micros)
        .ok_or_else(|| "is too long; at most 366d".to_owned())
}

/// A duration that is not none.
pub fn some_span(text: &str) -> Result<Span, String> {
    match span(text)? {
        Span::ZERO => Err("is no time at all; expected for example 300s".to_owned()),
        span => Ok(span),
    }
}

/// A moment in UTC: `2026-11-22T14:00:00Z`.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let expected =
        || "is not a moment; expected for example 2026-11-22T14:00:00Z, in UTC".to_owned();
    let moment = humantime::parse_rfc3339_weak(text).map_err(|_| expected())?;
    let since = moment
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(|_| expected())?;
    let micros = u64::try_from(since.as_micros()).ok();
    micros.and_then(Timestamp::from_micros).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_moments_are_read_or_told_what_would_be_right() {
        assert_eq!(span("1h 30m"), Ok(Span::from_secs(5_400)));
        assert_eq!(span("0s"), Ok(Span::ZERO));
        assert_eq!(some_span("5m"), Ok(Span::from_secs(300)));
        let at = Ok(Timestamp::from_secs(1_793_365_200));
        assert_eq!(moment("2026-10-30T13:00:00Z"), at);
        assert_eq!(moment("2026-10-30 13:00:00"), at);
        for (read, says) in [
            (span("5"), "a number and a unit"),
            (span("400d"), "at most 366d"),
            (span("10ns"), "finer than a microsecond"),
            (some_span("0s"), "no time at all"),
        ] {
            assert!(read.unwrap_err().contains(says));
        }
        for wrong in ["noon", "2026-11-22", "14:00"] {
            assert!(
                moment(wrong).unwrap_err().contains("2026-11-22T14:00:00Z"),
                "{wrong}"
            );
        }
    }
}
