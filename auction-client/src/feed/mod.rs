//! Following the market: a snapshot, then every public event after it, checked for gaps, over a connection
//! that mends itself; signed by the market, where that is asked for.

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

/// The number of the one request of a connection.
const WATCH: RequestId = RequestId(2);

/// The market as it moves. [`next`](Self::next) gives what happens, one thing at a time; until the next call,
/// [`market`](Self::market) is the market right after it.
///
/// Nothing is missed in silence: a lost connection is told as [`Update::Reconnecting`], and after it the feed
/// goes on where it was ([`Update::Live`]) or begins anew ([`Update::Snapshot`]).
pub struct Watch {
    dialer: Dialer,
    market: Market,
    /// What was known of the server's time when there last was a connection.
    clock: ServerClock,
    /// Events that have come and are not told yet.
    feed: VecDeque<(FeedSequence, FeedEntry)>,
    link: Link,
    /// Whether the fold can be gone on with; otherwise only a snapshot helps.
    sound: bool,
    /// The market anew, to be told next.
    anew: Option<Market>,
    /// Whose signature everything must have; `None`: the feed is taken as it comes.
    verifier: Option<FeedVerifier>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Update {
    /// A public event, now part of the market.
    Event {
        /// Its place in the feed.
        feed_sequence: FeedSequence,
        /// When it happened.
        at: Timestamp,
        /// What.
        event: PublicEvent,
    },
    /// What an uncross of a call auction would give, as it has changed. It is no part of the market: of several that
    /// follow each other quickly only the newest comes.
    Indicative(Indicative),
    /// The connection was lost; another is tried after a while.
    Reconnecting {
        /// Why it was lost, or why the last try failed.
        because: ConnectionError,
        /// When the next try begins.
        wait: Duration,
    },
    /// The connection is back, and nothing was missed: what happened meanwhile follows as events.
    Live,
    /// The feed and the market kept here do not fit together; a snapshot follows.
    Gap(Gap),
    /// The market has signed two things of which one is a lie. It is told once, and what came last is shown on. Keep
    /// the proof: anyone who has the market's key can check it.
    Equivocation(Box<Equivocation>),
    /// The market was taken anew: look at all of it. What happened since the last event is in it, but is not
    /// told one by one.
    Snapshot,
}

/// How feed and fold came apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// A batch does not follow.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The server is further on, and what lies between never came.
    #[error("the server stands at {server} of the feed, and what follows {here} never came")]
    Behind {
        /// The server's place.
        server: FeedSequence,
        /// The place here.
        here: FeedSequence,
    },
    /// At the same place, the server has another digest of the market.
    #[error("the market here differs from the server's at {0} of the feed")]
    Digest(FeedSequence),
    /// This client has seen what the server does not have any more. Acknowledged bids may be gone: tell the operator.
    #[error(
        "the server's journal has lost its end: what was seen here up to {seen} of the feed is gone there"
    )]
    JournalLost {
        /// The last place that was seen here.
        seen: FeedSequence,
    },
}

enum Link {
    /// A try to connect is under way.
    Connecting(Connecting<Begun>),
    /// The feed comes.
    Live(Box<Subscription>),
}

/// A connection on which the feed was asked for.
struct Subscription {
    connection: FeedConnection,
    /// Parts of a snapshot that the server sends of its own accord, to a reader that was too slow.
    parts: SnapshotAssembler,
    /// A signed snapshot that is coming; `None`: what is signed is not asked for.
    signed: Option<SignedParts>,
}

/// A connection on which the feed has begun.
struct Begun {
    subscription: Box<Subscription>,
    /// The market anew; `None`: the feed goes on.
    snapshot: Option<Market>,
    /// The same, as it was signed.
    signed: Option<SignedSnapshot>,
    /// Why the feed does not go on, where it was asked to.
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
            // It is the first statement.
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

    /// The market after the last update that was given.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// What is known of the server's time.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        match &self.link {
            Link::Connecting(_) => self.clock,
            Link::Live(subscription) => subscription.connection.clock(),
        }
    }

    /// Waits for the next update. Never ends by itself: a lost connection is tried again as long as this is
    /// called. Dropped before it is done, nothing is lost.
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
            // A snapshot follows, and tells it all.
            ServerMessage::Resync(_) => {}
            // Answers to what this connection never asks; they are no harm.
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
            // What was shown first is shown on.
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

    /// Whether the market has another digest here than was signed.
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
                tracing::error!(%gap, "the server has lost what it told");
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
        // Of the next connection, perhaps to another machine, only its own greeting tells the time.
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

    /// Waits until the feed has begun, or goes on.
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
