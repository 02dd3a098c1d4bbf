//! The schedule of a trading day, as people write it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::model::day::{DayPhase, ScheduledPhase};
use crate::{ParseSpanError, Span};

/// The phases of a trading day with their lengths: `call 5m, continuous 1h, call 5m, at-last 2m`.
///
/// ```
/// use auction_core::{DayPhase, Schedule, Span};
///
/// let schedule: Schedule = "call 5m, continuous 1h, call 5m".parse()?;
/// assert_eq!(schedule.phases.len(), 3);
/// assert_eq!(schedule.phases[1].phase, DayPhase::Continuous);
/// assert_eq!(schedule.phases[1].begins_after, Span::from_secs(300));
/// assert_eq!(schedule.length, Span::from_secs(4_200));
/// assert_eq!(schedule.to_string(), "call 5m, continuous 1h, call 5m");
/// # Ok::<(), auction_core::ParseScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The phases.
    pub phases: Vec<ScheduledPhase>,
    /// Length of all phases together.
    pub length: Span,
}

/// Error of a text that is no [`Schedule`]. The message continues a sentence that begins with the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseScheduleError {
    /// A part is no phase with its length.
    #[error(
        "has {0:?}, which is no phase with its length; expected pre-open, call, continuous or at-last, each with a length: \
         call 5m, continuous 1h, call 5m, at-last 2m"
    )]
    Phase(String),
    /// The length of a phase is invalid.
    #[error("has {0:?}, whose length {1}")]
    Length(String, ParseSpanError),
    /// A phase has no length at all, or the day is too long.
    #[error("has {0:?}: each phase is longer than zero, and all together at most 366d")]
    OutOfRange(String),
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, ParseScheduleError> {
        let (mut phases, mut length) = (Vec::new(), Span::ZERO);
        for part in text.split(',').map(str::trim) {
            let own = || part.to_string();
            let (name, lasts) = part
                .split_once(char::is_whitespace)
                .ok_or_else(|| ParseScheduleError::Phase(own()))?;
            let phase = DayPhase::ALL
                .into_iter()
                .find(|phase| phase.as_str() == name && *phase != DayPhase::Volatility)
                .ok_or_else(|| ParseScheduleError::Phase(own()))?;
            let lasts = Span::from_str(lasts.trim())
                .map_err(|error| ParseScheduleError::Length(own(), error))?;
            phases.push(ScheduledPhase {
                phase,
                begins_after: length,
            });
            length = Some(lasts)
                .filter(|lasts| *lasts > Span::ZERO)
                .and_then(|lasts| Span::from_micros(length.micros() + lasts.micros()))
                .ok_or_else(|| ParseScheduleError::OutOfRange(own()))?;
        }
        Ok(Self { phases, length })
    }
}

/// Writes the text that parses as this schedule.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scheduled) in self.phases.iter().enumerate() {
            let next = self.phases.get(index + 1);
            let end = next.map_or(self.length, |next| next.begins_after);
            let lasts = end.micros().saturating_sub(scheduled.begins_after.micros());
            let lasts = Span::from_micros(lasts).unwrap_or_default();
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{} {lasts}", scheduled.phase)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Schedule>().unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_part_is_named_with_what_is_expected() {
        assert!(error("").contains("\"\", which is no phase"));
        assert!(error("call 5m,").contains("\"\", which is no phase"));
        assert!(error("call").contains("\"call\", which is no phase"));
        assert!(error("call 5m, volatility 2m").contains("\"volatility 2m\", which is no phase"));
        assert!(error("call 5").contains("\"call 5\", whose length is not a duration"));
        assert!(error("call 0s").contains("\"call 0s\": each phase is longer"));
        assert!(error("call 366d, continuous 1us").contains("\"continuous 1us\": each phase"));
        assert!("call 366d".parse::<Schedule>().is_ok());
    }
}
