//! Accounts and sessions: making an account, logging in, going on, leaving.

use auction_core::{
    Caller, Command, Name, NewSession, Registration, Reject, Reply, RequestId, Role, Span,
};
use auction_proto::{Code, List, ListedSession, LoggedIn, Refused, Secret, Sessions, Token};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use super::answers::Attempt;
use crate::credentials::Account;
use crate::house;
use crate::inbox::{Answer, Work};
use crate::live_session::LiveSession;
use crate::login::Verdict;
use crate::password::Password;

/// How long a session lasts from its login on.
pub const SESSION_LIFETIME: Span = Span::from_secs(30 * 24 * 60 * 60);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn register(&mut self, request: RequestId, name: Name, password: Secret) {
        if house::is_house(name) {
            let text = format!(
                "names that begin with {} are the server's own, of its demo; choose another",
                house::HOUSE_PREFIX
            );
            return self.refuse(request, Code::NAME_TAKEN, &text);
        }
        // Asked before the hashing, which is dear; the market asks again.
        if self.services.credentials.account(name).is_some() {
            return self.refused(request, Refused::from(Reject::NameTaken { name }));
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
        if let Err(wait) = self.visitor.try_registration() {
            return self.refuse_for_now(request, "accounts are made from this address", wait);
        }
        let Ok(credential) = self.services.hasher.hash(password).await else {
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
        if self.is_bound(request) {
            return;
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
        if let Err(wait) = self.visitor.try_login() {
            return self.refuse_for_now(request, "logins are tried from this address", wait);
        }
        let account = self.services.credentials.account(name);
        let credential = account
            .as_ref()
            .and_then(|account| account.credential.clone());
        let verdict = match self.services.hasher.verify(password, credential).await {
            Ok(verdict) => verdict,
            Err(_) => return self.refuse_busy(request),
        };
        let (Some(account), Verdict::Right) = (account, verdict) else {
            // One answer for both, so that it tells nobody which names there are.
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
        let work = Work::Command(Command::OpenSession(Box::new(new)));
        match self.services.inbox.ask(Caller::Operator, work).await {
            Ok(Answer::Decided(Ok(done))) => {
                let Reply::SessionOpened(session) = done.reply else {
                    unreachable!("an opened session is told as such")
                };
                let Some(live) = self.services.credentials.live(session) else {
                    // Sixteen other logins were quicker than this answer.
                    let closed = Reject::SessionClosed { session };
                    return self.refused(request, Refused::from(closed));
                };
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
            Ok(Answer::Decided(Err(reject))) => self.refused(request, Refused::from(reject)),
            Ok(
                Answer::LastRequest(_)
                | Answer::LeastWinning(_)
                | Answer::Balance(_)
                | Answer::Orders(_)
                | Answer::Record(_)
                | Answer::Before(_),
            ) => {
                unreachable!("a command was asked")
            }
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    pub(super) async fn resume(&mut self, request: RequestId, token: &Token) {
        if self.is_bound(request) {
            return;
        }
        let Some((session, account)) = self.services.credentials.session(&token.hash()) else {
            let text = "the session is not open: it was closed, or never was; log in again";
            return self.refuse(request, Code::SESSION_CLOSED, text);
        };
        if !self.still_lives(request, &session) {
            return;
        }
        let work = Work::LastRequest(session.session);
        let asked = self.services.inbox.ask(Caller::Operator, work).await;
        if !self.still_lives(request, &session) {
            return;
        }
        match asked {
            Ok(Answer::LastRequest(last_request)) => {
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
            Ok(
                Answer::Decided(_)
                | Answer::LeastWinning(_)
                | Answer::Balance(_)
                | Answer::Orders(_)
                | Answer::Record(_)
                | Answer::Before(_),
            ) => {
                unreachable!("the last request was asked")
            }
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    pub(super) async fn log_out(&mut self, request: RequestId) {
        let Some(LiveSession { session, .. }) = self.bound(request) else {
            return;
        };
        let caller = Caller::Session { session, request };
        // A refusal too: the session is gone already. Only one that was never asked goes on.
        if let Attempt::Answered = self
            .ask(request, caller, Command::CloseSession { session })
            .await
        {
            self.leave_session();
        }
    }

    pub(super) fn list_sessions(&mut self, request: RequestId) {
        let Some(bound) = self.bound(request) else {
            return;
        };
        let open = self.services.credentials.sessions_of(bound.user);
        let listed = open.iter().map(|open| ListedSession {
            session: open.session,
            opened_at: open.opened_at,
            expires_at: open.expires_at,
            current: open.session == bound.session,
        });
        let sessions =
            List::new(listed.collect()).expect("a user has no more sessions than listed");
        self.reply_own(request, &bound, &Sessions { sessions });
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
