//! The account's watch, and what it tells about orders of trading days.

use auction_client::AccountUpdate;
use auction_core::{SelfTrade, StandingDayOrder, Timestamp};

use super::{Done, Session, now};
use crate::account::MarketSession;
use crate::limits::RETRY_AFTER;
use crate::orders::{DayChange, DayPart, time_in_force_of_day};
use crate::request::Terms;

impl Session {
    /// Watches the account from its newest state on.
    pub(super) fn watch_account(&mut self, session: &MarketSession) {
        if let Some(earlier) = self.account_task.take() {
            earlier.abort();
        }
        self.account += 1;
        self.orders.watch_begins(self.account);
        let (of, done) = (self.account, self.done.clone());
        let (client, token) = (session.client.clone(), session.token.clone());
        self.account_task = Some(tokio::spawn(async move {
            loop {
                match client.watch_account(token.clone()).await {
                    Ok(mut watch) => {
                        let _ = done.send(Done::Account(of, AccountUpdate::Snapshot)).await;
                        // The first state goes to drop copies as its orders.
                        let state = watch.state().clone();
                        let _ = done.send(Done::State(of, Box::new(state))).await;
                        loop {
                            let update = watch.next().await;
                            let ends = matches!(update, AccountUpdate::Ended(_));
                            let state = matches!(update, AccountUpdate::Snapshot)
                                .then(|| watch.state().clone());
                            if done.send(Done::Account(of, update)).await.is_err() || ends {
                                return;
                            }
                            if let Some(state) = state {
                                let _ = done.send(Done::State(of, Box::new(state))).await;
                            }
                        }
                    }
                    Err(error) => tracing::warn!(%error, "the account cannot be watched"),
                }
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }));
    }

    /// Reads the state of the account again if events about orders of days were lost.
    pub(super) fn check_days(&mut self) {
        if self.orders.needs_state()
            && let Some(market) = self.market.clone()
        {
            self.watch_account(&market);
        }
    }

    pub(super) fn day_changed(&mut self, at: Timestamp, change: &DayChange) {
        for (body, answers) in self.orders.day_changed(change) {
            self.report(at, body, answers);
        }
    }

    /// Compares the orders of days with a state of the account.
    pub(super) fn days_compared(&mut self, state: &[StandingDayOrder]) {
        for key in self.orders.days_to_compare() {
            for (body, answers) in self.orders.day_compared(key, state) {
                self.report(now(), body, answers);
            }
        }
    }
}

/// Returns true if a replacement leaves alone what the market does not change.
pub(super) fn keeps_instructions(day: DayPart, terms: &Terms) -> bool {
    let asked = time_in_force_of_day(terms);
    terms.post_only == day.post_only
        && (terms.time_in_force.is_none() || asked == day.time_in_force)
        && (terms.self_trade == SelfTrade::Refuse || terms.self_trade == day.self_trade)
}
