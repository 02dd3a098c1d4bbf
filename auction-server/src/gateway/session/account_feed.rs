//! What concerns one's own account: what stands of it, and what happens to it.

use std::sync::Arc;

use auction_core::{Reject, RequestId};
use auction_proto::limits::{PART_LEADS_MAX, PART_ORDERS_MAX, SESSIONS_LISTED_MAX};
use auction_proto::{
    Account, AccountFeed, DeadManOf, Follows, List, Refused, Resync, ResyncBecause,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::close_reason::CloseReason;
use super::connection::Connection;
use super::login::State;
use super::subscriptions::AccountWatch;
use crate::projections::feed::{AccountSubscribed, HubStopped};
use crate::sequencer::queue::SubmitError;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn watch_account(&mut self, request: RequestId) -> Result<(), CloseReason> {
        let Some(session) = self.active_session(request) else {
            return Ok(());
        };
        let watching = match self.services.hub.watch_account(session.session).await {
            Ok(Some(watching)) => watching,
            // It was closed while the question waited.
            Ok(None) => {
                let session = session.session;
                self.refused(request, Refused::from(Reject::SessionClosed { session }));
                return Ok(());
            }
            Err(HubStopped) => {
                self.refuse_unsubmitted(request, SubmitError::Stopped);
                return Ok(());
            }
        };
        let AccountSubscribed {
            dead_men,
            leads,
            orders,
            feed,
        } = watching;
        let open = dead_men
            .iter()
            .filter(|(session, _)| self.services.credentials.is_open(*session))
            .take(SESSIONS_LISTED_MAX);
        let mut dead_men: Vec<_> = open
            .map(|&(session, grace)| DeadManOf { session, grace })
            .collect();
        let parts = leads
            .len()
            .div_ceil(PART_LEADS_MAX)
            .max(orders.len().div_ceil(PART_ORDERS_MAX))
            .max(1);
        let (mut leads, mut orders) =
            (leads.chunks(PART_LEADS_MAX), orders.chunks(PART_ORDERS_MAX));
        for (index, left) in (0..).zip((0..parts).rev()) {
            // The client may take its time with the parts before.
            if !self.still_lives(request, &session) {
                return Ok(());
            }
            let follows = match left {
                0 => Follows::Nothing,
                _ => Follows::More,
            };
            let fits = "no part is longer";
            let part = Account {
                index,
                follows,
                dead_men: List::new(std::mem::take(&mut dead_men)).expect(fits),
                leads: List::new(leads.next().unwrap_or_default().to_vec()).expect(fits),
                orders: List::new(orders.next().unwrap_or_default().to_vec()).expect(fits),
            };
            self.reply(request, &part);
            self.channel.flush_when_full().await?;
        }
        self.subscriptions.account_feed = Some(AccountWatch { request, feed });
        Ok(())
    }

    /// Tells what happened; or everything anew, when the client was too slow to be told all.
    pub(super) async fn write_account_feed(
        &mut self,
        entries: Option<Arc<AccountFeed>>,
    ) -> Result<(), CloseReason> {
        self.leave_if_over();
        if self.subscriptions.account_feed.is_none() {
            return Ok(());
        }
        if let Some(entries) = entries {
            // Of a session that was closed this is what came before: the hub ends it with the close.
            self.reply(RequestId(0), &*entries);
            return Ok(());
        }
        let account_feed = self.subscriptions.account_feed.take();
        let (Some(AccountWatch { request, .. }), State::LoggedIn(_)) =
            (account_feed, &self.login.state)
        else {
            return Ok(());
        };
        self.services.metrics.resynced.add_one();
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch_account(request).await
    }
}
