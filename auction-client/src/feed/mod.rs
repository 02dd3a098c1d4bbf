//! Following the market: a snapshot, then every public event after it, checked for gaps, over a connection that is
//! restored automatically; signed by the market if requested.

pub(crate) mod verified;
pub(crate) mod signed;
pub(crate) mod account;

use std::collections::VecDeque;
use std::time::Duration;

use auction_core::{FeedSequence, Market, PublicEvent, RequestId, Timestamp};
use auction_proto::{
    AnySigned, AnyStatement, FeedEntry, FeedError, Indicative, Kind, MarketKey, ResumePoint,
    ResyncBecause, ServerMessage, SignedBatch, SignedSnapshot, SnapshotAssembler, WatchSigned,
};

use crate::audit::equivocation::Equivocation;
use crate::connection::clock::ServerClock;
use crate::connection::feed_connection::{Connecting, Dialer, FeedConnection};
use crate::connection::{Received, refusal};
use crate::error::ConnectionError;
use crate::feed::verified::{Consistency, FeedVerifier, SignedParts};

/// Id of the only request of a connection.
const WATCH: RequestId = RequestId(2);

/// The public market as it changes. [`next`](Self::next) returns one update at a time; until the next call,
/// [`market`](Self::market) is the market right after that update.
///
/// No gap goes unreported: a lost connection is an [`Update::Reconnecting`], and after it the feed resumes at its place
/// ([`Update::Live`]) or restarts with a snapshot ([`Update::Snapshot`]).
pub struct Watch {
    dialer: Dialer,
    market: Market,
    /// Estimate of the server's time from the last connection.
    clock: ServerClock,
    /// Events received and not returned yet.
    feed: VecDeque<(FeedSequence, FeedEntry)>,
    link: Link,
    /// True while the fold can be continued; otherwise a snapshot is needed.
    sound: bool,
    /// A new snapshot, to be returned next.
    anew: Option<Market>,
    /// Verifies the market's signatures; `None`: the feed is accepted unsigned.
    verifier: Option<FeedVerifier>,
}

/// An update of the market.
#[derive(Clone, Debug)]
pub enum Update {
    /// A public event, already applied to the market.
    Event {
        /// Place of the event in the feed.
        feed_sequence: FeedSequence,
        /// Time of the event.
        at: Timestamp,
        /// The event.
        event: PublicEvent,
    },
    /// The changed result that an uncross of a call auction would have now. It is not part of the market: of several in
    /// quick succession only the newest comes.
    Indicative(Indicative),
    /// The connection was lost; the next attempt follows after a wait.
    Reconnecting {
        /// Reason of the loss, or of the last failed attempt.
        because: ConnectionError,
        /// Wait before the next attempt.
        wait: Duration,
    },
    /// The connection is restored, and nothing was missed: the events in between follow.
    Live,
    /// The feed does not fit the market kept here; a snapshot follows.
    Gap(Gap),
    /// The market has signed two contradicting statements. Reported once, and the feed continues. Keep the
    /// proof: anyone who has the market's key can check it.
    Equivocation(Box<Equivocation>),
    /// The market was replaced by a snapshot: read all of it. It includes the events since the last one returned, which
    /// are not reported singly.
    Snapshot,
}

/// Reason why the feed does not fit the fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// A batch does not follow the one before it.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The server is ahead, and the events in between never came.
    #[error("the server is at {server} of the feed, and the events after {here} never came")]
    Behind {
        /// The server's place.
        server: FeedSequence,
        /// The place here.
        here: FeedSequence,
    },
    /// The server has another digest of the market at the same place.
    #[error("the market here differs from the server's at {0} of the feed")]
    Digest(FeedSequence),
    /// This client has seen events that the server has lost. Acknowledged bids may be gone: inform the operator.
    #[error(
        "the server's journal has lost its end: events seen here, up to {seen} of the feed, are gone there"
    )]
    JournalLost {
        /// The last place that was seen here.
        seen: FeedSequence,
    },
}

enum Link {
    /// An attempt to connect is in progress.
    Connecting(Connecting<Begun>),
    /// The feed is being received.
    Live(Box<Subscription>),
}

/// A connection with a subscription to the feed.
struct Subscription {
    connection: FeedConnection,
    /// Parts of a snapshot that the server sends unrequested, to a reader that was too slow.
    parts: SnapshotAssembler,
    /// Parts of a signed snapshot; `None`: the unsigned feed was requested.
    signed: Option<SignedParts>,
}

/// A connection on which the feed has begun.
struct Begun {
    subscription: Box<Subscription>,
    /// The snapshot; `None`: the feed resumes at its place.
    snapshot: Option<Market>,
    /// The same snapshot as the market signed it.
    signed: Option<SignedSnapshot>,
    /// Reason why the feed does not resume at the requested place.
    because: Option<ResyncBecause>,
}

impl Watch {
    pub(crate) async fn begin(
        dialer: Dialer,
        key: Option<MarketKey>,
    ) -> Result<Self, ConnectionError> {
        let begun = subscribe(&dialer, Duration::ZERO, key.clone(), None).await?;
        let market = begun
            .snapshot
            .expect("without a place to go on from there is a snapshot");
        let mut verifier = key.map(FeedVerifier::new);
        if let (Some(verifier), Some(signed)) = (&mut verifier, begun.signed) {
            // The first statement: nothing to compare it with.
            verifier.check(AnySigned::Snapshot(signed))?;
        }
        Ok(Self {
            dialer,
            market,
            clock: begun.subscription.connection.clock(),
            feed: VecDeque::new(),
            link: Link::Live(begun.subscription),
            sound: true,
            anew: None,
            verifier,
        })
    }

    /// Returns the market after the last update returned.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Returns the estimate of the server's time.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        match &self.link {
            Link::Connecting(_) => self.clock,
            Link::Live(subscription) => subscription.connection.clock(),
        }
    }

    /// Waits for the next update. Never ends by itself: a lost connection is retried as long as this is called.
    /// Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Update {
        loop {
            if let Some((feed_sequence, entry)) = self.feed.pop_front() {
                return self.apply(feed_sequence, entry);
            }
            if let Some(market) = self.anew.take() {
                return self.replace_market(market);
            }
            let update = match &mut self.link {
                Link::Connecting(connecting) => {
                    let begun = connecting.as_mut().await;
                    Some(self.begun(begun))
                }
                Link::Live(subscription) => {
                    let received = subscription.connection.next().await;
                    received
                        .and_then(|received| self.handle(received))
                        .unwrap_or_else(|error| Some(self.lost(error)))
                }
            };
            if let Some(update) = update {
                return update;
            }
        }
    }

    fn apply(&mut self, feed_sequence: FeedSequence, entry: FeedEntry) -> Update {
        let FeedEntry { at, event } = entry;
        match self.market.apply(at, &event) {
            Ok(()) if self.is_not_as_signed() => self.gap(Gap::Digest(feed_sequence)),
            Ok(()) => Update::Event {
                feed_sequence,
                at,
                event,
            },
            Err(source) => {
                let at = feed_sequence;
                self.gap(FeedError::Contradiction { at, source }.into())
            }
        }
    }

    fn handle(&mut self, received: Received) -> Result<Option<Update>, ConnectionError> {
        let Link::Live(subscription) = &mut self.link else {
            return Ok(None);
        };
        self.dialer.succeeded();
        match received.message {
            ServerMessage::Feed(feed) if self.verifier.is_none() => {
                if let Err(error) = feed.check_follows(&self.market) {
                    return Ok(Some(self.gap(error.into())));
                }
                let places = feed.after.0 + 1..;
                self.feed = places.map(FeedSequence).zip(feed.entries).collect();
            }
            ServerMessage::Heartbeat(heartbeat) => {
                let here = self.market.feed_sequence();
                if heartbeat.feed_sequence > here {
                    let server = heartbeat.feed_sequence;
                    return Ok(Some(self.gap(Gap::Behind { server, here })));
                }
                if heartbeat.feed_sequence == here && heartbeat.digest != self.market.digest() {
                    return Ok(Some(self.gap(Gap::Digest(here))));
                }
            }
            ServerMessage::Indicative(indicative) => {
                return Ok(Some(Update::Indicative(indicative)));
            }
            ServerMessage::SnapshotPart(part)
                if received.request == WATCH && self.verifier.is_none() =>
            {
                if let Some(market) = subscription.parts.add(part)? {
                    self.market = market;
                    return Ok(Some(Update::Snapshot));
                }
            }
            ServerMessage::SignedSnapshot(signed) if received.request == WATCH => {
                subscription.signed()?.begin(signed)?;
            }
            ServerMessage::SnapshotBytes(bytes) if received.request == WATCH => {
                if let Some((signed, market)) = subscription.signed()?.add(&bytes)? {
                    self.market = market;
                    return Ok(Some(match self.check_snapshot(signed)? {
                        None => Update::Snapshot,
                        Some(equivocation) => {
                            self.anew = Some(self.market.clone());
                            Update::Equivocation(equivocation)
                        }
                    }));
                }
            }
            ServerMessage::SignedBatch(signed) => return self.handle_signed(signed),
            message @ (ServerMessage::Goodbye(_) | ServerMessage::Refused(_)) => {
                return Err(refusal(message));
            }
            // A snapshot follows.
            ServerMessage::Resync(_) => {}
            // Answers to requests that this connection never sends: ignored.
            ServerMessage::Feed(_)
            | ServerMessage::SnapshotPart(_)
            | ServerMessage::Welcome(_)
            | ServerMessage::Accepted(_)
            | ServerMessage::LoggedIn(_)
            | ServerMessage::Sessions(_)
            | ServerMessage::Resumed(_)
            | ServerMessage::FilteredFeed(_)
            | ServerMessage::Account(_)
            | ServerMessage::AccountFeed(_)
            | ServerMessage::History(_)
            | ServerMessage::Activity(_)
            | ServerMessage::Lots(_)
            | ServerMessage::DayOrders(_)
            | ServerMessage::Trades(_)
            | ServerMessage::LeastWinning(_)
            | ServerMessage::Balance(_)
            | ServerMessage::Orders(_)
            | ServerMessage::MarketKey(_)
            | ServerMessage::SignedSnapshot(_)
            | ServerMessage::SnapshotBytes(_)
            | ServerMessage::SignedCheckpoint(_)
            | ServerMessage::Receipt(_)
            | ServerMessage::Devices(_)
            | ServerMessage::SealingKey(_)
            | ServerMessage::SealedAnswer(_)
            | ServerMessage::PeerOffered(_)
            | ServerMessage::Peers(_)
            | ServerMessage::Pong(_) => {}
        }
        Ok(None)
    }

    fn handle_signed(&mut self, signed: SignedBatch) -> Result<Option<Update>, ConnectionError> {
        let Some(verifier) = &mut self.verifier else {
            return Ok(None);
        };
        let (statement, consistency) = verifier.check(AnySigned::Batch(signed))?;
        let AnyStatement::Batch(batch) = statement else {
            unreachable!("a batch says what a batch says")
        };
        match consistency {
            Consistency::Consistent => {}
            // The market here keeps what was shown first.
            Consistency::Equivocation(equivocation) => {
                return Ok(Some(Update::Equivocation(equivocation)));
            }
            Consistency::Repeated => return Ok(None),
        }
        let here = self.market.feed_sequence();
        if batch.after > here {
            let server = batch.after;
            return Ok(Some(self.gap(Gap::Behind { server, here })));
        }
        verifier.due = Some((batch.through, batch.digest));
        let places = (batch.after.0 + 1..).map(FeedSequence);
        // Batches can overlap.
        let new = places.zip(batch.entries).filter(|(place, _)| *place > here);
        self.feed = new.collect();
        if self.feed.is_empty() && self.is_not_as_signed() {
            return Ok(Some(self.gap(Gap::Digest(here))));
        }
        Ok(None)
    }

    /// Returns true if the market's digest here differs from the signed one.
    fn is_not_as_signed(&mut self) -> bool {
        let due = self.verifier.as_ref().and_then(|verifier| verifier.due);
        due.is_some_and(|(place, digest)| {
            place == self.market.feed_sequence() && digest != self.market.digest()
        })
    }

    fn check_snapshot(
        &mut self,
        signed: SignedSnapshot,
    ) -> Result<Option<Box<Equivocation>>, ConnectionError> {
        let Some(verifier) = &mut self.verifier else {
            return Ok(None);
        };
        let (_, consistency) = verifier.check(AnySigned::Snapshot(signed))?;
        Ok(match consistency {
            Consistency::Equivocation(equivocation) => Some(equivocation),
            Consistency::Consistent | Consistency::Repeated => None,
        })
    }

    fn begun(&mut self, begun: Result<Begun, ConnectionError>) -> Update {
        let Begun {
            subscription,
            snapshot,
            signed,
            because,
        } = match begun {
            Ok(begun) => begun,
            Err(error) => return self.lost(error),
        };
        self.link = Link::Live(subscription);
        match signed.map_or(Ok(None), |signed| self.check_snapshot(signed)) {
            Ok(None) => {}
            Ok(Some(equivocation)) => {
                self.anew = snapshot;
                return Update::Equivocation(equivocation);
            }
            Err(error) => return self.lost(error),
        }
        match snapshot {
            None => Update::Live,
            Some(market) if because == Some(ResyncBecause::JournalLost) => {
                let seen = self.market.feed_sequence();
                let gap = Gap::JournalLost { seen };
                tracing::error!(%gap, "the server has lost events that it had sent");
                self.anew = Some(market);
                Update::Gap(gap)
            }
            Some(market) => self.replace_market(market),
        }
    }

    fn replace_market(&mut self, market: Market) -> Update {
        self.market = market;
        self.sound = true;
        Update::Snapshot
    }

    fn lost(&mut self, because: ConnectionError) -> Update {
        tracing::debug!(error = %because, "the feed was lost");
        let wait = self.dialer.next_wait();
        self.reconnect(wait);
        Update::Reconnecting { because, wait }
    }

    fn gap(&mut self, gap: Gap) -> Update {
        tracing::warn!(%gap, "the feed does not fit; asking for a snapshot");
        self.feed.clear();
        self.sound = false;
        let wait = self.dialer.next_wait();
        self.reconnect(wait);
        Update::Gap(gap)
    }

    fn reconnect(&mut self, wait: Duration) {
        // The next connection may lead to another machine: only its own greeting tells the time.
        self.clock = self.clock();
        let resume = self.sound.then(|| ResumePoint {
            market: self.market.id(),
            feed_sequence: self.market.feed_sequence(),
        });
        let key = self.verifier.as_ref().map(|verifier| verifier.key.clone());
        self.link = Link::Connecting(subscribe(&self.dialer, wait, key, resume));
    }
}

impl Subscription {
    fn signed(&mut self) -> Result<&mut SignedParts, ConnectionError> {
        let unexpected = ConnectionError::Unexpected(Kind::SIGNED_SNAPSHOT);
        self.signed.as_mut().ok_or(unexpected)
    }

    /// Waits until the feed has begun or resumed.
    async fn begun(mut self: Box<Self>, resuming: bool) -> Result<Begun, ConnectionError> {
        let mut because = None;
        let (snapshot, signed) = loop {
            let received = self.connection.next().await?;
            match received.message {
                ServerMessage::Resumed(_) if resuming => break (None, None),
                ServerMessage::SnapshotPart(part)
                    if received.request == WATCH && self.signed.is_none() =>
                {
                    if let Some(market) = self.parts.add(part)? {
                        break (Some(market), None);
                    }
                }
                ServerMessage::SignedSnapshot(signed) if received.request == WATCH => {
                    self.signed()?.begin(signed)?;
                }
                ServerMessage::SnapshotBytes(bytes) if received.request == WATCH => {
                    if let Some((signed, market)) = self.signed()?.add(&bytes)? {
                        break (Some(market), Some(signed));
                    }
                }
                ServerMessage::Resync(resync) => because = Some(resync.because),
                ServerMessage::Heartbeat(_) => {}
                other => return Err(refusal(other)),
            }
        };
        Ok(Begun {
            subscription: self,
            snapshot,
            signed,
            because,
        })
    }
}

/// Connects and waits until the feed has begun; with a key, the signed one.
fn subscribe(
    dialer: &Dialer,
    wait: Duration,
    key: Option<MarketKey>,
    resume: Option<ResumePoint>,
) -> Connecting<Begun> {
    let resuming = resume.is_some();
    dialer.connect(wait, async move |mut connection| {
        match key {
            Some(_) => connection.queue(WATCH, &WatchSigned { resume }),
            None => connection.queue(WATCH, &auction_proto::Watch { resume }),
        }
        let subscription = Box::new(Subscription {
            connection,
            parts: SnapshotAssembler::new(),
            signed: key.map(SignedParts::of),
        });
        subscription.begun(resuming).await
    })
}
