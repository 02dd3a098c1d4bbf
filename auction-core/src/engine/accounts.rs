//! Initial state of the accounts' view: what an engine knows of each user.

use super::Engine;
use crate::UserId;
use crate::account::standing::{StandingLead, StandingOrder};
use crate::account::view::Accounts;
use crate::lot::{Lot, LotSecret};

impl Accounts {
    /// Creates the view of the accounts of all users of an engine.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut accounts = Self::default();
        engine.each_standing_order(|user, order| accounts.place(user, order));
        for (lot, hidden) in engine.unclosed() {
            if let Some(day) = hidden.day(lot) {
                day.each_own_order(&mut |user, order| {
                    accounts.place_day_order(user, lot.id, order);
                });
            }
        }
        engine.each_lead(|user, lead| accounts.lead(lead.lot, user, lead.offer));
        for (id, session) in engine.sessions().iter() {
            accounts.sessions.insert(id, session.user);
        }
        for (session, dead_man) in engine.sessions().dead_men() {
            let key = (dead_man.user, session);
            accounts.dead_men.insert(key, dead_man.grace);
        }
        accounts
    }
}

impl Engine {
    /// Calls `take` with every order on a lot that has not closed, and its trader.
    fn each_standing_order(&self, mut take: impl FnMut(UserId, StandingOrder)) {
        for (lot, hidden) in self.unclosed() {
            hidden.each_order(lot.id, &mut take);
        }
    }

    /// Calls `take` with every lead of a lot that has not closed, and its trader.
    fn each_lead(&self, mut take: impl FnMut(UserId, StandingLead)) {
        for (lot, hidden) in self.unclosed() {
            if let Some((leader, offer)) = hidden.lead(lot) {
                take(leader, StandingLead { lot: lot.id, offer });
            }
        }
    }

    fn unclosed(&self) -> impl Iterator<Item = (&Lot, &LotSecret)> {
        let lots = self.market.lots().iter().zip(&self.hidden);
        lots.filter(|(lot, _)| !lot.is_closed())
    }
}
