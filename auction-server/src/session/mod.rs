//! A connection: reads messages, does what they ask, writes what comes of it.
//!
//! One task a connection, over any [`Channel`]. While it writes it does not read: a client that does not
//! read its replies is not read from, and is dropped when it does not take a write in time.

mod ended;
mod websocket;
mod channel;
mod view;
mod answers;
mod access;
mod accounts;
mod watching;
mod own;
mod signed;
mod devices;
mod peers;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use auction_core::{Caller, Command, MarketId, Reject, RequestId, SessionId, Term};
use auction_proto::{AccountFeed, Goodbye, HEADER_BYTES, Text};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::envelopes::Envelopes;
use crate::fan_out::FanOut;
use crate::follower::Histories;
use crate::hub::{Hub, NoNext, OwnFeed, Published};
use crate::inbox::{Inbox, Work};
use crate::journal::Durability;
use crate::live_session::LiveSession;
use crate::login::Hasher;
use crate::metrics::Metrics;
use crate::order_entry::{COMMANDS_IN_A_ROW, Entrant, UNTOLD_MAX};
use crate::peers::Peers;
use crate::signing::{SignedFollowing, SignedNext, Signing};
use crate::switches::Switches;
use crate::teller::{LOOK_UPS_MAX, Teller, Told};
use crate::visitors::{Bucket, Visitor, Visitors};

use access::closed;
use channel::INPUT_BYTES;
use signed::{Proof, next_proof};
use view::View;
use watching::Source;

pub use channel::Channel;
pub use ended::Ended;

/// How long a client may take to introduce itself, from its first byte or TLS on.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How many heartbeats long a client may be silent; then it is dropped.
pub const SILENT_HEARTBEATS: u32 = 2;
/// How long a client may take to accept what it is sent; then it is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of a connection waits for the client to hear of it.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How many commands of one connection can be under way; while there are as many, it is not read from.
pub const IN_FLIGHT_MAX: usize = UNTOLD_MAX;
/// How many proofs one connection can wait for; one more is refused as busy.
pub const PROOFS_AT_ONCE: usize = 16;
/// How long a connection waits, at a shutdown, for what it has under way.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Commands that one read can bring beyond those under way.
const COMMANDS_PER_READ_MAX: usize = INPUT_BYTES / HEADER_BYTES + 1;

/// What a connection needs of the server.
pub struct Services {
    /// The way to the sequencer.
    pub inbox: Inbox,
    /// The way to the feed.
    pub hub: Hub,
    /// Where the feed is written for connections that have nothing else to write.
    pub fan_out: FanOut,
    /// Passwords.
    pub hasher: Hasher,
    /// Accounts and sessions.
    pub credentials: Arc<Credentials>,
    /// Who watches over sessions with a dead-man switch.
    pub switches: Arc<Switches>,
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
    pub peers: Peers,
    /// How much one address or user can have.
    pub visitors: Arc<Visitors>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Whether the server is ending.
    pub stopping: watch::Receiver<bool>,
}

/// Serves a connection until it ends, and says why it did. The client introduces itself before `hello_by`.
pub async fn serve<S>(
    channel: Channel<S>,
    hello_by: Instant,
    visitor: Arc<Visitor>,
    services: Arc<Services>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (answers, answered) = mpsc::channel(IN_FLIGHT_MAX + COMMANDS_PER_READ_MAX + LOOK_UPS_MAX);
    let teller = Arc::new(Teller::new(answers, channel.outlet()));
    let beats = services.hub.beats();
    let mut connection = Connection {
        begun_at: hello_by - HELLO_TIMEOUT,
        services,
        visitor,
        channel,
        state: State::Greeting,
        commands: None,
        feed: None,
        own: None,
        signed: None,
        beats,
        teller,
        orders_in_a_row: 0,
        gathered: Vec::new(),
        untold: Vec::new(),
        proofs: JoinSet::new(),
    };
    let ended = match connection.run(hello_by, answered).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    connection.leave_session();
    connection.say_goodbye(&ended).await;
    ended
}

struct Connection<S> {
    begun_at: Instant,
    services: Arc<Services>,
    visitor: Arc<Visitor>,
    channel: Channel<S>,
    state: State,
    /// What the user's commands are taken from; `None`: they have no limit.
    commands: Option<Arc<Bucket>>,
    feed: Option<Watched>,
    own: Option<OwnWatched>,
    signed: Option<SignedWatched>,
    beats: watch::Receiver<Arc<Published>>,
    teller: Arc<Teller>,
    /// How many of the last messages were nothing but bids and orders.
    orders_in_a_row: u32,
    /// Commands that were read and are submitted together.
    gathered: Vec<(RequestId, Command)>,
    /// When that was durable which is told with the next write, and how much it is.
    untold: Vec<(std::time::Instant, u64)>,
    /// Receipts and checkpoints that were asked for; dropped with the connection.
    proofs: JoinSet<(RequestId, Proof)>,
}

/// How far a client has come.
enum State {
    Greeting,
    /// Without a session. The last one may have ended without the client's asking: this is why.
    Ready(Option<Reject>),
    LoggedIn(LiveSession),
}

/// The feed of a connection, and the number of the request that asked for it.
struct Watched {
    request: RequestId,
    view: View,
    feed: Source,
}

/// The account that a connection watches, and the number of the request that asked for it.
struct OwnWatched {
    request: RequestId,
    feed: OwnFeed,
}

/// The signed feed of a connection, and the number of the request that asked for it.
struct SignedWatched {
    request: RequestId,
    feed: SignedFollowing,
}

enum Never {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    async fn run(
        &mut self,
        hello_by: Instant,
        mut answered: mpsc::Receiver<Told>,
    ) -> Result<Never, Ended> {
        let mut stopping = self.services.stopping.clone();
        let silence = self.services.heartbeat * SILENT_HEARTBEATS;
        let mut heard_at = Instant::now();
        let patience = tokio::time::sleep_until(hello_by);
        tokio::pin!(patience);
        loop {
            // It looks at least once in two heartbeats whether its session has expired.
            self.leave_if_over();
            self.channel.flush().await?;
            self.note_told();
            self.lend_feed();
            let has_room = self.teller.has_fewer_than(IN_FLIGHT_MAX);
            let is_greeting = matches!(self.state, State::Greeting);
            tokio::select! {
                read = self.channel.read(), if has_room => {
                    read?;
                    heard_at = Instant::now();
                    self.take_all().await?;
                    if is_greeting && !matches!(self.state, State::Greeting) {
                        patience.as_mut().reset(heard_at + silence);
                    }
                }
                Some(told) = answered.recv() => {
                    self.tell_all(told);
                    while let Ok(told) = answered.try_recv() {
                        self.tell_all(told);
                    }
                }
                () = closed(&self.state) => {}
                entries = next_own(&mut self.own) => self.tell_own(entries).await?,
                published = next(&mut self.feed) => self.publish(published).await?,
                (request, proof) = next_proof(&mut self.proofs) => self.tell_proof(request, proof),
                signed = next_signed(&mut self.signed) => self.tell_signed(signed).await?,
                beat = next_beat(&mut self.beats), if !is_greeting && self.feed.is_none() && self.signed.is_none() => {
                    self.channel.push_shared(RequestId(0), beat.encoded());
                }
                () = &mut patience => {
                    if is_greeting {
                        return Err(Ended::NoHello);
                    }
                    if self.is_heard_by_another().await {
                        heard_at = Instant::now();
                    } else if heard_at.elapsed() >= silence && has_room {
                        // It may be this server that had no time to listen.
                        let waiting = timeout(Duration::ZERO, unconstrained(self.channel.read()));
                        waiting.await.map_err(|_| Ended::Silent)??;
                        heard_at = Instant::now();
                        self.take_all().await?;
                    }
                    // While there is no room nobody listens, and silence means nothing.
                    let since = if has_room { heard_at } else { Instant::now() };
                    patience.as_mut().reset(since + silence);
                }
                () = stopped(&mut stopping) => {
                    self.channel.recall_input();
                    self.drain(&mut answered).await;
                    return Err(Ended::Stopping);
                }
            }
        }
    }

    async fn take_all(&mut self) -> Result<(), Ended> {
        let taken = self.take_each().await;
        // Also when what follows them ends the connection.
        self.submit_gathered();
        taken?;
        if self.orders_in_a_row >= COMMANDS_IN_A_ROW {
            self.enter_orders();
        }
        Ok(())
    }

    /// Lends the sequencer what comes from now on: that of a client who does nothing but bid.
    fn enter_orders(&mut self) {
        let State::LoggedIn(LiveSession { session, .. }) = self.state else {
            return;
        };
        if let Some(input) = self.channel.lend_input() {
            self.orders_in_a_row = 0;
            let (limit, reply) = (self.commands.clone(), self.teller.clone());
            self.services.inbox.enter(Entrant {
                input,
                session,
                limit,
                reply,
            });
        }
    }

    /// Whether the sequencer has heard the client, for whom it reads.
    async fn is_heard_by_another(&mut self) -> bool {
        if !self.channel.is_lent() {
            return self.channel.take_heard();
        }
        // It may have had no time to listen: it has when it answers, whatever it is asked.
        let work = Work::LastRequest(SessionId(0));
        let answer = self.services.inbox.ask(Caller::Operator, work).await;
        self.channel.take_heard() || answer.is_err()
    }

    async fn take_each(&mut self) -> Result<(), Ended> {
        while let Some(asked) = self.channel.next()? {
            self.take(asked).await?;
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Waits for what is under way, so that its outcome is told.
    async fn drain(&mut self, answered: &mut mpsc::Receiver<Told>) {
        let all = async {
            while !self.teller.has_fewer_than(1)
                && let Some(told) = answered.recv().await
            {
                self.tell_all(told);
            }
        };
        // Who can't be told by then learns it by asking again.
        let _ = timeout(DRAIN_TIMEOUT, all).await;
    }

    async fn say_goodbye(&mut self, ended: &Ended) {
        if let Some(code) = ended.code() {
            let message = Text::of(ended);
            self.reply(RequestId(0), &Goodbye { code, message });
            self.channel.close().await;
        }
    }
}

/// The next of the feed; never, without one. Nothing: the feed was given back, and something may be left to write.
async fn next(feed: &mut Option<Watched>) -> Result<Option<Arc<Published>>, NoNext> {
    match feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next of the signed feed; never, without one. Nothing: it is behind.
async fn next_signed(signed: &mut Option<SignedWatched>) -> Option<SignedNext> {
    match signed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// What happened to one's account; never, without a watch. Nothing: it is behind.
async fn next_own(own: &mut Option<OwnWatched>) -> Option<Arc<AccountFeed>> {
    match own {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next heartbeat; never, when the hub has ended.
async fn next_beat(beats: &mut watch::Receiver<Arc<Published>>) -> Arc<Published> {
    match beats.changed().await {
        Ok(()) => beats.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}

/// Waits until the server is ending.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: the server is gone already.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
