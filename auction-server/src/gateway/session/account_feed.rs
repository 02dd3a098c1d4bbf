//! The account feed: a user's own state, and the events of that account.

use std::sync::Arc;

use auction_core::{AccountEvent, Reject, RequestId};
use auction_proto::limits::{PART_LEADS_MAX, PART_ORDERS_MAX, SESSIONS_LISTED_MAX};
use auction_proto::{
    Account, AccountEntry, AccountFeed, DayOrders, DeadManOf, Follows, List, Refused, Resync,
    ResyncBecause, VERSION_OF_DAYS,
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
            // The session was closed while the question waited.
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
            day_orders,
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
        let day_parts = day_orders.len().div_ceil(PART_ORDERS_MAX);
        let (mut leads, mut orders) =
            (leads.chunks(PART_LEADS_MAX), orders.chunks(PART_ORDERS_MAX));
        for (index, left) in (0..).zip((day_parts..parts + day_parts).rev()) {
            // The client may be slow to take the parts before.
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
        let first = u32::try_from(parts).expect("parts are few");
        let of_days = (0..day_parts).rev().zip(day_orders.chunks(PART_ORDERS_MAX));
        for (index, (left, orders)) in (first..).zip(of_days) {
            if !self.still_lives(request, &session) {
                return Ok(());
            }
            let part = DayOrders {
                index,
                follows: match left {
                    0 => Follows::Nothing,
                    _ => Follows::More,
                },
                orders: List::new(orders.to_vec()).expect("no part is longer"),
            };
            self.reply(request, &part);
            self.channel.flush_when_full().await?;
        }
        self.subscriptions.account_feed = Some(AccountWatch { request, feed });
        Ok(())
    }

    /// Writes the latest events; or the whole state again, when the client was too slow for all events.
    pub(super) async fn write_account_feed(
        &mut self,
        entries: Option<Arc<AccountFeed>>,
    ) -> Result<(), CloseReason> {
        self.check_version()?;
        self.leave_if_over();
        if self.subscriptions.account_feed.is_none() {
            return Ok(());
        }
        if let Some(mut entries) = entries {
            if self.version < VERSION_OF_DAYS {
                // Cancel-all and limits concern traders of other formats too.
                entries = Arc::new(without_days(&entries));
            }
            // If the session was closed, these are the events before: the hub ends the feed with the close.
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

/// Returns the events that clients of version 1 can read.
fn without_days(feed: &AccountFeed) -> AccountFeed {
    let is_known = |entry: &&AccountEntry| {
        !matches!(
            entry.event,
            AccountEvent::OrderKept { .. }
                | AccountEvent::AllCancelled { .. }
                | AccountEvent::LimitsSet { .. }
        )
    };
    let entries = feed.entries.iter().filter(is_known).cloned().collect();
    AccountFeed {
        entries: List::new(entries).expect("no more than there were"),
    }
}
