//! A connection: reads messages, does the requests, writes the replies.
//!
//! One task per connection, over any [`Channel`]. It does not read while it writes: a client that does not read its
//! replies is not read from, and is dropped when it does not take a write in time.

pub mod cancel_on_disconnect;
mod requests;
mod accounts;
mod watching;
mod account_feed;
mod activity;
mod signed;
mod devices;
mod peers;
mod access;
mod connection;
mod subscriptions;
mod submission;
mod login;
mod services;
mod filter;
mod channel;
mod websocket;
mod close_reason;
pub mod relayed;
pub mod peer_directory;

use std::sync::Arc;
use std::time::Duration;

use auction_core::{RequestId, SessionId};
use auction_proto::{Goodbye, Text, VERSION, VERSION_OF_DAYS};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout};

use crate::gateway::admission::ClientAddress;
use crate::market::live_session::LiveSession;
use crate::platform::shutdown::stopped;
use crate::sequencer::direct_read::{FAST_PATH_AFTER, FastPathConnection};
use crate::sequencer::reply::ReplyMessage;

use access::closed;
use connection::Connection;
use login::Login;
use submission::Submission;
use subscriptions::{
    Subscriptions, next_account_feed, next_feed, next_heartbeat, next_proof, next_signed,
};

pub use channel::{Channel, LINGER_TIMEOUT, WRITE_TIMEOUT};
pub use close_reason::CloseReason;
pub use services::Services;

/// Time limit for a client's hello, from its first byte or the end of the TLS handshake.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of heartbeats without input after which a client is dropped.
pub const SILENT_HEARTBEATS: u32 = 2;
/// Time limit, at a shutdown, for a connection's requests under way.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a connection until it ends, and returns the reason. The client must send its hello before `hello_by`.
pub async fn serve<S>(
    channel: Channel<S>,
    hello_by: Instant,
    client_address: Arc<ClientAddress>,
    services: Arc<Services>,
) -> CloseReason
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (submission, replies) = Submission::new(channel.write_half());
    let heartbeats = services.hub.heartbeats();
    let tells_days = services.hub.tells_days();
    let mut connection = Connection {
        services,
        channel,
        version: VERSION,
        login: Login::new(hello_by - HELLO_TIMEOUT, client_address),
        submission,
        subscriptions: Subscriptions::new(heartbeats),
        tells_days,
    };
    let reason = match connection.run(hello_by, replies).await {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    connection.leave_session();
    connection.say_goodbye(&reason).await;
    reason
}

/// Waits until a client of version 1 can no longer be served.
async fn outgrown(tells_days: &mut watch::Receiver<bool>, version: u16) {
    if version >= VERSION_OF_DAYS || tells_days.wait_for(|tells| *tells).await.is_err() {
        std::future::pending().await
    }
}

enum Never {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    async fn run(
        &mut self,
        hello_by: Instant,
        mut replies: mpsc::Receiver<ReplyMessage>,
    ) -> Result<Never, CloseReason> {
        let mut stopping = self.services.stopping.clone();
        let mut tells_days = self.tells_days.clone();
        let silence = self.services.heartbeat * SILENT_HEARTBEATS;
        let mut heard_at = Instant::now();
        let deadline = tokio::time::sleep_until(hello_by);
        tokio::pin!(deadline);
        loop {
            // The expiry of the session is checked at least once in two heartbeats.
            self.check_version()?;
            self.leave_if_over();
            self.channel.flush().await?;
            self.record_writes();
            self.hand_off_feed();
            let has_room = self.submission.has_room();
            let is_greeting = self.login.is_greeting();
            let sends_heartbeats = self.subscriptions.needs_heartbeats();
            tokio::select! {
                read = self.channel.read(), if has_room => {
                    read?;
                    heard_at = Instant::now();
                    self.handle_all().await?;
                    if is_greeting && !self.login.is_greeting() {
                        deadline.as_mut().reset(heard_at + silence);
                    }
                }
                Some(told) = replies.recv() => {
                    self.write_replies(told);
                    while let Ok(told) = replies.try_recv() {
                        self.write_replies(told);
                    }
                }
                () = closed(&self.login.state) => {}
                () = outgrown(&mut tells_days, self.version) => {}
                entries = next_account_feed(&mut self.subscriptions.account_feed) => self.write_account_feed(entries).await?,
                published = next_feed(&mut self.subscriptions.feed) => self.publish(published).await?,
                (request, proof) = next_proof(&mut self.subscriptions.proofs) => self.write_proof(request, proof),
                signed = next_signed(&mut self.subscriptions.signed) => self.write_signed(signed).await?,
                heartbeat_message = next_heartbeat(&mut self.subscriptions.heartbeats), if !is_greeting && sends_heartbeats => {
                    self.channel.push_shared(RequestId(0), heartbeat_message.encoded());
                }
                () = &mut deadline => {
                    if is_greeting {
                        return Err(CloseReason::NoHello);
                    }
                    if self.was_heard_on_fast_path().await {
                        heard_at = Instant::now();
                    } else if heard_at.elapsed() >= silence && has_room {
                        // The server itself may have been too busy to read.
                        let waiting = timeout(Duration::ZERO, unconstrained(self.channel.read()));
                        waiting.await.map_err(|_| CloseReason::Silent)??;
                        heard_at = Instant::now();
                        self.handle_all().await?;
                    }
                    // Without room for commands the connection is not read, and silence means nothing.
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
        // Also when the next message ends the connection.
        self.submit_batch();
        taken?;
        if self.submission.orders_in_a_row >= FAST_PATH_AFTER {
            self.enter_fast_path();
        }
        Ok(())
    }

    /// Hands the input off to the sequencer when the client sends nothing but bids.
    fn enter_fast_path(&mut self) {
        let Some(&LiveSession { session, .. }) = self.login.session() else {
            return;
        };
        if let Some(input) = self.channel.hand_off_input() {
            self.submission.orders_in_a_row = 0;
            let (limit, reply) = (
                self.login.rate_limiter.clone(),
                self.submission.reply_channel.clone(),
            );
            self.services.sequencer.hand_off(FastPathConnection {
                input,
                session,
                limit,
                reply,
            });
        }
    }

    /// Returns whether the sequencer, which reads the input, has received anything from the client.
    async fn was_heard_on_fast_path(&mut self) -> bool {
        if !self.channel.is_handed_off() {
            return self.channel.take_was_read();
        }
        // The sequencer may have been too busy to read. After any answer from it, it has read.
        let answer = self.services.sequencer.last_request(SessionId(0)).await;
        self.channel.take_was_read() || answer.is_err()
    }

    async fn handle_each(&mut self) -> Result<(), CloseReason> {
        while let Some(asked) = self.channel.next()? {
            self.handle(asked).await?;
            self.channel.flush_when_full().await?;
        }
        Ok(())
    }

    /// Waits for the requests under way, so that the client receives their outcome.
    async fn drain(&mut self, replies: &mut mpsc::Receiver<ReplyMessage>) {
        let all = async {
            while !self.submission.reply_channel.has_fewer_than(1)
                && let Some(told) = replies.recv().await
            {
                self.write_replies(told);
            }
        };
        // A client that has no reply by then can repeat its request later.
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
