//! One session of FIX: a task that owns the orders of its client, its subscriptions, and its session of the market.
//!
//! It outlives connections: what happens to orders while the client is away is reported when it is back.

mod data;
mod days;
mod drop_copy;
mod trading;

use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auction_client::{AccountState, AccountUpdate, Secret};
use auction_core::{LotId, OwnOrder, Timestamp};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ironfix_core::message::MsgType;
use ironfix_engine::{Connection, OutboundMessage};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use crate::account::{self, End, MarketSession, Target, TokenFile};
use crate::config::{SessionConfig, SessionKind};
use crate::dictionary as tag;
use crate::limits::{INBOX, OUTBOX, RESULTS, RETRY_AFTER};
use crate::market::{Change, MarketFeed};
use crate::order_log::OrderLog;
use crate::orders::{Entry, Orders, OutMessage};
use crate::request::Request;
use data::Subscriptions;

/// Input of a session from its client's side.
pub enum Input {
    /// The logon was accepted on this connection.
    Connected(Connection),
    /// The client's password was checked, in this new session of the market: it is used if there is no other.
    LoggedIn(MarketSession),
    /// Answered once there is a session of the market.
    Ready(oneshot::Sender<()>),
    /// A request of the client; answered once what must outlive a crash is on disk.
    Request(Request, oneshot::Sender<()>),
    /// A message whose kind is not offered: its kind and its sequence number.
    NotOffered(String, u64),
}

/// Handle to a session.
#[derive(Clone)]
pub struct SessionHandle {
    pub config: Arc<SessionConfig>,
    pub input: mpsc::Sender<Input>,
}

/// Parts that all sessions share.
#[derive(Clone)]
pub struct Shared {
    pub target: Target,
    pub feed: MarketFeed,
    pub log: OrderLog,
}

/// Results of tasks that a session started.
enum Done {
    Account(u64, AccountUpdate),
    State(u64, Box<AccountState>),
    Orders(LotId, Vec<OwnOrder>),
    Market(Box<auction_core::Market>),
    LoggedIn(Result<MarketSession, Login>),
    /// Reports up to this number are in the session's store; 0: another message was sent.
    Sent(u64),
    NotSent,
}

/// Reason why a login to the market failed.
enum Login {
    /// Try again later.
    Later,
    /// The session or the password is not accepted: only a logon with a password helps.
    Refused(String),
}

/// A request whose end is awaited, with its number.
type Ending = Pin<Box<dyn Future<Output = (u64, End)> + Send>>;

struct Session {
    config: Arc<SessionConfig>,
    shared: Shared,
    orders: Orders,
    token_file: TokenFile,
    market: Option<MarketSession>,
    /// Number of the current subscription to the account: updates of earlier ones are ignored.
    account: u64,
    account_task: Option<tokio::task::JoinHandle<()>>,
    connection: Option<Connection>,
    outbox: Option<mpsc::Sender<(OutMessage, u64)>>,
    /// Number of the last report that was handed to the outbox.
    handed: u64,
    /// Reports up to this number may have been sent on an earlier connection, without the gateway's knowledge.
    in_doubt: u64,
    replies: VecDeque<OutMessage>,
    /// Requests whose sender waits until replies have been taken.
    waiting: Vec<oneshot::Sender<()>>,
    subscriptions: Subscriptions,
    done: mpsc::Sender<Done>,
    /// Requests that the market has not answered.
    requests: FuturesUnordered<Ending>,
    /// Time at which the orders of a client that is gone are cancelled.
    cancels_at: Option<Instant>,
    is_logging_in: bool,
    /// A new session of the market, for the case that the kept one cannot be resumed.
    spare: Option<MarketSession>,
    /// Logons that wait for a session of the market.
    unready: Vec<oneshot::Sender<()>>,
}

/// Starts a session.
pub fn start(
    config: SessionConfig,
    folder: &Path,
    shared: Shared,
    orders: Orders,
) -> SessionHandle {
    let (input, inbox) = mpsc::channel(INBOX);
    let (done, results) = mpsc::channel(RESULTS);
    let config = Arc::new(config);
    let session = Session {
        config: config.clone(),
        token_file: TokenFile::of(folder, &config.comp_id),
        subscriptions: Subscriptions::new(config.version),
        shared,
        in_doubt: orders.last_report(),
        orders,
        market: None,
        account: 0,
        account_task: None,
        connection: None,
        outbox: None,
        handed: 0,
        replies: VecDeque::new(),
        waiting: Vec::new(),
        done,
        requests: FuturesUnordered::new(),
        // The client of an earlier process may never be back.
        cancels_at: config
            .cancel_on_disconnect
            .map(|grace| Instant::now() + grace),
        is_logging_in: false,
        spare: None,
        unready: Vec::new(),
    };
    tokio::spawn(session.run(inbox, results));
    SessionHandle { config, input }
}

impl Session {
    async fn run(mut self, mut inbox: mpsc::Receiver<Input>, mut results: mpsc::Receiver<Done>) {
        self.log_in_again();
        let mut changes = self.shared.feed.subscribe();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let closed = self.connection.clone();
            tokio::select! {
                input = inbox.recv() => match input {
                    Some(input) => self.input(input).await,
                    None => return,
                },
                Some((request, end)) = self.requests.next() => self.ended(request, end).await,
                Some(done) = results.recv() => self.done(done).await,
                change = changes.recv() => match change {
                    Ok(change) => self.changed(&change),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.changed(&Change::Everything),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = wait_closed(closed) => self.disconnected(),
                () = at(self.cancels_at) => {
                    self.cancels_at = None;
                    self.cancel_all().await;
                }
                _ = tick.tick() => {
                    self.check_days();
                    self.ticked();
                }
            }
            self.flush();
        }
    }

    async fn input(&mut self, input: Input) {
        match input {
            Input::Connected(connection) => self.connected(connection),
            Input::LoggedIn(session) => self.offered(session).await,
            Input::Ready(ready) if self.market.is_some() => drop(ready.send(())),
            Input::Ready(ready) => self.unready.push(ready),
            Input::NotOffered(kind, number) => self.refuse_kind(&kind, number),
            Input::Request(request, done) => {
                self.request(request).await;
                if self.replies.len() < OUTBOX {
                    // Ignore send errors: the connection may have ended.
                    let _ = done.send(());
                } else {
                    self.waiting.push(done);
                }
            }
        }
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Account(of, update) if of == self.account => self.account_updated(update).await,
            Done::State(of, state) if of == self.account => self.state_read(&state),
            Done::Account(..) | Done::State(..) => {}
            Done::Orders(lot, own) => self.orders_read(lot, &own),
            Done::Market(market) => self.market_read(&market),
            Done::LoggedIn(result) => {
                self.is_logging_in = false;
                match result {
                    Ok(session) => self.logged_in(session).await,
                    Err(Login::Later) => self.log_in_again(),
                    Err(Login::Refused(_)) if self.spare.is_some() => {
                        let spare = self.spare.take().expect("there is one");
                        self.logged_in(spare).await;
                    }
                    Err(Login::Refused(because)) => {
                        let session = &self.config.comp_id;
                        tracing::warn!(
                            session,
                            because,
                            "no session of the market: the next logon must have a password (554)"
                        );
                    }
                }
            }
            Done::Sent(0) => {}
            Done::Sent(number) => self.apply(Entry::Sent { number }),
            // The connection is ending; reports are sent again on the next one.
            Done::NotSent => {}
        }
    }

    /// Applies an entry and writes it to the log.
    fn apply(&mut self, entry: Entry) {
        self.orders.apply(&entry);
        self.shared.log.write(&self.config.comp_id, entry);
    }

    /// Takes a new session of the market, or closes it if there is another: a session that nobody uses would count, and its
    /// dead-man switch would cancel orders.
    async fn offered(&mut self, session: MarketSession) {
        if self.market.is_some() {
            close(session);
        } else if self.is_logging_in {
            if let Some(earlier) = self.spare.replace(session) {
                close(earlier);
            }
        } else {
            self.logged_in(session).await;
        }
    }

    fn connected(&mut self, connection: Connection) {
        let (outbox, messages) = mpsc::channel(OUTBOX);
        tokio::spawn(send_all(connection.clone(), messages, self.done.clone()));
        self.connection = Some(connection);
        self.outbox = Some(outbox);
        self.cancels_at = None;
        self.handed = 0;
    }

    fn disconnected(&mut self) {
        self.connection = None;
        self.outbox = None;
        self.in_doubt = self.in_doubt.max(self.handed);
        self.replies.clear();
        self.waiting.clear();
        self.subscriptions.clear();
        if let Some(grace) = self.config.cancel_on_disconnect {
            self.cancels_at = Some(Instant::now() + grace);
        }
    }

    /// Hands messages to the connection, as far as there is room: reports first, then replies, then market data.
    fn flush(&mut self) {
        let Some(outbox) = self.outbox.clone() else {
            return;
        };
        let is_copy = self.config.kind == SessionKind::DropCopy;
        let version = self.config.version;
        let handed = self.handed;
        for report in self.orders.unsent().filter(|report| report.number > handed) {
            let Ok(room) = outbox.try_reserve() else {
                return;
            };
            let mut message = report.message(version, &self.config.comp_id);
            if report.number <= self.in_doubt {
                // A field of the header: before all others.
                message.fields.insert(0, (tag::POSS_RESEND, "Y".to_owned()));
            }
            if is_copy {
                drop_copy::mark(&mut message);
            }
            room.send((message, report.number));
            self.handed = report.number;
        }
        while !self.replies.is_empty() {
            let Ok(room) = outbox.try_reserve() else {
                return;
            };
            room.send((self.replies.pop_front().expect("not empty"), 0));
        }
        for done in self.waiting.drain(..) {
            let _ = done.send(());
        }
        self.flush_data(&outbox);
    }

    /// Logs in to the market with the kept token or the configured password, if there is one.
    fn log_in_again(&mut self) {
        if self.is_logging_in {
            return;
        }
        let token = self.token_file.read();
        let password = self.config.password.clone();
        if token.is_none() && password.is_none() {
            return;
        }
        self.is_logging_in = true;
        let (target, user, done) = (
            self.shared.target.clone(),
            self.config.user,
            self.done.clone(),
        );
        tokio::spawn(async move {
            let result = log_in(&target, user, token, password).await;
            if matches!(result, Err(Login::Later)) {
                tokio::time::sleep(RETRY_AFTER).await;
            }
            let _ = done.send(Done::LoggedIn(result)).await;
        });
    }
}

async fn log_in(
    target: &Target,
    user: auction_core::Name,
    token: Option<auction_client::Token>,
    password: Option<Secret>,
) -> Result<MarketSession, Login> {
    use auction_client::{Fault, RequestError};
    let judge = |error: RequestError| match &error {
        RequestError::Refused(refused) if refused.code.fault() == Fault::Session => {
            Login::Refused(error.to_string())
        }
        _ => Login::Later,
    };
    let resumed = match token {
        Some(token) => account::resume(target, token).await.map_err(judge),
        None => Err(Login::Refused("no session is kept".to_owned())),
    };
    match (resumed, password) {
        (Err(Login::Refused(_)), Some(password)) => {
            account::log_in(target, user, password).await.map_err(judge)
        }
        (resumed, _) => resumed,
    }
}

/// Closes a session of the market that is not needed.
fn close(session: MarketSession) {
    tokio::spawn(async move {
        if let Err(error) = session.client.logout().await {
            tracing::debug!(%error, "a session of the market was not closed; it expires");
        }
    });
}

/// Sends messages one after another, and reports which reports the session's store has.
async fn send_all(
    connection: Connection,
    mut messages: mpsc::Receiver<(OutMessage, u64)>,
    done: mpsc::Sender<Done>,
) {
    while let Some((message, number)) = messages.recv().await {
        let mut out = connection.acquire(MsgType::new(message.kind).expect("a kind of the table"));
        fill(&mut out, &message);
        let outcome = connection.send_tracked(out).await;
        let sent = match outcome.is_sent() {
            true => Done::Sent(number),
            false => Done::NotSent,
        };
        if !outcome.is_sent() {
            tracing::debug!(?outcome, kind = message.kind, "a message was not sent");
        }
        let ends = matches!(sent, Done::NotSent) && connection.is_closed();
        if done.send(sent).await.is_err() || ends {
            return;
        }
    }
}

fn fill(out: &mut OutboundMessage, message: &OutMessage) {
    for (tag, value) in &message.fields {
        out.push_str(*tag, value);
    }
}

async fn wait_closed(connection: Option<Connection>) {
    match connection {
        Some(connection) => connection.wait_closed().await,
        None => std::future::pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Returns this machine's time, for reports that the market has not stamped.
fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX)
}
