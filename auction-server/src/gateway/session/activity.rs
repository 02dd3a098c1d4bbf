//! The user's own activity, asked of the follower.

use auction_core::{RequestId, SessionId};
use auction_proto::{Activity, Code, GetActivity};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::subscriptions::{PROOFS_AT_ONCE, Proof};
use crate::market::live_session::LiveSession;
use crate::projections::follower::HistoryError;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Asks for a page; the connection goes on meanwhile, for after a start the follower has a journal to read first.
    pub(super) fn activity(&mut self, request: RequestId, body: GetActivity) {
        let Some(LiveSession { session, user, .. }) = self.active_session_within_rate(request)
        else {
            return;
        };
        if !self.services.credentials.is_open(session) {
            return self.refuse_closed(request);
        }
        if self.subscriptions.proofs.len() >= PROOFS_AT_ONCE {
            return self.refuse_busy(request);
        }
        let histories = self.services.histories.clone();
        self.subscriptions.proofs.spawn(async move {
            let page = histories.activity(user, body.before, body.limit).await;
            (request, Proof::Activity(session, page))
        });
    }

    /// Tells a page, to the session that asked for it alone.
    pub(super) fn tell_activity(
        &mut self,
        request: RequestId,
        session: SessionId,
        page: Result<Activity, HistoryError>,
    ) {
        let current = self.login.session();
        let is_same = current.is_some_and(|current| current.session == session);
        if !is_same || !self.services.credentials.is_open(session) {
            return self.refuse_closed(request);
        }
        match page {
            Ok(page) => self.reply(request, &page),
            Err(_) => self.refuse_busy(request),
        }
    }

    fn refuse_closed(&mut self, request: RequestId) {
        let text = "the session was closed; log in again";
        self.refuse(request, Code::SESSION_CLOSED, text);
    }
}
