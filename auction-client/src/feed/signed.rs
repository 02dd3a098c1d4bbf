//! The signed feed as the server sends it, over a connection that is restored automatically. Nothing is verified here:
//! the caller has the market's key, and verifies.

use std::time::Duration;

use auction_core::{FeedSequence, MarketId, RequestId};
use auction_proto::{
    ResumePoint, ServerMessage, SignedBatch, SignedSnapshot, SnapshotBytes, WatchSigned,
};

use crate::connection::feed_connection::{Connecting, Dialer, FeedConnection};
use crate::connection::{Received, refusal};
use crate::error::ConnectionError;
use crate::limits::SIGNED_SNAPSHOT_BYTES_MAX;

/// Id of the only request of a connection.
const WATCH: RequestId = RequestId(2);

/// The market's signed feed. [`next`](Self::next) returns one message at a time.
pub struct SignedFeed {
    dialer: Dialer,
    market: MarketId,
    /// Place to resume from after a lost connection.
    place: Option<FeedSequence>,
    link: Link,
}

/// A message of the signed feed.
#[derive(Clone, Debug)]
pub enum Signed {
    /// A new snapshot of the market: a statement, and all parts that it names.
    Snapshot {
        /// The signed statement.
        statement: SignedSnapshot,
        /// The parts as received; their hashes are not checked yet.
        parts: Vec<SnapshotBytes>,
    },
    /// Events, or a heartbeat.
    Batch(SignedBatch),
    /// The connection was lost; the next attempt follows after a wait.
    Reconnecting {
        /// Reason of the loss, or of the last failed attempt.
        because: ConnectionError,
        /// Wait before the next attempt.
        wait: Duration,
    },
}

enum Link {
    Connecting(Connecting<Box<Subscription>>),
    Live(Box<Subscription>),
}

/// A connection with a subscription to the feed.
struct Subscription {
    connection: FeedConnection,
    snapshot: Option<PartialSnapshot>,
}

/// A snapshot of which some parts are missing.
struct PartialSnapshot {
    statement: SignedSnapshot,
    parts: Vec<SnapshotBytes>,
    bytes: usize,
}

impl SignedFeed {
    pub(crate) fn new(dialer: Dialer, market: MarketId) -> Self {
        let link = Link::Connecting(subscribe(&dialer, Duration::ZERO, None));
        Self {
            dialer,
            market,
            place: None,
            link,
        }
    }

    /// Returns a second feed of the same market, which begins with a snapshot.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.dialer.another(), self.market)
    }

    /// Sets the place to resume from after a lost connection. `None`: from a snapshot.
    pub fn resume_from(&mut self, place: Option<FeedSequence>) {
        self.place = place;
    }

    /// Reconnects to get a snapshot.
    pub fn restart(&mut self) {
        self.place = None;
        self.reconnect(Duration::ZERO);
    }

    /// Waits for the next message. Never ends by itself. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Signed {
        loop {
            let because = match &mut self.link {
                Link::Connecting(connecting) => match connecting.as_mut().await {
                    Ok(subscription) => {
                        self.link = Link::Live(subscription);
                        continue;
                    }
                    Err(error) => error,
                },
                Link::Live(subscription) => match subscription.next().await {
                    Ok(signed) => {
                        self.dialer.succeeded();
                        return signed;
                    }
                    Err(error) => error,
                },
            };
            let wait = self.dialer.next_wait();
            self.reconnect(wait);
            return Signed::Reconnecting { because, wait };
        }
    }

    fn reconnect(&mut self, wait: Duration) {
        let resume = self.place.map(|feed_sequence| ResumePoint {
            market: self.market,
            feed_sequence,
        });
        self.link = Link::Connecting(subscribe(&self.dialer, wait, resume));
    }
}

fn subscribe(
    dialer: &Dialer,
    wait: Duration,
    resume: Option<ResumePoint>,
) -> Connecting<Box<Subscription>> {
    dialer.connect(wait, async move |mut connection| {
        connection.queue(WATCH, &WatchSigned { resume });
        let snapshot = None;
        Ok(Box::new(Subscription {
            connection,
            snapshot,
        }))
    })
}

impl Subscription {
    async fn next(&mut self) -> Result<Signed, ConnectionError> {
        loop {
            let received = self.connection.next().await?;
            if let Some(signed) = self.take(received)? {
                return Ok(signed);
            }
        }
    }

    fn take(&mut self, received: Received) -> Result<Option<Signed>, ConnectionError> {
        match received.message {
            ServerMessage::SignedBatch(batch) => return Ok(Some(Signed::Batch(batch))),
            ServerMessage::SignedSnapshot(statement) => {
                self.snapshot = Some(PartialSnapshot {
                    statement,
                    parts: Vec::new(),
                    bytes: 0,
                });
            }
            ServerMessage::SnapshotBytes(part) => return self.gather(part),
            message @ (ServerMessage::Goodbye(_) | ServerMessage::Refused(_)) => {
                return Err(refusal(message));
            }
            // A resumed feed continues with batches, any other begins with a snapshot.
            _ => {}
        }
        Ok(None)
    }

    /// Adds a part; each part says whether it is the last.
    fn gather(&mut self, part: SnapshotBytes) -> Result<Option<Signed>, ConnectionError> {
        let kind = auction_proto::Kind::SNAPSHOT_BYTES;
        let gathering = self.snapshot.as_mut();
        let gathering = gathering.ok_or(ConnectionError::Unexpected(kind))?;
        gathering.bytes += part.part.len();
        if gathering.bytes > SIGNED_SNAPSHOT_BYTES_MAX {
            return Err(ConnectionError::Unexpected(kind));
        }
        let body = auction_proto::decode_body::<auction_proto::SnapshotPart>(&part.part)?;
        let last = !body.follows.is_more();
        gathering.parts.push(part);
        let whole = self.snapshot.take_if(|_| last);
        Ok(whole.map(|whole| Signed::Snapshot {
            statement: whole.statement,
            parts: whole.parts,
        }))
    }
}
