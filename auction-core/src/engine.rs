//! The engine: decides commands and applies what was decided.

use alloc::vec::Vec;

use crate::command::{Actor, Caller, Command, Listing, NewSession, OpenLot, Registration, Role};
use crate::deadlines::Deadlines;
use crate::event::{
    Event, Events, ExtensionCause, LotOpened, PrivateEvent, PublicEvent, Record, Reply,
};
use crate::limits::{LOTS_MAX, SPAN_MAX_MICROS, STOCKS_MAX, USERS_MAX};
use crate::lot::{self, HiddenLot, Lot, Offer, Phase};
use crate::market::{FoldError, Market};
use crate::reject::{Countable, Reject};
use crate::roster::Roster;
use crate::rules::RULES_VERSION;
use crate::{
    LotId, MarketId, Profit, RequestId, SecurityCode, Sequence, SessionId, Symbol, Timestamp,
    UserId,
};

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

/// Why a record does not follow the ones before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A record is missing, or comes twice.
    #[error("record {found} was found where {expected} was expected")]
    OutOfSequence {
        /// The record found.
        found: Sequence,
        /// The next record.
        expected: Sequence,
    },
    /// Time goes back.
    #[error("record {sequence} is stamped {at}, before the one it follows")]
    TimeGoesBack {
        /// The record.
        sequence: Sequence,
        /// Its time.
        at: Timestamp,
    },
    /// Its rules are not those of this program.
    #[error("record {sequence} was decided by rules {rules}; this program knows {RULES_VERSION}")]
    UnknownRules {
        /// The record.
        sequence: Sequence,
        /// The version of its rules.
        rules: u16,
    },
    /// Its events do not fit.
    #[error("record {sequence} does not fit: {source}")]
    DoesNotFit {
        /// The record.
        sequence: Sequence,
        /// Why.
        source: FoldError,
    },
    /// The rules give something else.
    #[error("record {sequence} is not what the rules give: {difference}")]
    DecidedOtherwise {
        /// The record.
        sequence: Sequence,
        /// What the rules give.
        difference: Difference,
    },
}

/// How a record differs from what the rules give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The rules refuse the command.
    #[error("they refuse the command: {0}")]
    Refused(Reject),
    /// The rules give other events.
    #[error("they decide otherwise")]
    OtherEvents,
    /// The request was done before.
    #[error("the request was done before")]
    Repeated,
    /// Someone else acted.
    #[error("someone else acted")]
    OtherActor,
    /// Another lot was due, or this one at another time.
    #[error("another lot was due, or this one at another time")]
    OtherDeadline,
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
            sequence: Sequence(0),
            at: Timestamp::default(),
            deadlines: Deadlines::default(),
        }
    }

    pub(crate) fn from_state(
        market: Market,
        roster: Roster,
        hidden: Vec<HiddenLot>,
        sequence: Sequence,
        at: Timestamp,
    ) -> Self {
        let mut deadlines = Deadlines::default();
        let open = market.lots().iter().filter(|lot| lot.phase == Phase::Open);
        open.for_each(|lot| deadlines.set(lot.closes_at, lot.id));
        Self {
            market,
            roster,
            hidden,
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

    /// The lots that are due at `now` and not yet closed, by time, then by number.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = LotId> {
        self.deadlines.due(now).map(|(_, lot)| lot)
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

    /// Closes the lot that has been due the longest at `now`, stamped with the time it was due. Call it until
    /// it gives `None`, before the commands of that moment.
    pub fn advance(&mut self, now: Timestamp) -> Option<Record> {
        let (at, lot) = self.next_close(now)?;
        let command = Command::CloseDue { lot };
        let record = self.record(at, Actor::Clock, None, command);
        Some(record.expect("a lot that is due closes"))
    }

    /// Takes a record of the past as it was decided then.
    ///
    /// # Errors
    /// [`ReplayError`] when the record does not follow the ones before it. The engine is of no more use then.
    pub fn replay(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.check_follows(record)?;
        let sequence = record.sequence;
        self.apply(record)
            .map_err(|source| ReplayError::DoesNotFit { sequence, source })
    }

    /// Decides a record of the past again, compares, and takes it.
    ///
    /// Who acted, with which request, and what came of it must be what the rules give at that time. That the
    /// time itself, or a request's number, was not changed afterwards is for the journal's checksums to show.
    ///
    /// # Errors
    /// [`ReplayError`] when it is not what the rules give. The engine is of no more use then.
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
                let Command::CloseDue { lot } = record.command else {
                    return Err(Difference::OtherActor);
                };
                if self.next_close(record.at) != Some((record.at, lot)) {
                    return Err(Difference::OtherDeadline);
                }
                return self.compare_events(record);
            }
            (Actor::Operator, None) => Caller::Operator,
            (Actor::User(user), None) => Caller::User(user),
            (Actor::User(_), Some((session, request))) => Caller::Session { session, request },
            (Actor::Clock | Actor::Operator, Some(_)) => return Err(Difference::OtherActor),
        };
        let asked = self
            .identify(record.at, caller, &record.command)
            .map_err(Difference::Refused)?;
        match asked {
            Asked::Before { .. } => Err(Difference::Repeated),
            Asked::Anew { actor, .. } if actor != record.actor => Err(Difference::OtherActor),
            Asked::Anew { .. } => self.compare_events(record),
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

    /// The lot to close next at `now`, and the time to stamp it with.
    fn next_close(&self, now: Timestamp) -> Option<(Timestamp, LotId)> {
        let (due, lot) = self.deadlines.next()?;
        (due <= now).then(|| (due.max(self.at), lot))
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

    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        for event in &record.events {
            match event {
                Event::Public(event) => self.apply_public(record.at, event)?,
                Event::Private(event) => self.apply_private(record.at, event)?,
            }
        }
        if let Some((session, request)) = record.request {
            let (sequence, reply) = (record.sequence, record.reply());
            self.roster
                .remember(session, request, &record.command, sequence, reply);
        }
        self.sequence = record.sequence;
        self.at = record.at;
        Ok(())
    }

    fn apply_public(&mut self, at: Timestamp, event: &PublicEvent) -> Result<(), FoldError> {
        let closes_at = |market: &Market, lot| market.lot(lot).map(|lot| lot.closes_at);
        match event {
            PublicEvent::LotOpened(opened) => {
                self.market.apply(at, event)?;
                self.deadlines.set(opened.closes_at, opened.lot);
                self.hidden.push(HiddenLot::default());
            }
            PublicEvent::BidAccepted(bid) => {
                self.market.apply(at, event)?;
                self.hidden_lot(bid.lot)?.bid_accepted(bid);
            }
            PublicEvent::LotExtended {
                lot,
                closes_at: later,
                ..
            } => {
                let before = closes_at(&self.market, *lot);
                self.market.apply(at, event)?;
                self.deadlines
                    .clear(before.expect("a lot that was extended is there"), *lot);
                self.deadlines.set(*later, *lot);
            }
            PublicEvent::LotClosed { lot, .. } => {
                let before = closes_at(&self.market, *lot);
                self.market.apply(at, event)?;
                self.deadlines
                    .clear(before.expect("a lot that was closed is there"), *lot);
            }
            PublicEvent::StockListed(_)
            | PublicEvent::UserRegistered { .. }
            | PublicEvent::ProfitPublished { .. } => self.market.apply(at, event)?,
        }
        Ok(())
    }

    fn apply_private(&mut self, at: Timestamp, event: &PrivateEvent) -> Result<(), FoldError> {
        let known = |user: UserId| self.market.user(user).map(|_| ());
        match event {
            PrivateEvent::CredentialSet { user, credential } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.roster.set_credential(*user, credential);
            }
            PrivateEvent::SessionOpened {
                session,
                user,
                token_hash,
                expires_at,
            } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                let expected = self.roster.next_session();
                if *session != expected {
                    return Err(FoldError::NotNext {
                        what: "session",
                        number: session.0,
                        expected: expected.0,
                    });
                }
                self.roster
                    .session_opened(*session, *user, *token_hash, at, *expires_at);
            }
            PrivateEvent::SessionClosed { session } => self.roster.session_closed(*session),
            PrivateEvent::ReserveSet { lot, .. } | PrivateEvent::MaximumSet { lot, .. } => {
                self.hidden_lot(*lot)?.apply_private(event);
            }
        }
        Ok(())
    }

    fn hidden_lot(&mut self, lot: LotId) -> Result<&mut HiddenLot, FoldError> {
        let hidden = lot.index().and_then(|index| self.hidden.get_mut(index));
        hidden.ok_or(FoldError::LotNotOpen(lot))
    }
}

/// Deciding: reads the state, changes nothing.
impl Engine {
    fn decide(
        &self,
        now: Timestamp,
        actor: Actor,
        command: &Command,
        events: &mut Events,
    ) -> Result<(), Reject> {
        match command {
            Command::ListStock(listing) => {
                self.require(actor, Right::RunLots)?;
                self.decide_listing(*listing, events)?;
            }
            Command::OpenLot(open) => {
                self.require(actor, Right::RunLots)?;
                self.decide_opening(now, open, events)?;
            }
            Command::ExtendLot { lot, closes_at } => {
                self.require(actor, Right::RunLots)?;
                self.decide_extension(now, *lot, *closes_at, events)?;
            }
            Command::CloseDue { lot } => {
                self.require(actor, Right::TellTime)?;
                self.decide_close(now, *lot, events)?;
            }
            Command::Register(registration) => {
                self.require(actor, Right::Operate)?;
                self.decide_registration(registration, events)?;
            }
            Command::OpenSession(new) => {
                self.require(actor, Right::Operate)?;
                self.decide_session(new, events)?;
            }
            Command::CloseSession { session } => {
                self.decide_session_close(actor, *session, events)?;
            }
            Command::Bid { lot, price } => {
                self.decide_offer(now, actor, *lot, Offer::Plain(*price), events)?;
            }
            Command::BidMaximum { lot, maximum } => {
                self.decide_offer(now, actor, *lot, Offer::Maximum(*maximum), events)?;
            }
            Command::PublishProfit {
                symbol,
                security,
                profit,
            } => {
                self.decide_profit(actor, *symbol, *security, *profit, events)?;
            }
        }
        assert!(!events.is_empty(), "what is accepted changes something");
        Ok(())
    }

    fn decide_listing(&self, listing: Listing, events: &mut Events) -> Result<(), Reject> {
        match self.market.stock(listing.symbol) {
            Some(stock) if stock.listing == listing => return Err(Reject::Unchanged),
            None if self.market.parts().stocks.len() >= STOCKS_MAX => {
                return Err(full(Countable::Stocks, STOCKS_MAX));
            }
            Some(_) | None => {}
        }
        events.push(Event::Public(PublicEvent::StockListed(listing)));
        Ok(())
    }

    fn decide_opening(
        &self,
        now: Timestamp,
        open: &OpenLot,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let symbol = open.symbol;
        let stock = self
            .market
            .stock(symbol)
            .ok_or(Reject::UnknownSymbol { symbol })?;
        let base_price = stock.listing.price;
        lot::check_terms(open, base_price, now)?;
        let count = self.market.lots().len();
        if count >= LOTS_MAX {
            return Err(full(Countable::Lots, LOTS_MAX));
        }
        let lot = LotId::at_index(count);
        let opened = LotOpened {
            lot,
            symbol,
            quantity: open.quantity,
            base_price,
            closes_at: open.closes_at,
            terms: open.terms.clone(),
            has_reserve: open.reserve.is_some(),
        };
        events.push(Event::Public(PublicEvent::LotOpened(opened.into())));
        if let Some(reserve) = open.reserve {
            events.push(Event::Private(PrivateEvent::ReserveSet { lot, reserve }));
        }
        Ok(())
    }

    fn decide_extension(
        &self,
        now: Timestamp,
        lot: LotId,
        closes_at: Timestamp,
        events: &mut Events,
    ) -> Result<(), Reject> {
        // A lot that is due, but has not been closed yet, can still be moved: after an outage it is.
        let open = self.lot(lot)?;
        if let Phase::Closed { at, .. } = open.phase {
            return Err(Reject::LotClosed { lot, closed_at: at });
        }
        let after = open.closes_at.max(now);
        if closes_at <= after || closes_at.since(now).micros() > SPAN_MAX_MICROS {
            return Err(Reject::CloseNotLater { after });
        }
        let cause = ExtensionCause::Ordered;
        events.push(Event::Public(PublicEvent::LotExtended {
            lot,
            closes_at,
            cause,
        }));
        Ok(())
    }

    fn decide_close(&self, now: Timestamp, lot: LotId, events: &mut Events) -> Result<(), Reject> {
        let due = self.lot(lot)?;
        if let Phase::Closed { at, .. } = due.phase {
            return Err(Reject::LotClosed { lot, closed_at: at });
        }
        if now < due.closes_at {
            return Err(Reject::NotDue {
                closes_at: due.closes_at,
            });
        }
        let outcome = lot::decide_close(due, self.hidden_of(lot));
        events.push(Event::Public(PublicEvent::LotClosed { lot, outcome }));
        Ok(())
    }

    fn decide_registration(
        &self,
        registration: &Registration,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let Registration {
            name,
            role,
            credential,
        } = registration;
        if self.market.user_named(*name).is_some() {
            return Err(Reject::NameTaken { name: *name });
        }
        if let Role::Company(symbol) = *role {
            self.market
                .stock(symbol)
                .ok_or(Reject::UnknownSymbol { symbol })?;
        }
        let count = self.market.users().len();
        if count >= USERS_MAX {
            return Err(full(Countable::Users, USERS_MAX));
        }
        let user = UserId::at_index(count);
        let registered = PublicEvent::UserRegistered {
            user,
            name: *name,
            role: *role,
        };
        events.push(Event::Public(registered));
        let credential = credential.clone();
        events.push(Event::Private(PrivateEvent::CredentialSet {
            user,
            credential,
        }));
        Ok(())
    }

    fn decide_session(&self, new: &NewSession, events: &mut Events) -> Result<(), Reject> {
        let NewSession {
            user,
            token_hash,
            expires_at,
        } = *new;
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        if let Some(session) = self.roster.to_retire(user) {
            events.push(Event::Private(PrivateEvent::SessionClosed { session }));
        }
        let session = self.roster.next_session();
        let opened = PrivateEvent::SessionOpened {
            session,
            user,
            token_hash,
            expires_at,
        };
        events.push(Event::Private(opened));
        Ok(())
    }

    fn decide_session_close(
        &self,
        actor: Actor,
        session: SessionId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let closing = self.roster.asking(session)?;
        let own = actor == Actor::User(closing.user);
        if !own && actor != Actor::Operator {
            // Of others' sessions one learns nothing.
            return Err(Reject::SessionClosed { session });
        }
        events.push(Event::Private(PrivateEvent::SessionClosed { session }));
        Ok(())
    }

    fn decide_offer(
        &self,
        now: Timestamp,
        actor: Actor,
        lot: LotId,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let bidder = self
            .require(actor, Right::Bid)?
            .expect("who may bid is a user");
        lot::decide_offer(
            self.lot(lot)?,
            self.hidden_of(lot),
            now,
            bidder,
            offer,
            events,
        )
    }

    fn decide_profit(
        &self,
        actor: Actor,
        symbol: Symbol,
        security: SecurityCode,
        profit: Profit,
        events: &mut Events,
    ) -> Result<(), Reject> {
        self.require(actor, Right::Publish(symbol))?;
        let stock = self
            .market
            .stock(symbol)
            .ok_or(Reject::UnknownSymbol { symbol })?;
        if stock.listing.security != security {
            let security = stock.listing.security;
            return Err(Reject::WrongSecurity { symbol, security });
        }
        events.push(Event::Public(PublicEvent::ProfitPublished {
            symbol,
            profit,
        }));
        Ok(())
    }

    /// Who acts, if they have the right; `None` is the operator, or the clock.
    fn require(&self, actor: Actor, right: Right) -> Result<Option<UserId>, Reject> {
        let user = match (actor, right) {
            (Actor::Clock, Right::TellTime) => return Ok(None),
            (Actor::Clock, _) => unreachable!("the clock asks for nothing but closes"),
            (Actor::Operator, Right::Bid | Right::TellTime) => return Err(Reject::NotByOperator),
            (Actor::Operator, _) => return Ok(None),
            (Actor::User(user), _) => user,
        };
        let role = self
            .market
            .user(user)
            .ok_or(Reject::UnknownUser { user })?
            .role;
        match (right, role) {
            (Right::Bid, Role::Trader) | (Right::RunLots, Role::Auctioneer) => Ok(Some(user)),
            (Right::Publish(symbol), Role::Company(own)) if symbol == own => Ok(Some(user)),
            (Right::Publish(_), Role::Company(own)) => Err(Reject::NotYourStock { own }),
            _ => Err(Reject::NotPermitted { role }),
        }
    }

    fn lot(&self, lot: LotId) -> Result<&Lot, Reject> {
        self.market.lot(lot).ok_or(Reject::UnknownLot { lot })
    }

    fn hidden_of(&self, lot: LotId) -> &HiddenLot {
        let index = lot.index().expect("a lot that is there has an index");
        &self.hidden[index]
    }
}

/// What an actor needs for a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Bid,
    Publish(Symbol),
    RunLots,
    Operate,
    TellTime,
}

fn full(what: Countable, most: usize) -> Reject {
    Reject::Full {
        what,
        most: u32::try_from(most).unwrap_or(u32::MAX),
    }
}
