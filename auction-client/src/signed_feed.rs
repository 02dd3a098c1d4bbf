//! The signed feed as the server sends it, over a connection that mends itself. Nothing is checked here: whoever takes
//! it has the market's key, and checks.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{FeedSequence, MarketId, RequestId};
use auction_proto::{
    ResumePoint, ServerMessage, SignedBatch, SignedSnapshot, SnapshotBytes, WatchSigned,
};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::clock::ServerClock;
use crate::connection::{Connection, Connector, Received, greet, refusal};
use crate::error::ConnectionError;
use crate::limits::SIGNED_SNAPSHOT_BYTES_MAX;
use crate::pulse::Pulse;

/// The number of the one request of a connection.
const WATCH: RequestId = RequestId(2);
/// The number of pings.
const PING: RequestId = RequestId(3);

/// The market's signed feed. [`next`](Self::next) gives what comes, one message at a time.
pub struct SignedFeed {
    connector: Connector,
    program: Arc<str>,
    market: MarketId,
    /// Where to go on after the connection was lost.
    place: Option<FeedSequence>,
    line: Line,
    backoff: Backoff,
}

/// What comes of the signed feed.
#[derive(Clone, Debug)]
pub enum Signed {
    /// The market anew: a statement, and all parts that it names.
    Snapshot {
        /// What is signed.
        statement: SignedSnapshot,
        /// As they came; their hashes are not checked yet.
        parts: Vec<SnapshotBytes>,
    },
    /// Events, or a sign of life.
    Batch(SignedBatch),
    /// The connection was lost; another is tried after a while.
    Reconnecting {
        /// Why it was lost, or why the last try failed.
        because: ConnectionError,
        /// When the next try begins.
        wait: Duration,
    },
}

type Connecting = Pin<Box<dyn Future<Output = Result<Live, ConnectionError>> + Send>>;

enum Line {
    Connecting(Connecting),
    Live(Box<Live>),
}

struct Live {
    connection: Connection,
    pulse: Pulse,
    clock: ServerClock,
    snapshot: Option<Gathering>,
}

/// A snapshot whose parts are coming.
struct Gathering {
    statement: SignedSnapshot,
    parts: Vec<SnapshotBytes>,
    bytes: usize,
}

impl SignedFeed {
    pub(crate) fn new(connector: Connector, program: Arc<str>, market: MarketId) -> Self {
        let line = connect(connector.clone(), program.clone(), Duration::ZERO, None);
        Self {
            connector,
            program,
            market,
            place: None,
            line: Line::Connecting(line),
            backoff: Backoff::default(),
        }
    }

    /// The same feed once more, from a snapshot on.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.connector.clone(), self.program.clone(), self.market)
    }

    /// Says how far the feed was taken: there it goes on after the connection was lost. `None`: with a snapshot.
    pub fn stand_at(&mut self, place: Option<FeedSequence>) {
        self.place = place;
    }

    /// Asks for a snapshot, on a new connection.
    pub fn begin_anew(&mut self) {
        self.place = None;
        self.reconnect(Duration::ZERO);
    }

    /// Waits for what comes next. Never ends by itself. Dropped before it is done, nothing is lost.
    pub async fn next(&mut self) -> Signed {
        loop {
            let lost = match &mut self.line {
                Line::Connecting(connecting) => match connecting.as_mut().await {
                    Ok(live) => {
                        self.line = Line::Live(Box::new(live));
                        continue;
                    }
                    Err(error) => error,
                },
                Line::Live(live) => match live.next().await {
                    Ok(signed) => {
                        self.backoff.succeeded();
                        return signed;
                    }
                    Err(error) => error,
                },
            };
            let wait = self.backoff.next_wait();
            self.reconnect(wait);
            let because = lost;
            return Signed::Reconnecting { because, wait };
        }
    }

    fn reconnect(&mut self, wait: Duration) {
        let resume = self.place.map(|feed_sequence| ResumePoint {
            market: self.market,
            feed_sequence,
        });
        let line = connect(self.connector.clone(), self.program.clone(), wait, resume);
        self.line = Line::Connecting(line);
    }
}

fn connect(
    connector: Connector,
    program: Arc<str>,
    wait: Duration,
    resume: Option<ResumePoint>,
) -> Connecting {
    Box::pin(async move {
        sleep(wait).await;
        let greeted = greet(&connector, &program).await?;
        let pulse = Pulse::new(&greeted.welcome);
        let mut connection = greeted.connection;
        connection.queue(WATCH, &WatchSigned { resume });
        Ok(Live {
            connection,
            pulse,
            clock: greeted.clock,
            snapshot: None,
        })
    })
}

impl Live {
    async fn next(&mut self) -> Result<Signed, ConnectionError> {
        loop {
            tokio::select! {
                biased;
                received = self.connection.next() => {
                    self.pulse.heard();
                    if let Some(signed) = self.take(received?)? {
                        return Ok(signed);
                    }
                }
                beat = self.pulse.beat(self.clock) => self.connection.queue(PING, &beat?),
            }
        }
    }

    fn take(&mut self, received: Received) -> Result<Option<Signed>, ConnectionError> {
        match received.message {
            ServerMessage::SignedBatch(batch) => return Ok(Some(Signed::Batch(batch))),
            ServerMessage::SignedSnapshot(statement) => {
                self.snapshot = Some(Gathering {
                    statement,
                    parts: Vec::new(),
                    bytes: 0,
                });
            }
            ServerMessage::SnapshotBytes(part) => return self.gather(part),
            ServerMessage::Pong(pong) => {
                if let Some(clock) = self.pulse.pong(&pong) {
                    self.clock.learn(clock);
                }
            }
            message @ (ServerMessage::Goodbye(_) | ServerMessage::Refused(_)) => {
                return Err(refusal(message));
            }
            // What was resumed goes on with batches, and what was not begins with a snapshot.
            _ => {}
        }
        Ok(None)
    }

    /// Takes a part; which is the last, it says itself.
    fn gather(&mut self, part: SnapshotBytes) -> Result<Option<Signed>, ConnectionError> {
        let kind = auction_proto::Kind::SNAPSHOT_BYTES;
        let gathering = self.snapshot.as_mut();
        let gathering = gathering.ok_or(ConnectionError::Unexpected(kind))?;
        gathering.bytes += part.part.len();
        if gathering.bytes > SIGNED_SNAPSHOT_BYTES_MAX {
            return Err(ConnectionError::Unexpected(kind));
        }
        let body = auction_proto::decode_body::<auction_proto::SnapshotPart>(&part.part)?;
        let last = body.follows == auction_proto::Follows::Nothing;
        gathering.parts.push(part);
        let whole = self.snapshot.take_if(|_| last);
        Ok(whole.map(|whole| Signed::Snapshot {
            statement: whole.statement,
            parts: whole.parts,
        }))
    }
}
