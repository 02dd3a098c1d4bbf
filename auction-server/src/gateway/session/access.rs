//! Access to an account: the session of the connection, and the check that it has not ended.
//!
//! Every private request is checked twice: before it is submitted, and when the answer is ready, because a session may
//! end while its question waits. A connection whose session has ended is in the state `Ready` again, and refuses
//! requests that need a session with the reason why the last one ended.

use auction_core::{AccountEvent, Reject, RequestId, UserId};
use auction_proto::{AccountEntry, AccountFeed, Body, Code, List, Refused};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::login::State;
use crate::market::live_session::LiveSession;
use crate::sequencer::queue::{SequencerHandle, SubmitError};
use crate::sequencer::rate_limit::RateLimiter;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Returns the session of the connection. Refuses the request when it has none, or the session has ended.
    pub(super) fn active_session(&mut self, request: RequestId) -> Option<LiveSession> {
        self.leave_if_over();
        let refused = match &self.login.state {
            State::LoggedIn(session) => return Some(session.clone()),
            State::Ready(Some(reason)) => Refused::from(*reason),
            State::Ready(None) | State::Greeting => {
                Refused::new(Code::NOT_LOGGED_IN, "log in first")
            }
        };
        self.refused(request, refused);
        None
    }

    /// Returns the session of the connection if its user's rate limit allows one more request; otherwise refuses the
    /// request. All work of the sequencer or the hub for one user alone counts as a command.
    pub(super) fn active_session_within_rate(&mut self, request: RequestId) -> Option<LiveSession> {
        let active_session = self.active_session(request)?;
        match self.login.rate_limiter.as_deref().map(RateLimiter::take) {
            Some(Err(wait)) => {
                self.refuse_for_now(request, "commands come from this user", wait);
                None
            }
            Some(Ok(())) | None => Some(active_session),
        }
    }

    /// Refuses the request if the connection has an open session. Returns whether it did.
    pub(super) fn refuse_when_logged_in(&mut self, request: RequestId) -> bool {
        self.leave_if_over();
        let is_logged_in = self.login.session().is_some();
        if is_logged_in {
            let text = "this connection has a session already; log out first";
            self.refuse(request, Code::ALREADY_LOGGED_IN, text);
        }
        is_logged_in
    }

    /// Asks the sequencer for private data of the user. Returns `None` if the request was refused.
    pub(super) async fn ask_own<T, F>(
        &mut self,
        request: RequestId,
        ask: impl FnOnce(SequencerHandle, UserId) -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, SubmitError>>,
    {
        let session = self.active_session_within_rate(request)?;
        let answer = ask(self.services.sequencer.clone(), session.user).await;
        if !self.still_lives(request, &session) {
            return None;
        }
        answer
            .map_err(|why| self.refuse_unsubmitted(request, why))
            .ok()
    }

    /// Replies with private data of the user who asked.
    pub(super) fn reply_own<B: Body>(
        &mut self,
        request: RequestId,
        session: &LiveSession,
        body: &B,
    ) {
        if self.still_lives(request, session) {
            self.reply(request, body);
        }
    }

    /// Returns whether the session that asked is still open now that the answer is ready; otherwise refuses the
    /// request.
    pub(super) fn still_lives(&mut self, request: RequestId, session: &LiveSession) -> bool {
        let checked = session.check(self.services.clock.now());
        if let Err(reason) = checked {
            self.leave_if_over();
            self.refused(request, Refused::from(reason));
        }
        checked.is_ok()
    }

    /// Binds the connection to a session.
    pub(super) fn enter_session(&mut self, session: LiveSession) {
        // The end of an account's feed may still be under way, and that account may be another user's.
        self.subscriptions.account_feed = None;
        self.login.rate_limiter = self.services.admission.rate_limiter_of(session.user);
        self.services.dead_man.connected(session.session);
        self.login.state = State::LoggedIn(session);
        self.services.metrics.sessions.add(1);
    }

    /// Unbinds the connection from its session.
    pub(super) fn leave_session(&mut self) {
        if let State::LoggedIn(session) = &self.login.state {
            self.services.dead_man.disconnected(session.session);
            self.services.metrics.sessions.subtract(1);
            self.login.state = State::Ready(None);
            self.subscriptions.account_feed = None;
            self.login.rate_limiter = None;
        }
    }

    /// Leaves a session that was closed elsewhere or has expired.
    pub(super) fn leave_if_over(&mut self) {
        let State::LoggedIn(session) = &self.login.state else {
            return;
        };
        let Err(reason) = session.check(self.services.clock.now()) else {
            return;
        };
        // They came before the end was noticed: the market decides about them.
        self.submit_batch();
        let own = self.subscriptions.account_feed.take();
        self.leave_session();
        self.login.state = State::Ready(Some(reason));
        match reason {
            // No event ends a feed whose session expires.
            Reject::SessionExpired {
                session,
                expired_at: at,
            } if own.is_some() => {
                let event = AccountEvent::SessionClosed { session };
                let entries = List::new(vec![AccountEntry { at, event }]).expect("it is one");
                self.reply(RequestId(0), &AccountFeed { entries });
            }
            Reject::SessionExpired { .. } => {}
            // The hub ends it with the event of the close.
            _ => self.subscriptions.account_feed = own,
        }
    }
}

/// Waits until the session of the connection is closed; forever without one.
pub(super) async fn closed(state: &State) {
    match state {
        State::LoggedIn(session) => session.closed().await,
        State::Greeting | State::Ready(_) => std::future::pending().await,
    }
}
