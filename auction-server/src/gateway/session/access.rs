//! Access to an account: the session that the connection speaks for, and whether it still lives.
//!
//! Everything private passes here twice: before it is asked for, and when the answer is there, for a session may end
//! while its question waits. A connection whose session has ended is ready again, and says why it ended to whatever
//! still needs one.

use auction_core::{AccountEvent, Reject, RequestId, UserId};
use auction_proto::{AccountEntry, AccountFeed, Body, Code, List, Refused};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::login::State;
use crate::market::live_session::LiveSession;
use crate::sequencer::queue::{SequencerHandle, SubmitError};
use crate::sequencer::rate_limit::RateLimiter;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// The session the connection speaks for; without one that lives the request is refused.
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

    /// The session the connection speaks for, when its user may ask more: whatever is worked out for one user alone, by
    /// the one who decides or by the hub, counts as a command. Otherwise the request is refused.
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

    /// Whether the connection speaks for a session that lives; then the request is refused.
    pub(super) fn refuse_when_logged_in(&mut self, request: RequestId) -> bool {
        self.leave_if_over();
        let is_logged_in = self.login.session().is_some();
        if is_logged_in {
            let text = "this connection has a session already; log out first";
            self.refuse(request, Code::ALREADY_LOGGED_IN, text);
        }
        is_logged_in
    }

    /// Asks the sequencer what is the user's alone. `None`: the request was refused.
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

    /// Answers with what is the asking user's alone.
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

    /// Whether the session that asked still lives, now that the answer is there; otherwise the request is refused.
    pub(super) fn still_lives(&mut self, request: RequestId, session: &LiveSession) -> bool {
        let checked = session.check(self.services.clock.now());
        if let Err(reason) = checked {
            self.leave_if_over();
            self.refused(request, Refused::from(reason));
        }
        checked.is_ok()
    }

    /// The connection speaks for a session from here on.
    pub(super) fn enter_session(&mut self, session: LiveSession) {
        // The end of an account's feed may still be on its way, and it may be another's.
        self.subscriptions.account_feed = None;
        self.login.rate_limiter = self.services.admission.rate_limiter_of(session.user);
        self.services.dead_man.connected(session.session);
        self.login.state = State::LoggedIn(session);
        self.services.metrics.sessions.add(1);
    }

    /// The connection speaks for no session from here on.
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
        // They came before this was seen: the market decides about them.
        self.submit_batch();
        let own = self.subscriptions.account_feed.take();
        self.leave_session();
        self.login.state = State::Ready(Some(reason));
        match reason {
            // No event says so to a feed that ends by time.
            Reject::SessionExpired {
                session,
                expired_at: at,
            } if own.is_some() => {
                let event = AccountEvent::SessionClosed { session };
                let entries = List::new(vec![AccountEntry { at, event }]).expect("it is one");
                self.reply(RequestId(0), &AccountFeed { entries });
            }
            Reject::SessionExpired { .. } => {}
            // The hub ends it with the news of the close.
            _ => self.subscriptions.account_feed = own,
        }
    }
}

/// Waits until the session that a connection speaks for is closed; never, without one.
pub(super) async fn closed(state: &State) {
    match state {
        State::LoggedIn(session) => session.closed().await,
        State::Greeting | State::Ready(_) => std::future::pending().await,
    }
}
