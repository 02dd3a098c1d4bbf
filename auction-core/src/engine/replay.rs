//! Replay of records: applied as they were decided then, or decided again and compared.

use core::borrow::Borrow;

use super::{Engine, Request};
use crate::market::FoldError;
use crate::model::command::{Actor, Caller, Command};
use crate::model::event::Events;
use crate::model::record::Record;
use crate::model::reject::Reject;
use crate::model::steps::RULES_VERSION;
use crate::{LotId, MarketId, Seed, Sequence, Timestamp};

/// Reason why a record does not follow the ones before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A record is missing or duplicated.
    #[error("record {found} was found where {expected} was expected")]
    OutOfSequence {
        /// The record found.
        found: Sequence,
        /// Sequence of the next record.
        expected: Sequence,
    },
    /// The record's time is before that of the last record.
    #[error("record {sequence} is stamped {at}, before the one it follows")]
    TimeGoesBack {
        /// The record.
        sequence: Sequence,
        /// Its time.
        at: Timestamp,
    },
    /// The record's rules are not those of this program.
    #[error("record {sequence} was decided by rules {rules}; this program knows {RULES_VERSION}")]
    UnknownRules {
        /// The record.
        sequence: Sequence,
        /// The version of its rules.
        rules: u16,
    },
    /// The record's events do not fit the market.
    #[error("record {sequence} does not fit: {source}")]
    DoesNotFit {
        /// The record.
        sequence: Sequence,
        /// Reason.
        source: FoldError,
    },
    /// The rules decide differently.
    #[error("record {sequence} is not what the rules give: {difference}")]
    DecidedOtherwise {
        /// The record.
        sequence: Sequence,
        /// The difference.
        difference: Difference,
    },
}

/// Difference between a record and the decision of the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The rules refuse the command.
    #[error("they refuse the command: {0}")]
    Refused(Reject),
    /// The rules give other events.
    #[error("they decide differently")]
    OtherEvents,
    /// The request was done before.
    #[error("the request was done before")]
    Repeated,
    /// Someone else acted.
    #[error("someone else acted")]
    OtherActor,
    /// A lot was due before a user's command, and was not decided first. It would close late.
    #[error("lot {lot} was due at {due}, and this command came before it was decided")]
    DueBefore {
        /// The lot.
        lot: LotId,
        /// Time at which it was due.
        due: Timestamp,
    },
    /// Another lot was due, or this one at another time.
    #[error("another lot was due, or this one at another time")]
    OtherDeadline,
}

impl Engine {
    /// Returns the engine after all records of a market, applied [as they were decided](Self::replay) then. Records do
    /// not name their market: the journal that holds them does.
    ///
    /// # Errors
    /// [`ReplayError`] when a record does not follow the ones before it.
    pub fn replayed<R: Borrow<Record>>(
        id: MarketId,
        records: impl IntoIterator<Item = R>,
    ) -> Result<Self, ReplayError> {
        let mut engine = Self::new(id);
        for record in records {
            engine.replay(record.borrow())?;
        }
        Ok(engine)
    }

    /// Applies a record as it was decided then.
    ///
    /// # Errors
    /// [`ReplayError`] when the record does not follow the ones before it. Do not use the engine after that.
    pub fn replay(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.check_follows(record)?;
        let sequence = record.sequence;
        self.apply(record)
            .map_err(|source| ReplayError::DoesNotFit { sequence, source })
    }

    /// Decides a record again, compares, and applies it.
    ///
    /// The actor, the request and the events must follow the rules at that time, and everything due before a user's
    /// command must have been decided before it. Only the journal's checksums can show that the time itself, or a
    /// request's number, was not changed afterwards.
    ///
    /// # Errors
    /// [`ReplayError`] when it does not follow the rules. Do not use the engine after that.
    pub fn verify(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.check_follows(record)?;
        let sequence = record.sequence;
        self.compare(record)
            .map_err(|difference| ReplayError::DecidedOtherwise {
                sequence,
                difference,
            })?;
        self.replay(record)
    }

    fn check_follows(&self, record: &Record) -> Result<(), ReplayError> {
        let sequence = record.sequence;
        let expected = self.sequence.next();
        if sequence != expected {
            return Err(ReplayError::OutOfSequence {
                found: sequence,
                expected,
            });
        }
        if record.at < self.at {
            return Err(ReplayError::TimeGoesBack {
                sequence,
                at: record.at,
            });
        }
        if record.rules != RULES_VERSION {
            return Err(ReplayError::UnknownRules {
                sequence,
                rules: record.rules,
            });
        }
        Ok(())
    }

    fn compare(&self, record: &Record) -> Result<(), Difference> {
        let caller = match (record.actor, record.request) {
            (Actor::Clock, None) => {
                let seed = match record.command {
                    Command::CloseDue { .. } | Command::OpenDue { .. } => Seed([0; 32]),
                    Command::DrawEnd { seed, .. } => seed,
                    _ => return Err(Difference::OtherActor),
                };
                if self.next_due(record.at, || seed) != Some((record.at, record.command.clone())) {
                    return Err(Difference::OtherDeadline);
                }
                return self.compare_events(record);
            }
            (Actor::Operator, None) => Caller::Operator,
            (Actor::User(user), None) => Caller::User(user),
            (Actor::User(_), Some((session, request))) => Caller::Session { session, request },
            (Actor::Clock | Actor::Operator, Some(_)) => return Err(Difference::OtherActor),
        };
        self.check_due_before(record)?;
        let asked = self
            .identify(record.at, caller, &record.command)
            .map_err(Difference::Refused)?;
        match asked {
            Request::Repeated { .. } => Err(Difference::Repeated),
            Request::New { actor, .. } if actor != record.actor => Err(Difference::OtherActor),
            Request::New { .. } => self.compare_events(record),
        }
    }

    /// Checks that everything due before a user's command was decided before it: otherwise a lot would close late, and
    /// accept bids until then. The operator may act first: lots that fell due while the market was down can be
    /// extended.
    fn check_due_before(&self, record: &Record) -> Result<(), Difference> {
        let Actor::User(_) = record.actor else {
            return Ok(());
        };
        match self.timers.next() {
            Some((due, lot)) if due <= record.at && self.moved_due_at != Some(record.at) => {
                Err(Difference::DueBefore { lot, due })
            }
            _ => Ok(()),
        }
    }

    fn compare_events(&self, record: &Record) -> Result<(), Difference> {
        let mut events = Events::new();
        self.decide(record.at, record.actor, &record.command, &mut events)
            .map_err(Difference::Refused)?;
        if events == record.events {
            Ok(())
        } else {
            Err(Difference::OtherEvents)
        }
    }
}
