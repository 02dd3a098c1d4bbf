//! Times and durations in readable form.

use auction_core::{Span, Timestamp};

/// Formats the time until a moment: `4:32`, `1:02:03`, `2d 03:00`. Seconds are rounded up, so that `0:00` is the end.
pub fn countdown(until: Timestamp, now: Timestamp) -> String {
    duration(until.since(now))
}

/// Formats a span in the same form.
pub fn duration(span: Span) -> String {
    let seconds = span.micros().div_ceil(1_000_000);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}"),
    }
}

/// Formats a span as it can be typed: `1m`, `1h 30m`, `1s 500ms`.
pub fn span_words(span: Span) -> String {
    span.to_string()
}

/// Formats the time of day in UTC: `14:03:22Z`.
pub fn time_of_day(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}Z", &text[11..19])
}

/// Formats day and time in UTC: `2026-11-22 14:03:22Z`.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {}", &text[..10], time_of_day(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_ends_at_zero_and_rounds_seconds_up() {
        let until = Timestamp::from_secs(1_000_000);
        let cases = [
            (0, "0:00"),
            (1, "0:01"),
            (1_000_000, "0:01"),
            (1_000_001, "0:02"),
            (272_000_000, "4:32"),
            (3_723_000_000, "1:02:03"),
            (183_600_000_000, "2d 03:00"),
        ];
        for (left, text) in cases {
            let now = Timestamp::from_micros(until.micros() - left).unwrap();
            assert_eq!(countdown(until, now), text);
        }
        assert_eq!(countdown(Timestamp::from_secs(1), until), "0:00");
        assert_eq!(
            moment(Timestamp::from_secs(1_793_365_200)),
            "2026-10-30 13:00:00Z"
        );
    }
}
