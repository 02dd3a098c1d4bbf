//! Logging in and remembering the session: both or neither.
//!
//! A session whose token is lost is of no use to anyone, and counts all the same: the sixteenth of them closes one that is
//! used, and the dead-man switch of that one pulls orders. So the place for the token is made before anything is asked of
//! the market. If it fails even so, the session is closed again.

use auction_client::{LoggedIn, RequestError, Secret};
use auction_core::Name;

use crate::clean::Clean;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::home::{Aside, Stored};

/// Why nobody is logged in.
pub enum NotEntered {
    /// The market said no, or did not answer.
    NotTaken(RequestError),
    /// The session could not be remembered.
    NotKept(Failure),
}

impl From<RequestError> for NotEntered {
    fn from(error: RequestError) -> Self {
        Self::NotTaken(error)
    }
}

impl From<NotEntered> for Failure {
    fn from(why: NotEntered) -> Self {
        match why {
            NotEntered::NotTaken(error) => error.into(),
            NotEntered::NotKept(failure) => failure,
        }
    }
}

impl Desk {
    /// Logs in and remembers the session.
    pub async fn log_in(&self, name: Name, password: Secret) -> Result<LoggedIn, NotEntered> {
        let place = self.place_for_session()?;
        self.log_in_to(place, name, password).await
    }

    /// Makes an account, logs in to it and remembers the session.
    pub async fn register_and_log_in(
        &self,
        name: Name,
        password: Secret,
    ) -> Result<LoggedIn, NotEntered> {
        let place = self.place_for_session()?;
        self.client.register(name, password.clone()).await?;
        self.log_in_to(place, name, password).await
    }

    fn place_for_session(&self) -> Result<Aside, NotEntered> {
        let place = self.remembered.reserve();
        place.map_err(|failure| {
            let message = format!("nobody was logged in: {}. {REMEDY}", failure.message());
            NotEntered::NotKept(Failure::failed(message))
        })
    }

    async fn log_in_to(
        &self,
        place: Aside,
        name: Name,
        password: Secret,
    ) -> Result<LoggedIn, NotEntered> {
        let logged_in = self.client.login(name, password).await?;
        match self.remember(place, &logged_in) {
            Ok(()) => Ok(logged_in),
            Err(failure) => Err(self.close_again(&logged_in, failure).await),
        }
    }

    fn remember(&self, place: Aside, logged_in: &LoggedIn) -> Result<(), Failure> {
        let token = logged_in.token.clone();
        let token = token.ok_or_else(|| Failure::failed("the server gave no token to remember"))?;
        let stored = Stored {
            name: logged_in.name,
            session: logged_in.session,
            token,
            expires_at: logged_in.expires_at,
        };
        self.remembered.save(place, &stored)
    }

    async fn close_again(&self, logged_in: &LoggedIn, failure: Failure) -> NotEntered {
        let (why, session) = (failure.message(), logged_in.session);
        let message = match self.client.logout().await {
            Ok(()) => {
                format!("nobody is logged in, session {session} was closed again: {why}. {REMEDY}")
            }
            Err(error) => format!(
                "session {session} is open and lost: {why}, and closing it failed too: {}. {REMEDY} Then log in, and close \
                 it with `auction sessions revoke {session}`",
                Clean(error)
            ),
        };
        NotEntered::NotKept(Failure::failed(message))
    }
}

const REMEDY: &str =
    "Make room there, or name a folder that you can write with --home or AUCTION_HOME.";
