//! Time is passed in: timestamps in microseconds UTC, and spans between them.

use core::fmt;

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
