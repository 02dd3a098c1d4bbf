//! Time is passed in: timestamps in microseconds UTC, and spans between them.

use core::fmt;
use core::str::FromStr;

use crate::limits::{SPAN_MAX_MICROS, TIMESTAMP_MAX_MICROS};

/// A moment, in microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that many microseconds after 1970, or `None` after the year 9999.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Option<Self> {
        if micros <= TIMESTAMP_MAX_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// The moment that many whole seconds after 1970.
    ///
    /// # Panics
    /// After the year 9999.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        assert!(
            secs <= TIMESTAMP_MAX_MICROS / 1_000_000,
            "a timestamp ends with the year 9999"
        );
        Self(secs * 1_000_000)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The last moment there is: the end of the year 9999.
    pub const MAX: Self = Self(TIMESTAMP_MAX_MICROS);

    /// The time from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later, at most the last one there is.
    #[must_use]
    pub const fn saturating_add(self, span: Span) -> Self {
        let micros = self.0.saturating_add(span.0);
        Self(if micros < TIMESTAMP_MAX_MICROS {
            micros
        } else {
            TIMESTAMP_MAX_MICROS
        })
    }

    /// The moment `span` earlier, at least the first one there is.
    #[must_use]
    pub const fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// RFC 3339 in UTC with microseconds: `2026-11-22T13:00:00.000000Z`.
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

/// A length of time in microseconds, at most 366 days where it comes from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of that many microseconds, or `None` above [`SPAN_MAX_MICROS`].
    #[must_use]
    pub const fn from_micros(micros: u64) -> Option<Self> {
        if micros <= SPAN_MAX_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// A span of that many whole seconds.
    ///
    /// # Panics
    /// Above 366 days.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        assert!(
            secs <= SPAN_MAX_MICROS / 1_000_000,
            "a span is at most 366 days"
        );
        Self(secs * 1_000_000)
    }

    /// Microseconds.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The span without its fraction of a second, for people.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }
}

/// As it is parsed: `300us`, `1h 30m`, `35d`.
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

/// Numbers with units that are added up: `300s`, `5m`, `1h 30m`, `1.5h`. There is no unit without a fixed length: `5M` for
/// five minutes must not become five months.
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

/// Error of a text that is no [`Span`]. Its message goes on after the text.
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
    /// It is no whole number of microseconds.
    #[error("is finer than a microsecond, the smallest unit of time here")]
    TooFine,
    /// It is above [`SPAN_MAX_MICROS`].
    #[error("is too long; at most 366d")]
    TooLong,
}

/// Splits a text before the first such character.
fn split_where(text: &str, is_such: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_such).unwrap_or(text.len()))
}

/// Nanoseconds in a unit.
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

/// Nanoseconds in a decimal number of units of `one` nanosecond each.
fn nanos_in(number: &str, one: u128) -> Result<u128, ParseSpanError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Below a nanosecond of a week there are 18 digits; more would overflow, and mean nothing.
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

/// Year, month and day of a day counted from 1970-01-01, after Howard Hinnant's `civil_from_days`.
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
            assert_eq!(Timestamp::from_micros(micros).unwrap().to_string(), text);
        }
    }
}
