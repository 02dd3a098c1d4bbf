//! Applying what was decided, live and in replay.

use super::Engine;
use crate::event::{Event, PrivateEvent, PublicEvent, Record};
use crate::lot::{HiddenLot, Lot};
use crate::market::FoldError;
use crate::{LotId, Timestamp, UserId};

impl Engine {
    pub(super) fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        for event in &record.events {
            self.settle_event(event)?;
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
        match event {
            PublicEvent::LotOpened(opened) => {
                self.market.apply(at, event)?;
                self.hidden.push(HiddenLot::opened(&opened.terms));
                self.move_deadline(opened.lot, None);
            }
            PublicEvent::BidAccepted(bid) => {
                let (lot, hidden) = self.halves(bid.lot)?;
                hidden.bid_accepted(lot, bid);
                self.market.apply(at, event)?;
            }
            PublicEvent::LotExtended { lot, .. }
            | PublicEvent::LotClosed { lot, .. }
            | PublicEvent::LotBegan { lot }
            | PublicEvent::LotHalted { lot }
            | PublicEvent::LotResumed { lot, .. } => {
                let before = self.market.lot(*lot).and_then(Lot::deadline);
                self.market.apply(at, event)?;
                self.move_deadline(*lot, before);
            }
            PublicEvent::StockListed(_)
            | PublicEvent::UserRegistered { .. }
            | PublicEvent::ProfitPublished { .. }
            | PublicEvent::BiddersCounted { .. }
            | PublicEvent::BidsOpened { .. }
            | PublicEvent::AccountsSet { .. } => self.market.apply(at, event)?,
        }
        Ok(())
    }

    fn move_deadline(&mut self, lot: LotId, before: Option<Timestamp>) {
        let after = self.market.lot(lot).and_then(Lot::deadline);
        if let Some(before) = before {
            self.deadlines.clear(before, lot);
        }
        if let Some(after) = after {
            self.deadlines.set(after, lot);
        }
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
            PrivateEvent::UserSuspended { user } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.roster.suspend(*user);
            }
            PrivateEvent::UserReinstated { user } => self.roster.reinstate(*user),
            PrivateEvent::DeadManSet {
                session,
                user,
                grace,
            } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
                self.roster.set_dead_man(*session, *user, *grace);
            }
            // What they mean for the accounts was taken.
            PrivateEvent::Deposited { user, .. } | PrivateEvent::Withdrawn { user, .. } => {
                known(*user).ok_or(FoldError::UnknownUser(*user))?;
            }
            PrivateEvent::ReserveSet { lot, .. }
            | PrivateEvent::MaximumSet { lot, .. }
            | PrivateEvent::OrderPlaced { lot, .. }
            | PrivateEvent::OrderReplaced { lot, .. }
            | PrivateEvent::OrderCancelled { lot, .. } => {
                let (public, hidden) = self.halves(*lot)?;
                if !hidden.apply_private(public, event) {
                    return Err(FoldError::LotContradicted(*lot));
                }
            }
        }
        Ok(())
    }

    fn halves(&mut self, lot: LotId) -> Result<(&Lot, &mut HiddenLot), FoldError> {
        let hidden = lot.index().and_then(|index| self.hidden.get_mut(index));
        let public = self.market.lot(lot);
        public.zip(hidden).ok_or(FoldError::LotNotOpen(lot))
    }
}
