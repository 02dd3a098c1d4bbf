//! The engine: decides commands and applies what was decided.

mod right;
mod decide;
mod decide_lot;
mod settle;
mod apply;
mod replay;

pub use replay::{Difference, ReplayError};

pub(crate) use settle::reserved_anew;

use alloc::vec::Vec;

use crate::command::{Actor, Caller, Command};
use crate::deadlines::Deadlines;
use crate::event::{Events, Record, Reply};
use crate::ledger::Ledger;
use crate::lot::{HiddenLot, LeastWinning, Lot, StandingLead, StandingOrder};
use crate::market::Market;
use crate::reject::Reject;
use crate::roster::Roster;
use crate::rules::RULES_VERSION;
use crate::{LotId, MarketId, RequestId, Sequence, SessionId, Timestamp, UserId};

/// A market that decides.
///
/// Pure: time comes in as an argument, and what goes out are [records](Record). Give every record to a
/// journal before you show it to anyone, and the journal gives you the same engine again by
/// [`replay`](Self::replay).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) market: Market,
    pub(crate) roster: Roster,
    pub(crate) hidden: Vec<HiddenLot>,
    /// `None`: traders bid on credit.
    pub(crate) ledger: Option<Ledger>,
    pub(crate) sequence: Sequence,
    pub(crate) at: Timestamp,
    deadlines: Deadlines,
}

/// What came of a command that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// It was decided and applied. Make the record durable before you tell anyone.
    Decided(Record),
    /// This very request was done before, and this came of it.
    Repeated {
        /// The place of its record.
        sequence: Sequence,
        /// What the one who asked was told.
        reply: Reply,
    },
}

impl Executed {
    /// The record, if something was decided just now.
    #[must_use]
    pub fn into_record(self) -> Option<Record> {
        match self {
            Self::Decided(record) => Some(record),
            Self::Repeated { .. } => None,
        }
    }

    /// What the one who asked is told.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Decided(record) => record.reply(),
            Self::Repeated { reply, .. } => *reply,
        }
    }
}

/// Who asks, when it is clear.
enum Asked {
    Anew {
        actor: Actor,
        request: Option<(SessionId, RequestId)>,
    },
    Before {
        sequence: Sequence,
        reply: Reply,
    },
}

impl Engine {
    /// A market in which nothing has happened.
    #[must_use]
    pub fn new(id: MarketId) -> Self {
        Self {
            market: Market::new(id),
            roster: Roster::default(),
            hidden: Vec::new(),
            ledger: None,
            sequence: Sequence(0),
            at: Timestamp::default(),
            deadlines: Deadlines::default(),
        }
    }

    pub(crate) fn from_state(
        market: Market,
        roster: Roster,
        hidden: Vec<HiddenLot>,
        ledger: Option<Ledger>,
        sequence: Sequence,
        at: Timestamp,
    ) -> Self {
        let mut deadlines = Deadlines::default();
        for lot in market.lots() {
            if let Some(deadline) = lot.deadline() {
                deadlines.set(deadline, lot.id);
            }
        }
        Self {
            market,
            roster,
            hidden,
            ledger,
            sequence,
            at,
            deadlines,
        }
    }

    /// The market as everyone would see it, with all that was decided so far: show it only when that is
    /// durable.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Credentials and sessions.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The place of the last record.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The time of the last record.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// When to call [`advance`](Self::advance) next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next().map(|(at, _)| at)
    }

    /// The lots that are due at `now`, to open or to close, by time, then by number.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = LotId> {
        self.deadlines.due(now).map(|(_, lot)| lot)
    }

    /// What a trader would have needed to win a lot; `None` before it closes. Tell it to that trader alone.
    #[must_use]
    pub fn least_winning(&self, lot: LotId, trader: UserId) -> Option<LeastWinning> {
        let lot = self.market.lot(lot)?;
        self.hidden_of(lot.id).least_winning(lot, trader)
    }

    /// Every order on a lot that has not closed, and whose it is: for [`Accounts`](crate::Accounts).
    pub(crate) fn each_standing_order(&self, mut take: impl FnMut(UserId, StandingOrder)) {
        for (lot, hidden) in self.unclosed() {
            hidden.each_order(lot.id, &mut take);
        }
    }

    /// Every lead of a lot that has not closed.
    pub(crate) fn each_lead(&self, mut take: impl FnMut(UserId, StandingLead)) {
        for (lot, hidden) in self.unclosed() {
            if let Some((leader, offer)) = hidden.lead() {
                take(leader, StandingLead { lot: lot.id, offer });
            }
        }
    }

    fn unclosed(&self) -> impl Iterator<Item = (&Lot, &HiddenLot)> {
        let lots = self.market.lots().iter().zip(&self.hidden);
        lots.filter(|(lot, _)| !lot.is_closed())
    }

    /// Decides a command and applies what was decided. A `now` before the last record's time counts as that
    /// time. Let [`advance`](Self::advance) close what is due at `now` first.
    ///
    /// # Errors
    /// [`Reject`] says why the command is refused. Nothing has changed then, and nothing is to be journalled.
    pub fn execute(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
    ) -> Result<Executed, Reject> {
        let now = now.max(self.at);
        match self.identify(now, caller, &command)? {
            Asked::Before { sequence, reply } => Ok(Executed::Repeated { sequence, reply }),
            Asked::Anew { actor, request } => self
                .record(now, actor, request, command)
                .map(Executed::Decided),
        }
    }
    /// Decides what has been due the longest at `now`, the opening or the close of a lot, stamped with the time
    /// it was due. Call it until it gives `None`, before the commands of that moment.
    pub fn advance(&mut self, now: Timestamp) -> Option<Record> {
        let (at, command) = self.next_due(now)?;
        let record = self.record(at, Actor::Clock, None, command);
        Some(record.expect("what is due is decided"))
    }

    /// Who asks, and whether they asked this before. What was done before is told again, whatever has changed
    /// since: the lot may have closed, the session expired.
    fn identify(&self, now: Timestamp, caller: Caller, command: &Command) -> Result<Asked, Reject> {
        let (actor, request) = match caller {
            Caller::Operator => (Actor::Operator, None),
            Caller::User(user) => (Actor::User(user), None),
            Caller::Session { session, request } => {
                let asking = self.roster.asking(session)?;
                if let Some((sequence, reply)) = asking.recall(request, command)? {
                    return Ok(Asked::Before { sequence, reply });
                }
                if now >= asking.expires_at {
                    let expired_at = asking.expires_at;
                    return Err(Reject::SessionExpired {
                        session,
                        expired_at,
                    });
                }
                (Actor::User(asking.user), Some((session, request)))
            }
        };
        Ok(Asked::Anew { actor, request })
    }

    /// What to decide next at `now`, and the time to stamp it with.
    fn next_due(&self, now: Timestamp) -> Option<(Timestamp, Command)> {
        let (due, lot) = self.deadlines.next()?;
        if due > now {
            return None;
        }
        let is_scheduled = self.market.lot(lot).is_some_and(Lot::is_scheduled);
        let command = if is_scheduled {
            Command::OpenDue { lot }
        } else {
            Command::CloseDue { lot }
        };
        Some((due.max(self.at), command))
    }

    /// Decides and applies.
    fn record(
        &mut self,
        at: Timestamp,
        actor: Actor,
        request: Option<(SessionId, RequestId)>,
        command: Command,
    ) -> Result<Record, Reject> {
        let mut record = Record {
            sequence: self.sequence.next(),
            at,
            rules: RULES_VERSION,
            actor,
            request,
            command,
            events: Events::new(),
        };
        self.decide(at, actor, &record.command, &mut record.events)?;
        self.apply(&record).expect("what was just decided fits");
        Ok(record)
    }
    fn lot(&self, lot: LotId) -> Result<&Lot, Reject> {
        self.market.lot(lot).ok_or(Reject::UnknownLot { lot })
    }

    fn hidden_of(&self, lot: LotId) -> &HiddenLot {
        let index = lot.index().expect("a lot that is there has an index");
        &self.hidden[index]
    }
}
