//! What a client can ask, message by message.

use auction_core::{
    Caller, Command, LotId, Name, NewSession, Registration, Reject, Reply, RequestId, Role, Span,
};
use auction_proto::limits::HISTORY_BIDS_MAX;
use auction_proto::{
    Accepted, ClientMessage, Code, Done, GetHistory, Hello, LeastWinning, List, ListedSession,
    LoggedIn, Pong, Refused, ResumePoint, Resumed, Resync, ResyncBecause, Secret, Sessions, Text,
    Token, VERSION, Welcome,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::channel::Asked;
use super::view::View;
use super::{Bound, Connection, Ended, State, Watched};
use crate::credentials::{Account, OpenSession};
use crate::hub::{Snapshot, Start, Watching};
use crate::login::Verdict;
use crate::password::Password;
use crate::sequencer::{Answer, NotTaken, ReplyTo, Submission, Work};

/// How long a session lasts from its login on.
pub const SESSION_LIFETIME: Span = Span::from_secs(30 * 24 * 60 * 60);

const SERVER: &str = concat!("auction-server/", env!("CARGO_PKG_VERSION"));

/// Whether a command that was asked in place came to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// It was, and the client has the answer.
    Answered,
    /// It was not, or nobody knows.
    NotTaken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) async fn take(&mut self, asked: Asked) -> Result<(), Ended> {
        let Asked { request, message } = asked;
        let message = match message {
            Ok(message) => message,
            Err(refused) => {
                self.reply(request, &refused);
                return Ok(());
            }
        };
        if let State::Greeting = self.state {
            return self.greet(request, &message);
        }
        match message {
            ClientMessage::Hello(_) => {
                let text = "hello comes once, as the first message";
                self.refuse(request, Code::OUT_OF_ORDER, text);
            }
            ClientMessage::Register(body) => {
                self.register(request, body.name, body.password).await;
            }
            ClientMessage::Login(body) => self.log_in(request, body.name, body.password).await,
            ClientMessage::Resume(body) => self.resume(request, &body.token).await,
            ClientMessage::ListSessions(_) => self.list_sessions(request),
            ClientMessage::Watch(body) => self.watch(request, View::all(), body.resume).await?,
            ClientMessage::WatchSymbols(body) => {
                let view = View::of(body.symbols.into_vec());
                self.watch(request, view, body.resume).await?;
            }
            ClientMessage::GetSnapshot(_) => match self.services.hub.snapshot().await {
                Ok(snapshot) => {
                    for part in &snapshot.parts {
                        self.channel.push_shared(request, part);
                        self.channel.flush_when_full().await?;
                    }
                }
                Err(_) => self.refuse_busy(request),
            },
            ClientMessage::GetHistory(body) => self.history(request, &body).await,
            ClientMessage::Ping(body) => {
                let server_time = self.services.clock.now();
                self.reply(
                    request,
                    &Pong {
                        client_time: body.client_time,
                        server_time,
                    },
                );
            }
            ClientMessage::GetLeastWinning(body) => self.least_winning(request, body.lot).await,
            ClientMessage::Logout(_) => self.log_out(request).await,
            command => self.command(request, command),
        }
        Ok(())
    }

    fn greet(&mut self, request: RequestId, message: &ClientMessage) -> Result<(), Ended> {
        let ClientMessage::Hello(Hello {
            version_min,
            version_max,
            client,
        }) = message
        else {
            self.refuse(request, Code::OUT_OF_ORDER, "the first message is hello");
            return Ok(());
        };
        if !(*version_min..=*version_max).contains(&VERSION) {
            let text = format!("this server speaks version {VERSION}");
            let refused = Refused::new(Code::VERSION_UNSUPPORTED, text).with_number(VERSION);
            self.reply(request, &refused);
            return Err(Ended::Version);
        }
        tracing::debug!(client = ?&**client, "hello");
        let welcome = Welcome {
            version: VERSION,
            market: self.services.market,
            term: self.services.term,
            time: self.services.clock.now(),
            server: Text::of(SERVER),
            heartbeat_ms: u32::try_from(self.services.heartbeat.as_millis())
                .expect("a heartbeat is short"),
        };
        self.reply(request, &welcome);
        self.state = State::Anonymous;
        Ok(())
    }

    async fn register(&mut self, request: RequestId, name: Name, password: Secret) {
        // Asked before the hashing, which is dear; the market asks again.
        if self.services.credentials.account(name).is_some() {
            return self.reply(request, &Refused::from(Reject::NameTaken { name }));
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
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

    async fn log_in(&mut self, request: RequestId, name: Name, password: Secret) {
        if self.is_bound(request) {
            return;
        }
        let Some(password) = self.password(request, &password) else {
            return;
        };
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
                self.state = State::LoggedIn(Bound {
                    session,
                    user: account.user,
                });
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
            Ok(Answer::Decided(Err(reject))) => self.reply(request, &Refused::from(reject)),
            Ok(Answer::LastRequest(_) | Answer::LeastWinning(_)) => {
                unreachable!("a command was asked")
            }
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    async fn resume(&mut self, request: RequestId, token: &Token) {
        if self.is_bound(request) {
            return;
        }
        let found = self.services.credentials.session(&token.hash());
        let Some((
            OpenSession {
                session,
                user,
                expires_at,
                ..
            },
            account,
        )) = found
        else {
            let text = "the session is not open: it was closed, or never was; log in again";
            return self.refuse(request, Code::SESSION_CLOSED, text);
        };
        if self.services.clock.now() >= expires_at {
            let reject = Reject::SessionExpired {
                session,
                expired_at: expires_at,
            };
            return self.reply(request, &Refused::from(reject));
        }
        match self
            .services
            .inbox
            .ask(Caller::Operator, Work::LastRequest(session))
            .await
        {
            Ok(Answer::LastRequest(last_request)) => {
                self.state = State::LoggedIn(Bound { session, user });
                let Account { name, role, .. } = account;
                let token = None;
                self.reply(
                    request,
                    &LoggedIn {
                        session,
                        token,
                        user,
                        name,
                        role,
                        last_request,
                        expires_at,
                    },
                );
            }
            Ok(Answer::Decided(_) | Answer::LeastWinning(_)) => {
                unreachable!("the last request was asked")
            }
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    async fn log_out(&mut self, request: RequestId) {
        let Some(Bound { session, .. }) = self.bound(request) else {
            return;
        };
        let caller = Caller::Session { session, request };
        // A refusal too: the session is gone already. Only one that was never asked goes on.
        if let Attempt::Answered = self
            .ask(request, caller, Command::CloseSession { session })
            .await
        {
            self.state = State::Anonymous;
        }
    }

    fn list_sessions(&mut self, request: RequestId) {
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
        self.reply(request, &Sessions { sessions });
    }

    /// Submits a command; the answer comes when it is durable, and the connection goes on meanwhile.
    fn command(&mut self, request: RequestId, message: ClientMessage) {
        let Some(Bound { session, .. }) = self.bound(request) else {
            return;
        };
        let command = message
            .into_command(session)
            .expect("all other messages are handled");
        let submission = Submission {
            caller: Caller::Session { session, request },
            work: Work::Command(command),
            reply: ReplyTo::Connection(self.answers.clone(), request),
        };
        match self.services.inbox.submit(submission) {
            Ok(()) => self.in_flight += 1,
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    async fn watch(
        &mut self,
        request: RequestId,
        mut view: View,
        resume: Option<ResumePoint>,
    ) -> Result<(), Ended> {
        let seen = resume.map(|point| (point.market, point.feed_sequence));
        let Ok(Watching { start, feed }) = self.services.hub.watch(seen).await else {
            self.refuse_busy(request);
            return Ok(());
        };
        match start {
            Start::Snapshot(snapshot, because) => {
                if let Some(because) = because {
                    self.reply(request, &Resync { because });
                }
                self.show_snapshot(request, &mut view, &snapshot).await?;
            }
            Start::Resumed(missed) => {
                let (_, feed_sequence) = seen.expect("who resumes has named a place");
                self.reply(request, &Resumed { feed_sequence });
                view.begin(feed_sequence);
                for published in missed {
                    view.show(&published, &mut self.channel);
                    self.channel.flush_when_full().await?;
                }
            }
        }
        self.feed = Some(Watched {
            request,
            view,
            feed,
        });
        Ok(())
    }

    async fn show_snapshot(
        &mut self,
        request: RequestId,
        view: &mut View,
        snapshot: &Snapshot,
    ) -> Result<(), Ended> {
        view.begin(snapshot.feed_sequence);
        for part in &snapshot.parts {
            view.show_part(request, part, &mut self.channel);
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Begins the feed again with a snapshot: the client was too slow to be given all that was in between.
    pub(super) async fn watch_anew(&mut self) -> Result<(), Ended> {
        let Some(Watched { request, view, .. }) = self.feed.take() else {
            return Ok(());
        };
        tracing::debug!("a client is too slow for the feed and is given a snapshot");
        let because = ResyncBecause::TooSlow;
        self.reply(request, &Resync { because });
        self.watch(request, view, None).await
    }

    async fn history(&mut self, request: RequestId, body: &GetHistory) {
        let limit = usize::try_from(body.limit)
            .unwrap_or(usize::MAX)
            .min(HISTORY_BIDS_MAX);
        match self.services.histories.of(body.lot, limit).await {
            Ok(Some(history)) => self.reply(request, &history),
            Ok(None) => {
                self.reply(
                    request,
                    &Refused::from(Reject::UnknownLot { lot: body.lot }),
                );
            }
            Err(_) => self.refuse_busy(request),
        }
    }

    async fn least_winning(&mut self, request: RequestId, lot: LotId) {
        let Some(Bound { user, .. }) = self.bound(request) else {
            return;
        };
        let work = Work::LeastWinning(lot, user);
        match self.services.inbox.ask(Caller::User(user), work).await {
            Ok(Answer::LeastWinning(Some(least))) => {
                self.reply(request, &LeastWinning { lot, least });
            }
            Ok(Answer::LeastWinning(None)) => {
                let text = "there is no such lot, or it has not closed: ask again after its close";
                let refused = Refused::new(Code::NOT_DUE, text).with_number(lot.0);
                self.reply(request, &refused);
            }
            Ok(Answer::Decided(_) | Answer::LastRequest(_)) => {
                unreachable!("what would have won was asked")
            }
            Err(why) => self.refuse_not_taken(request, why),
        }
    }

    /// Asks the sequencer in place and tells what came of it: for what is rare, and changes the connection.
    async fn ask(&mut self, request: RequestId, caller: Caller, command: Command) -> Attempt {
        match self
            .services
            .inbox
            .ask(caller, Work::Command(command))
            .await
        {
            Ok(Answer::Decided(Ok(done))) => {
                let feed_sequence = done.feed_sequence;
                let accepted = Accepted {
                    feed_sequence,
                    done: Done::Now,
                    reply: done.reply,
                };
                self.reply(request, &accepted);
            }
            Ok(Answer::Decided(Err(reject))) => self.reply(request, &Refused::from(reject)),
            Ok(Answer::LastRequest(_) | Answer::LeastWinning(_)) => {
                unreachable!("a command was asked")
            }
            Err(why) => {
                self.refuse_not_taken(request, why);
                return Attempt::NotTaken;
            }
        }
        Attempt::Answered
    }

    /// The session the connection speaks for; without one the request is refused.
    fn bound(&mut self, request: RequestId) -> Option<Bound> {
        if let State::LoggedIn(bound) = self.state {
            return Some(bound);
        }
        self.refuse(request, Code::NOT_LOGGED_IN, "log in first");
        None
    }

    fn is_bound(&mut self, request: RequestId) -> bool {
        let bound = matches!(self.state, State::LoggedIn(_));
        if bound {
            let text = "this connection has a session already; log out first";
            self.refuse(request, Code::ALREADY_LOGGED_IN, text);
        }
        bound
    }

    fn password(&mut self, request: RequestId, secret: &Secret) -> Option<Password> {
        match Password::new(secret.reveal().to_owned()) {
            Ok(password) => Some(password),
            Err(error) => {
                self.reply(request, &Refused::new(Code::MALFORMED, error));
                None
            }
        }
    }

    fn refuse(&mut self, request: RequestId, code: Code, text: &str) {
        self.reply(request, &Refused::new(code, text));
    }

    fn refuse_busy(&mut self, request: RequestId) {
        self.refuse(
            request,
            Code::BUSY,
            "too much is waiting; nothing was done, try again",
        );
    }

    fn refuse_not_taken(&mut self, request: RequestId, why: NotTaken) {
        match why {
            NotTaken::Busy => self.refuse_busy(request),
            NotTaken::Stopped => {
                self.refuse(
                    request,
                    Code::SHUTTING_DOWN,
                    "the server is ending; nothing was done",
                );
            }
            // No word can be true of it. The connection ends with the process.
            NotTaken::Unknown => {}
        }
    }
}
