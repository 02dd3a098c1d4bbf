//! Checks that the clock acts on what is due, at the time when it is due.

use super::Audit;
use super::case::{Case, opened_end};
use super::verdict::{UncrossFault, Wrong};
use crate::lot::{Lot, Phase};
use crate::model::command::Terms;
use crate::model::event::PublicEvent;
use crate::{Command, LotId, RandomEnd, Span, Timestamp};

impl Audit {
    /// Checks that the clock acts on what has been due the longest, stamped with the time at which it was due.
    pub(super) fn check_due(
        &self,
        case: &Case<'_>,
        lot: LotId,
        command: &Command,
    ) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotDue { due: None })?;
        let fixed = opened_end(case).filter(|_| lot.has_fixed_end());
        let due = match (&lot.terms, fixed) {
            (Terms::Call(_), Some(end)) => lot
                .deadline()
                .map(|due| due.saturating_sub(end.before_close)),
            _ => known_deadline(lot),
        };
        let not_due = Wrong::NotDue { due };
        let Some(due) = due else {
            return Err(not_due);
        };
        let is_fit = match command {
            Command::OpenDue { .. } => lot.is_scheduled(),
            Command::DrawEnd { .. } => {
                !lot.is_scheduled() && has_random_end(lot) && fixed.is_none()
            }
            // A hidden record that commits to an end is judged like a close.
            Command::CloseDue { .. } if case.asked.is_none() => {
                !lot.is_scheduled() && has_random_end(lot) && !lot.has_fixed_end()
            }
            Command::CloseDue { .. } => {
                !lot.is_scheduled() && (!has_random_end(lot) || fixed.is_some())
            }
            _ => false,
        };
        let is_first = self
            .timers
            .next()
            .is_none_or(|first| (due, lot.id) <= first);
        if is_fit && is_first && case.at == due.max(self.engine.at) {
            Ok(())
        } else {
            Err(not_due)
        }
    }

    /// Checks that an event that moves or ends the lot opens a random end that is fixed.
    pub(super) fn check_end_opened(&self, case: &Case<'_>, lot: &Lot) -> Result<(), Wrong> {
        let ends = case.events.iter().flatten().any(|event| {
            matches!(
                event,
                PublicEvent::LotClosed { .. } | PublicEvent::LotExtended { .. }
            )
        });
        match ends && lot.has_fixed_end() && opened_end(case).is_none() {
            true => Err(Wrong::Uncross(UncrossFault::EndNotOpened)),
            false => Ok(()),
        }
    }

    pub(super) fn assume_end(&mut self, lot: LotId, end: Option<RandomEnd>) {
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_end(end);
        }
    }

    pub(super) fn due(&self, lot: LotId) -> Option<Timestamp> {
        // A halted market has no deadlines.
        let runs = self.market().halted_since().is_none();
        self.market()
            .lot(lot)
            .filter(|_| runs)
            .and_then(known_deadline)
    }
}

fn has_random_end(lot: &Lot) -> bool {
    matches!(&lot.terms, Terms::Call(terms) if terms.random_end > Span::ZERO)
}

/// Returns the next deadline of a lot, as far as it is public.
fn known_deadline(lot: &Lot) -> Option<Timestamp> {
    let due = lot.deadline()?;
    match lot.phase {
        Phase::Open if lot.has_fixed_end() => None,
        Phase::Open => Some(lot.closes_from()),
        _ => Some(due),
    }
}
