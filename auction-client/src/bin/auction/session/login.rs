//! Logging in and remembering the session: both or neither.
//!
//! A session whose token is lost is useless, but still counts: the sixteenth session closes one that is in use, and the
//! dead-man switch of that one cancels orders. So the file for the token is created before the login. If keeping the
//! token fails nevertheless, the session is closed again.

use auction_client::{LoggedIn, RequestError, Secret};
use auction_core::Name;

use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::session::Context;
use crate::session::state_dir::{ReservedFile, StoredSession};

/// Reason why the login failed.
pub enum LoginError {
    /// The market refused, or did not answer.
    Request(RequestError),
    /// The session could not be remembered.
    NotStored(Failure),
}

impl From<RequestError> for LoginError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<LoginError> for Failure {
    fn from(why: LoginError) -> Self {
        match why {
            LoginError::Request(error) => error.into(),
            LoginError::NotStored(failure) => failure,
        }
    }
}

impl Context {
    /// Logs in and remembers the session.
    pub async fn log_in(&self, name: Name, password: Secret) -> Result<LoggedIn, LoginError> {
        let reserved = self.reserve_file()?;
        self.log_in_to(reserved, name, password).await
    }

    /// Creates an account, logs in to it and remembers the session.
    pub async fn register_and_log_in(
        &self,
        name: Name,
        password: Secret,
    ) -> Result<LoggedIn, LoginError> {
        let reserved = self.reserve_file()?;
        self.client.register(name, password.clone()).await?;
        self.log_in_to(reserved, name, password).await
    }

    fn reserve_file(&self) -> Result<ReservedFile, LoginError> {
        let reserved = self.session_store.reserve();
        reserved.map_err(|failure| {
            let message = format!("nobody was logged in: {}. {REMEDY}", failure.message());
            LoginError::NotStored(Failure::failed(message))
        })
    }

    async fn log_in_to(
        &self,
        reserved: ReservedFile,
        name: Name,
        password: Secret,
    ) -> Result<LoggedIn, LoginError> {
        let logged_in = self.client.login(name, password).await?;
        match self.remember(reserved, &logged_in) {
            Ok(()) => Ok(logged_in),
            Err(failure) => Err(self.close_again(&logged_in, failure).await),
        }
    }

    fn remember(&self, reserved: ReservedFile, logged_in: &LoggedIn) -> Result<(), Failure> {
        let token = logged_in.token.clone();
        let token = token.ok_or_else(|| Failure::failed("the server gave no token to remember"))?;
        let stored = StoredSession {
            name: logged_in.name,
            session: logged_in.session,
            token,
            expires_at: logged_in.expires_at,
        };
        self.session_store.save(reserved, &stored)
    }

    async fn close_again(&self, logged_in: &LoggedIn, failure: Failure) -> LoginError {
        let (why, session) = (failure.message(), logged_in.session);
        let message = match self.client.logout().await {
            Ok(()) => {
                format!("nobody is logged in, session {session} was closed again: {why}. {REMEDY}")
            }
            Err(error) => format!(
                "session {session} is open and lost: {why}, and closing it failed too: {}. {REMEDY} Then log in, and close \
                 it with `auction sessions revoke {session}`",
                Escaped(error)
            ),
        };
        LoginError::NotStored(Failure::failed(message))
    }
}

const REMEDY: &str =
    "Make room there, or name a folder that you can write with --home or AUCTION_HOME.";
