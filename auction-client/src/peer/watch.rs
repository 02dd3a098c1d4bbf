//! Following the market as a peer: a snapshot, then every public event after it, from any peer.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use auction_core::{Digest, FeedSequence, Market, PublicEvent, Span, Timestamp};
use auction_proto::{BatchError, BatchStatement, Conflict, EquivocationProof, FeedEntry};
use tokio::sync::{mpsc, oneshot};

use super::limits::{RELAYED_CONCURRENTLY_MAX, RELAYS_MAX};
use super::node::{Node, NodeCommand, NodeState};
use super::relay;
use super::{Multiaddr, PeerId};
use crate::client::relay::Relay;
use crate::feed::signed::SignedFeed;
use crate::peer::join::{JoinConfig, JoinError};
use crate::peer::peer_relay::PeerRelay;
use crate::peer::snapshot_download::Snapshot;
use crate::peer::view::events::{PinnedMarket, Status, ViewUpdate};

/// Capacity of the channel of updates from the peer to the watcher.
const NEWS_AT_ONCE: usize = 256;
/// Capacity of the channel of commands from the watcher to the peer.
const WORDS_AT_ONCE: usize = 16;

/// The public market as it changes, from peer to peer. [`next`](Self::next) returns one update at a time; until the
/// next call, [`market`](Self::market) is the market right after that update.
///
/// The peer runs as long as this value exists, and serves others even between calls.
pub struct PeerWatch {
    news: mpsc::Receiver<ViewUpdate>,
    commands: mpsc::Sender<NodeCommand>,
    known: NodeState,
    status: Status,
    market: Option<Market>,
    events: VecDeque<(FeedSequence, FeedEntry)>,
    /// Digest that the market must have after the pending events.
    digest: Option<(FeedSequence, Digest)>,
}

/// An update of the market or of the peer.
#[derive(Clone, Debug)]
pub enum PeerUpdate {
    /// The market was replaced by a snapshot: read all of it.
    Snapshot,
    /// A public event, already applied to the market.
    Event {
        /// Place of the event in the feed.
        feed_sequence: FeedSequence,
        /// Time of the event.
        at: Timestamp,
        /// The event.
        event: PublicEvent,
    },
    /// The reliability of the market here has changed.
    Status(Status),
    /// The market's signed batches do not fit the market here; a snapshot follows.
    Unfit(BatchError),
    /// The market has signed two contradicting statements: keep the proof.
    Equivocation {
        /// Both statements.
        proof: Box<EquivocationProof>,
        /// The contradiction.
        conflict: Conflict,
    },
}

impl PeerWatch {
    /// Joins the peers that follow a market. With `feed`, a connection to the market's server, this peer publishes the
    /// server's data; without, it follows other peers alone.
    ///
    /// # Errors
    /// [`JoinError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn join(joining: JoinConfig, feed: Option<SignedFeed>) -> Result<Self, JoinError> {
        let (update, news) = mpsc::channel(NEWS_AT_ONCE);
        let (commands, said) = mpsc::channel(WORDS_AT_ONCE);
        let (node, known) = Node::new(joining, feed, update, said)?;
        tokio::spawn(node.run());
        Ok(Self {
            news,
            commands,
            known,
            status: Status::Joining,
            market: None,
            events: VecDeque::new(),
            digest: None,
        })
    }

    /// Returns the market after the last update returned; `None` before the first snapshot.
    #[must_use]
    pub fn market(&self) -> Option<&Market> {
        self.market.as_ref()
    }

    /// Returns this peer's id, valid until it ends.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.known.id
    }

    /// Returns the addresses where other peers can reach this one, as known now.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let id = self.known.id;
        let whole = |address: &Multiaddr| address.clone().with_p2p(id).unwrap_or_else(|same| same);
        self.known.addresses.borrow().iter().map(whole).collect()
    }

    /// Returns the number of connected peers that follow the same market.
    #[must_use]
    pub fn peers(&self) -> usize {
        *self.known.connected.borrow()
    }

    /// Returns the market's time, as estimated by the peer; `None` before the first statement.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        let (time, at) = (*self.known.time.borrow())?;
        let since = u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
        Some(time.saturating_add(Span::from_micros(since).unwrap_or_default()))
    }

    /// Returns the market and its key, once the peer knows them.
    #[must_use]
    pub fn pinned(&self) -> Option<PinnedMarket> {
        *self.known.pinned.borrow()
    }

    /// Adds addresses of other peers.
    pub async fn connect(&self, peers: Vec<Multiaddr>) {
        self.send_command(NodeCommand::Connect(peers)).await;
    }

    /// Sets or removes the peer's connection to the server.
    pub async fn set_feed(&self, feed: Option<SignedFeed>) {
        self.send_command(NodeCommand::SetFeed(feed.map(Box::new)))
            .await;
    }

    /// Relays sealed envelopes of other peers from now on, over a connection to the server, which needs no login.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn relay<C>(&self, line: C)
    where
        C: Relay + Clone + Send + Sync + 'static,
    {
        let (hand_over, handed) = mpsc::channel(RELAYED_CONCURRENTLY_MAX);
        tokio::spawn(relay::serve(line, handed));
        self.send_command(NodeCommand::ServeRelay(hand_over)).await;
    }

    /// Returns some connected peers that can be asked to relay an envelope to the market. They are not trusted to
    /// relay, nor to return the true answer; ask several at once.
    pub async fn relays(&self) -> Vec<PeerRelay> {
        let (sender, update) = oneshot::channel();
        self.send_command(NodeCommand::Relays(sender)).await;
        let peers = update.await.unwrap_or_default().into_iter();
        let carrier = |peer| PeerRelay::new(peer, self.commands.clone());
        peers.take(RELAYS_MAX).map(carrier).collect()
    }

    /// Disconnects these peers, and refuses them from now on.
    pub async fn ban(&self, peers: Vec<PeerId>) {
        self.send_command(NodeCommand::Ban(peers)).await;
    }

    /// Accepts these peers again, which were refused or banned.
    pub async fn unban(&self, peers: Vec<PeerId>) {
        self.send_command(NodeCommand::Unban(peers)).await;
    }

    /// Returns the number of bytes sent to other peers until now, without TCP's own.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.known.sent.load(Ordering::Relaxed)
    }

    async fn send_command(&self, command: NodeCommand) {
        // The peer lives as long as this value.
        let _ = self.commands.send(command).await;
    }

    /// Returns the reliability of the market now, as of its last update.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Waits until this peer listens at an address.
    pub async fn listening(&mut self) {
        // The peer lives as long as this value.
        let _ = self
            .known
            .addresses
            .wait_for(|addresses| !addresses.is_empty())
            .await;
    }

    /// Waits for the next update. Never ends by itself. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> PeerUpdate {
        loop {
            if let Some((feed_sequence, entry)) = self.events.pop_front() {
                if let Some(update) = self.apply(feed_sequence, entry) {
                    return update;
                }
                continue;
            }
            let update = self.news.recv().await;
            match update.expect("the peer lives as long as this") {
                ViewUpdate::Snapshot(snapshot) => {
                    if let Some(update) = self.replace_market(&snapshot) {
                        return update;
                    }
                }
                ViewUpdate::Batch(batch) => self.take(&batch),
                ViewUpdate::Status(status) => {
                    self.status = status;
                    return PeerUpdate::Status(status);
                }
                ViewUpdate::Equivocation { proof, conflict } => {
                    return PeerUpdate::Equivocation { proof, conflict };
                }
            }
        }
    }

    fn replace_market(&mut self, snapshot: &Snapshot) -> Option<PeerUpdate> {
        self.events.clear();
        let mut market = snapshot.market().ok();
        let signed = snapshot.statement.digest;
        // A consistent snapshot can still differ from the signed digest.
        self.market = market.take_if(|market| market.digest() == signed);
        if self.market.is_none() {
            self.unfit();
            return None;
        }
        Some(PeerUpdate::Snapshot)
    }

    /// Queues the events of a batch that are new here, to be returned one by one.
    fn take(&mut self, batch: &BatchStatement) {
        let Some(market) = &self.market else { return };
        let here = market.feed_sequence();
        let places = (batch.after.0 + 1..).map(FeedSequence);
        let entries = places.zip(batch.entries.iter().cloned());
        self.events = entries.filter(|(at, _)| *at > here).collect();
        self.digest = Some((batch.through, batch.digest));
    }

    fn apply(&mut self, at: FeedSequence, entry: FeedEntry) -> Option<PeerUpdate> {
        let market = self.market.as_mut()?;
        let FeedEntry { at: time, event } = entry;
        let mut error = market
            .apply(time, &event)
            .map_err(|source| BatchError::Contradiction { at, source })
            .err();
        // At the end of the batch, the market here must have the signed digest.
        let differs = |market: &mut Market| {
            let signed = self.digest.filter(|(through, _)| *through == at);
            signed.is_some_and(|(_, digest)| digest != market.digest())
        };
        if error.is_none() && differs(market) {
            error = Some(BatchError::Digest { at });
        }
        if let Some(error) = error {
            self.unfit();
            return Some(PeerUpdate::Unfit(error));
        }
        Some(PeerUpdate::Event {
            feed_sequence: at,
            at: time,
            event,
        })
    }

    fn unfit(&mut self) {
        self.events.clear();
        // Later batches cannot be applied to this market.
        self.market = None;
        self.known.unfit.notify_one();
    }
}
