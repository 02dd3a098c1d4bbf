//! A connection: reads messages, does what they ask, writes what comes of it.
//!
//! One task a connection, over any [`Channel`]. While it writes it does not read: a client that does not
//! read its replies is not read from, and is dropped when it does not take a write in time.

pub mod cancel_on_disconnect;
mod requests;
mod accounts;
mod watching;
mod account_feed;
mod signed;
mod devices;
mod peers;
mod answers;
mod filter;
mod channel;
mod websocket;
mod close_reason;
pub mod relayed;
pub mod peer_directory;

use std::sync::Arc;
use std::time::Duration;

use auction_core::{Command, MarketId, RequestId, SessionId, Term, UserId};
use auction_proto::{AccountFeed, Goodbye, HEADER_BYTES, Text};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, timeout};

use crate::gateway::admission::{Admission, ClientAddress};
use crate::gateway::session::peer_directory::PeerDirectory;
use crate::gateway::session::relayed::Envelopes;
use crate::journal::Durability;
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::platform::clock::Clock;
use crate::platform::metrics::Metrics;
use crate::platform::password_pool::PasswordPool;
use crate::platform::shutdown::stopped;
use crate::projections::fan_out::FanOut;
use crate::projections::feed::{AccountSubscription, FeedMessage, Hub, SubscriptionError};
use crate::projections::follower::Histories;
use crate::projections::signing::{SignedNext, SignedSubscription, Signing};
use crate::sequencer::direct_read::{FAST_PATH_AFTER, FastPathConnection, PENDING_REPLIES_MAX};
use crate::sequencer::queue::SequencerHandle;
use crate::sequencer::rate_limit::RateLimiter;
use crate::sequencer::reply::{ReplyChannel, ReplyMessage, WAKES_MAX};

use channel::INPUT_BYTES;
use filter::FeedFilter;
use signed::{Proof, next_proof};
use watching::FeedSource;

pub use channel::Channel;
pub use close_reason::CloseReason;

/// How long a client may take to introduce itself, from its first byte or TLS on.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How many heartbeats long a client may be silent; then it is dropped.
pub const SILENT_HEARTBEATS: u32 = 2;
/// How long a client may take to accept what it is sent; then it is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of a connection waits for the client to hear of it.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How many commands of one connection can be under way; while there are as many, it is not read from.
pub const IN_FLIGHT_MAX: usize = PENDING_REPLIES_MAX;
/// How many proofs one connection can wait for; one more is refused as busy.
pub const PROOFS_AT_ONCE: usize = 16;
/// How long a connection waits, at a shutdown, for what it has under way.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Commands that one read can bring beyond those under way.
const COMMANDS_PER_READ_MAX: usize = INPUT_BYTES / HEADER_BYTES + 1;

/// What a connection needs of the server.
pub struct Services {
    /// The way to the sequencer.
    pub sequencer: SequencerHandle,
    /// The way to the feed.
    pub hub: Hub,
    /// Where the feed is written for connections that have nothing else to write.
    pub fan_out: FanOut,
    /// Passwords.
    pub password_pool: PasswordPool,
    /// Accounts and sessions.
    pub credentials: Arc<Credentials>,
    /// Who watches over sessions with a dead-man switch.
    pub dead_man: Arc<DeadManSwitches>,
    /// What the market signs.
    pub signing: Signing,
    /// What devices ask through others.
    pub envelopes: Arc<Envelopes>,
    /// The bids of each lot.
    pub histories: Histories,
    /// The market's time.
    pub clock: Arc<dyn Clock>,
    /// The market's identity.
    pub market: MarketId,
    /// Who leads.
    pub term: Term,
    /// When a command is acknowledged.
    pub durability: Durability,
    /// How often each client is told that the server lives, and should tell as much.
    pub heartbeat: Duration,
    /// Peers who offered themselves.
    pub peers: PeerDirectory,
    /// How much one address or user can have.
    pub admission: Arc<Admission>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Whether the server is ending.
    pub stopping: watch::Receiver<bool>,
}

/// Serves a connection until it ends, and says why it did. The client introduces itself before `hello_by`.
pub async fn serve<S>(
    channel: Channel<S>,
    hello_by: Instant,
    client_address: Arc<ClientAddress>,
    services: Arc<Services>,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (answers, replies) = mpsc::channel(IN_FLIGHT_MAX + COMMANDS_PER_READ_MAX + WAKES_MAX);
    let reply_channel = Arc::new(ReplyChannel::new(answers, channel.write_half()));
    let heartbeats = services.hub.heartbeats();
    let mut connection = Connection {
        begun_at: hello_by - HELLO_TIMEOUT,
        services,
        client_address,
        channel,
        state: State::Greeting,
        commands: None,
        feed: None,
        account_feed: None,
        signed: None,
        heartbeats,
        reply_channel,
        orders_in_a_row: 0,
        batch: Vec::new(),
        unrecorded_replies: Vec::new(),
        proofs: JoinSet::new(),
    };
    let reason = match connection.run(hello_by, replies).await {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    connection.leave_session();
    connection.say_goodbye(&reason).await;
    reason
}

struct Connection<S> {
    begun_at: Instant,
    services: Arc<Services>,
    client_address: Arc<ClientAddress>,
    channel: Channel<S>,
    state: State,
    /// What the user's commands are taken from; `None`: they have no limit.
    commands: Option<Arc<RateLimiter>>,
    feed: Option<FeedWatch>,
    account_feed: Option<AccountWatch>,
    signed: Option<SignedWatch>,
    heartbeats: watch::Receiver<Arc<FeedMessage>>,
    reply_channel: Arc<ReplyChannel>,
    /// How many of the last messages were nothing but bids and orders.
    orders_in_a_row: u32,
    /// Commands that were read and are submitted together.
    batch: Vec<(RequestId, Command)>,
    /// When that was durable which is told with the next write, and how much it is.
    unrecorded_replies: Vec<(std::time::Instant, u64)>,
    /// Receipts and checkpoints that were asked for; dropped with the connection.
    proofs: JoinSet<(RequestId, Proof)>,
}

/// How far a client has come.
enum State {
    Greeting,
    Anonymous,
    LoggedIn(ActiveSession),
}

/// The session that a connection speaks for.
#[derive(Clone, Copy)]
struct ActiveSession {
    session: SessionId,
    user: UserId,
}

/// The feed of a connection, and the number of the request that asked for it.
struct FeedWatch {
    request: RequestId,
    filter: FeedFilter,
    feed: FeedSource,
}

/// The account that a connection watches, and the number of the request that asked for it.
struct AccountWatch {
    request: RequestId,
    feed: AccountSubscription,
}

/// The signed feed of a connection, and the number of the request that asked for it.
struct SignedWatch {
    request: RequestId,
    feed: SignedSubscription,
}

enum Never {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    async fn run(
        &mut self,
        hello_by: Instant,
        mut replies: mpsc::Receiver<ReplyMessage>,
    ) -> Result<Never, CloseReason> {
        let mut stopping = self.services.stopping.clone();
        let silence = self.services.heartbeat * SILENT_HEARTBEATS;
        let mut heard_at = Instant::now();
        let deadline = tokio::time::sleep_until(hello_by);
        tokio::pin!(deadline);
        loop {
            self.channel.flush().await?;
            self.record_writes();
            self.hand_off_feed();
            let has_room = self.reply_channel.has_fewer_than(IN_FLIGHT_MAX);
            let is_greeting = matches!(self.state, State::Greeting);
            tokio::select! {
                read = self.channel.read(), if has_room => {
                    read?;
                    heard_at = Instant::now();
                    self.handle_all().await?;
                    if is_greeting && !matches!(self.state, State::Greeting) {
                        deadline.as_mut().reset(heard_at + silence);
                    }
                }
                Some(told) = replies.recv() => {
                    self.write_replies(told);
                    while let Ok(told) = replies.try_recv() {
                        self.write_replies(told);
                    }
                }
                entries = next_account_feed(&mut self.account_feed) => self.write_account_feed(entries).await?,
                published = next(&mut self.feed) => self.publish(published).await?,
                (request, proof) = next_proof(&mut self.proofs) => self.write_proof(request, proof),
                signed = next_signed(&mut self.signed) => self.write_signed(signed).await?,
                heartbeat_message = next_heartbeat(&mut self.heartbeats), if !is_greeting && self.feed.is_none() && self.signed.is_none() => {
                    self.channel.push_shared(RequestId(0), heartbeat_message.encoded());
                }
                () = &mut deadline => {
                    if is_greeting {
                        return Err(CloseReason::NoHello);
                    }
                    if self.was_heard_on_fast_path().await {
                        heard_at = Instant::now();
                    } else if heard_at.elapsed() >= silence && has_room {
                        // It may be this server that had no time to listen.
                        let waiting = timeout(Duration::ZERO, unconstrained(self.channel.read()));
                        waiting.await.map_err(|_| CloseReason::Silent)??;
                        heard_at = Instant::now();
                        self.handle_all().await?;
                    }
                    // While there is no room nobody listens, and silence means nothing.
                    let since = if has_room { heard_at } else { Instant::now() };
                    deadline.as_mut().reset(since + silence);
                }
                () = stopped(&mut stopping) => {
                    self.channel.recall_input();
                    self.drain(&mut replies).await;
                    return Err(CloseReason::Stopping);
                }
            }
        }
    }

    async fn handle_all(&mut self) -> Result<(), CloseReason> {
        let taken = self.handle_each().await;
        // Also when what follows them ends the connection.
        self.submit_batch();
        taken?;
        if self.orders_in_a_row >= FAST_PATH_AFTER {
            self.enter_fast_path();
        }
        Ok(())
    }

    /// Lends the sequencer what comes from now on: that of a client who does nothing but bid.
    fn enter_fast_path(&mut self) {
        let State::LoggedIn(ActiveSession { session, .. }) = self.state else {
            return;
        };
        if let Some(input) = self.channel.hand_off_input() {
            self.orders_in_a_row = 0;
            let (limit, reply) = (self.commands.clone(), self.reply_channel.clone());
            self.services.sequencer.hand_off(FastPathConnection {
                input,
                session,
                limit,
                reply,
            });
        }
    }

    /// Whether the sequencer has heard the client, for whom it reads.
    async fn was_heard_on_fast_path(&mut self) -> bool {
        let (true, State::LoggedIn(active_session)) = (self.channel.is_handed_off(), &self.state)
        else {
            return self.channel.take_was_read();
        };
        // It may have had no time to listen: it has when it answers.
        let answer = self.services.sequencer.last_request(active_session.session);
        let answer = answer.await;
        self.channel.take_was_read() || answer.is_err()
    }

    async fn handle_each(&mut self) -> Result<(), CloseReason> {
        while let Some(asked) = self.channel.next()? {
            self.handle(asked).await?;
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Waits for what is under way, so that its outcome is told.
    async fn drain(&mut self, replies: &mut mpsc::Receiver<ReplyMessage>) {
        let all = async {
            while !self.reply_channel.has_fewer_than(1)
                && let Some(told) = replies.recv().await
            {
                self.write_replies(told);
            }
        };
        // Who can't be told by then learns it by asking again.
        let _ = timeout(DRAIN_TIMEOUT, all).await;
    }

    async fn say_goodbye(&mut self, reason: &CloseReason) {
        if let Some(code) = reason.code() {
            let message = Text::of(reason);
            self.reply(RequestId(0), &Goodbye { code, message });
            self.channel.close().await;
        }
    }
}

/// The next of the feed; never, without one. Nothing: the feed was given back, and something may be left to write.
async fn next(feed: &mut Option<FeedWatch>) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
    match feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next of the signed feed; never, without one. Nothing: it is behind.
async fn next_signed(signed: &mut Option<SignedWatch>) -> Option<SignedNext> {
    match signed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// What happened to one's account; never, without a watch. Nothing: it is behind.
async fn next_account_feed(account_feed: &mut Option<AccountWatch>) -> Option<Arc<AccountFeed>> {
    match account_feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next heartbeat; never, when the hub has ended.
async fn next_heartbeat(heartbeats: &mut watch::Receiver<Arc<FeedMessage>>) -> Arc<FeedMessage> {
    match heartbeats.changed().await {
        Ok(()) => heartbeats.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}
