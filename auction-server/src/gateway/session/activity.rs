//! The user's own activity, read from the follower.

use auction_core::RequestId;
use auction_proto::{Activity, GetActivity};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::subscriptions::{PROOFS_AT_ONCE, Proof};
use crate::market::live_session::LiveSession;
use crate::projections::follower::HistoryError;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Requests a page. The connection goes on meanwhile, because after a start the follower first has a journal to
    /// read.
    pub(super) fn activity(&mut self, request: RequestId, body: GetActivity) {
        let Some(session) = self.active_session_within_rate(request) else {
            return;
        };
        if self.subscriptions.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let histories = self.services.histories.clone();
        self.subscriptions.proofs.spawn(async move {
            let page = histories
                .activity(session.user, body.before, body.limit)
                .await;
            (request, Proof::Activity(session, page))
        });
    }

    /// Replies with a page, only to the session that asked for it.
    pub(super) fn tell_activity(
        &mut self,
        request: RequestId,
        session: &LiveSession,
        page: Result<Activity, HistoryError>,
    ) {
        match page {
            Ok(page) => self.reply_own(request, session, &page),
            Err(_) if self.still_lives(request, session) => self.refuse_busy(request),
            Err(_) => {}
        }
    }
}
