//! Accounts and sessions: registration, login, resumption, logout.

use std::net::IpAddr;

use auction_core::{
    Caller, Command, Credential, CredentialChange, Name, NewSession, Registration, Reject, Reply,
    RequestId, Role, Span,
};
use auction_proto::{Code, List, ListedSession, LoggedIn, Refused, Secret, Sessions, Token};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{AskOutcome, Connection};
use crate::config::{RegistrationMode, reserved_names};
use crate::market::credentials::Account;
use crate::market::live_session::LiveSession;
use crate::platform::new_password;
use crate::platform::password::Password;
use crate::platform::password_pool::Verdict;

/// Lifetime of a session from its login.
pub const SESSION_LIFETIME: Span = Span::from_secs(30 * 24 * 60 * 60);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn register(&mut self, request: RequestId, name: Name, password: Secret) {
        if reserved_names::is_reserved(name) {
            let text = format!(
                "names that begin with {} are the server's own, of its demo; choose another",
                reserved_names::RESERVED_PREFIX
            );
            return self.refuse(request, Code::NAME_TAKEN, &text);
        }
        if self.services.registration == RegistrationMode::Closed {
            let text = "registration is closed; ask the operator of this market for an account";
            return self.refuse(request, Code::NOT_PERMITTED, text);
        }
        // Checked before the hashing, which is expensive; the market checks again.
        if self.services.credentials.account(name).is_some() {
            return self.refused(request, Refused::from(Reject::NameTaken { name }));
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
        if let Err(weak) = new_password::check(&password, name) {
            return self.refused(request, Refused::new(Code::MALFORMED, weak));
        }
        if let Err(wait) = self.login.client_address.try_registration() {
            return self.refuse_for_now(request, "accounts are made from this address", wait);
        }
        let Ok(credential) = self.services.password_pool.hash(password).await else {
            return self.refuse_busy(request);
        };
        let registration = Registration {
            name,
            role: Role::Trader,
            credential,
        };
        let command = Command::Register(Box::new(registration));
        self.ask(request, Caller::Operator, command).await;
    }

    pub(super) async fn log_in(&mut self, request: RequestId, name: Name, password: Secret) {
        if self.refuse_when_logged_in(request) {
            return;
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
        if let Err(wait) = self.login.client_address.try_login() {
            return self.refuse_for_now(request, "logins are tried from this address", wait);
        }
        let account = self.services.credentials.account(name);
        let credential = account
            .as_ref()
            .and_then(|account| account.credential.clone());
        let Some(verdict) = self
            .verify(request, name, password, credential.clone())
            .await
        else {
            return;
        };
        let (Some(account), Verdict::Right) = (account, verdict) else {
            // The same answer for both, so that it does not reveal which names exist.
            return self.refuse(
                request,
                Code::BAD_CREDENTIALS,
                "the name or the password is wrong",
            );
        };
        let token = Token::new(rand::random());
        let expires_at = self.services.clock.now().saturating_add(SESSION_LIFETIME);
        let new = NewSession {
            user: account.user,
            token_hash: token.hash(),
            expires_at,
        };
        let command = Command::OpenSession(Box::new(new));
        match self
            .services
            .sequencer
            .command(Caller::Operator, command)
            .await
        {
            Ok(Ok(done)) => {
                let Reply::SessionOpened(session) = done.reply else {
                    unreachable!("an opened session is told as such")
                };
                let Some(live) = self.services.credentials.live(session) else {
                    // Sixteen other logins were faster than this answer.
                    let closed = Reject::SessionClosed { session };
                    return self.refused(request, Refused::from(closed));
                };
                let now = self.services.credentials.account_of(account.user);
                if now.and_then(|account| account.credential) != credential {
                    // The password was changed while the old one was being verified.
                    let close = Command::CloseSession { session };
                    let _ = self
                        .services
                        .sequencer
                        .command(Caller::Operator, close)
                        .await;
                    let text = "the password was changed just now; log in with the new one";
                    return self.refuse(request, Code::BAD_CREDENTIALS, text);
                }
                self.enter_session(live);
                self.reply(
                    request,
                    &LoggedIn {
                        session,
                        token: Some(token),
                        user: account.user,
                        name: account.name,
                        role: account.role,
                        last_request: RequestId(0),
                        expires_at,
                    },
                );
            }
            Ok(Err(reject)) => self.refused(request, Refused::from(reject)),
            Err(why) => self.refuse_unsubmitted(request, why),
        }
    }

    /// Changes the password of the session's user; the market refuses it if the session was closed meanwhile. A repetition is
    /// another change, for the old password is no longer right.
    pub(super) async fn change_password(&mut self, request: RequestId, old: &Secret, new: &Secret) {
        let Some(LiveSession { session, user, .. }) = self.active_session_within_rate(request)
        else {
            return;
        };
        let account = self.services.credentials.account_of(user);
        let Account {
            name, credential, ..
        } = account.expect("a session is of an account");
        let (Some(old_password), Some(password)) =
            (self.password(request, old), self.password(request, new))
        else {
            return;
        };
        if let Err(weak) = new_password::check(&password, name) {
            return self.refused(request, Refused::new(Code::MALFORMED, weak));
        }
        if old == new {
            let text = "the new password is the present one; choose another";
            return self.refuse(request, Code::MALFORMED, text);
        }
        if let Err(wait) = self.login.client_address.try_login() {
            return self.refuse_for_now(request, "logins are tried from this address", wait);
        }
        match self.verify(request, name, old_password, credential).await {
            Some(Verdict::Right) => {}
            Some(Verdict::Wrong) => {
                let text = "the present password is wrong";
                return self.refuse(request, Code::BAD_CREDENTIALS, text);
            }
            None => return,
        }
        let Ok(credential) = self.services.password_pool.hash(password).await else {
            return self.refuse_busy(request);
        };
        let change = CredentialChange {
            user,
            credential,
            keep: Some(session),
        };
        let caller = Caller::Session { session, request };
        self.ask(request, caller, Command::from(change)).await;
    }

    /// Checks a password within the limits of failed tries, logs a wrong one, and answers when nothing was checked.
    async fn verify(
        &mut self,
        request: RequestId,
        name: Name,
        password: Password,
        credential: Option<Credential>,
    ) -> Option<Verdict> {
        let from = self.login.client_address.address();
        if let Err(wait) = self.services.login_failures.try_login(name, from) {
            log_failure(name, from);
            let what = "wrong passwords for this account come from this address";
            self.refuse_for_now(request, what, wait);
            return None;
        }
        let verified = self
            .services
            .password_pool
            .verify(password, credential)
            .await;
        match verified {
            Ok(Verdict::Right) => self.services.login_failures.succeeded(name, from),
            Ok(Verdict::Wrong) => {
                self.services.metrics.logins_failed.add_one();
                log_failure(name, from);
            }
            Err(_) => {
                self.services.login_failures.undecided(name, from);
                self.refuse_busy(request);
            }
        }
        verified.ok()
    }

    pub(super) async fn resume(&mut self, request: RequestId, token: &Token) {
        if self.refuse_when_logged_in(request) {
            return;
        }
        let Some((session, account)) = self.services.credentials.session(&token.hash()) else {
            let text = "the session is not open: it was closed, or never was; log in again";
            return self.refuse(request, Code::SESSION_CLOSED, text);
        };
        if !self.still_lives(request, &session) {
            return;
        }
        let asked = self.services.sequencer.last_request(session.session).await;
        if !self.still_lives(request, &session) {
            return;
        }
        match asked {
            Ok(last_request) => {
                let Account { name, role, .. } = account;
                let logged_in = LoggedIn {
                    session: session.session,
                    token: None,
                    user: session.user,
                    name,
                    role,
                    last_request,
                    expires_at: session.expires_at,
                };
                self.enter_session(session);
                self.reply(request, &logged_in);
            }
            Err(why) => self.refuse_unsubmitted(request, why),
        }
    }

    pub(super) async fn log_out(&mut self, request: RequestId) {
        let Some(LiveSession { session, .. }) = self.active_session(request) else {
            return;
        };
        let caller = Caller::Session { session, request };
        // After a refusal too: the session has ended already. Only if the market was not asked does it continue.
        if let AskOutcome::Answered = self
            .ask(request, caller, Command::CloseSession { session })
            .await
        {
            self.leave_session();
        }
    }

    pub(super) fn list_sessions(&mut self, request: RequestId) {
        let Some(active_session) = self.active_session(request) else {
            return;
        };
        let open = self.services.credentials.sessions_of(active_session.user);
        let listed = open.iter().map(|open| ListedSession {
            session: open.session,
            opened_at: open.opened_at,
            expires_at: open.expires_at,
            current: open.session == active_session.session,
        });
        let sessions =
            List::new(listed.collect()).expect("a user has no more sessions than listed");
        self.reply_own(request, &active_session, &Sessions { sessions });
    }

    fn password(&mut self, request: RequestId, secret: &Secret) -> Option<Password> {
        match Password::new(secret.reveal().to_owned()) {
            Ok(password) => Some(password),
            Err(error) => {
                self.refused(request, Refused::new(Code::MALFORMED, error));
                None
            }
        }
    }
}

/// Logs a failed login in one line, which a filter for fail2ban reads: its words and the order of its fields are fixed.
fn log_failure(name: Name, from: Option<IpAddr>) {
    match from {
        Some(from) => tracing::warn!(%name, %from, "failed login"),
        None => tracing::warn!(%name, "failed login"),
    }
}
