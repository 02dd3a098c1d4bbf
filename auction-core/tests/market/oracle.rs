//! The oracle: lists of everything that was accepted, and answers computed from them.

use auction_core::limits::{OUTCOMES_KEPT, SESSIONS_PER_USER_MAX, SPAN_MAX_MICROS};
use auction_core::{
    BidReply, Caller, Command, Listing, LotId, Name, OpenLot, Profit, Reject, Reply, RequestId,
    Role, Sequence, SessionId, Symbol, TermsError, Timestamp, UserId,
};

use crate::lot::{Happened, Kind, Offer, OracleLot, price, step, time};

#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub at: u64,
    pub records: u64,
    pub users: Vec<(Name, Role)>,
    pub stocks: Vec<(Listing, Profit)>,
    pub lots: Vec<OracleLot>,
    pub sessions: Vec<OracleSession>,
}

#[derive(Clone, Debug)]
pub struct OracleSession {
    pub user: UserId,
    pub expires_at: u64,
    pub closed: bool,
    pub accepted: Vec<Accepted>,
}

#[derive(Clone, Debug)]
pub struct Accepted {
    pub request: u64,
    pub command: Command,
    pub sequence: Sequence,
    pub reply: Reply,
}

/// What the engine should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done(Sequence, Reply),
    Repeated(Sequence, Reply),
    Refused(Reject),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Operator,
    User(UserId, Role),
}

impl Oracle {
    /// Closes what is due, by time, then by number; gives the lots in that order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<LotId> {
        let mut due: Vec<(u64, u32)> = (1_u32..)
            .zip(&self.lots)
            .filter(|(_, lot)| lot.closed_at.is_none())
            .map(|(number, lot)| (lot.view().closes_at, number))
            .filter(|(closes_at, _)| *closes_at <= now.micros())
            .collect();
        due.sort_unstable();
        for (closes_at, number) in &due {
            self.at = self.at.max(*closes_at);
            self.records += 1;
            self.lots[*number as usize - 1].closed_at = Some(self.at);
        }
        due.into_iter().map(|(_, number)| LotId(number)).collect()
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
            // Closing a session is the one thing that tells an unknown user no more than anyone.
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
                may_run_lots(who)?;
                self.list(*listing)
            }
            Command::OpenLot(open) => {
                may_run_lots(who)?;
                self.open(now, open)
            }
            Command::ExtendLot { lot, closes_at } => {
                may_run_lots(who)?;
                self.extend(now, *lot, closes_at.micros())
            }
            Command::CloseDue { .. } => Err(refuse(who)),
            Command::Register(registration) => {
                may_operate(who)?;
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
            Command::OpenSession(new) => {
                may_operate(who)?;
                self.user(new.user)
                    .ok_or(Reject::UnknownUser { user: new.user })?;
                let open = self.open_sessions_of(new.user);
                if open.len() == SESSIONS_PER_USER_MAX {
                    self.sessions[open[0].0 as usize - 1].closed = true;
                }
                self.sessions.push(OracleSession {
                    user: new.user,
                    expires_at: new.expires_at.micros(),
                    closed: false,
                    accepted: Vec::new(),
                });
                Ok(Reply::SessionOpened(SessionId(self.sessions.len() as u64)))
            }
            Command::CloseSession { session: id } => {
                let closed = Reject::SessionClosed { session: *id };
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
            Command::Bid { lot, price } => self.offer(now, who, *lot, Kind::Plain, price.units()),
            Command::BidMaximum { lot, maximum } => {
                self.offer(now, who, *lot, Kind::Maximum, maximum.units())
            }
            Command::PublishProfit {
                symbol,
                security,
                profit,
            } => {
                match who {
                    Who::User(_, Role::Company(own)) if own != *symbol => {
                        return Err(Reject::NotYourStock { own });
                    }
                    Who::User(_, role @ (Role::Trader | Role::Auctioneer)) => {
                        return Err(Reject::NotPermitted { role });
                    }
                    Who::Operator | Who::User(..) => {}
                }
                let (listing, latest) = self.stock(*symbol)?;
                if listing.security != *security {
                    let security = listing.security;
                    return Err(Reject::WrongSecurity {
                        symbol: *symbol,
                        security,
                    });
                }
                *latest = *profit;
                Ok(Reply::Done)
            }
            _ => unreachable!("no step asks for it"),
        }
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

    fn open(&mut self, now: u64, open: &OpenLot) -> Result<Reply, Reject> {
        let base = self.stock(open.symbol)?.0.price.units();
        let lot = OracleLot {
            open: open.clone(),
            base,
            opened_at: now,
            happened: Vec::new(),
            closed_at: None,
        };
        let closes_at = open.closes_at.micros();
        if closes_at <= now || closes_at > now + SPAN_MAX_MICROS {
            return Err(TermsError::Close.into());
        }
        let greatest = lot.greatest();
        let least = base + step(&lot.terms().steps, base);
        if least > greatest {
            return Err(TermsError::BasePrice.into());
        }
        let outside = |value: u64, least: u64| value < least || value > greatest;
        let reserve = open.reserve.map(|reserve| reserve.units());
        let greatest = price(greatest);
        if reserve.is_some_and(|reserve| outside(reserve, least)) {
            return Err(TermsError::Reserve {
                least: price(least),
                greatest,
            }
            .into());
        }
        let least = reserve.unwrap_or(least);
        if lot
            .terms()
            .buy_now
            .is_some_and(|buy_now| outside(buy_now.units(), least))
        {
            return Err(TermsError::BuyNow {
                least: price(least),
                greatest,
            }
            .into());
        }
        self.lots.push(lot);
        Ok(Reply::LotOpened(LotId(self.lots.len() as u32)))
    }

    fn extend(&mut self, now: u64, id: LotId, closes_at: u64) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
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
        let Who::User(user, Role::Trader) = who else {
            return Err(refuse(who));
        };
        let lot = self.lot(id)?;
        let before = lot.view();
        if at >= before.closes_at {
            let closed_at = time(before.closes_at);
            return Err(Reject::LotClosed { lot: id, closed_at });
        }
        if let Some(refusal) = lot.refusal(user, kind, amount) {
            return Err(refusal);
        }
        lot.happened.push(Happened::Offer(Offer {
            at,
            user,
            kind,
            amount,
        }));
        let after = lot.view();
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

    fn lot(&mut self, lot: LotId) -> Result<&mut OracleLot, Reject> {
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

    fn stock(&mut self, symbol: Symbol) -> Result<&mut (Listing, Profit), Reject> {
        let mut stocks = self.stocks.iter_mut();
        let found = stocks.find(|(listing, _)| listing.symbol == symbol);
        found.ok_or(Reject::UnknownSymbol { symbol })
    }

    fn user(&self, user: UserId) -> Option<&(Name, Role)> {
        self.users.get((user.0 as usize).checked_sub(1)?)
    }
}

fn may_run_lots(who: Who) -> Result<(), Reject> {
    match who {
        Who::Operator | Who::User(_, Role::Auctioneer) => Ok(()),
        Who::User(..) => Err(refuse(who)),
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
