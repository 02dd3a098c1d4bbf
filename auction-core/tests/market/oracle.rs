//! The oracle: lists of everything accepted, and answers computed from them.

use std::collections::{BTreeMap, BTreeSet};

use auction_core::limits::{
    DEVICES_PER_USER_MAX, OUTCOMES_KEPT, SESSIONS_PER_USER_MAX, SPAN_MAX_MICROS,
};
use auction_core::{
    AccountMode, BidReply, Caller, Command, Countable, DeviceKey, Listing, LotId, Name, NewSession,
    Price, Profit, Registration, Reject, Reply, RequestId, Role, SecurityCode, Seed, Sequence,
    SessionId, Span, Symbol, Timestamp, UserId,
};

use crate::accounts::{Payment, Way};
use crate::calls::{CallStep, Change};
use crate::lot::{Happened, Kind, Offer, OracleLot, price, time};

/// Every byte of the seed of random ends.
pub const SEED: u8 = 7;

#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub at: u64,
    pub records: u64,
    pub users: Vec<(Name, Role)>,
    pub stocks: Vec<(Listing, Profit)>,
    pub lots: Vec<OracleLot>,
    pub sessions: Vec<OracleSession>,
    pub suspended: BTreeSet<UserId>,
    pub mode: AccountMode,
    pub payments: Vec<Payment>,
    /// The price of each stock's last call.
    pub uncrossed: BTreeMap<Symbol, u64>,
}

#[derive(Clone, Debug)]
pub struct OracleSession {
    pub user: UserId,
    pub device: Option<DeviceKey>,
    pub expires_at: u64,
    pub closed: bool,
    pub dead_man: Option<Span>,
    pub accepted: Vec<Accepted>,
}

#[derive(Clone, Debug)]
pub struct Accepted {
    pub request: u64,
    pub command: Command,
    pub sequence: Sequence,
    pub reply: Reply,
}

/// The expected answer of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done(Sequence, Reply),
    Repeated(Sequence, Reply),
    Refused(Reject),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Operator,
    User(UserId, Role),
}

impl Oracle {
    /// Opens and closes what is due, by time, then by number; returns the commands in that order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Command> {
        let mut asked = Vec::new();
        loop {
            let due = (1_u32..)
                .zip(&self.lots)
                .filter_map(|(number, lot)| Some((lot.deadline()?, number)))
                .filter(|(deadline, _)| *deadline <= now.micros())
                .min();
            let Some((deadline, number)) = due else {
                return asked;
            };
            let at = self.at.max(deadline);
            self.at = at;
            self.records += 1;
            asked.push(self.due(LotId(number), at));
        }
    }

    /// Decides what is due, and returns its command.
    fn due(&mut self, id: LotId, at: u64) -> Command {
        let lot = &mut self.lots[id.0 as usize - 1];
        if !lot.has_begun() {
            lot.happened.push(Happened::Began { at });
            self.refer(id);
            return Command::OpenDue { lot: id };
        }
        if lot.is_to_be_drawn() {
            let longest = lot.call().map_or(0, |terms| terms.random_end.micros());
            let longest = longest.min(lot.view().closes_at.saturating_sub(at));
            let before_close = u128::from_le_bytes([SEED; 16]) % (u128::from(longest) + 1);
            let drawn = CallStep::Drawn {
                before_close: before_close as u64,
            };
            lot.happened.push(Happened::Call(drawn));
            let seed = Seed([SEED; 32]);
            return Command::DrawEnd { lot: id, seed };
        }
        if let (Some(cause), Some(terms)) = (lot.goes_on(), lot.call()) {
            let closes_at = at + terms.extend_by.micros();
            let prolonged = CallStep::Prolonged { closes_at, cause };
            lot.happened.push(Happened::Call(prolonged));
        } else {
            self.close(id, at);
        }
        Command::CloseDue { lot: id }
    }

    pub fn ask(&mut self, now: Timestamp, caller: Caller, command: &Command) -> Answer {
        let now = now.micros().max(self.at);
        let who = match self.who(now, caller, command) {
            Ok(who) => who,
            Err(answer) => return answer,
        };
        match self.act(now, who, command) {
            Err(reject) => Answer::Refused(reject),
            Ok(reply) => {
                self.at = now;
                self.records += 1;
                let sequence = Sequence(self.records);
                if let Caller::Session { session, request } = caller {
                    let command = command.clone();
                    let accepted = Accepted {
                        request: request.0,
                        command,
                        sequence,
                        reply,
                    };
                    self.sessions[session.0 as usize - 1]
                        .accepted
                        .push(accepted);
                }
                Answer::Done(sequence, reply)
            }
        }
    }

    pub fn open_sessions_of(&self, user: UserId) -> Vec<SessionId> {
        let open = |session: &OracleSession| session.user == user && !session.closed;
        (1..)
            .zip(&self.sessions)
            .filter(|(_, session)| open(session))
            .map(|(number, _)| SessionId(number))
            .collect()
    }

    fn who(&self, now: u64, caller: Caller, command: &Command) -> Result<Who, Answer> {
        let user = match caller {
            Caller::Operator => return Ok(Who::Operator),
            Caller::User(user) => user,
            Caller::Session { session, request } => self.session(now, session, request, command)?,
        };
        match self.user(user) {
            Some((_, role)) => Ok(Who::User(user, *role)),
            // Closing a session is the one command that gives an unknown user the same error as all others.
            None => Err(Answer::Refused(match command {
                Command::CloseSession { session } => Reject::SessionClosed { session: *session },
                _ => Reject::UnknownUser { user },
            })),
        }
    }

    fn session(
        &self,
        now: u64,
        id: SessionId,
        request: RequestId,
        command: &Command,
    ) -> Result<UserId, Answer> {
        let session = (id.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.sessions.get(index));
        let Some(session) = session.filter(|session| !session.closed) else {
            return Err(Answer::Refused(Reject::SessionClosed { session: id }));
        };
        let mut kept: Vec<&Accepted> = session.accepted.iter().collect();
        kept.sort_by_key(|accepted| std::cmp::Reverse(accepted.request));
        kept.truncate(OUTCOMES_KEPT);
        if let Some(before) = kept.iter().find(|accepted| accepted.request == request.0) {
            return Err(if before.command == *command {
                Answer::Repeated(before.sequence, before.reply)
            } else {
                Answer::Refused(Reject::RequestReused { request })
            });
        }
        let oldest = kept.last().map_or(0, |accepted| accepted.request);
        if kept.len() == OUTCOMES_KEPT && request.0 < oldest {
            let oldest = RequestId(oldest);
            return Err(Answer::Refused(Reject::StaleRequest { request, oldest }));
        }
        if now >= session.expires_at {
            let expired_at = time(session.expires_at);
            return Err(Answer::Refused(Reject::SessionExpired {
                session: id,
                expired_at,
            }));
        }
        Ok(session.user)
    }

    fn act(&mut self, now: u64, who: Who, command: &Command) -> Result<Reply, Reject> {
        match command {
            Command::ListStock(listing) => {
                self.may_run_lots(who)?;
                self.list(*listing)
            }
            Command::OpenLot(open) => {
                self.may_run_lots(who)?;
                self.open(now, open)
            }
            Command::ExtendLot { lot, closes_at } => {
                self.may_run_lots(who)?;
                self.extend(now, *lot, closes_at.micros())
            }
            Command::CloseDue { .. } | Command::OpenDue { .. } | Command::DrawEnd { .. } => {
                Err(refuse(who))
            }
            Command::CloseLot { lot } => {
                self.may_run_lots(who)?;
                self.close_early(now, *lot)
            }
            Command::CancelLot { lot } => {
                self.may_run_lots(who)?;
                self.cancel(now, *lot)
            }
            Command::HaltLot { lot } => {
                self.may_run_lots(who)?;
                self.halt(now, *lot)
            }
            Command::ResumeLot { lot: id } => {
                self.may_run_lots(who)?;
                let lot = self.lot(*id)?;
                lot.halted_since().ok_or(Reject::Unchanged)?;
                lot.happened.push(Happened::Resumed { at: now });
                Ok(Reply::Done)
            }
            Command::SuspendUser { user } => {
                self.may_run_lots(who)?;
                self.suspend(*user)
            }
            Command::ReinstateUser { user } => {
                self.may_run_lots(who)?;
                self.reinstate(*user)
            }
            Command::SetAccounts { mode } => {
                may_operate(who)?;
                self.set_accounts(*mode)
            }
            Command::Deposit { user, asset } => {
                self.may_run_lots(who)?;
                let (user, asset, way) = (*user, *asset, Way::In);
                self.pay(Payment { user, asset, way })
            }
            Command::Withdraw { user, asset } => {
                self.may_run_lots(who)?;
                let (user, asset, way) = (*user, *asset, Way::Out);
                self.pay(Payment { user, asset, way })
            }
            Command::PlaceOrder {
                lot,
                side,
                quantity,
                limit,
            } => {
                let change = Change::Place(*side, quantity.get(), limit.map(Price::units));
                self.change_order(now, who, *lot, change)
            }
            Command::ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            } => {
                let change = Change::Replace(*order, quantity.get(), limit.map(Price::units));
                self.change_order(now, who, *lot, change)
            }
            Command::CancelOrder { lot, order } => {
                self.change_order(now, who, *lot, Change::Cancel(*order))
            }
            Command::Register(new) => may_operate(who).and_then(|()| self.register(new)),
            Command::OpenSession(new) => may_operate(who).and_then(|()| self.open_session(new)),
            Command::AddDevice(device) => self.add_device(who, device.key),
            Command::PlaceDayOrder { .. }
            | Command::ReplaceDayOrder { .. }
            | Command::CancelAll { .. }
            | Command::MovePhase { .. }
            | Command::HaltAll
            | Command::ResumeAll
            | Command::SetLimits { .. }
            | Command::SetCredential(_)
            | Command::SetAccess { .. } => {
                unreachable!("trading days have an oracle of their own")
            }
            Command::CloseSession { session } => self.close_session(who, *session),
            Command::SetDeadMan { session, grace } => self.set_dead_man(who, *session, *grace),
            Command::Bid { lot, price } => self.offer(now, who, *lot, Kind::Plain, price.units()),
            Command::BidMaximum { lot, maximum } => {
                self.offer(now, who, *lot, Kind::Maximum, maximum.units())
            }
            Command::PublishProfit {
                symbol,
                security,
                profit,
            } => self.publish(who, *symbol, *security, *profit),
        }
    }

    fn close_early(&mut self, now: u64, id: LotId) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
        if let Some(reject) = lot.not_begun(id) {
            return Err(reject);
        }
        self.close(id, now);
        Ok(Reply::Done)
    }

    fn cancel(&mut self, now: u64, id: LotId) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
        if lot.view().bidders > 0 {
            return Err(Reject::LotHasBids { lot: id });
        }
        lot.closed_at = Some(now);
        lot.cancelled = true;
        Ok(Reply::Done)
    }

    fn halt(&mut self, now: u64, id: LotId) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
        match lot.stopped(id, now) {
            Some(Reject::LotHalted { .. }) => return Err(Reject::Unchanged),
            Some(closed @ Reject::LotClosed { .. }) => return Err(closed),
            _ => {}
        }
        lot.happened.push(Happened::Halted { at: now });
        Ok(Reply::Done)
    }

    fn suspend(&mut self, user: UserId) -> Result<Reply, Reject> {
        self.user(user).ok_or(Reject::UnknownUser { user })?;
        if !self.suspended.insert(user) {
            return Err(Reject::Unchanged);
        }
        self.take_back(user);
        Ok(Reply::Done)
    }

    fn reinstate(&mut self, user: UserId) -> Result<Reply, Reject> {
        self.user(user).ok_or(Reject::UnknownUser { user })?;
        match self.suspended.remove(&user) {
            true => Ok(Reply::Done),
            false => Err(Reject::Unchanged),
        }
    }

    fn register(&mut self, registration: &Registration) -> Result<Reply, Reject> {
        let name = registration.name;
        if self.users.iter().any(|(taken, _)| *taken == name) {
            return Err(Reject::NameTaken { name });
        }
        if let Role::Company(symbol) = registration.role {
            self.stock(symbol)?;
        }
        self.users.push((name, registration.role));
        Ok(Reply::Registered(UserId(self.users.len() as u32)))
    }

    fn open_session(&mut self, new: &NewSession) -> Result<Reply, Reject> {
        self.user(new.user)
            .ok_or(Reject::UnknownUser { user: new.user })?;
        let mut open = self.open_sessions_of(new.user);
        open.retain(|id| self.sessions[id.0 as usize - 1].device.is_none());
        if open.len() == SESSIONS_PER_USER_MAX {
            self.sessions[open[0].0 as usize - 1].closed = true;
        }
        self.sessions.push(OracleSession {
            user: new.user,
            device: None,
            expires_at: new.expires_at.micros(),
            closed: false,
            dead_man: None,
            accepted: Vec::new(),
        });
        Ok(Reply::SessionOpened(SessionId(self.sessions.len() as u64)))
    }

    fn add_device(&mut self, who: Who, key: DeviceKey) -> Result<Reply, Reject> {
        let user = self.trader(who)?;
        let mut devices = 0;
        for open in self.sessions.iter().filter(|open| !open.closed) {
            if open.user == user && open.device.is_some() {
                devices += 1;
                if open.device == Some(key) {
                    return Err(Reject::Unchanged);
                }
            }
        }
        if devices >= DEVICES_PER_USER_MAX {
            return Err(Reject::Full {
                what: Countable::Devices,
                most: DEVICES_PER_USER_MAX as u32,
            });
        }
        self.sessions.push(OracleSession {
            user,
            device: Some(key),
            expires_at: u64::MAX,
            closed: false,
            dead_man: None,
            accepted: Vec::new(),
        });
        Ok(Reply::SessionOpened(SessionId(self.sessions.len() as u64)))
    }

    fn close_session(&mut self, who: Who, id: SessionId) -> Result<Reply, Reject> {
        let closed = Reject::SessionClosed { session: id };
        let index = (id.0 as usize).checked_sub(1).ok_or(closed)?;
        let session = self
            .sessions
            .get_mut(index)
            .filter(|session| !session.closed);
        let session = session.ok_or(closed)?;
        if matches!(who, Who::User(user, _) if user != session.user) {
            return Err(closed);
        }
        session.closed = true;
        Ok(Reply::Done)
    }

    fn set_dead_man(
        &mut self,
        who: Who,
        id: SessionId,
        grace: Option<Span>,
    ) -> Result<Reply, Reject> {
        let asking = match who {
            Who::Operator => None,
            Who::User(..) => Some(self.trader(who)?),
        };
        let closed = Reject::SessionClosed { session: id };
        let index = (id.0 as usize).checked_sub(1).ok_or(closed)?;
        let session = self.sessions.get_mut(index).ok_or(closed)?;
        if session.closed && (grace.is_some() || session.dead_man.is_none()) {
            return Err(closed);
        }
        if asking.is_some_and(|user| user != session.user) {
            return Err(closed);
        }
        if session.dead_man == grace {
            return Err(Reject::Unchanged);
        }
        session.dead_man = grace;
        Ok(Reply::Done)
    }

    fn publish(
        &mut self,
        who: Who,
        symbol: Symbol,
        security: SecurityCode,
        profit: Profit,
    ) -> Result<Reply, Reject> {
        match who {
            Who::User(_, Role::Company(own)) if own != symbol => {
                return Err(Reject::NotYourStock { own });
            }
            Who::User(_, role @ (Role::Trader | Role::Auctioneer)) => {
                return Err(Reject::NotPermitted { role });
            }
            Who::Operator | Who::User(..) => {}
        }
        self.not_suspended(who)?;
        let (listing, latest) = self.stock(symbol)?;
        if listing.security != security {
            let security = listing.security;
            return Err(Reject::WrongSecurity { symbol, security });
        }
        *latest = profit;
        Ok(Reply::Done)
    }

    fn list(&mut self, listing: Listing) -> Result<Reply, Reject> {
        match self.stock(listing.symbol) {
            Err(_) => self.stocks.push((listing, listing.profit)),
            Ok((listed, _)) if *listed == listing => return Err(Reject::Unchanged),
            Ok((listed, profit)) => {
                if listed.profit != listing.profit {
                    *profit = listing.profit;
                }
                *listed = listing;
            }
        }
        Ok(Reply::Done)
    }

    fn extend(&mut self, now: u64, id: LotId, closes_at: u64) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
        if let Some(since) = lot.halted_since() {
            let since = time(since);
            return Err(Reject::LotHalted { lot: id, since });
        }
        let after = lot.view().closes_at.max(now);
        if closes_at <= after || closes_at > now + SPAN_MAX_MICROS {
            return Err(Reject::CloseNotLater { after: time(after) });
        }
        lot.happened.push(Happened::Moved { closes_at });
        Ok(Reply::Done)
    }

    fn offer(
        &mut self,
        at: u64,
        who: Who,
        id: LotId,
        kind: Kind,
        amount: u64,
    ) -> Result<Reply, Reject> {
        let user = self.trader(who)?;
        let lot = self.lot(id)?;
        let before = lot.view();
        let bound = lot.binds(user);
        if let Some(reject) = lot.stopped(id, at) {
            return Err(reject);
        }
        let mut amount = amount;
        if !lot.is_english() {
            amount = lot.take(id, at, kind == Kind::Plain, amount)?;
        } else if let Some(refusal) = lot.refusal(user, kind, amount) {
            return Err(refusal);
        }
        lot.happened.push(Happened::Offer(Offer {
            at,
            user,
            kind,
            amount,
        }));
        let after = lot.view();
        let takes = lot.offer_takes(kind, amount, bound);
        lot.happened.pop();
        self.can_pay(user, takes)?;
        let lot = self.lot(id)?;
        lot.happened.push(Happened::Offer(Offer {
            at,
            user,
            kind,
            amount,
        }));
        assert!(after.price >= before.price, "the leader's price only rises");
        if after.bought {
            lot.closed_at = Some(at);
        }
        Ok(Reply::Bid(BidReply {
            lot: id,
            leads: after.leader == Some(user),
            price: after.price.filter(|_| after.bids > before.bids).map(price),
            extended_to: (after.extensions > before.extensions).then(|| time(after.closes_at)),
            bought: after.bought,
        }))
    }

    pub fn trader(&self, who: Who) -> Result<UserId, Reject> {
        let Who::User(user, Role::Trader) = who else {
            return Err(refuse(who));
        };
        self.not_suspended(who)?;
        Ok(user)
    }

    fn may_run_lots(&self, who: Who) -> Result<(), Reject> {
        match who {
            Who::Operator | Who::User(_, Role::Auctioneer) => self.not_suspended(who),
            Who::User(..) => Err(refuse(who)),
        }
    }

    fn not_suspended(&self, who: Who) -> Result<(), Reject> {
        match who {
            Who::User(user, _) if self.suspended.contains(&user) => Err(Reject::Suspended),
            _ => Ok(()),
        }
    }

    pub fn lot(&mut self, lot: LotId) -> Result<&mut OracleLot, Reject> {
        let index = (lot.0 as usize).checked_sub(1);
        let found = index.and_then(|index| self.lots.get_mut(index));
        let found = found.ok_or(Reject::UnknownLot { lot })?;
        match found.closed_at {
            Some(at) => Err(Reject::LotClosed {
                lot,
                closed_at: time(at),
            }),
            None => Ok(found),
        }
    }

    pub fn stock(&mut self, symbol: Symbol) -> Result<&mut (Listing, Profit), Reject> {
        let mut stocks = self.stocks.iter_mut();
        let found = stocks.find(|(listing, _)| listing.symbol == symbol);
        found.ok_or(Reject::UnknownSymbol { symbol })
    }

    pub fn user(&self, user: UserId) -> Option<&(Name, Role)> {
        self.users.get((user.0 as usize).checked_sub(1)?)
    }
}

fn may_operate(who: Who) -> Result<(), Reject> {
    if who == Who::Operator {
        Ok(())
    } else {
        Err(refuse(who))
    }
}

fn refuse(who: Who) -> Reject {
    match who {
        Who::Operator => Reject::NotByOperator,
        Who::User(_, role) => Reject::NotPermitted { role },
    }
}
