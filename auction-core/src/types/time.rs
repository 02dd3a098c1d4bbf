//! Time is passed in: timestamps in microseconds UTC, and spans between them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::limits::{SPAN_MAX_MICROS, TIMESTAMP_MAX_MICROS};

/// A point in time, in microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp(u64);

impl Timestamp {
    /// Creates a timestamp from microseconds since 1970, or returns `None` after the year 9999.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Option<Self> {
        if micros <= TIMESTAMP_MAX_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// Creates a timestamp from whole seconds since 1970.
    ///
    /// # Panics
    /// After the year 9999; [`checked_from_secs`](Self::checked_from_secs) does not panic.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        assert!(
            secs <= TIMESTAMP_MAX_MICROS / 1_000_000,
            "a timestamp ends with the year 9999"
        );
        Self(secs * 1_000_000)
    }

    /// Creates a timestamp from whole seconds since 1970, or returns `None` after the year 9999.
    #[must_use]
    pub const fn checked_from_secs(secs: u64) -> Option<Self> {
        match secs.checked_mul(1_000_000) {
            Some(micros) => Self::from_micros(micros),
            None => None,
        }
    }

    /// Returns the microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The latest timestamp: the end of the year 9999.
    pub const MAX: Self = Self(TIMESTAMP_MAX_MICROS);

    /// Returns the time since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Returns the timestamp `span` later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn saturating_add(self, span: Span) -> Self {
        let micros = self.0.saturating_add(span.0);
        Self(if micros < TIMESTAMP_MAX_MICROS {
            micros
        } else {
            TIMESTAMP_MAX_MICROS
        })
    }

    /// Returns the timestamp `span` earlier, at least the start of 1970.
    #[must_use]
    pub const fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// Writes RFC 3339 in UTC with microseconds: `2026-11-22T13:00:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0 / 1_000_000;
        let (year, month, day) = civil_from_days(secs / 86_400);
        let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
        let micros = self.0 % 1_000_000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        )
    }
}

/// A duration in microseconds, at most 366 days where it is input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span(u64);

impl Span {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// Creates a span in microseconds, or returns `None` above [`SPAN_MAX_MICROS`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Option<Self> {
        if micros <= SPAN_MAX_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// Creates a span in whole seconds.
    ///
    /// # Panics
    /// Above 366 days; [`checked_from_secs`](Self::checked_from_secs) does not panic.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        assert!(
            secs <= SPAN_MAX_MICROS / 1_000_000,
            "a span is at most 366 days"
        );
        Self(secs * 1_000_000)
    }

    /// Creates a span in whole seconds, or returns `None` above 366 days.
    #[must_use]
    pub const fn checked_from_secs(secs: u64) -> Option<Self> {
        match secs.checked_mul(1_000_000) {
            Some(micros) => Self::from_micros(micros),
            None => None,
        }
    }

    /// Returns the microseconds.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Returns the span without its fraction of a second, for display.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }
}

/// Writes the form that is parsed: `300us`, `1h 30m`, `35d`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ZERO {
            return f.write_str("0s");
        }
        let (mut rest, mut space) = (self.0, "");
        for (micros, unit) in [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
            (1, "us"),
        ] {
            let count = rest / micros;
            rest %= micros;
            if count > 0 {
                write!(f, "{space}{count}{unit}")?;
                space = " ";
            }
        }
        Ok(())
    }
}

/// Parses numbers with units, which are added up: `300s`, `5m`, `1h 30m`, `1.5h`. All units have a fixed length: `5M`
/// for five minutes must not become five months.
impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, ParseSpanError> {
        let mut rest = text.trim_start();
        let mut nanos = 0_u128;
        loop {
            let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
            let (unit, after) = split_where(after.trim_start(), |c| {
                c.is_ascii_digit() || c.is_whitespace()
            });
            let one = nanos_of(unit)?;
            nanos = nanos.saturating_add(nanos_in(number, one)?);
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
        }
        if !nanos.is_multiple_of(1_000) {
            return Err(ParseSpanError::TooFine);
        }
        let micros = u64::try_from(nanos / 1_000).ok();
        micros
            .and_then(Self::from_micros)
            .ok_or(ParseSpanError::TooLong)
    }
}

/// Error of a text that is no [`Span`]. The message continues a sentence that begins with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSpanError {
    /// A number or a unit is missing or unknown.
    #[error(
        "is not a duration; expected a number and a unit, for example 300s, 5m or 1500ms; the units are us, ms, s, m, \
         h, d and w"
    )]
    Invalid,
    /// A unit is a month or a year.
    #[error(
        "has months or years, which differ in length; expected s, m, h, d or w: 5m is five minutes, 30d thirty days"
    )]
    Calendar,
    /// It is not a whole number of microseconds.
    #[error("is finer than a microsecond, the smallest unit of time here")]
    TooFine,
    /// It is above [`SPAN_MAX_MICROS`].
    #[error("is too long; at most 366d")]
    TooLong,
}

/// Splits a text before the first character for which `is_such` is true.
fn split_where(text: &str, is_such: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_such).unwrap_or(text.len()))
}

/// Returns the nanoseconds in a unit.
fn nanos_of(unit: &str) -> Result<u128, ParseSpanError> {
    Ok(match unit {
        "ns" | "nsec" | "nanos" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" | "usec" | "micros" => 1_000,
        "ms" | "msec" | "millis" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600 * SECOND,
        "d" | "day" | "days" => 86_400 * SECOND,
        "w" | "wk" | "wks" | "week" | "weeks" => 7 * 86_400 * SECOND,
        "M" | "month" | "months" | "y" | "Y" | "yr" | "yrs" | "year" | "years" => {
            return Err(ParseSpanError::Calendar);
        }
        _ => return Err(ParseSpanError::Invalid),
    })
}

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// Returns the nanoseconds in a decimal number of units of `one` nanoseconds each.
fn nanos_in(number: &str, one: u128) -> Result<u128, ParseSpanError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // A nanosecond is the 18th decimal of a week at most; more digits would overflow without a meaning.
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(ParseSpanError::Invalid);
    }
    if fraction.len() > 15 {
        return Err(ParseSpanError::TooFine);
    }
    let digits = |digits: &str| digits.parse::<u64>().map_err(|_| ParseSpanError::TooLong);
    let whole = u128::from(digits(whole)?).saturating_mul(one);
    let (parts, scale) = (
        u128::from(digits(fraction)?).saturating_mul(one),
        10_u128.pow(fraction.len() as u32),
    );
    if !parts.is_multiple_of(scale) {
        return Err(ParseSpanError::TooFine);
    }
    Ok(whole.saturating_add(parts / scale))
}

/// Error of a text or a duration that is no timestamp or span of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The text is not RFC 3339 in UTC.
    #[error("expected a time in UTC, such as 2026-11-22T13:00:00Z")]
    Malformed,
    /// The timestamp is before 1970 or after the year 9999.
    #[error("the time is out of range: from 1970 to the end of the year 9999")]
    TimestampOutOfRange,
    /// The span is too long.
    #[error("the span is too long: at most 366 days")]
    SpanTooLong,
}

/// Converts the time since 1970-01-01 00:00 UTC, as `SystemTime::duration_since(UNIX_EPOCH)` returns it; fractions of a
/// microsecond are cut off.
impl TryFrom<Duration> for Timestamp {
    type Error = TimeError;

    fn try_from(since_1970: Duration) -> Result<Self, TimeError> {
        let micros = u64::try_from(since_1970.as_micros()).ok();
        micros
            .and_then(Self::from_micros)
            .ok_or(TimeError::TimestampOutOfRange)
    }
}

/// Cuts off fractions of a microsecond.
impl TryFrom<Duration> for Span {
    type Error = TimeError;

    fn try_from(duration: Duration) -> Result<Self, TimeError> {
        let micros = u64::try_from(duration.as_micros()).ok();
        micros
            .and_then(Self::from_micros)
            .ok_or(TimeError::SpanTooLong)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0)
    }
}

/// Parses RFC 3339 in UTC, with at most six decimals of a second: `2026-11-22T13:00:00Z`.
impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let (date, time) = text
            .strip_suffix('Z')
            .and_then(|text| text.split_once('T'))
            .ok_or(TimeError::Malformed)?;
        let (time, decimals) = time.split_once('.').unwrap_or((time, "0"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        if decimals.is_empty() || decimals.len() > 6 {
            return Err(TimeError::Malformed);
        }
        let scale = 10_u64.pow(6 - decimals.len() as u32);
        let micros = digits(decimals)? * scale;
        if hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError::Malformed);
        }
        let days = days_from_civil(year, month, day)?;
        let secs = days * 86_400 + hour * 3_600 + minute * 60 + second;
        Self::from_micros(secs * 1_000_000 + micros).ok_or(TimeError::TimestampOutOfRange)
    }
}

/// Parses three numbers of fixed widths.
fn numbers(text: &str, between: char, widths: [usize; 3]) -> Result<[u64; 3], TimeError> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width);
        *number = digits(part.ok_or(TimeError::Malformed)?)?;
    }
    match parts.next() {
        None => Ok(numbers),
        Some(_) => Err(TimeError::Malformed),
    }
}

fn digits(text: &str) -> Result<u64, TimeError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Malformed);
    }
    text.parse().map_err(|_| TimeError::Malformed)
}

/// Returns the days from 1970-01-01 to a date: the inverse of [`civil_from_days`], which also detects dates that do not
/// exist.
fn days_from_civil(year: u64, month: u64, day: u64) -> Result<u64, TimeError> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(TimeError::Malformed);
    }
    if year < 1970 {
        return Err(TimeError::TimestampOutOfRange);
    }
    // Years begin in March here, so that a leap day is the last of its year.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let before_year = 365 * year + year / 4 - year / 100 + year / 400;
    let days = before_year + day_of_year - 719_468;
    let (_, _, same_day) = civil_from_days(days);
    if same_day == day {
        Ok(days)
    } else {
        Err(TimeError::Malformed)
    }
}

/// Returns the year, month and day of a day counted from 1970-01-01, after Howard Hinnant's `civil_from_days`.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_span_is_read_from_numbers_with_units_of_a_fixed_length() {
        let micros = |micros| Ok(Span::from_micros(micros).unwrap());
        for (text, read) in [
            ("0s", micros(0)),
            ("1us", micros(1)),
            ("1\u{b5}s", micros(1)),
            ("1500ms", micros(1_500_000)),
            ("5m", micros(300_000_000)),
            ("5 min", micros(300_000_000)),
            (" 1h 30m ", micros(5_400_000_000)),
            ("1h30m", micros(5_400_000_000)),
            ("1.5h", micros(5_400_000_000)),
            ("0.000001s", micros(1)),
            ("52w 2d", micros(366 * 86_400_000_000)),
            ("366d", micros(SPAN_MAX_MICROS)),
            ("366d 1us", Err(ParseSpanError::TooLong)),
            ("18446744073709551616s", Err(ParseSpanError::TooLong)),
            ("18446744073709551615w", Err(ParseSpanError::TooLong)),
            ("999ns", Err(ParseSpanError::TooFine)),
            ("0.0000001s", Err(ParseSpanError::TooFine)),
            ("0.0000000000000001h", Err(ParseSpanError::TooFine)),
            ("5M", Err(ParseSpanError::Calendar)),
            ("1month", Err(ParseSpanError::Calendar)),
            ("1h 2months", Err(ParseSpanError::Calendar)),
            ("1y", Err(ParseSpanError::Calendar)),
            ("2 years", Err(ParseSpanError::Calendar)),
        ] {
            assert_eq!(text.parse(), read, "{text:?}");
        }
        for text in [
            "", " ", "5", "m", "5 5m", "5q", "5S", "-5m", "+5m", "5m,", "1.m", ".5m", "1.2.3m",
            "5m 1", "\u{661}s",
        ] {
            assert_eq!(
                text.parse::<Span>(),
                Err(ParseSpanError::Invalid),
                "{text:?}"
            );
        }
        assert!(
            ParseSpanError::Calendar
                .to_string()
                .contains("5m is five minutes")
        );
    }

    #[test]
    fn a_span_prints_as_it_is_read() {
        for (micros, text) in [
            (0, "0s"),
            (1, "1us"),
            (1_500_000, "1s 500ms"),
            (5_400_000_000, "1h 30m"),
            (35 * 86_400_000_000, "35d"),
            (SPAN_MAX_MICROS - 1, "365d 23h 59m 59s 999ms 999us"),
        ] {
            let span = Span::from_micros(micros).unwrap();
            assert_eq!(span.to_string(), text);
            assert_eq!(text.parse(), Ok(span));
        }
    }

    #[test]
    fn a_timestamp_prints_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_826_400_000_001, "2000-02-29T12:13:20.000001Z"),
            (1_793_365_200_000_000, "2026-10-30T13:00:00.000000Z"),
            (TIMESTAMP_MAX_MICROS, "9999-12-31T23:59:59.999999Z"),
        ];
        for (micros, text) in cases {
            let at = Timestamp::from_micros(micros).unwrap();
            assert_eq!(at.to_string(), text);
            assert_eq!(text.parse(), Ok(at));
        }
        let whole = Timestamp::from_micros(951_826_400_000_000);
        assert_eq!("2000-02-29T12:13:20Z".parse().ok(), whole);
        let half = Timestamp::from_micros(951_826_400_500_000);
        assert_eq!("2000-02-29T12:13:20.5Z".parse().ok(), half);
    }

    #[test]
    fn texts_that_are_no_timestamp_are_refused() {
        use TimeError::{Malformed, TimestampOutOfRange};
        let cases = [
            ("", Malformed),
            ("2026-10-30", Malformed),
            ("2026-10-30T13:00:00", Malformed),
            ("2026-10-30T13:00:00+01:00", Malformed),
            ("2026-10-30T13:00:00.Z", Malformed),
            ("2026-10-30T13:00:00.0000000Z", Malformed),
            ("2026-10-30T13:00:00.+1Z", Malformed),
            ("2026-10-30T24:00:00Z", Malformed),
            ("2026-10-30T13:60:00Z", Malformed),
            ("2026-10-30T13:00:00:00Z", Malformed),
            ("2026-13-01T00:00:00Z", Malformed),
            ("2026-00-01T00:00:00Z", Malformed),
            ("2026-02-29T00:00:00Z", Malformed),
            ("2026-04-31T00:00:00Z", Malformed),
            ("1969-12-31T23:59:59Z", TimestampOutOfRange),
            ("-969-12-31T23:59:59Z", Malformed),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Timestamp>(), Err(error), "{text}");
        }
    }

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for days in (0..2_932_896).step_by(if cfg!(miri) { 99_991 } else { 7 }) {
            let at = Timestamp::from_secs(days * 86_400);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn a_duration_is_checked_at_its_bounds() {
        let longest = Duration::from_micros(SPAN_MAX_MICROS);
        let span = Span::try_from(longest).unwrap();
        assert_eq!(span.micros(), SPAN_MAX_MICROS);
        assert_eq!(Duration::from(span), longest);
        let longer = longest + Duration::from_micros(1);
        assert_eq!(Span::try_from(longer), Err(TimeError::SpanTooLong));
        let last = Duration::from_micros(TIMESTAMP_MAX_MICROS);
        assert_eq!(Timestamp::try_from(last), Ok(Timestamp::MAX));
        let later = last + Duration::from_micros(1);
        assert_eq!(
            Timestamp::try_from(later),
            Err(TimeError::TimestampOutOfRange)
        );
        assert_eq!(Timestamp::checked_from_secs(u64::MAX), None);
        assert_eq!(Span::checked_from_secs(366 * 86_400), Some(span));
        assert_eq!(Span::checked_from_secs(366 * 86_400 + 1), None);
    }
}
