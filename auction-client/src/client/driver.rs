//! The task behind a [`Client`](crate::Client): it owns the connection, assigns request ids, sends requests, and sends
//! them again with the same ids after a lost connection.
//!
//! It connects only while there is something to send: an idle client does not try to reach a server that is down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auction_core::{MarketId, RequestId, SessionId};
use auction_proto::{
    ClientMessage, Code, Fault, LoggedIn, Refused, Resume, ServerMessage, Token, Welcome,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::in_flight::{InFlightRequests, Submitted};
use crate::client::request::Answer;
use crate::client::request_ids::RequestIds;
use crate::connection::backoff::Backoff;
use crate::connection::clock::ServerClock;
use crate::connection::keepalive::Keepalive;
use crate::connection::{Connector, Greeted, Received, greet, refusal};
use crate::error::{ConnectionError, RequestError};
use crate::limits::CONNECT_TIMEOUT;

/// State shared by client and driver.
pub(crate) struct SharedState {
    pub(crate) welcome: Welcome,
    pub(crate) clock: ServerClock,
}

pub(crate) struct Driver {
    connector: Connector,
    program: String,
    inbox: mpsc::Receiver<Submitted>,
    known: Arc<Mutex<SharedState>>,
    market: MarketId,
    in_flight: InFlightRequests,
    /// Shared with the clients, which reserve ids.
    request_ids: Arc<Mutex<RequestIds>>,
    session: Option<Session>,
    /// True if the session has a dead-man switch: then the driver reconnects even without requests.
    is_armed: bool,
    backoff: Backoff,
    /// Reason of the last failure to connect.
    lost: ConnectionError,
}

/// The session that the client is logged in with.
struct Session {
    id: SessionId,
    token: Token,
}

/// Reason why a connection is no longer used.
enum Over {
    Lost(ConnectionError),
    Done,
}

/// Reason why a new connection could not be used.
enum Unusable {
    /// Try again.
    Lost(ConnectionError),
    /// The session is gone; the connection can be used without it.
    SessionGone(Box<Greeted>, Box<Refused>),
}

impl Driver {
    pub(crate) fn new(
        connector: Connector,
        program: String,
        inbox: mpsc::Receiver<Submitted>,
        known: Arc<Mutex<SharedState>>,
        market: MarketId,
        request_ids: Arc<Mutex<RequestIds>>,
    ) -> Self {
        Self {
            connector,
            program,
            inbox,
            known,
            market,
            in_flight: InFlightRequests::default(),
            request_ids,
            session: None,
            is_armed: false,
            backoff: Backoff::default(),
            lost: ConnectionError::Ended,
        }
    }

    /// Serves the client until all its handles and requests are gone.
    pub(crate) async fn run(mut self, first: Greeted) {
        let mut greeted = Some(first);
        loop {
            let over = match greeted.take() {
                Some(greeted) => self.converse(greeted).await,
                None if self.in_flight.is_empty() && !self.is_armed => {
                    match self.inbox.recv().await {
                        Some(asked) => {
                            self.add(asked);
                            continue;
                        }
                        None => Over::Done,
                    }
                }
                None => {
                    greeted = self.reconnect().await;
                    continue;
                }
            };
            match over {
                Over::Done => return self.in_flight.fail_all(&ConnectionError::Closed),
                Over::Lost(error) => {
                    tracing::debug!(%error, "connection lost");
                    self.in_flight.connection_lost(&error);
                    self.lost = error;
                }
            }
        }
    }

    fn add(&mut self, asked: Submitted) -> RequestId {
        let number = asked.reserved.unwrap_or_else(|| self.next_request_id());
        self.in_flight.add(number, asked);
        number
    }

    fn next_request_id(&self) -> RequestId {
        self.request_ids().next()
    }

    fn request_ids(&self) -> MutexGuard<'_, RequestIds> {
        let ids = self.request_ids.lock();
        ids.unwrap_or_else(PoisonError::into_inner)
    }

    /// Reconnects until there is a connection, or no more reason to connect.
    async fn reconnect(&mut self) -> Option<Greeted> {
        let mut clients_gone = false;
        while !self.in_flight.is_empty() || self.is_armed {
            let wait = self.backoff.next_wait();
            let number = self.next_request_id();
            let resume = self.session.as_ref().map(|session| Resume {
                token: session.token.clone(),
            });
            let attempt = attempt(self.connector.clone(), self.program.clone(), number, resume);
            let attempt = async {
                sleep(wait).await;
                attempt.await
            };
            tokio::pin!(attempt);
            let attempted = loop {
                let deadline = self.in_flight.first_deadline();
                if deadline.is_none() && !self.is_armed {
                    return None;
                }
                tokio::select! {
                    attempted = &mut attempt => break attempted,
                    asked = self.inbox.recv(), if !clients_gone => match asked {
                        Some(asked) => drop(self.add(asked)),
                        // No client is left whose orders the switch would keep.
                        None => (clients_gone, self.is_armed) = (true, false),
                    },
                    () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                        self.in_flight.expire(Some(&self.lost));
                    }
                }
            };
            match attempted {
                Ok((greeted, logged_in)) => {
                    if let Some(logged_in) = logged_in {
                        self.request_ids().seen(logged_in.last_request);
                    }
                    match self.same_market(&greeted) {
                        Ok(()) => return Some(greeted),
                        Err(error) => self.give_up(&error),
                    }
                }
                Err(Unusable::SessionGone(greeted, refused)) => {
                    self.end_session();
                    self.in_flight.session_lost(&refused);
                    match self.same_market(&greeted) {
                        Ok(()) => return Some(*greeted),
                        Err(error) => self.give_up(&error),
                    }
                }
                Err(Unusable::Lost(error)) => {
                    tracing::debug!(%error, "no connection");
                    self.lost = error;
                }
            }
        }
        None
    }

    /// Checks that the market is the same: requests meant for one market must not be sent to another.
    fn same_market(&self, greeted: &Greeted) -> Result<(), ConnectionError> {
        let (before, found) = (self.market, greeted.welcome.market);
        if before == found {
            Ok(())
        } else {
            Err(ConnectionError::OtherMarket { before, found })
        }
    }

    fn give_up(&mut self, because: &ConnectionError) {
        self.in_flight.fail_all(because);
        self.lost = because.clone();
    }

    /// Sends and receives until the connection is lost or all requests are done.
    async fn converse(&mut self, greeted: Greeted) -> Over {
        let mut keepalive = Keepalive::new(&greeted.welcome);
        let mut connection = greeted.connection;
        self.learn(greeted.clock, Some(greeted.welcome));
        self.in_flight.send_all(&mut connection);
        let mut clients_gone = false;
        loop {
            if clients_gone && self.in_flight.is_empty() {
                return Over::Done;
            }
            let (deadline, clock) = (self.in_flight.first_deadline(), self.clock());
            tokio::select! {
                received = connection.next() => {
                    keepalive.heard();
                    let taken = received.and_then(|received| self.handle(received, &mut keepalive));
                    match taken {
                        Ok(()) => self.backoff.succeeded(),
                        Err(error) => return Over::Lost(error),
                    }
                }
                asked = self.inbox.recv(), if !clients_gone => match asked {
                    Some(asked) => {
                        let number = self.add(asked);
                        self.in_flight.send(number, &mut connection);
                    }
                    None => clients_gone = true,
                },
                beat = keepalive.beat(clock) => match beat {
                    Ok(ping) => connection.queue(self.next_request_id(), &ping),
                    Err(error) => return Over::Lost(error),
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.in_flight.expire(None);
                }
            }
        }
    }

    /// Handles a message. An error means that the connection must be closed.
    fn handle(
        &mut self,
        received: Received,
        keepalive: &mut Keepalive,
    ) -> Result<(), ConnectionError> {
        let Received { request, message } = received;
        match message {
            ServerMessage::Pong(pong) => {
                if let Some(clock) = keepalive.pong(&pong) {
                    self.learn(clock, None);
                }
            }
            ServerMessage::Goodbye(_) => return Err(refusal(message)),
            ServerMessage::SnapshotPart(part) => self.in_flight.part(request, part)?,
            ServerMessage::Refused(refused) => self.refused(request, refused)?,
            ServerMessage::LoggedIn(logged_in) => {
                self.logged_in(request, &logged_in);
                let answer = Answer::Message(ServerMessage::LoggedIn(logged_in));
                self.in_flight.answer(request, Ok(answer));
            }
            ServerMessage::Accepted(_)
            | ServerMessage::Sessions(_)
            | ServerMessage::History(_)
            | ServerMessage::Activity(_)
            | ServerMessage::Lots(_)
            | ServerMessage::Trades(_)
            | ServerMessage::LeastWinning(_)
            | ServerMessage::Balance(_)
            | ServerMessage::Orders(_)
            | ServerMessage::MarketKey(_)
            | ServerMessage::SignedCheckpoint(_)
            | ServerMessage::Receipt(_)
            | ServerMessage::Devices(_)
            | ServerMessage::SealingKey(_)
            | ServerMessage::SealedAnswer(_)
            | ServerMessage::PeerOffered(_)
            | ServerMessage::Peers(_) => {
                self.logged_out(request);
                self.armed(request);
                self.in_flight.answer(request, Ok(Answer::Message(message)));
            }
            // This connection has no subscription; such messages are ignored.
            ServerMessage::Welcome(_)
            | ServerMessage::Resumed(_)
            | ServerMessage::Feed(_)
            | ServerMessage::FilteredFeed(_)
            | ServerMessage::Account(_)
            | ServerMessage::DayOrders(_)
            | ServerMessage::AccountFeed(_)
            | ServerMessage::Resync(_)
            | ServerMessage::Indicative(_)
            | ServerMessage::SignedBatch(_)
            | ServerMessage::SignedSnapshot(_)
            | ServerMessage::SnapshotBytes(_)
            | ServerMessage::Heartbeat(_) => {}
        }
        Ok(())
    }

    fn refused(&mut self, request: RequestId, refused: Refused) -> Result<(), ConnectionError> {
        if refused.code == Code::SHUTTING_DOWN {
            // Nothing was done: repeatable requests are sent again when the server is back.
            return Err(ConnectionError::Refused(Box::new(refused)));
        }
        if matches!(refused.code, Code::SESSION_CLOSED | Code::SESSION_EXPIRED) {
            self.end_session();
        }
        if refused.code == Code::UNCHANGED {
            // The switch is in the requested state.
            self.armed(request);
        }
        self.in_flight
            .answer(request, Err(RequestError::Refused(Box::new(refused))));
        Ok(())
    }

    fn logged_in(&mut self, request: RequestId, logged_in: &LoggedIn) {
        self.request_ids().seen(logged_in.last_request);
        let shown = match self.in_flight.message(request) {
            Some(ClientMessage::Resume(resume)) => Some(resume.token.clone()),
            _ => None,
        };
        if let Some(token) = logged_in.token.clone().or(shown) {
            let id = logged_in.session;
            self.session = Some(Session { id, token });
        }
    }

    fn end_session(&mut self) {
        self.session = None;
        self.is_armed = false;
    }

    /// Remembers whether the session has a dead-man switch if this request set it.
    fn armed(&mut self, request: RequestId) {
        if let Some(ClientMessage::SetDeadMan(set)) = self.in_flight.message(request) {
            self.is_armed = set.grace.is_some();
        }
    }

    /// Forgets the session if this request closed it.
    fn logged_out(&mut self, request: RequestId) {
        let closed = match self.in_flight.message(request) {
            Some(ClientMessage::Logout(_)) => true,
            Some(ClientMessage::CloseSession(close)) => self
                .session
                .as_ref()
                .is_some_and(|own| own.id == close.session),
            _ => false,
        };
        if closed {
            self.end_session();
        }
    }

    fn clock(&self) -> ServerClock {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clock
    }

    fn learn(&self, clock: ServerClock, welcome: Option<Welcome>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match welcome {
            // Perhaps another machine: only this greeting tells its clock.
            Some(welcome) => *known = SharedState { welcome, clock },
            None => known.clock.learn(clock),
        }
    }
}

/// Connects, greets, and resumes the session.
async fn attempt(
    connector: Connector,
    program: String,
    number: RequestId,
    resume: Option<Resume>,
) -> Result<(Greeted, Option<LoggedIn>), Unusable> {
    let mut greeted = greet(&connector, &program).await.map_err(Unusable::Lost)?;
    let Some(resume) = resume else {
        return Ok((greeted, None));
    };
    greeted.connection.queue(number, &resume);
    let resumed = timeout(CONNECT_TIMEOUT, async {
        loop {
            let received = greeted.connection.next().await?;
            if received.request == number {
                return Ok(received.message);
            }
            if let ServerMessage::Goodbye(_) = received.message {
                return Err(refusal(received.message));
            }
        }
    });
    let resumed = resumed
        .await
        .unwrap_or(Err(ConnectionError::TimedOut(CONNECT_TIMEOUT)));
    match resumed {
        Ok(ServerMessage::LoggedIn(logged_in)) => Ok((greeted, Some(logged_in))),
        Ok(ServerMessage::Refused(refused)) if refused.code.fault() == Fault::Session => {
            Err(Unusable::SessionGone(Box::new(greeted), Box::new(refused)))
        }
        Ok(other) => Err(Unusable::Lost(refusal(other))),
        Err(error) => Err(Unusable::Lost(error)),
    }
}
