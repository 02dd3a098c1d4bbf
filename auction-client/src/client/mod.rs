//! The client: typed requests over a connection that is restored automatically.

pub(crate) mod request;
mod request_ids;
mod in_flight;
mod driver;
pub(crate) mod signed;
mod day;
pub(crate) mod relay;
#[cfg(feature = "seal")]
pub(crate) mod device;

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use auction_core::{
    LotId, Market, MarketId, Name, OwnOrder, Price, Profit, RequestId, SecurityCode, SessionId,
    Span, Symbol, UserId,
};
use auction_proto::{
    Accepted, Activity, ActivityPlace, Bid, BidMaximum, ChangePassword, CloseSession, Code,
    GetActivity, GetHistory, GetLots, GetOrders, GetSnapshot, GetTrades, History, ListSessions,
    LoggedIn, Login, Logout, Lots, LotsOf, MarketKey, OpenLot, PublicKey, PublishProfit, Register,
    Resume, Secret, Sessions, SetDeadMan, Token, Trades, Welcome,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs, lookup_host};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::client::driver::{Driver, SharedState};
use crate::client::in_flight::Submitted;
use crate::client::request::{Answer, BidPlaced, Request};
use crate::client::request_ids::RequestIds;
use crate::connection::backoff::Backoff;
use crate::connection::clock::ServerClock;
use crate::connection::feed_connection::Dialer;
use crate::connection::{BoxedStream, Connector, greet};
use crate::error::{BidError, ConnectionError, RequestError};
use crate::feed::Watch;
use crate::feed::account::AccountWatch;
use crate::feed::signed::SignedFeed;
use crate::limits::{ANSWER_TIMEOUT, IN_FLIGHT_MAX};

const PROGRAM: &str = concat!("auction-client/", env!("CARGO_PKG_VERSION"));

/// A client of one market. Clones share its connection and its session.
///
/// Each request has its own id and awaits its own answer: many can be in flight at a time, at most [`IN_FLIGHT_MAX`].
/// After a lost connection the client reconnects, resumes its session and repeats the unanswered requests with the same
/// ids: the server carries out each of them once. Only logging in and registering are not repeated.
///
/// It needs a tokio runtime; its task ends when all clones and their requests are dropped.
#[derive(Clone)]
pub struct Client {
    requests: mpsc::Sender<Submitted>,
    room: Arc<Semaphore>,
    known: Arc<Mutex<SharedState>>,
    request_ids: Arc<Mutex<RequestIds>>,
    connector: Connector,
    program: Arc<str>,
    market: MarketId,
    answer_timeout: Duration,
}

impl Client {
    /// Connects to a market over TCP, and greets.
    ///
    /// # Errors
    /// [`ConnectionError`] when nothing answers, or a server of another kind.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub async fn connect<A>(address: A) -> Result<Self, ConnectionError>
    where
        A: ToSocketAddrs + Clone + Send + Sync + 'static,
    {
        Self::connect_with(move || tcp(address.clone())).await
    }

    /// Connects to a market over TLS, and greets. `address` is `host:port`: the certificate must be for the host,
    /// unless it is pinned.
    ///
    /// # Errors
    /// [`ConnectionError`]; [`ConnectionError::Tls`] describes a TLS failure.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    #[cfg(feature = "tls")]
    pub async fn connect_tls(
        address: &str,
        trust: &crate::connection::tls::Trust,
    ) -> Result<Self, ConnectionError> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let tls = crate::connection::tls::Tls::new(host, trust)?;
        let address = address.to_owned();
        Self::connect_with(move || {
            let (tls, address) = (tls.clone(), address.clone());
            async move { tls.wrap(tcp(address).await?).await }
        })
        .await
    }

    /// Connects over any byte stream. `connect` is called again after each lost connection, and once more for each
    /// [`watch`](Self::watch).
    ///
    /// # Errors
    /// [`ConnectionError`] as for [`connect`](Self::connect).
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub async fn connect_with<C, F, S>(connect: C) -> Result<Self, ConnectionError>
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connector: Connector = Arc::new(move || {
            let stream = connect();
            Box::pin(async move { Ok(Box::new(stream.await?) as BoxedStream) })
        });
        Self::over(connector).await
    }

    async fn over(connector: Connector) -> Result<Self, ConnectionError> {
        let program: Arc<str> = PROGRAM.into();
        let greeted = greet(&connector, &program).await?;
        let market = greeted.welcome.market;
        let known = Arc::new(Mutex::new(SharedState {
            welcome: greeted.welcome.clone(),
            clock: greeted.clock,
        }));
        // One place for each request in flight: sending to the channel never waits.
        let (requests, inbox) = mpsc::channel(IN_FLIGHT_MAX);
        let request_ids = Arc::new(Mutex::new(RequestIds::default()));
        let driver = Driver::new(
            connector.clone(),
            program.as_ref().to_owned(),
            inbox,
            known.clone(),
            market,
            request_ids.clone(),
        );
        tokio::spawn(driver.run(greeted));
        Ok(Self {
            requests,
            room: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            known,
            request_ids,
            connector,
            program,
            market,
            answer_timeout: ANSWER_TIMEOUT,
        })
    }

    /// Returns the same client with another time limit for requests, over as many connections as needed.
    #[must_use]
    pub fn with_answer_timeout(mut self, answer_timeout: Duration) -> Self {
        self.answer_timeout = answer_timeout;
        self
    }

    /// Returns the market's id.
    #[must_use]
    pub fn market_id(&self) -> MarketId {
        self.market
    }

    /// Returns the server's greeting of the latest connection.
    #[must_use]
    pub fn welcome(&self) -> Welcome {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .welcome
            .clone()
    }

    /// Returns the estimate of the server's time.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clock
    }

    /// Creates a trader's account. It does not log in.
    ///
    /// Without an answer the account may have been created, and a repetition would be refused because the name is
    /// taken. In this case the client logs in with the account on a separate connection to check whether it exists,
    /// logs out again, and repeats the registration if it does not.
    ///
    /// # Errors
    /// [`RequestError`]: `name_taken` among the refusals.
    pub async fn register(&self, name: Name, password: Secret) -> Result<UserId, RequestError> {
        let deadline = Instant::now() + self.answer_timeout;
        let mut was_sent = false;
        loop {
            let register = Register {
                name,
                password: password.clone(),
            };
            let asked = self.ask(register).await;
            let unknown = matches!(asked, Err(RequestError::OutcomeUnknown(_)));
            let taken = match &asked {
                Err(RequestError::Refused(refused)) => refused.code == Code::NAME_TAKEN,
                _ => false,
            };
            was_sent |= unknown;
            // The name may be taken by the first attempt.
            let may_be_ours = unknown || (was_sent && taken);
            if !may_be_ours {
                return asked;
            }
            match self.account_of(name, &password, deadline).await {
                Some(LoginAttempt::Known(user)) => return Ok(user),
                Some(LoginAttempt::Unknown) if unknown && Instant::now() < deadline => {}
                _ => return asked,
            }
        }
    }

    /// Changes the password of the user who is logged in. All other sessions and all devices of the account are closed;
    /// this session stays.
    ///
    /// # Errors
    /// [`RequestError`]: `bad_credentials` among the refusals, when `old` is wrong. After an unknown outcome, logging in
    /// with `new` shows whether it was changed.
    pub async fn change_password(&self, old: Secret, new: Secret) -> Result<(), RequestError> {
        self.ask(ChangePassword { old, new }).await
    }

    /// Returns the user that a name and a password log in to, tried until `deadline`; `None`: it cannot be determined.
    async fn account_of(
        &self,
        name: Name,
        password: &Secret,
        deadline: Instant,
    ) -> Option<LoginAttempt> {
        let mut backoff = Backoff::default();
        loop {
            let wait = backoff.next_wait();
            if Instant::now() + wait >= deadline {
                return None;
            }
            tokio::time::sleep(wait).await;
            let Ok(elsewhere) = Self::over(self.connector.clone()).await else {
                continue;
            };
            if elsewhere.market != self.market {
                return None;
            }
            let elsewhere = elsewhere.with_answer_timeout(deadline - Instant::now());
            match elsewhere.login(name, password.clone()).await {
                Ok(logged_in) => {
                    // Ignore errors: a session that cannot be closed expires.
                    let _ = elsewhere.logout().await;
                    return Some(LoginAttempt::Known(logged_in.user));
                }
                Err(RequestError::Refused(refused)) if refused.code == Code::BAD_CREDENTIALS => {
                    return Some(LoginAttempt::Unknown);
                }
                Err(RequestError::Refused(_)) => return None,
                Err(_) => {}
            }
        }
    }

    /// Logs in: opens a session, whose token is in the answer. Keep it for [`resume`](Self::resume).
    ///
    /// # Errors
    /// [`RequestError`]: `bad_credentials` among the refusals.
    pub async fn login(&self, name: Name, password: Secret) -> Result<LoggedIn, RequestError> {
        self.ask(Login { name, password }).await
    }

    /// Resumes a session.
    ///
    /// # Errors
    /// [`RequestError`]: `session_closed` and `session_expired` among the refusals.
    pub async fn resume(&self, token: Token) -> Result<LoggedIn, RequestError> {
        self.ask(Resume { token }).await
    }

    /// Closes the session for good.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn logout(&self) -> Result<(), RequestError> {
        self.ask(Logout {}).await
    }

    /// Returns the user's open sessions, the oldest first.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn sessions(&self) -> Result<Sessions, RequestError> {
        self.ask(ListSessions {}).await
    }

    /// Closes a session of the user, on any machine.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn close_session(&self, session: SessionId) -> Result<(), RequestError> {
        self.ask(CloseSession { session }).await
    }

    /// Bids openly.
    ///
    /// # Errors
    /// [`BidError`] distinguishes a refusal, which names the least bid, an unknown outcome, and a bid that was never
    /// sent.
    pub async fn bid(&self, lot: LotId, price: Price) -> Result<BidPlaced, BidError> {
        self.ask(Bid { lot, price }).await
    }

    /// Sets a hidden maximum: the market bids for the trader up to it.
    ///
    /// # Errors
    /// [`BidError`], as for [`bid`](Self::bid).
    pub async fn bid_maximum(&self, lot: LotId, maximum: Price) -> Result<BidPlaced, BidError> {
        self.ask(BidMaximum { lot, maximum }).await
    }

    /// Publishes the profit of the company's stock.
    ///
    /// # Errors
    /// [`RequestError`]: `wrong_security` and `not_your_stock` among the refusals.
    pub async fn publish_profit(
        &self,
        symbol: Symbol,
        security: SecurityCode,
        profit: Profit,
    ) -> Result<Accepted, RequestError> {
        self.ask(PublishProfit {
            symbol,
            security,
            profit,
        })
        .await
    }

    /// Opens a lot of a listed stock. For auctioneers.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn open_lot(&self, lot: OpenLot) -> Result<LotId, RequestError> {
        self.ask(lot).await
    }

    /// Returns the newest bids of a lot, at most `limit`, the newest last.
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_lot` among the refusals.
    pub async fn history(&self, lot: LotId, limit: u32) -> Result<History, RequestError> {
        self.ask(GetHistory { lot, limit }).await
    }

    /// Returns a page of the trades of a trading day, the oldest first: those behind the trade number `after` (0: from
    /// the first) and within the times, if any. Ask again behind the last one while more [`follow`](Trades::follows).
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_lot` among the refusals.
    pub async fn trades(&self, of: GetTrades) -> Result<Trades, RequestError> {
        self.ask(of).await
    }

    /// Returns the lots of a stock that have not closed and the newest that has, or one lot by its number; without a
    /// snapshot of the whole market.
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_symbol` and `unknown_lot` among the refusals; `unknown_kind` from servers that do not
    /// have this yet.
    pub async fn lots(&self, of: LotsOf) -> Result<Lots, RequestError> {
        self.ask(GetLots { of }).await
    }

    /// Returns the user's orders on a lot, by number: the live ones, and after its close the fills of each. For
    /// traders.
    ///
    /// # Errors
    /// [`RequestError`]: `unknown_lot` among the refusals.
    pub async fn orders(&self, lot: LotId) -> Result<Vec<OwnOrder>, RequestError> {
        self.ask(GetOrders { lot }).await
    }

    /// Returns a page of the user's own activity on all lots, open and closed, newest lot first: at most `limit`
    /// entries before a place. Ask again with [`next`](Activity::next) until it is `None`. Later events come from
    /// [`watch_account`](Self::watch_account): start that first.
    ///
    /// # Errors
    /// [`RequestError`]: `busy` among the refusals, while a server that has just started reads its journal.
    pub async fn activity(
        &self,
        before: Option<ActivityPlace>,
        limit: u32,
    ) -> Result<Activity, RequestError> {
        self.ask(GetActivity { before, limit }).await
    }

    /// Returns the current market.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn snapshot(&self) -> Result<Market, RequestError> {
        self.ask(GetSnapshot {}).await
    }

    /// Watches the market, on a separate connection: a busy feed delays no bid.
    ///
    /// # Errors
    /// [`ConnectionError`] when there is no first snapshot. Later losses are handled by reconnecting.
    pub async fn watch(&self) -> Result<Watch, ConnectionError> {
        Watch::begin(self.dialer(), None).await
    }

    /// Watches the market as [`watch`](Self::watch) does, and accepts only data signed with `key`. Events come some
    /// tens of milliseconds later, because the market signs them in batches. Contradicting statements of the market are
    /// reported as [`Update::Equivocation`](crate::Update::Equivocation). Indicative results are not signed.
    ///
    /// # Errors
    /// [`ConnectionError`] as for [`watch`](Self::watch); [`ConnectionError::NotSigned`] when the first snapshot is not
    /// the market's. Later unsigned data ends the connection, and the client reconnects.
    pub async fn watch_verified(&self, key: &PublicKey) -> Result<Watch, ConnectionError> {
        let (market, key) = (self.market, *key);
        let key = Some(MarketKey { market, key });
        Watch::begin(self.dialer(), key).await
    }

    /// Watches the market's signed feed, on a separate connection: a snapshot, then batches, in a form that can be
    /// passed on. The signatures are not checked here.
    #[must_use]
    pub fn watch_signed(&self) -> SignedFeed {
        SignedFeed::new(self.dialer(), self.market)
    }

    /// Watches the user's account, on a separate connection that resumes the session of this token: its state, and from
    /// there on its events.
    ///
    /// # Errors
    /// [`ConnectionError`] when there is no first state; `session_closed` and `session_expired` among the refusals.
    pub async fn watch_account(&self, token: Token) -> Result<AccountWatch, ConnectionError> {
        AccountWatch::begin(self.dialer(), token).await
    }

    /// Arms the dead-man switch of the session, or clears it with `None`: when the session has had no connection for
    /// the grace period, or ends, the server cancels the user's open orders. For traders.
    ///
    /// # Errors
    /// [`RequestError`]: `unchanged` among the refusals.
    pub async fn set_dead_man(&self, grace: Option<Span>) -> Result<Accepted, RequestError> {
        self.ask(SetDeadMan { grace }).await
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, RequestError> {
        self.submit(request).await?.await
    }

    /// Submits a request, and returns a handle for its answer, so that further requests can be submitted before it
    /// arrives. Requests are numbered in the order of submission. Waits while [`IN_FLIGHT_MAX`] requests are in flight.
    ///
    /// Dropping the handle does not withdraw a request that was sent.
    ///
    /// # Errors
    /// [`RequestError::NotConnected`] when no place became free in time.
    pub async fn submit<R: Request>(&self, request: R) -> Result<InFlight<R>, RequestError> {
        self.submit_with(None, request).await
    }

    /// Reserves the id of a request that is submitted later with [`submit_as`](Self::submit_as). It is above all ids
    /// assigned so far; a request whose id is not assigned yet gets a higher one.
    #[must_use]
    pub fn reserve_request_id(&self) -> RequestId {
        let ids = self.request_ids.lock();
        ids.unwrap_or_else(PoisonError::into_inner).next()
    }

    /// Submits a request under a [reserved](Self::reserve_request_id) id. A program that has to survive its own restart
    /// keeps the id on disk first. When it resumes the session and submits the same request under the same id, the
    /// server answers with the first outcome, if there was one, and carries out nothing twice. The server remembers the
    /// outcomes of the latest thousand accepted requests of a session.
    ///
    /// # Errors
    /// As for [`submit`](Self::submit). While a request with this id is in flight, the answer to another one with it is
    /// [`RequestError::NotConnected`]: it is not sent.
    pub async fn submit_as<R: Request>(
        &self,
        id: RequestId,
        request: R,
    ) -> Result<InFlight<R>, RequestError> {
        self.submit_with(Some(id), request).await
    }

    async fn submit_with<R: Request>(
        &self,
        reserved: Option<RequestId>,
        request: R,
    ) -> Result<InFlight<R>, RequestError> {
        let deadline = Instant::now() + self.answer_timeout;
        let not_sent = |because| RequestError::NotConnected(because);
        let room = tokio::time::timeout_at(deadline, self.room.clone().acquire_owned()).await;
        let room = room
            .map_err(|_| not_sent(ConnectionError::TimedOut(self.answer_timeout)))?
            .map_err(|_| not_sent(ConnectionError::Closed))?;
        let (answer, answered) = oneshot::channel();
        let number = Arc::new(OnceLock::new());
        let submitted = Submitted {
            number: number.clone(),
            reserved,
            message: request.into(),
            within: self.answer_timeout,
            deadline,
            answer,
            room,
        };
        let handed_over = self.requests.send(submitted).await;
        handed_over.map_err(|_| not_sent(ConnectionError::Closed))?;
        Ok(InFlight {
            answered,
            number,
            request: PhantomData,
        })
    }

    fn dialer(&self) -> Dialer {
        Dialer::new(self.connector.clone(), self.program.clone())
    }
}

/// Opens a TCP stream without Nagle's delay.
///
/// # Errors
/// Resolution failed, or no address accepted the connection: then the error names the addresses and keeps the kind of
/// the last failure.
pub async fn tcp(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host(address).await?.collect();
    let stream = TcpStream::connect(addresses.as_slice()).await;
    let stream = stream.map_err(|error| at_addresses(error, &addresses))?;
    // A bid is one small packet: it must not wait for a second one.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn at_addresses(error: io::Error, addresses: &[SocketAddr]) -> io::Error {
    if addresses.is_empty() {
        return error;
    }
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let text = format!("{error} at {}", addresses.join(", "));
    io::Error::new(error.kind(), text)
}

/// Result of a login attempt.
enum LoginAttempt {
    /// The account of this user.
    Known(UserId),
    /// There is no such account, or it has another password.
    Unknown,
}

/// Handle for a pending answer.
#[derive(Debug)]
#[must_use = "a request can fail: await its answer"]
pub struct InFlight<R: Request> {
    answered: oneshot::Receiver<Result<Answer, RequestError>>,
    number: Arc<OnceLock<RequestId>>,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> InFlight<R> {
    /// Returns the id of the request within its session, by which [`Client::receipt`] finds it; `None` while it has
    /// none. Await the answer by `&mut` to read the id afterwards.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        self.number.get().copied()
    }
}

impl<R: Request> Future for InFlight<R> {
    type Output = Result<R::Answer, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.answered).poll(context));
        let unknown = |because| RequestError::OutcomeUnknown(because);
        let answer = answered.unwrap_or(Err(unknown(ConnectionError::Closed)))?;
        Poll::Ready(R::parse(answer).map_err(|kind| unknown(ConnectionError::Unexpected(kind))))
    }
}
