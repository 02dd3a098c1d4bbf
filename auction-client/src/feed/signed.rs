//! The signed feed as the server sends it, over a connection that mends itself. Nothing is checked here: whoever takes
//! it has the market's key, and checks.

use std::time::Duration;

use auction_core::{FeedSequence, MarketId, RequestId};
use auction_proto::{
    ResumePoint, ServerMessage, SignedBatch, SignedSnapshot, SnapshotBytes, WatchSigned,
};

use crate::connection::feed_connection::{Connecting, Dialer, FeedConnection};
use crate::connection::{Received, refusal};
use crate::error::ConnectionError;
use crate::limits::SIGNED_SNAPSHOT_BYTES_MAX;

/// The number of the one request of a connection.
const WATCH: RequestId = RequestId(2);

/// The market's signed feed. [`next`](Self::next) gives what comes, one message at a time.
pub struct SignedFeed {
    dialer: Dialer,
    market: MarketId,
    /// Where to go on after the connection was lost.
    place: Option<FeedSequence>,
    link: Link,
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

enum Link {
    Connecting(Connecting<Box<Subscription>>),
    Live(Box<Subscription>),
}

/// A connection on which the feed was asked for.
struct Subscription {
    connection: FeedConnection,
    snapshot: Option<PartialSnapshot>,
}

/// A snapshot whose parts are coming.
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

    /// The same feed once more, from a snapshot on.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.dialer.another(), self.market)
    }

    /// Says how far the feed was taken: there it goes on after the connection was lost. `None`: with a snapshot.
    pub fn resume_from(&mut self, place: Option<FeedSequence>) {
        self.place = place;
    }

    /// Asks for a snapshot, on a new connection.
    pub fn restart(&mut self) {
        self.place = None;
        self.reconnect(Duration::ZERO);
    }

    /// Waits for what comes next. Never ends by itself. Dropped before it is done, nothing is lost.
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
