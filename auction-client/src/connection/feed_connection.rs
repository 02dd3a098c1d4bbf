//! A long-lived connection of a feed, and the dialer for the next one.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::{Body, ServerMessage};
use tokio::time::sleep;

use crate::connection::backoff::Backoff;
use crate::connection::clock::ServerClock;
use crate::connection::keepalive::Keepalive;
use crate::connection::{Connection, Connector, Received, greet};
use crate::error::ConnectionError;

/// The request id of pings. Other requests on such a connection have lower ids.
const PING: RequestId = RequestId(4);

/// A connection that sends keepalives and estimates the server's time.
pub(crate) struct FeedConnection {
    connection: Connection,
    keepalive: Keepalive,
    clock: ServerClock,
}

impl FeedConnection {
    /// Queues a request; [`next`](Self::next) sends it.
    pub(crate) fn queue<B: Body>(&mut self, request: RequestId, body: &B) {
        debug_assert!(request < PING, "the number is of pings");
        self.connection.queue(request, body);
    }

    /// Returns the next message, except answers to pings. Cancel-safe: nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Received, ConnectionError> {
        loop {
            tokio::select! {
                biased;
                received = self.connection.next() => {
                    self.keepalive.heard();
                    let received = received?;
                    let ServerMessage::Pong(pong) = &received.message else {
                        return Ok(received);
                    };
                    if let Some(clock) = self.keepalive.pong(pong) {
                        self.clock.learn(clock);
                    }
                }
                beat = self.keepalive.beat(self.clock) => self.connection.queue(PING, &beat?),
            }
        }
    }

    /// Returns the estimate of the server's time.
    pub(crate) fn clock(&self) -> ServerClock {
        self.clock
    }
}

/// An attempt to connect in progress.
pub(crate) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ConnectionError>> + Send>>;

/// Opens connections to the server, with backoff.
pub(crate) struct Dialer {
    connector: Connector,
    program: Arc<str>,
    backoff: Backoff,
}

impl Dialer {
    pub(crate) fn new(connector: Connector, program: Arc<str>) -> Self {
        Self {
            connector,
            program,
            backoff: Backoff::default(),
        }
    }

    /// Returns a dialer for another connection to the same server.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.connector.clone(), self.program.clone())
    }

    /// Waits, connects, and starts the subscription of the connection.
    pub(crate) fn connect<T, B>(
        &self,
        wait: Duration,
        begin: impl FnOnce(FeedConnection) -> B + Send + 'static,
    ) -> Connecting<T>
    where
        B: Future<Output = Result<T, ConnectionError>> + Send,
    {
        let (connector, program) = (self.connector.clone(), self.program.clone());
        Box::pin(async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            let greeted = greet(&connector, &program).await?;
            let connection = FeedConnection {
                keepalive: Keepalive::new(&greeted.welcome),
                connection: greeted.connection,
                clock: greeted.clock,
            };
            begin(connection).await
        })
    }

    /// Returns the wait after a loss.
    pub(crate) fn next_wait(&mut self) -> Duration {
        self.backoff.next_wait()
    }

    /// Resets the backoff after the server has answered.
    pub(crate) fn succeeded(&mut self) {
        self.backoff.succeeded();
    }
}
