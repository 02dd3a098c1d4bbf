//! Keepalive: a ping each heartbeat interval, and the end of the connection if nothing is received in answer.

use std::time::Duration;

use auction_core::Timestamp;
use auction_proto::{Ping, Pong, Welcome};
use tokio::time::{Instant, sleep_until};

use crate::connection::clock::ServerClock;
use crate::error::ConnectionError;
use crate::limits::{HEARTBEAT_MAX, HEARTBEAT_MIN};

/// Keepalive state of a connection.
pub(crate) struct Keepalive {
    heartbeat: Duration,
    ping_at: Instant,
    /// Time of the first ping after which nothing at all was received.
    unheard: Option<Instant>,
    pinged: Option<(Timestamp, Instant)>,
}

impl Keepalive {
    pub(crate) fn new(welcome: &Welcome) -> Self {
        let heartbeat = Duration::from_millis(welcome.heartbeat_ms.into());
        let heartbeat = heartbeat.clamp(HEARTBEAT_MIN, HEARTBEAT_MAX);
        Self {
            heartbeat,
            ping_at: Instant::now() + heartbeat,
            unheard: None,
            pinged: None,
        }
    }

    /// Records that something was received.
    pub(crate) fn heard(&mut self) {
        self.unheard = None;
    }

    /// Waits until the next ping is due. Silence is counted from a ping on, so that a program that was busy, or a
    /// machine that slept, does not take a live server for dead.
    pub(crate) async fn beat(&mut self, clock: ServerClock) -> Result<Ping, ConnectionError> {
        if let Some(since) = self.unheard {
            sleep_until(since + self.heartbeat).await;
            return Err(ConnectionError::TimedOut(self.heartbeat));
        }
        sleep_until(self.ping_at).await;
        let now = Instant::now();
        self.ping_at = now + self.heartbeat;
        self.unheard = Some(now);
        let client_time = clock.now();
        self.pinged = Some((client_time, now));
        Ok(Ping { client_time })
    }

    /// Returns the clock sample in an answer to the last ping.
    pub(crate) fn pong(&mut self, pong: &Pong) -> Option<ServerClock> {
        let (_, sent) = self.pinged.take_if(|(time, _)| *time == pong.client_time)?;
        Some(ServerClock::of_round_trip(
            sent,
            Instant::now(),
            pong.server_time,
        ))
    }
}
