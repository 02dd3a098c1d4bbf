//! The engine: decides commands and applies the decisions.

pub(crate) mod timers;
mod permission;
mod calls;
mod limits;
mod decide;
mod decide_lot;
mod decide_day;
mod funds;
mod apply;
mod fast_path;
mod turn;
mod replay;
mod accounts;
pub(crate) mod snapshot;

pub use replay::{Difference, ReplayError};
pub use turn::Turn;

pub(crate) use funds::reserved_again;

use alloc::vec::Vec;
use core::borrow::Borrow;

use crate::account::ledger::Ledger;
use crate::account::sessions::Sessions;
use crate::clearing::call::Indicative;
use crate::engine::timers::Timers;
use crate::lot::{BookDepth, Lot, LotSecret, OwnOrder, WinningThreshold};
use crate::market::Market;
use crate::market::digest::Digest;
use crate::model::command::{Actor, Caller, Command};
use crate::model::day::{OwnDayOrder, TraderLimits};
use crate::model::record::{Record, Reply};
use crate::model::reject::Reject;
use crate::model::steps::RULES_VERSION;
use crate::{LotId, MarketId, RequestId, Seed, Sequence, SessionId, Timestamp, UserId};
use calls::Calls;
pub(crate) use limits::Limits;

/// A market that decides.
///
/// Pure: time is an argument, and the output is [records](Record). Write every record to a journal before you show it
/// to anyone; [`replay`](Self::replay) of the journal restores the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) market: Market,
    pub(crate) sessions: Sessions,
    pub(crate) hidden: Vec<LotSecret>,
    /// `None`: traders bid on credit.
    pub(crate) ledger: Option<Ledger>,
    pub(crate) sequence: Sequence,
    pub(crate) at: Timestamp,
    timers: Timers,
    /// Time at which a command last moved a deadline into the past: other commands of the same time may come before it
    /// is decided.
    moved_due_at: Option<Timestamp>,
    calls: Calls,
    pub(crate) limits: Limits,
}

/// Result of a command that was not refused; the record is owned, or in the caller's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed<R = Record> {
    /// The command was decided and applied. Make the record durable before you show it to anyone.
    Decided(R),
    /// This very request was done before, with this result.
    Repeated {
        /// Sequence of its record.
        sequence: Sequence,
        /// Reply to the requester at that time.
        reply: Reply,
    },
}

impl<R: Borrow<Record>> Executed<R> {
    /// Returns the record, if a command was decided just now.
    #[must_use]
    pub fn into_record(self) -> Option<R> {
        match self {
            Self::Decided(record) => Some(record),
            Self::Repeated { .. } => None,
        }
    }

    /// Returns the reply to the requester.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Decided(record) => record.borrow().reply(),
            Self::Repeated { reply, .. } => *reply,
        }
    }
}

/// The requester, once identified.
enum Request {
    New {
        actor: Actor,
        request: Option<(SessionId, RequestId)>,
    },
    Repeated {
        sequence: Sequence,
        reply: Reply,
    },
}

impl Engine {
    /// Creates a market without records.
    #[must_use]
    pub fn new(id: MarketId) -> Self {
        Self {
            market: Market::new(id),
            sessions: Sessions::default(),
            hidden: Vec::new(),
            ledger: None,
            sequence: Sequence(0),
            at: Timestamp::default(),
            timers: Timers::default(),
            moved_due_at: None,
            calls: Calls::default(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn from_state(
        market: Market,
        sessions: Sessions,
        mut hidden: Vec<LotSecret>,
        ledger: Option<Ledger>,
        limits: Limits,
        sequence: Sequence,
        at: Timestamp,
    ) -> Self {
        let mut timers = Timers::default();
        for (lot, hidden) in market.lots().iter().zip(&mut hidden) {
            hidden.look_ahead(lot);
            timers.set(lot.id, hidden.deadline(lot, market.halted_since(), at));
        }
        let calls = Calls::of_lots(&hidden);
        Self {
            market,
            sessions,
            hidden,
            ledger,
            sequence,
            at,
            timers,
            // The earlier commands of this time are not known.
            moved_due_at: Some(at),
            calls,
            limits,
        }
    }

    /// Returns the public market, with all decisions so far: show it only when they are durable.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Returns the [digest](Market::digest) of the market, without copying the market.
    pub fn digest(&mut self) -> Digest {
        self.market.digest()
    }

    /// Returns credentials and sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Returns the sequence of the last record.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Returns the time of the last record.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the time at which to call [`advance`](Self::advance) next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.next().map(|(at, _)| at)
    }

    /// Returns the lots that are due at `now`, to open, to close or to have their random end drawn, by time, then by
    /// number.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = LotId> {
        self.timers.due(now).map(|(_, lot)| lot)
    }

    /// Returns the bid with which a trader would have won a lot; `None` before it closes. Show it only to that trader.
    #[must_use]
    pub fn winning_threshold(&self, lot: LotId, trader: UserId) -> Option<WinningThreshold> {
        let lot = self.market.lot(lot)?;
        self.secret_of(lot.id).winning_threshold(lot, trader)
    }

    /// Returns a trader's orders on a lot, by number, and their results once the lot has closed; `None`: there is no
    /// such lot. Show it only to that trader.
    #[must_use]
    pub fn orders_of(&self, lot: LotId, trader: UserId) -> Option<Vec<OwnOrder>> {
        let lot = self.market.lot(lot)?;
        Some(self.secret_of(lot.id).orders_of(lot, trader))
    }

    /// Returns a trader's live orders on a trading day, by number; `None`: the lot is no trading day. Show it only to
    /// that trader.
    #[must_use]
    pub fn day_orders_of(&self, lot: LotId, trader: UserId) -> Option<Vec<OwnDayOrder>> {
        let lot = self.market.lot(lot)?;
        let day = self.secret_of(lot.id).day(lot)?;
        Some(day.own_orders(trader))
    }

    /// Returns the limits of a trader on trading days: their own, otherwise those of every trader. Show it only to that
    /// trader and to those who run the lots.
    #[must_use]
    pub fn limits_of(&self, trader: UserId) -> TraderLimits {
        self.limits.of(trader)
    }

    /// Returns the result of an uncross of a call auction now, ignoring its collar: publish each change once the
    /// records behind it are durable. `None`: the lot is no call auction, or is not open. Reads only a few prices,
    /// whatever the number of orders.
    #[must_use]
    pub fn indicative(&self, lot: LotId) -> Option<Indicative> {
        let lot = self.market.lot(lot)?;
        self.secret_of(lot.id).indicative()
    }

    /// Returns the best limits of a call auction's book, if its terms allow publishing it; otherwise as
    /// [`indicative`](Self::indicative).
    #[must_use]
    pub fn depth(&self, lot: LotId) -> Option<BookDepth> {
        let lot = self.market.lot(lot)?;
        self.secret_of(lot.id).depth(lot)
    }

    /// Decides a command and applies the decision. A `now` before the last record's time counts as that time. Call
    /// [`advance`](Self::advance) first for what is due at `now`; a [`turn`](Self::turn) does both.
    ///
    /// # Errors
    /// [`Reject`] gives the reason why the command is refused. Nothing has changed then; do not journal anything.
    pub fn execute(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
    ) -> Result<Executed, Reject> {
        let mut record = Record::default();
        match self.execute_into(now, caller, command, &mut record)? {
            Executed::Decided(_) => Ok(Executed::Decided(record)),
            Executed::Repeated { sequence, reply } => Ok(Executed::Repeated { sequence, reply }),
        }
    }

    /// Does the same as [`execute`](Self::execute), and overwrites the caller's record: for a loop over many commands
    /// that keeps none of their records. Unless a command is decided, the content of `record` is unspecified.
    ///
    /// ```
    /// use auction_core::manual::opening::opening;
    /// use auction_core::{Caller, Engine, MarketId, Record, Timestamp};
    ///
    /// let (mut engine, now) = (Engine::new(MarketId([7; 16])), Timestamp::from_secs(0));
    /// let mut record = Record::default();
    /// let mut journal = Vec::new();
    /// for command in opening() {
    ///     let executed = engine.execute_into(now, Caller::Operator, command, &mut record)?;
    ///     if let Some(record) = executed.into_record() {
    ///         journal.push(record.sequence); // a real program appends its bytes
    ///     }
    /// }
    /// # assert_eq!(journal.len() as u64, engine.sequence().0);
    /// # Ok::<(), auction_core::Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject`] gives the reason why the command is refused. Nothing has changed then; do not journal anything.
    #[inline(always)]
    pub fn execute_into<'r>(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
        record: &'r mut Record,
    ) -> Result<Executed<&'r mut Record>, Reject> {
        let now = now.max(self.at);
        if let Command::Bid { lot, price } = command
            && self.ledger.is_none()
            && self.market.halted_since().is_none()
            && (self.bid_fast(now, &caller, lot, price, record)
                || self.bid_fast_over_another(now, &caller, lot, price, record))
        {
            return Ok(Executed::Decided(record));
        }
        self.execute_long(now, caller, command, record)
    }

    /// Executes any command on the slow path.
    #[inline(never)]
    fn execute_long<'r>(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
        record: &'r mut Record,
    ) -> Result<Executed<&'r mut Record>, Reject> {
        record.command = command;
        match self.identify(now, caller, &record.command)? {
            Request::New { actor, request } => {
                self.record(now, actor, request, record)?;
                Ok(Executed::Decided(record))
            }
            Request::Repeated { sequence, reply } => Ok(Executed::Repeated { sequence, reply }),
        }
    }

    /// Decides what has been due the longest at `now`, stamped with the time at which it was due: a lot opens or
    /// closes, or the random end of a call auction is drawn. Call it until it returns `None`, before the commands of
    /// that time.
    ///
    /// `seed` returns 32 new unpredictable random bytes on each call, for example `rand::random`. It is called for
    /// draws only, and the record contains its result.
    pub fn advance(&mut self, now: Timestamp, seed: impl FnOnce() -> [u8; 32]) -> Option<Record> {
        let (at, command) = self.next_due(now, || Seed(seed()))?;
        let mut record = Record {
            command,
            ..Record::default()
        };
        let recorded = self.record(at, Actor::Clock, None, &mut record);
        recorded.expect("what is due is decided");
        Some(record)
    }

    /// Identifies the requester, and finds a repeated request. A repeated request gets its old reply, whatever has
    /// changed since: the lot may have closed, the session expired.
    #[inline]
    fn identify(
        &self,
        now: Timestamp,
        caller: Caller,
        command: &Command,
    ) -> Result<Request, Reject> {
        let (actor, request) = match caller {
            Caller::Operator => (Actor::Operator, None),
            Caller::User(user) => (Actor::User(user), None),
            Caller::Session { session, request } => {
                let asking = self.sessions.open_session(session)?;
                if let Some((sequence, reply)) = asking.recall(request, command)? {
                    return Ok(Request::Repeated { sequence, reply });
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
        Ok(Request::New { actor, request })
    }

    /// Returns the next decision due at `now`, and its timestamp.
    fn next_due(
        &self,
        now: Timestamp,
        seed: impl FnOnce() -> Seed,
    ) -> Option<(Timestamp, Command)> {
        let (due, lot) = self.timers.next()?;
        if due > now {
            return None;
        }
        let due_lot = self.market.lot(lot).expect("what is due is there");
        let command = if due_lot.is_scheduled() {
            Command::OpenDue { lot }
        } else if self.secret_of(lot).is_to_be_drawn(
            due_lot,
            self.market.halted_since(),
            due.max(self.at),
        ) {
            let seed = seed();
            Command::DrawEnd { lot, seed }
        } else {
            Command::CloseDue { lot }
        };
        Some((due.max(self.at), command))
    }

    /// Decides the command in the record, and applies the decision. The record is built in place: moving one costs as
    /// much as deciding a bid.
    #[inline]
    fn record(
        &mut self,
        at: Timestamp,
        actor: Actor,
        request: Option<(SessionId, RequestId)>,
        record: &mut Record,
    ) -> Result<(), Reject> {
        record.sequence = self.sequence.next();
        record.at = at;
        record.rules = RULES_VERSION;
        record.actor = actor;
        record.request = request;
        record.events.clear();
        self.decide(at, actor, &record.command, &mut record.events)?;
        self.apply(record).expect("what was just decided fits");
        Ok(())
    }

    #[inline]
    fn lot(&self, lot: LotId) -> Result<&Lot, Reject> {
        self.market.lot(lot).ok_or(Reject::UnknownLot { lot })
    }

    #[inline]
    fn secret_of(&self, lot: LotId) -> &LotSecret {
        let index = lot.index().expect("a lot that is there has an index");
        &self.hidden[index]
    }
}
