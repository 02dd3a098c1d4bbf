//! Access to an account: the session that the connection speaks for, and whether it still lives.
//!
//! Everything private passes here twice: before it is asked for, and when the answer is there, for a session may end
//! while its question waits. A connection whose session has ended is ready again, and says why it ended to whatever
//! still needs one.

use auction_core::{AccountEvent, Caller, Reject, RequestId, UserId};
use auction_proto::{AccountEntry, AccountFeed, Body, Code, List, Refused};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, State};
use crate::inbox::{Answer, Work};
use crate::live_session::LiveSession;
use crate::visitors::Bucket;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// The session the connection speaks for; without one that lives the request is refused.
    pub(super) fn bound(&mut self, request: RequestId) -> Option<LiveSession> {
        self.leave_if_over();
        let refused = match &self.state {
            State::LoggedIn(session) => return Some(session.clone()),
            State::Ready(Some(ended)) => Refused::from(*ended),
            State::Ready(None) | State::Greeting => {
                Refused::new(Code::NOT_LOGGED_IN, "log in first")
            }
        };
        self.refused(request, refused);
        None
    }

    /// The session the connection speaks for, when its user may ask more: whatever is worked out for one user alone, by
    /// the one who decides or by the hub, counts as a command. Otherwise the request is refused.
    pub(super) fn bound_within_rate(&mut self, request: RequestId) -> Option<LiveSession> {
        let bound = self.bound(request)?;
        match self.commands.as_deref().map(Bucket::take) {
            Some(Err(wait)) => {
                self.refuse_for_now(request, "commands come from this user", wait);
                None
            }
            Some(Ok(())) | None => Some(bound),
        }
    }

    /// Whether the connection speaks for a session that lives; then the request is refused.
    pub(super) fn is_bound(&mut self, request: RequestId) -> bool {
        self.leave_if_over();
        let bound = matches!(self.state, State::LoggedIn(_));
        if bound {
            let text = "this connection has a session already; log out first";
            self.refuse(request, Code::ALREADY_LOGGED_IN, text);
        }
        bound
    }

    /// Asks the sequencer what is the user's alone. Nothing: the request was refused.
    pub(super) async fn ask_own(
        &mut self,
        request: RequestId,
        work: impl FnOnce(UserId) -> Work,
    ) -> Option<Answer> {
        let session = self.bound_within_rate(request)?;
        let (caller, work) = (Caller::User(session.user), work(session.user));
        let answer = self.services.inbox.ask(caller, work).await;
        if !self.still_lives(request, &session) {
            return None;
        }
        answer
            .map_err(|why| self.refuse_not_taken(request, why))
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
        if let Err(ended) = checked {
            self.leave_if_over();
            self.refused(request, Refused::from(ended));
        }
        checked.is_ok()
    }

    /// The connection speaks for a session from here on.
    pub(super) fn enter_session(&mut self, session: LiveSession) {
        // The end of an account's feed may still be on its way, and it may be another's.
        self.own = None;
        self.commands = self.services.visitors.commands_of(session.user);
        self.services.switches.came(session.session);
        self.state = State::LoggedIn(session);
        self.services.metrics.sessions.add(1);
    }

    /// The connection speaks for no session from here on.
    pub(super) fn leave_session(&mut self) {
        if let State::LoggedIn(session) = &self.state {
            self.services.switches.left(session.session);
            self.services.metrics.sessions.subtract(1);
            self.state = State::Ready(None);
            self.own = None;
            self.commands = None;
        }
    }

    /// Leaves a session that was closed elsewhere or has expired.
    pub(super) fn leave_if_over(&mut self) {
        let State::LoggedIn(session) = &self.state else {
            return;
        };
        let Err(ended) = session.check(self.services.clock.now()) else {
            return;
        };
        // They came before this was seen: the market decides about them.
        self.submit_gathered();
        let own = self.own.take();
        self.leave_session();
        self.state = State::Ready(Some(ended));
        match ended {
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
            _ => self.own = own,
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
