//! A connection that is listened to for as long as it lasts, as every feed's is, and the next one after it.

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

/// The number of pings. What is asked on such a connection has numbers below it.
const PING: RequestId = RequestId(4);

/// A connection that shows the server that someone is here, and learns what time it is there.
pub(crate) struct FeedConnection {
    connection: Connection,
    keepalive: Keepalive,
    clock: ServerClock,
}

impl FeedConnection {
    /// Puts a request on its way; [`next`](Self::next) sends it.
    pub(crate) fn queue<B: Body>(&mut self, request: RequestId, body: &B) {
        debug_assert!(request < PING, "the number is of pings");
        self.connection.queue(request, body);
    }

    /// The next message, but for answers to pings. Dropped before it is done, nothing is lost.
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

    /// What is known of the server's time.
    pub(crate) fn clock(&self) -> ServerClock {
        self.clock
    }
}

/// A try to connect that is under way.
pub(crate) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ConnectionError>> + Send>>;

/// Where the server is, and when it is tried again.
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

    /// The same, for another connection.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.connector.clone(), self.program.clone())
    }

    /// Waits, connects, and begins what the connection is for.
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

    /// How long to wait after a loss.
    pub(crate) fn next_wait(&mut self) -> Duration {
        self.backoff.next_wait()
    }

    /// The server has answered: the next loss is the first again.
    pub(crate) fn succeeded(&mut self) {
        self.backoff.succeeded();
    }
}
