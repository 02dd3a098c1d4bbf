//! The schedule of a trading day: which phases it can have, and when they end.

use crate::clearing::call::Collar;
use crate::limits::DAY_PHASES_MAX;
use crate::model::call_terms::CallTerms;
use crate::model::day::{DayPhase, DayTerms, ScheduleError};
use crate::{Price, Span, TermsError};

/// Checks the terms of a day of this duration.
pub(in crate::lot) fn check_terms(
    terms: &DayTerms,
    greatest: Price,
    reserve: Option<Price>,
    open_for: Span,
) -> Result<(), TermsError> {
    if reserve.is_some() {
        return Err(TermsError::NoReserveInCall);
    }
    let call = &terms.call;
    if call.tick == Price::ZERO || call.tick > greatest {
        return Err(TermsError::Tick { greatest });
    }
    let windows = windows(call);
    let extends = call.market_extension || (call.collar.is_some() && call.extensions_max > 0);
    if extends && windows >= call.extend_by.micros() {
        return Err(TermsError::Windows);
    }
    if terms.volatility_length <= terms.volatility_random_end {
        return Err(ScheduleError::Volatility.into());
    }
    if extends && terms.volatility_random_end >= call.extend_by {
        return Err(TermsError::Windows);
    }
    check_order(terms)?;
    let begins = terms.phases.iter().map(|phase| phase.begins_after);
    let ends = begins.clone().skip(1).chain([open_for]);
    for (number, ((scheduled, begins), ends)) in
        (1..).zip(terms.phases.iter().zip(begins).zip(ends))
    {
        let is_first = number == 1;
        if begins >= ends || is_first != (begins == Span::ZERO) {
            return Err(ScheduleError::Times { number }.into());
        }
        let length = ends.micros() - begins.micros();
        if scheduled.phase == DayPhase::Call && windows >= length {
            return Err(ScheduleError::Windows { number }.into());
        }
    }
    Ok(())
}

/// Time of the random end and the no-cancel window together, in microseconds.
pub(super) fn windows(call: &CallTerms) -> u64 {
    call.random_end.micros() + call.no_cancel.unwrap_or_default().micros()
}

/// Checks that the phases are `[pre-open] call {continuous call} [at-last]`.
fn check_order(terms: &DayTerms) -> Result<(), ScheduleError> {
    let phases = &terms.phases;
    if phases.is_empty() || phases.len() > DAY_PHASES_MAX {
        let most = DAY_PHASES_MAX as u32;
        return Err(ScheduleError::Count { most });
    }
    let mut before = None;
    for (number, scheduled) in (1..).zip(phases) {
        let fits = matches!(
            (before, scheduled.phase),
            (None, DayPhase::PreOpen | DayPhase::Call)
                | (
                    Some(DayPhase::PreOpen | DayPhase::Continuous),
                    DayPhase::Call
                )
                | (
                    Some(DayPhase::Call),
                    DayPhase::Continuous | DayPhase::AtLast
                )
        );
        if !fits {
            return Err(ScheduleError::Order { number });
        }
        before = Some(scheduled.phase);
    }
    match before {
        Some(DayPhase::Call | DayPhase::AtLast) => Ok(()),
        _ => Err(ScheduleError::Order {
            number: phases.len() as u32 + 1,
        }),
    }
}

/// Returns the collar of a volatility call: both bounds are doubled.
pub(crate) fn doubled(collar: Collar) -> Collar {
    Collar {
        absolute: collar
            .absolute
            .checked_add(collar.absolute)
            .unwrap_or(Price::MAX),
        basis_points: collar.basis_points.saturating_mul(2),
    }
}
