//! Parsing of durations and times as people type them, and the machine's time.

use std::time::{SystemTime, UNIX_EPOCH};

use auction_core::{ParseSpanError, Span, Timestamp};

/// Parses a duration of whole microseconds, at most 366 days.
pub fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|error: ParseSpanError| error.to_string())
}

/// Parses a duration longer than zero.
pub fn some_span(text: &str) -> Result<Span, String> {
    match span(text)? {
        Span::ZERO => Err("is no time at all; expected for example 300s".to_owned()),
        span => Ok(span),
    }
}

/// Parses a time in UTC, such as `2026-11-22T14:00:00Z`.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let expected =
        || "is not a moment; expected for example 2026-11-22T14:00:00Z, in UTC".to_owned();
    let moment = humantime::parse_rfc3339_weak(text).map_err(|_| expected())?;
    let since = moment.duration_since(UNIX_EPOCH).map_err(|_| expected())?;
    let micros = u64::try_from(since.as_micros()).ok();
    micros.and_then(Timestamp::from_micros).ok_or_else(expected)
}

/// Returns UTC by this machine's clock, which may be wrong: used where the server's time is unknown.
pub fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.unwrap_or_default().as_micros();
    let micros = u64::try_from(micros).ok().and_then(Timestamp::from_micros);
    micros.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_parse_or_name_the_expected_form() {
        assert_eq!(span("1h 30m"), Ok(Span::from_secs(5_400)));
        assert_eq!(span("0s"), Ok(Span::ZERO));
        assert_eq!(some_span("5m"), Ok(Span::from_secs(300)));
        let at = Ok(Timestamp::from_secs(1_793_365_200));
        assert_eq!(moment("2026-10-30T13:00:00Z"), at);
        assert_eq!(moment("2026-10-30 13:00:00"), at);
        for (read, says) in [
            (span("5"), "a number and a unit"),
            (span("5M"), "5m is five minutes"),
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
