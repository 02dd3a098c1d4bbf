//! The login of a connection: how far its client has come, and what it may ask.

use std::sync::Arc;

use auction_core::Reject;
use tokio::time::Instant;

use crate::gateway::admission::ClientAddress;
use crate::market::live_session::LiveSession;
use crate::sequencer::rate_limit::RateLimiter;

/// Who a connection speaks for.
pub(super) struct Login {
    pub(super) state: State,
    pub(super) begun_at: Instant,
    pub(super) client_address: Arc<ClientAddress>,
    /// Limit of the user's commands; `None`: there is none.
    pub(super) rate_limiter: Option<Arc<RateLimiter>>,
}

/// How far a client has come.
pub(super) enum State {
    Greeting,
    /// Without a session. The last one may have ended without a request of the client: this is why.
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

    /// Whether the client has not introduced itself yet.
    pub(super) fn is_greeting(&self) -> bool {
        matches!(self.state, State::Greeting)
    }

    /// The session that the connection speaks for; it may have ended.
    pub(super) fn session(&self) -> Option<&LiveSession> {
        match &self.state {
            State::LoggedIn(session) => Some(session),
            State::Greeting | State::Ready(_) => None,
        }
    }
}
