//! Accounts and sessions.

use auction_core::{Name, RequestId, Role, SessionId, Timestamp, UserId};

use crate::encoding::list::List;
use crate::encoding::secret::{Secret, Token};
use crate::limits::SESSIONS_LISTED_MAX;

fields! {
    /// Creates a trader's account. Needs no session and opens none. Answered by
    /// [`Accepted`](super::Accepted) with `registered`.
    struct Register = REGISTER {
        /// The name.
        name: Name,
        /// The password.
        password: Secret,
    }

    /// Opens a session and binds it to this connection. Answered by [`LoggedIn`] with a token.
    struct Login = LOGIN {
        /// The name.
        name: Name,
        /// The password.
        password: Secret,
    }

    /// Binds an open session to this connection, also after a restart of the server. Answered by
    /// [`LoggedIn`] without a token.
    struct Resume = RESUME {
        /// The token of the session.
        token: Token,
    }

    /// Answers [`Login`] and [`Resume`]: commands can be given from here on.
    struct LoggedIn = LOGGED_IN {
        /// The session.
        session: SessionId,
        /// Token for [`Resume`]; sent only once.
        token: Option<Token>,
        /// The user.
        user: UserId,
        /// Their name.
        name: Name,
        /// Their role.
        role: Role,
        /// The highest request number that was accepted in this session: the client goes on above it.
        last_request: RequestId,
        /// Time from which on the session is refused.
        expires_at: Timestamp,
    }

    /// Changes the user's password. Needs a session; all other sessions and all devices of the user are closed. Answered
    /// by [`Accepted`](super::Accepted).
    struct ChangePassword = CHANGE_PASSWORD {
        /// The present password.
        old: Secret,
        /// The password from then on.
        new: Secret,
    }

    /// Closes this connection's session for good. Answered by [`Accepted`](super::Accepted).
    struct Logout = LOGOUT {}

    /// Asks for the user's open sessions. Answered by [`Sessions`].
    struct ListSessions = LIST_SESSIONS {}

    /// Answers [`ListSessions`].
    struct Sessions = SESSIONS {
        /// The open sessions, the oldest first.
        sessions: List<ListedSession, SESSIONS_LISTED_MAX>,
    }

    /// One of the user's sessions.
    struct ListedSession {
        /// Its number.
        session: SessionId,
        /// Time of its opening.
        opened_at: Timestamp,
        /// Time from which on it is refused.
        expires_at: Timestamp,
        /// `true` for the session that asks.
        current: bool,
    }

    /// Closes a session of the user, also this one. Answered by [`Accepted`](super::Accepted).
    struct CloseSession = CLOSE_SESSION {
        /// The session.
        session: SessionId,
    }
}
