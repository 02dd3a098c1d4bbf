//! Calendars: the phases of trading days by name, as lengths or as times of day in a time zone.

use std::collections::BTreeMap;
use std::fmt;

use auction_core::limits::DAY_PHASES_MAX;
use auction_core::{DayPhase, Schedule, ScheduleError, ScheduledPhase, Span, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Calendars by name.
pub type Calendars = BTreeMap<String, Calendar>;

/// Maximum number of dates that are passed over to find one on which a day can be held.
const DATES_MAX: u32 = 8;

/// The phases of a trading day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// Lengths: the day begins when it is opened.
    Lengths(Schedule),
    /// Times of day: the day begins with the next first phase.
    Times(DayTimes),
}

/// Times of day in a time zone, all on one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayTimes {
    zone: TimeZone,
    /// Name of the time zone, as it was given.
    zone_name: String,
    phases: Vec<(DayPhase, Time)>,
    close: Time,
}

impl Calendar {
    /// Parses phases: `call 5m, continuous 1h, call 5m`, or with a time zone such as `Europe/Berlin`
    /// `call 08:50, continuous 09:00, call 17:30, close 17:35`, where `close` ends the last one.
    ///
    /// # Errors
    /// The fault and its remedy.
    pub fn parse(phases: &str, time_zone: Option<&str>) -> Result<Self, String> {
        let Some(zone_name) = time_zone else {
            let schedule = phases.parse::<Schedule>().map_err(|error| {
                let hint = match phases.contains(':') {
                    true => "; times of day need a time_zone, such as \"Europe/Berlin\"",
                    false => "",
                };
                format!("phases {phases:?} {error}{hint}")
            })?;
            check_order(schedule.phases.iter().map(|of| of.phase))?;
            return Ok(Self::Lengths(schedule));
        };
        let zone = TimeZone::get(zone_name).map_err(|_| {
            format!(
                "time_zone {zone_name:?} is unknown; expected a name of the IANA database, such as Europe/Berlin or UTC"
            )
        })?;
        let mut begins = Vec::new();
        for part in phases.split(',').map(str::trim) {
            begins.push(phase_at(part)?);
        }
        for pair in begins.windows(2) {
            if pair[1].1 <= pair[0].1 {
                let (name, at) = (&pair[1].0, hours(pair[1].1));
                return Err(format!(
                    "phases have {name} at {at}, no later than what is before it; a day is within one date"
                ));
            }
        }
        let Some(("close", close)) = begins.pop() else {
            return Err("phases have no close; end them with one, such as close 17:35".to_owned());
        };
        let mut parsed = Vec::new();
        for (name, at) in begins {
            let known = DayPhase::ALL
                .into_iter()
                .find(|phase| phase.as_str() == name && *phase != DayPhase::Volatility);
            let phase = known.ok_or_else(|| {
                format!("phases have {name:?}; expected pre-open, call, continuous, at-last, and one close at the end")
            })?;
            parsed.push((phase, at));
        }
        check_order(parsed.iter().map(|(phase, _)| *phase))?;
        Ok(Self::Times(DayTimes {
            zone,
            zone_name: zone_name.to_owned(),
            phases: parsed,
            close,
        }))
    }

    /// Returns when a day begins that is opened now, and its phases; `None` for a time: at once. A date on which a change of
    /// clocks leaves a call no longer than its `windows` is passed over.
    #[must_use]
    pub fn next(&self, now: Timestamp, windows: Span) -> (Option<Timestamp>, Schedule) {
        match self {
            Self::Lengths(schedule) => (None, schedule.clone()),
            Self::Times(times) => {
                let (opens_at, schedule) = times.next(now, windows);
                (Some(opens_at), schedule)
            }
        }
    }
}

/// Returns true if each call is longer than the windows.
fn has_room(schedule: &Schedule, windows: Span) -> bool {
    let Schedule { phases, length } = schedule;
    let ends = phases[1..].iter().map(|phase| phase.begins_after);
    let mut ends = phases.iter().zip(ends.chain([*length]));
    ends.all(|(phase, end)| {
        let took = end.micros().saturating_sub(phase.begins_after.micros());
        phase.phase != DayPhase::Call || took > windows.micros()
    })
}

impl DayTimes {
    /// Returns the next day that begins after `now`.
    ///
    /// A time that a change of clocks skips comes as much later as the clocks go forward; of a time that comes twice the
    /// first one counts. A date on which phases would so not follow each other is passed over.
    fn next(&self, now: Timestamp, windows: Span) -> (Timestamp, Schedule) {
        let mut date = self.date(now);
        let mut first = None;
        for _ in 0..DATES_MAX {
            if let Some((opens_at, schedule)) = self.on(date)
                && opens_at > now
            {
                if has_room(&schedule, windows) {
                    return (opens_at, schedule);
                }
                first = first.or(Some((opens_at, schedule)));
            }
            date = date.tomorrow().unwrap_or(date);
        }
        // Windows that fit on no date are refused with the terms of the lot.
        if let Some(first) = first {
            return first;
        }
        // The times of day rise, and no two changes of clocks are within days of each other.
        unreachable!("one of {DATES_MAX} dates has no change of clocks");
    }

    fn date(&self, now: Timestamp) -> Date {
        let micros = i64::try_from(now.micros()).unwrap_or(i64::MAX);
        let now = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        self.zone.to_datetime(now).date()
    }

    /// Returns the day on a date; `None`: its phases do not follow each other.
    fn on(&self, date: Date) -> Option<(Timestamp, Schedule)> {
        let moment = |at: Time| -> Option<Timestamp> {
            let zoned = self.zone.to_ambiguous_zoned(date.to_datetime(at));
            let zoned = zoned.compatible().ok()?;
            let micros = zoned.timestamp().as_microsecond();
            Timestamp::from_micros(u64::try_from(micros).ok()?)
        };
        let opens_at = moment(self.phases[0].1)?;
        let mut phases = Vec::new();
        let mut last = Span::ZERO;
        for (index, (phase, at)) in self.phases.iter().enumerate() {
            let begins_after = moment(*at)?.since(opens_at);
            if index > 0 && begins_after <= last {
                return None;
            }
            last = begins_after;
            phases.push(ScheduledPhase {
                phase: *phase,
                begins_after,
            });
        }
        let length = moment(self.close)?.since(opens_at);
        (length > last).then_some((opens_at, Schedule { phases, length }))
    }
}

/// Parses a phase and its time of day: `call 09:25`.
fn phase_at(part: &str) -> Result<(&str, Time), String> {
    let parsed = part.split_once(char::is_whitespace).and_then(|(name, at)| {
        let at: Time = match at.trim().len() {
            5 | 8 => at.trim().parse().ok()?,
            _ => return None,
        };
        Some((name, at))
    });
    parsed.ok_or_else(|| {
        format!(
            "phases have {part:?}, which is no phase with a time of day; with a time_zone expected for example \
             call 08:50, continuous 09:00, call 17:30, close 17:35"
        )
    })
}

/// Checks `[pre-open] call {continuous call} [at-last]`.
fn check_order(phases: impl Iterator<Item = DayPhase>) -> Result<(), String> {
    let phases: Vec<DayPhase> = phases.collect();
    if phases.len() > DAY_PHASES_MAX {
        let most = DAY_PHASES_MAX as u32;
        return Err(format!("phases: {}", ScheduleError::Count { most }));
    }
    let mut rest = phases.iter().peekable();
    rest.next_if(|phase| **phase == DayPhase::PreOpen);
    let mut fits = rest.next_if(|phase| **phase == DayPhase::Call).is_some();
    while fits
        && rest
            .next_if(|phase| **phase == DayPhase::Continuous)
            .is_some()
    {
        fits = rest.next_if(|phase| **phase == DayPhase::Call).is_some();
    }
    if fits {
        rest.next_if(|phase| **phase == DayPhase::AtLast);
    }
    match fits && rest.peek().is_none() {
        true => Ok(()),
        false => {
            let number = (phases.len() - rest.len()) as u32 + 1;
            Err(format!("phases: {}", ScheduleError::Order { number }))
        }
    }
}

fn hours(at: Time) -> String {
    match at.second() {
        0 => format!("{:02}:{:02}", at.hour(), at.minute()),
        second => format!("{:02}:{:02}:{second:02}", at.hour(), at.minute()),
    }
}

/// Writes the keys of the settings file.
impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lengths(schedule) => writeln!(f, "phases = \"{schedule}\""),
            Self::Times(times) => {
                writeln!(f, "time_zone = \"{}\"", times.zone_name)?;
                f.write_str("phases = \"")?;
                for (phase, at) in &times.phases {
                    write!(f, "{phase} {}, ", hours(*at))?;
                }
                writeln!(f, "close {}\"", hours(times.close))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of the calls in these tests.
    const WINDOWS: Span = Span::from_secs(10 * 60);

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_micros(u64::try_from(at.as_microsecond()).unwrap()).unwrap()
    }

    fn next(zone: &str, phases: &str, now: &str) -> (Timestamp, Vec<u64>) {
        let calendar = Calendar::parse(phases, Some(zone)).unwrap();
        let (opens_at, schedule) = calendar.next(at(now), WINDOWS);
        let begins = schedule.phases.iter().map(|of| of.begins_after);
        let secs = begins.chain([schedule.length]);
        let secs = secs.map(|span| span.micros() / 1_000_000).collect();
        (opens_at.unwrap(), secs)
    }

    #[test]
    fn a_day_begins_with_the_next_first_phase() {
        let phases = "call 08:50, continuous 09:00, call 17:30, close 17:35";
        let lengths = vec![0, 600, 31_200, 31_500];
        for (now, opens) in [
            ("2026-11-30T23:00:00Z", "2026-12-01T07:50:00Z"),
            ("2026-12-01T07:49:59.999999Z", "2026-12-01T07:50:00Z"),
            // A day that has begun is not opened late.
            ("2026-12-01T07:50:00Z", "2026-12-02T07:50:00Z"),
            // In summer the same time of day is an hour earlier.
            ("2026-07-01T00:00:00Z", "2026-07-01T06:50:00Z"),
        ] {
            let day = next("Europe/Berlin", phases, now);
            assert_eq!(day, (at(opens), lengths.clone()), "{now}");
        }
    }

    /// In New York 02:00 to 03:00 is skipped on 2026-03-08, and 01:00 to 02:00 comes twice on 2026-11-01.
    #[test]
    fn a_skipped_time_comes_later_and_of_two_the_first_counts() {
        let skipped = next(
            "America/New_York",
            "call 02:30, close 04:00",
            "2026-03-08T05:00:00Z",
        );
        assert_eq!(skipped, (at("2026-03-08T07:30:00Z"), vec![0, 1_800]));
        let twice = next(
            "America/New_York",
            "call 01:30, close 02:30",
            "2026-11-01T04:00:00Z",
        );
        assert_eq!(twice, (at("2026-11-01T05:30:00Z"), vec![0, 7_200]));
        // 02:30 becomes 03:30, which is not before 03:15: there is no such day on that date.
        let passed_over = next(
            "America/New_York",
            "call 02:30, continuous 03:15, call 04:00, close 05:00",
            "2026-03-08T05:00:00Z",
        );
        assert_eq!(passed_over.0, at("2026-03-09T06:30:00Z"));
        // A call of 70 minutes is one of 10 on that date, and windows of ten do not fit into it.
        let too_short = next(
            "America/New_York",
            "call 01:55, continuous 03:05, call 04:00, close 05:00",
            "2026-03-08T05:00:00Z",
        );
        assert_eq!(too_short.0, at("2026-03-09T05:55:00Z"));
    }

    #[test]
    fn a_calendar_is_written_as_it_is_read() {
        for (phases, zone) in [
            ("call 5m, continuous 1h, call 5m, at-last 2m", None),
            (
                "pre-open 07:00, call 08:50:30, close 17:35",
                Some("Europe/Berlin"),
            ),
        ] {
            let calendar = Calendar::parse(phases, zone).unwrap();
            assert!(calendar.to_string().contains(phases), "{calendar}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = ["call 1m", &", continuous 1m, call 1m".repeat(8)].concat();
        for (phases, zone, says) in [
            ("call 5", None, "whose length is not a duration"),
            (
                "call 09:00, close 10:00",
                None,
                "times of day need a time_zone",
            ),
            ("continuous 1h", None, "phase 1 does not fit"),
            ("call 1h, continuous 1h", None, "phase 3 does not fit"),
            ("call 1h, at-last 1h, call 1h", None, "phase 3 does not fit"),
            (&long, None, "a schedule has 1 to 16 phases"),
            (
                "call 9:00, close 10:00",
                Some("UTC"),
                "\"call 9:00\", which is no phase with a time",
            ),
            (
                "call 5m, close 10:00",
                Some("UTC"),
                "\"call 5m\", which is no phase with a time",
            ),
            (
                "call 24:00, close 10:00",
                Some("UTC"),
                "\"call 24:00\", which is no phase",
            ),
            (
                "call 09:00, continuous 10:00",
                Some("UTC"),
                "phases have no close",
            ),
            ("close 10:00", Some("UTC"), "phase 1 does not fit"),
            (
                "call 09:00, close 09:00",
                Some("UTC"),
                "close at 09:00, no later than",
            ),
            (
                "call 22:00, close 06:00",
                Some("UTC"),
                "close at 06:00, no later than",
            ),
            (
                "volatility 09:00, close 10:00",
                Some("UTC"),
                "\"volatility\"; expected pre-open",
            ),
            (
                "call 09:00, close 10:00",
                Some("Mars/North"),
                "\"Mars/North\" is unknown",
            ),
        ] {
            let said = Calendar::parse(phases, zone).unwrap_err();
            assert!(said.contains(says), "{phases}: {said}");
        }
    }
}
