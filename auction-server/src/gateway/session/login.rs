//! The login state of a connection, and the requests that it allows.

use std::sync::Arc;

use auction_core::Reject;
use tokio::time::Instant;

use crate::gateway::admission::ClientAddress;
use crate::market::live_session::LiveSession;
use crate::sequencer::rate_limit::RateLimiter;

/// The session of a connection, and its limits.
pub(super) struct Login {
    pub(super) state: State,
    pub(super) begun_at: Instant,
    pub(super) client_address: Arc<ClientAddress>,
    /// Limit of the user's commands; `None`: unlimited.
    pub(super) rate_limiter: Option<Arc<RateLimiter>>,
}

/// Login state of a client.
pub(super) enum State {
    Greeting,
    /// No session. If the last one ended without a request of the client, this is the reason.
    Ready(Option<Reject>),
    LoggedIn(LiveSession),
}

impl Login {
    pub(super) fn new(begun_at: Instant, client_address: Arc<ClientAddress>) -> Self {
        Self {
            state: State::Greeting,
            begun_at,
            client_address,
            rate_limiter: None,
        }
    }

    /// Returns whether the client has not sent its hello yet.
    pub(super) fn is_greeting(&self) -> bool {
        matches!(self.state, State::Greeting)
    }

    /// Returns the session of the connection; it may have ended.
    pub(super) fn session(&self) -> Option<&LiveSession> {
        match &self.state {
            State::LoggedIn(session) => Some(session),
            State::Greeting | State::Ready(_) => None,
        }
    }
}
