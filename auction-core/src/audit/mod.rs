//! Public audit: checks that a public journal follows the rules.
//!
//! [`Audit`] takes the public records of a market, in order, and folds their events into the [`Market`] as server and
//! clients do. The engine itself *decides again* the public part of each record, against the market before it:
//!
//! - A record whose private part is opened, or that has none, is decided whole: stocks, openings, halts, closes, Dutch
//!   takes, publications, beaten maxima, sealed bids, random ends. The engine must give exactly these events.
//! - An English price depends on maxima and a reserve that may be hidden. What public prices show of them is kept as
//!   bounds, and the engine decides with prices within them: if none give the recorded events, the record is refused.
//!   After the close of a lot every beaten maximum is opened, so that only the winner's stays unknown.
//! - Sealed bids are opened at the close: each must be what a record before the close commits to, none may be left out,
//!   and winner, price and allocation are cleared again. Some hidden reserve must explain them.
//! - A trading day shows every order of continuous trading without its trader: each trade must be the first in price-time
//!   priority, inside the corridors and of its phase, and no book may stay crossed. Its calls are judged like others.
//! - The book of a call auction is never opened. Its reference, times, random end, collar and outcome must agree with
//!   its terms and with each other.
//!
//! Every dependence on hidden data is [reported](Judged), never passed over. An audit cannot know whether an account
//! covered a bid, who was suspended, or whether the market refused a bid that it should have accepted: the journal
//! holds only accepted commands.

mod opened;
mod range;
mod verdict;
mod case;
mod due;
mod offers;
mod english;
mod sealed;
mod uncross;
mod day;
mod apply;

pub use opened::Opened;
pub use verdict::{DayFault, Foul, Held, Judged, UncrossFault, Wrong};

use crate::engine::ReplayError;
use crate::engine::timers::Timers;
use crate::lot::{LotSecret, ShownOrder};
use crate::market::Market;
use crate::model::command::{Credential, OpenLot, Registration, Terms};
use crate::model::event::{Events, LotOpened, PublicEvent};
use crate::model::record::Record;
use crate::model::steps::RULES_VERSION;
use crate::{Actor, Command, Engine, LotId, MarketId, OrderId, Price, Sequence, Timestamp, UserId};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use case::{Case, command_lot, counted, is_withdrawal, lot_of, opened_end, public};
use english::English;
use offers::Offer;
use sealed::Committed;

/// A record whose private part is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedRecord {
    /// The record's place in the journal.
    pub sequence: Sequence,
    /// Time of the decision.
    pub at: Timestamp,
    /// Version of the rules that decided it.
    pub rules: u16,
    /// The actor and the command, unless they are hidden too.
    pub asked: Option<(Actor, Command)>,
    /// The decided events, in order; a private event is `None`.
    pub events: Vec<Option<PublicEvent>>,
}

/// Judges the public records of a market, one after another.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Its market is the public one. Its hidden state holds what is assumed while a record is judged.
    engine: Engine,
    english: BTreeMap<LotId, English>,
    sealed: BTreeMap<LotId, BTreeMap<(UserId, OrderId), Committed>>,
    /// Deadlines of open lots, as far as they are public: without call auctions whose random end is fixed.
    timers: Timers,
    /// Shown orders of trading days when a call began, by public number: each may be shown once more.
    shown: BTreeMap<LotId, BTreeMap<u64, ShownOrder>>,
    /// Number of records so far that showed nothing.
    silent: u64,
}

impl Audit {
    /// Creates the audit of a market without records.
    #[must_use]
    pub fn new(id: MarketId) -> Self {
        Self {
            engine: Engine::new(id),
            english: BTreeMap::new(),
            sealed: BTreeMap::new(),
            timers: Timers::default(),
            shown: BTreeMap::new(),
            silent: 0,
        }
    }

    /// Returns the market after the records taken so far.
    #[must_use]
    pub fn market(&self) -> &Market {
        self.engine.market()
    }

    /// Returns the sequence of the last record taken.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.engine.sequence
    }

    /// Judges and takes a record that has no private part, or whose private part is opened.
    ///
    /// # Errors
    /// [`Foul`] when it does not follow the rules. Do not use the audit after that.
    pub fn check_record(&mut self, record: &Record) -> Result<Judged, Foul> {
        let events: Vec<_> = record.events.iter().map(public).collect();
        self.check(
            record.rules,
            Case {
                sequence: record.sequence,
                at: record.at,
                asked: Some((record.actor, &record.command)),
                events: &events,
                whole: Some(&record.events),
            },
        )
    }

    /// Judges and takes a record whose private part is not opened.
    ///
    /// # Errors
    /// [`Foul`] when it does not follow the rules. Do not use the audit after that.
    pub fn check_closed(&mut self, record: &ClosedRecord) -> Result<Judged, Foul> {
        self.check(
            record.rules,
            Case {
                sequence: record.sequence,
                at: record.at,
                asked: record
                    .asked
                    .as_ref()
                    .map(|(actor, command)| (*actor, command)),
                events: &record.events,
                whole: None,
            },
        )
    }

    fn check(&mut self, rules: u16, case: Case<'_>) -> Result<Judged, Foul> {
        let lot = lot_of(&case);
        let foul = |wrong| Foul {
            sequence: case.sequence,
            at: case.at,
            lot,
            wrong,
        };
        self.check_follows(rules, &case).map_err(foul)?;
        let judged = self.judge(&case).map_err(foul)?;
        self.check_doubts(&case)?;
        self.apply(&case).map_err(foul)?;
        if judged == Judged::Held {
            self.silent += 1;
        }
        self.engine.sequence = case.sequence;
        self.engine.at = case.at;
        Ok(judged)
    }

    fn check_follows(&self, rules: u16, case: &Case<'_>) -> Result<(), Wrong> {
        let (sequence, at) = (case.sequence, case.at);
        let expected = self.engine.sequence.next();
        Err(Wrong::Follows(if sequence != expected {
            ReplayError::OutOfSequence {
                found: sequence,
                expected,
            }
        } else if at < self.engine.at {
            ReplayError::TimeGoesBack { sequence, at }
        } else if rules != RULES_VERSION {
            ReplayError::UnknownRules { sequence, rules }
        } else {
            return Ok(());
        }))
    }

    fn judge(&mut self, case: &Case<'_>) -> Result<Judged, Wrong> {
        if let Some(judged) = self.judge_day(case)? {
            return Ok(judged);
        }
        match case.asked {
            Some((actor, command)) => self.judge_command(case, actor, command),
            None => self.judge_hidden(case),
        }
    }

    /// Judges a command that is public.
    fn judge_command(
        &mut self,
        case: &Case<'_>,
        actor: Actor,
        command: &Command,
    ) -> Result<Judged, Wrong> {
        if let Some(lot) = command_lot(command).and_then(|lot| self.market().lot(lot)) {
            self.check_end_opened(case, lot)?;
            let (id, terms) = (lot.id, lot.terms.clone());
            if actor == Actor::Clock {
                self.check_due(case, id, command)?;
            }
            self.assume_end(id, opened_end(case));
            let closes = matches!(command, Command::CloseDue { .. } | Command::CloseLot { .. });
            match (&terms, command) {
                (Terms::English(terms), Command::Bid { price, .. }) => {
                    return self.judge_english(case, id, terms, Some(actor), Offer::Plain(*price));
                }
                (Terms::English(terms), Command::BidMaximum { maximum, .. }) => {
                    let offer = Offer::Maximum(Some(*maximum));
                    return self.judge_english(case, id, terms, Some(actor), offer);
                }
                (Terms::English(_), _) if closes => return self.judge_english_close(case, id),
                (Terms::Sealed(_) | Terms::Uniform(_), _) if closes => {
                    return self.judge_opening_of_bids(case, id);
                }
                (Terms::Call(_), _) if closes => return self.judge_uncross(case, id, actor),
                (
                    Terms::Sealed(_) | Terms::Uniform(_),
                    Command::PlaceOrder { .. } | Command::ReplaceOrder { .. },
                ) => self.assume_own_orders(case, id, actor, command),
                _ => {}
            }
        } else if actor == Actor::Clock {
            return Err(Wrong::NotDue { due: None });
        }
        self.decide(case, actor, command)?;
        Ok(Judged::Decided)
    }

    /// Decides a command as the engine does, and compares the events.
    fn decide(&self, case: &Case<'_>, actor: Actor, command: &Command) -> Result<(), Wrong> {
        let mut events = Events::new();
        let decided = self.engine.decide(case.at, actor, command, &mut events);
        decided.map_err(Wrong::Refused)?;
        if case.whole.is_some_and(|whole| *whole == events) {
            return Ok(());
        }
        let given: Vec<_> = events.iter().map(public).collect();
        if case.whole.is_none() && given == case.events {
            return Ok(());
        }
        let differs = given
            .iter()
            .zip(case.events)
            .position(|(given, found)| given != found)
            .unwrap_or_else(|| given.len().min(case.events.len()));
        let nth = |events: &[Option<PublicEvent>]| {
            let event = events.get(differs..)?.iter().flatten().next();
            event.cloned().map(Box::new)
        };
        Err(Wrong::Otherwise {
            given: nth(&given),
            found: nth(case.events),
        })
    }

    /// Judges a record that hides its command: some hidden command must explain its public events.
    fn judge_hidden(&mut self, case: &Case<'_>) -> Result<Judged, Wrong> {
        let at = case.at;
        match case.events {
            [Some(PublicEvent::UserRegistered { name, role, .. }), None] => {
                let credential = Credential::new(&[]).expect("nothing is short enough");
                let registration = Registration {
                    name: *name,
                    role: *role,
                    credential,
                };
                let command = Command::Register(Box::new(registration));
                self.decide(case, Actor::Operator, &command)?;
                Ok(Judged::Allowed(Held::Credential))
            }
            [Some(PublicEvent::LotOpened(opened)), None] if opened.has_reserve => {
                let command = Command::OpenLot(Box::new(reopened(opened)));
                self.decide(case, Actor::Operator, &command)?;
                Ok(Judged::Allowed(Held::Reserve))
            }
            [None, Some(PublicEvent::BidAccepted(bid)), ..] => {
                let lot = self.market().lot(bid.lot).ok_or(Wrong::NotHidden)?;
                let (Terms::English(terms), id) = (lot.terms.clone(), lot.id) else {
                    return Err(Wrong::NotHidden);
                };
                self.judge_english(case, id, &terms, None, Offer::Maximum(None))
            }
            [None, Some(PublicEvent::EndCommitted { lot, .. })] => {
                self.check_due(case, *lot, &Command::CloseDue { lot: *lot })?;
                Ok(Judged::Allowed(Held::RandomEnd))
            }
            [None, Some(PublicEvent::BiddersCounted { lot, bidders })] => {
                self.judge_count(at, *lot, *bidders)?;
                Ok(Judged::Allowed(Held::Order))
            }
            [None, withdrawn @ ..] if is_withdrawal(withdrawn) && !withdrawn.is_empty() => {
                for (lot, bidders) in counted(withdrawn) {
                    self.judge_withdrawal(lot, bidders)?;
                }
                Ok(Judged::Allowed(Held::Order))
            }
            events if events.iter().all(Option::is_none) => Ok(Judged::Held),
            _ => Err(Wrong::NotHidden),
        }
    }

    fn hidden(&mut self, lot: LotId) -> Option<&mut LotSecret> {
        self.engine.hidden.get_mut(lot.index()?)
    }

    fn decide_as_asked(&self, case: &Case<'_>) -> Result<(), Wrong> {
        let (actor, command) = case.asked.ok_or(Wrong::NotHidden)?;
        self.decide(case, actor, command)
    }
}

/// Returns the command that opened a lot with a reserve, assumed to be the lowest possible one.
fn reopened(opened: &LotOpened) -> OpenLot {
    let least = match &opened.terms {
        Terms::English(terms) => terms.steps.next(opened.base_price),
        _ => None,
    };
    OpenLot {
        symbol: opened.symbol,
        quantity: opened.quantity,
        opens_at: opened.opens_at,
        closes_at: opened.closes_at,
        terms: opened.terms.clone(),
        reserve: Some(least.unwrap_or(opened.base_price.max(Price::UNIT))),
    }
}
