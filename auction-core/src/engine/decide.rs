//! Decisions about stocks, accounts and sessions: reads the state, changes nothing.

use super::Engine;
use super::permission::Permission;
use crate::limits::{STOCKS_MAX, USERS_MAX};
use crate::lot::{Offer, OrderChange, Replacing};
use crate::model::command::{
    Access, Actor, Command, CredentialChange, Listing, NewSession, Registration, Role,
};
use crate::model::event::{Event, Events, PrivateEvent, PublicEvent};
use crate::model::reject::{Countable, Reject};
use crate::{Profit, SecurityCode, SessionId, Span, Symbol, Timestamp, UserId};

impl Engine {
    #[inline]
    pub(crate) fn decide(
        &self,
        now: Timestamp,
        actor: Actor,
        command: &Command,
        events: &mut Events,
    ) -> Result<(), Reject> {
        match command {
            Command::Bid { lot, price } => {
                self.decide_offer(now, actor, *lot, Offer::Plain(*price), events)?;
            }
            Command::BidMaximum { lot, maximum } => {
                self.decide_offer(now, actor, *lot, Offer::Maximum(*maximum), events)?;
            }
            other => {
                self.decide_other(now, actor, other, events)?;
                assert!(!events.is_empty(), "what is accepted changes something");
            }
        }
        Ok(())
    }

    /// Decides all commands except offers, of which a market decides millions.
    #[inline(never)]
    fn decide_other(
        &self,
        now: Timestamp,
        actor: Actor,
        command: &Command,
        events: &mut Events,
    ) -> Result<(), Reject> {
        match command {
            Command::Bid { .. } | Command::BidMaximum { .. } => {
                unreachable!("offers are decided above")
            }
            Command::ListStock(listing) => {
                self.require(actor, Permission::RunLots)?;
                self.decide_listing(*listing, events)?;
            }
            Command::OpenLot(open) => {
                self.require(actor, Permission::RunLots)?;
                self.decide_opening(now, open, events)?;
            }
            Command::ExtendLot { lot, closes_at } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_extension(now, *lot, *closes_at, events)?;
            }
            Command::CloseDue { lot } => {
                self.require(actor, Permission::TellTime)?;
                self.decide_due_close(now, *lot, events)?;
            }
            Command::OpenDue { lot } => {
                self.require(actor, Permission::TellTime)?;
                self.decide_due_opening(now, *lot, events)?;
            }
            Command::DrawEnd { lot, seed } => {
                self.require(actor, Permission::TellTime)?;
                self.decide_draw(now, *lot, *seed, events)?;
            }
            Command::CloseLot { lot } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_early_close(now, *lot, events)?;
            }
            Command::CancelLot { lot } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_cancel(*lot, events)?;
            }
            Command::HaltLot { lot } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_halt(now, *lot, events)?;
            }
            Command::ResumeLot { lot } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_resumption(now, *lot, events)?;
            }
            Command::SuspendUser { user } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_suspension(*user, events)?;
            }
            Command::ReinstateUser { user } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_reinstatement(*user, events)?;
            }
            Command::Register(registration) => {
                self.require(actor, Permission::Operate)?;
                self.decide_registration(registration, events)?;
            }
            Command::OpenSession(new) => {
                self.require(actor, Permission::Operate)?;
                self.decide_session(new, events)?;
            }
            Command::CloseSession { session } => {
                self.decide_session_close(actor, *session, events)?;
            }
            Command::PlaceOrder {
                lot,
                side,
                quantity,
                limit,
            } => {
                let change = OrderChange::Place {
                    side: *side,
                    quantity: *quantity,
                    limit: *limit,
                };
                self.decide_order(now, actor, *lot, change, events)?;
            }
            Command::ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            } => {
                let change = OrderChange::Replace {
                    order: *order,
                    quantity: *quantity,
                    limit: *limit,
                };
                self.decide_order(now, actor, *lot, change, events)?;
            }
            Command::CancelOrder { lot, order } => {
                let change = OrderChange::Cancel { order: *order };
                self.decide_order(now, actor, *lot, change, events)?;
            }
            Command::SetDeadMan { session, grace } => {
                self.decide_dead_man(actor, *session, *grace, events)?;
            }
            Command::SetAccounts { mode } => {
                self.require(actor, Permission::Operate)?;
                self.decide_accounts(*mode, events)?;
            }
            Command::Deposit { user, asset } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_deposit(*user, *asset, events)?;
            }
            Command::Withdraw { user, asset } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_withdrawal(*user, *asset, events)?;
            }
            Command::AddDevice(device) => {
                let user = self.require_trader(actor)?;
                self.sessions.admits_device(user, device.key)?;
                events.push(Event::Private(PrivateEvent::DeviceAdded {
                    session: self.sessions.next_session(),
                    user,
                    device: device.clone(),
                }));
            }
            Command::PlaceDayOrder { lot, order } => {
                self.decide_day_order(now, actor, *lot, *order, events)?;
            }
            Command::ReplaceDayOrder {
                lot,
                order,
                quantity,
                limit,
                believed,
            } => {
                let replacing = Replacing {
                    order: *order,
                    quantity: *quantity,
                    limit: *limit,
                    believed: *believed,
                };
                self.decide_day_replacement(now, actor, *lot, replacing, events)?;
            }
            Command::CancelAll { trader, lot } => {
                self.decide_cancel_all(now, actor, *trader, *lot, events)?;
            }
            Command::MovePhase {
                lot,
                phase,
                ends_at,
            } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_phase_move(now, *lot, *phase, *ends_at, events)?;
            }
            Command::HaltAll => {
                self.require(actor, Permission::RunLots)?;
                self.decide_market_halt(events)?;
            }
            Command::ResumeAll => {
                self.require(actor, Permission::RunLots)?;
                self.decide_market_resumption(events)?;
            }
            Command::SetLimits { trader, limits } => {
                self.require(actor, Permission::RunLots)?;
                self.decide_limits(*trader, *limits, events)?;
            }
            Command::SetCredential(change) => {
                self.decide_credential(actor, change, events)?;
            }
            Command::SetAccess { user, access } => {
                self.require(actor, Permission::Operate)?;
                self.decide_access(*user, *access, events)?;
            }
            Command::PublishProfit {
                symbol,
                security,
                profit,
            } => {
                self.decide_profit(actor, *symbol, *security, *profit, events)?;
            }
        }
        Ok(())
    }

    fn decide_listing(&self, listing: Listing, events: &mut Events) -> Result<(), Reject> {
        match self.market.stock(listing.symbol) {
            Some(stock) if stock.listing == listing => return Err(Reject::Unchanged),
            None if self.market.parts().stocks.len() >= STOCKS_MAX => {
                return Err(Reject::full(Countable::Stocks, STOCKS_MAX));
            }
            Some(_) | None => {}
        }
        events.push(Event::Public(PublicEvent::StockListed(listing)));
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
            return Err(Reject::full(Countable::Users, USERS_MAX));
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

    fn decide_suspension(&self, user: UserId, events: &mut Events) -> Result<(), Reject> {
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        if self.sessions.is_suspended(user) {
            return Err(Reject::Unchanged);
        }
        events.push(Event::Private(PrivateEvent::UserSuspended { user }));
        for lot in self.calls.of(user) {
            let called = self.lot(lot)?;
            self.secret_of(lot).decide_withdrawal(called, user, events);
        }
        Ok(())
    }

    fn decide_reinstatement(&self, user: UserId, events: &mut Events) -> Result<(), Reject> {
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        if !self.sessions.is_suspended(user) {
            return Err(Reject::Unchanged);
        }
        events.push(Event::Private(PrivateEvent::UserReinstated { user }));
        Ok(())
    }

    fn decide_session(&self, new: &NewSession, events: &mut Events) -> Result<(), Reject> {
        let NewSession {
            user,
            token_hash,
            expires_at,
        } = *new;
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        match self.sessions.access(user) {
            Access::Open => {}
            Access::Locked => return Err(Reject::AccountLocked),
            Access::Closed => return Err(Reject::AccountClosed),
        }
        if let Some(session) = self.sessions.to_retire(user) {
            events.push(Event::Private(PrivateEvent::SessionClosed { session }));
        }
        let session = self.sessions.next_session();
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
        let closing = self.sessions.open_session(session)?;
        let own = actor == Actor::User(closing.user);
        if !own && actor != Actor::Operator {
            // The same error as for a session that does not exist: reveals nothing about other users' sessions.
            return Err(Reject::SessionClosed { session });
        }
        events.push(Event::Private(PrivateEvent::SessionClosed { session }));
        Ok(())
    }

    /// Sets a credential also while the account is locked, so that an operator can do both in either order.
    fn decide_credential(
        &self,
        actor: Actor,
        change: &CredentialChange,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let CredentialChange {
            user,
            ref credential,
            keep,
        } = *change;
        if actor != Actor::User(user) {
            self.require(actor, Permission::Operate)?;
        }
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        if self.sessions.access(user) == Access::Closed {
            return Err(Reject::AccountClosed);
        }
        let own = self.sessions.sessions_of(user);
        if let Some(session) = keep.filter(|keep| !own.contains(keep)) {
            return Err(Reject::SessionClosed { session });
        }
        let credential = credential.clone();
        events.push(Event::Private(PrivateEvent::CredentialSet {
            user,
            credential,
        }));
        self.close_sessions(user, keep, events);
        Ok(())
    }

    fn decide_access(
        &self,
        user: UserId,
        access: Access,
        events: &mut Events,
    ) -> Result<(), Reject> {
        self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        match self.sessions.access(user) {
            before if before == access => return Err(Reject::Unchanged),
            Access::Closed => return Err(Reject::AccountClosed),
            Access::Open | Access::Locked => {}
        }
        events.push(Event::Private(PrivateEvent::AccessSet { user, access }));
        if access != Access::Open {
            self.close_sessions(user, None, events);
        }
        Ok(())
    }

    /// Closes all sessions and devices of a user except one.
    fn close_sessions(&self, user: UserId, keep: Option<SessionId>, events: &mut Events) {
        let own = self.sessions.sessions_of(user).iter().copied();
        for session in own.filter(|session| Some(*session) != keep) {
            events.push(Event::Private(PrivateEvent::SessionClosed { session }));
        }
    }

    fn decide_dead_man(
        &self,
        actor: Actor,
        session: SessionId,
        grace: Option<Span>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let asking = match actor {
            Actor::Operator => None,
            _ => Some(self.require_trader(actor)?),
        };
        let set = self.sessions.dead_man(session);
        let user = match (self.sessions.session(session), set) {
            (Some(open), _) => open.user,
            // The switch of an ended session can only be cleared.
            (None, Some(dead_man)) if grace.is_none() => dead_man.user,
            (None, _) => return Err(Reject::SessionClosed { session }),
        };
        if asking.is_some_and(|asking| asking != user) {
            // The same error as for a session that does not exist: reveals nothing about other users' sessions.
            return Err(Reject::SessionClosed { session });
        }
        if set.map(|dead_man| dead_man.grace) == grace {
            return Err(Reject::Unchanged);
        }
        events.push(Event::Private(PrivateEvent::DeadManSet {
            session,
            user,
            grace,
        }));
        Ok(())
    }

    fn decide_profit(
        &self,
        actor: Actor,
        symbol: Symbol,
        security: SecurityCode,
        profit: Profit,
        events: &mut Events,
    ) -> Result<(), Reject> {
        self.require(actor, Permission::Publish(symbol))?;
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
}
