//! Application of decided events, live and in replay.

use alloc::vec::Vec;

use super::Engine;
use super::timers::Timers;
use crate::account::sessions::Speaker;
use crate::lot::{Lot, LotSecret};
use crate::market::FoldError;
use crate::model::event::{BidAccepted, Event, PhaseBegan, PrivateEvent, PublicEvent};
use crate::model::record::Record;
use crate::{LotId, SessionId, Timestamp, UserId};

impl Engine {
    #[inline]
    pub(super) fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        for event in &record.events {
            self.settle_event(event)?;
            match event {
                Event::Public(PublicEvent::BidAccepted(bid)) => self.apply_bid(record.at, bid)?,
                Event::Public(event) => self.apply_public(record.at, event)?,
                Event::Private(event) => self.apply_private(record.at, event)?,
            }
        }
        if let Some((session, request)) = record.request {
            let (sequence, reply) = (record.sequence, record.reply());
            self.sessions
                .remember(session, request, &record.command, sequence, reply);
        }
        self.sequence = record.sequence;
        self.at = record.at;
        Ok(())
    }

    #[inline(always)]
    fn apply_bid(&mut self, at: Timestamp, bid: &BidAccepted) -> Result<(), FoldError> {
        let (lot, hidden) = self.halves(bid.lot)?;
        hidden.bid_accepted(lot, bid);
        self.market.bid_accepted(at, bid)
    }

    #[inline(never)]
    fn apply_public(&mut self, at: Timestamp, event: &PublicEvent) -> Result<(), FoldError> {
        match event {
            PublicEvent::BidAccepted(bid) => self.apply_bid(at, bid)?,
            PublicEvent::LotOpened(opened) => {
                self.market.apply(at, event)?;
                let lot = self.market.lot(opened.lot).expect("it has just opened");
                self.hidden.push(LotSecret::opened(lot));
                self.move_deadline(at, opened.lot);
            }
            PublicEvent::LotExtended { lot, .. }
            | PublicEvent::LotClosed { lot, .. }
            | PublicEvent::LotBegan { lot }
            | PublicEvent::LotHalted { lot }
            | PublicEvent::LotResumed { lot, .. }
            | PublicEvent::ReferenceFixed { lot, .. }
            | PublicEvent::EndCommitted { lot, .. }
            | PublicEvent::EndOpened { lot, .. }
            | PublicEvent::PhaseBegan(PhaseBegan { lot, .. })
            | PublicEvent::PhaseExtended { lot, .. }
            | PublicEvent::PhaseMoved { lot, .. }
            | PublicEvent::CallUncrossed { lot, .. }
            | PublicEvent::Interrupted { lot, .. }
            | PublicEvent::DayHalted { lot, .. } => self.apply_to_life(at, *lot, event)?,
            // They move no deadline.
            PublicEvent::OrderShown { .. }
            | PublicEvent::OrderReduced { .. }
            | PublicEvent::OrderGone { .. }
            | PublicEvent::Traded { .. }
            | PublicEvent::StockListed(_)
            | PublicEvent::UserRegistered { .. }
            | PublicEvent::ProfitPublished { .. }
            | PublicEvent::BiddersCounted { .. }
            | PublicEvent::BidsOpened { .. }
            | PublicEvent::AccountsSet { .. } => self.market.apply(at, event)?,
            PublicEvent::MarketHalted | PublicEvent::MarketResumed => {
                self.market.apply(at, event)?;
                self.restart_timers(at);
            }
        }
        Ok(())
    }

    /// Applies an event of a lot's life cycle, which can move its deadline.
    fn apply_to_life(
        &mut self,
        at: Timestamp,
        lot: LotId,
        event: &PublicEvent,
    ) -> Result<(), FoldError> {
        let (public, hidden) = self.halves(lot)?;
        let mut traders = Vec::new();
        if let PublicEvent::LotClosed { .. } = event {
            traders.extend(hidden.call_traders());
        }
        if !hidden.apply_public(public, event) {
            return Err(FoldError::LotContradicted(lot));
        }
        self.market.apply(at, event)?;
        let (public, hidden) = self.halves(lot)?;
        hidden.look_ahead(public);
        self.move_deadline(at, lot);
        for trader in traders {
            self.calls.set(trader, lot, false);
        }
        Ok(())
    }

    /// Sets all deadlines again: a halt of the market stops them, and moves them.
    fn restart_timers(&mut self, at: Timestamp) {
        self.timers = Timers::default();
        for (lot, hidden) in self.market.lots().iter().zip(&mut self.hidden) {
            hidden.look_ahead(lot);
            let deadline = hidden.deadline(lot, self.market.halted_since(), at);
            self.timers.set(lot.id, deadline);
            if deadline.is_some_and(|deadline| deadline <= at) {
                self.moved_due_at = Some(at);
            }
        }
    }

    fn move_deadline(&mut self, at: Timestamp, lot: LotId) {
        let Some(public) = self.market.lot(lot) else {
            return;
        };
        let hidden = self.secret_of(lot);
        let after = hidden.deadline(public, self.market.halted_since(), at);
        if after == self.timers.of(lot) {
            return;
        }
        self.timers.set(lot, after);
        if after.is_some_and(|after| after <= at) {
            self.moved_due_at = Some(at);
        }
    }

    #[inline(never)]
    fn apply_private(&mut self, at: Timestamp, event: &PrivateEvent) -> Result<(), FoldError> {
        let known = |user: UserId| self.market.user(user).map(|_| ());
        match event {
            PrivateEvent::CredentialSet { user, credential } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.sessions.set_credential(*user, credential);
            }
            PrivateEvent::SessionOpened {
                session,
                user,
                token_hash,
                expires_at,
            } => {
                let speaker = Speaker::Token(*token_hash);
                self.apply_session(*session, *user, speaker, at, *expires_at)?;
            }
            PrivateEvent::DeviceAdded {
                session,
                user,
                device,
            } => {
                let speaker = Speaker::Device(**device);
                self.apply_session(*session, *user, speaker, at, Timestamp::MAX)?;
            }
            PrivateEvent::AccessSet { user, access } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.sessions.set_access(*user, *access);
            }
            PrivateEvent::SessionClosed { session } => self.sessions.session_closed(*session),
            PrivateEvent::UserSuspended { user } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.sessions.suspend(*user);
            }
            PrivateEvent::UserReinstated { user } => self.sessions.reinstate(*user),
            PrivateEvent::DeadManSet {
                session,
                user,
                grace,
            } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.sessions.set_dead_man(*session, *user, *grace);
            }
            // Their effect on the accounts is already applied.
            PrivateEvent::Deposited { user, .. } | PrivateEvent::Withdrawn { user, .. } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
            }
            PrivateEvent::ReserveSet { lot, .. }
            | PrivateEvent::MaximumSet { lot, .. }
            | PrivateEvent::OrderReplaced { lot, .. } => self.apply_in_secret(*lot, event)?,
            PrivateEvent::OrderPlaced { lot, trader, .. }
            | PrivateEvent::OrderCancelled { lot, trader, .. }
            | PrivateEvent::OrdersWithdrawn { lot, trader } => {
                self.apply_to_day(at, *lot, *trader, event)?;
            }
            PrivateEvent::DayOrderAccepted { lot, trader, .. }
            | PrivateEvent::DayOrderReplaced { lot, trader, .. } => {
                self.limits.placed(at, *trader);
                self.apply_to_day(at, *lot, *trader, event)?;
            }
            PrivateEvent::DayOrderParked { lot, trader, .. }
            | PrivateEvent::DayOrderRests { lot, trader, .. }
            | PrivateEvent::DayOrderFilled { lot, trader, .. }
            | PrivateEvent::DayOrdersDecremented { lot, trader, .. }
            | PrivateEvent::DayOrderLapsed { lot, trader, .. }
            | PrivateEvent::OrderKept { lot, trader, .. } => {
                self.apply_to_day(at, *lot, *trader, event)?;
            }
            PrivateEvent::AllCancelled { trader, .. } => {
                known(*trader).ok_or(FoldError::UnknownUser(*trader))?;
            }
            PrivateEvent::LimitsSet { trader, limits } => {
                if let Some(trader) = trader {
                    known(*trader).ok_or(FoldError::UnknownUser(*trader))?;
                }
                self.limits.set(*trader, *limits);
            }
            PrivateEvent::EndDrawn { lot, .. } => {
                self.apply_in_secret(*lot, event)?;
                self.move_deadline(at, *lot);
            }
        }
        Ok(())
    }

    /// Applies a trader's event on a trading day or another lot with orders.
    fn apply_to_day(
        &mut self,
        at: Timestamp,
        lot: LotId,
        trader: UserId,
        event: &PrivateEvent,
    ) -> Result<(), FoldError> {
        let known = self.market.user(trader);
        known.ok_or(FoldError::UnknownUser(trader))?;
        let (public, hidden) = self.halves(lot)?;
        // An order moves a deadline only if it expires, or one that does leaves its place.
        let had_expiries = hidden.has_expiries();
        if !hidden.apply_private(public, event) {
            return Err(FoldError::LotContradicted(lot));
        }
        if had_expiries || hidden.has_expiries() {
            self.move_deadline(at, lot);
        }
        match self.secret_of(lot).call_orders_of(trader) {
            Some(0) => self.calls.set(trader, lot, false),
            // Traders with more orders are already included.
            Some(1) => self.calls.set(trader, lot, true),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn apply_session(
        &mut self,
        session: SessionId,
        user: UserId,
        speaker: Speaker,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), FoldError> {
        let known = self.market.user(user);
        known.ok_or(FoldError::UnknownUser(user))?;
        let expected = self.sessions.next_session();
        if session != expected {
            return Err(FoldError::NotNext {
                what: "session",
                number: session.0,
                expected: expected.0,
            });
        }
        self.sessions
            .session_opened(session, user, speaker, at, expires_at);
        Ok(())
    }

    fn apply_in_secret(&mut self, lot: LotId, event: &PrivateEvent) -> Result<(), FoldError> {
        let (public, hidden) = self.halves(lot)?;
        if hidden.apply_private(public, event) {
            Ok(())
        } else {
            Err(FoldError::LotContradicted(lot))
        }
    }

    #[inline]
    fn halves(&mut self, lot: LotId) -> Result<(&Lot, &mut LotSecret), FoldError> {
        let hidden = lot.index().and_then(|index| self.hidden.get_mut(index));
        let public = self.market.lot(lot);
        public.zip(hidden).ok_or(FoldError::LotNotOpen(lot))
    }
}
