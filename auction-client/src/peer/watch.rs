//! Following the market as a peer: a snapshot, then every public event after it, whoever brought it.

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

/// News between the peer and whoever follows.
const NEWS_AT_ONCE: usize = 256;
/// What whoever follows says, until the peer has heard it.
const WORDS_AT_ONCE: usize = 16;

/// The market as it moves, from peer to peer. [`next`](Self::next) gives what happens, one thing at a time; until the
/// next call, [`market`](Self::market) is the market right after it.
///
/// The peer works as long as this lives, and serves others also while nobody calls.
pub struct PeerWatch {
    news: mpsc::Receiver<ViewUpdate>,
    commands: mpsc::Sender<NodeCommand>,
    known: NodeState,
    status: Status,
    market: Option<Market>,
    events: VecDeque<(FeedSequence, FeedEntry)>,
    /// What the market here must have as its digest at the end of these events.
    digest: Option<(FeedSequence, Digest)>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum PeerUpdate {
    /// The market was taken anew: look at all of it.
    Snapshot,
    /// A public event, now part of the market.
    Event {
        /// Its place in the feed.
        feed_sequence: FeedSequence,
        /// When it happened.
        at: Timestamp,
        /// What.
        event: PublicEvent,
    },
    /// How far the market as it is here can be relied on.
    Status(Status),
    /// What the market signed does not fit together; it is taken anew.
    Unfit(BatchError),
    /// The market has signed two things of which one is a lie: keep the proof.
    Equivocation {
        /// Both.
        proof: Box<EquivocationProof>,
        /// How they contradict each other.
        conflict: Conflict,
    },
}

impl PeerWatch {
    /// Joins the peers that follow a market. With `feed`, a line to the market's server, this peer passes on what the
    /// server says; without, it follows others alone.
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

    /// The market after the last update that was given; `None` before a snapshot has come.
    #[must_use]
    pub fn market(&self) -> Option<&Market> {
        self.market.as_ref()
    }

    /// Who this peer is among peers, until it ends.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.known.id
    }

    /// Where others can reach this peer, as far as it is known now.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let id = self.known.id;
        let whole = |address: &Multiaddr| address.clone().with_p2p(id).unwrap_or_else(|same| same);
        self.known.addresses.borrow().iter().map(whole).collect()
    }

    /// How many peers that follow the same market are connected now.
    #[must_use]
    pub fn peers(&self) -> usize {
        *self.known.connected.borrow()
    }

    /// The market's time, as far as the peer knows it; `None` before anything was heard.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        let (time, at) = (*self.known.time.borrow())?;
        let since = u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
        Some(time.saturating_add(Span::from_micros(since).unwrap_or_default()))
    }

    /// Which market it is, and its key, once the peer knows it.
    #[must_use]
    pub fn pinned(&self) -> Option<PinnedMarket> {
        *self.known.pinned.borrow()
    }

    /// Tells the peer of others.
    pub async fn connect(&self, peers: Vec<Multiaddr>) {
        self.send_command(NodeCommand::Connect(peers)).await;
    }

    /// Gives the peer a line to the server, or takes it away.
    pub async fn set_feed(&self, feed: Option<SignedFeed>) {
        self.send_command(NodeCommand::SetFeed(feed.map(Box::new)))
            .await;
    }

    /// Carries what others hand over, from now on: sealed envelopes, over a line to the server, which needs no login.
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

    /// Peers that can be asked to carry an envelope to the market: some of those who are connected. Whether they do, and
    /// what they bring, is not to be believed; ask several at once.
    pub async fn relays(&self) -> Vec<PeerRelay> {
        let (sender, update) = oneshot::channel();
        self.send_command(NodeCommand::Relays(sender)).await;
        let peers = update.await.unwrap_or_default().into_iter();
        let carrier = |peer| PeerRelay::new(peer, self.commands.clone());
        peers.take(RELAYS_MAX).map(carrier).collect()
    }

    /// Speaks with these peers no more, and closes what is open with them.
    pub async fn ban(&self, peers: Vec<PeerId>) {
        self.send_command(NodeCommand::Ban(peers)).await;
    }

    /// Takes back that these peers were refused, or cut off.
    pub async fn unban(&self, peers: Vec<PeerId>) {
        self.send_command(NodeCommand::Unban(peers)).await;
    }

    /// How many bytes went to other peers until now, before TCP adds its own.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.known.sent.load(Ordering::Relaxed)
    }

    async fn send_command(&self, command: NodeCommand) {
        // The peer lives as long as this.
        let _ = self.commands.send(command).await;
    }

    /// How far the market can be relied on now, as the last update of it said.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Waits until others can reach this peer somewhere.
    pub async fn listening(&mut self) {
        // The peer lives as long as this.
        let _ = self
            .known
            .addresses
            .wait_for(|addresses| !addresses.is_empty())
            .await;
    }

    /// Waits for the next update. Never ends by itself. Dropped before it is done, nothing is lost.
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
        // What fits together can still be another market than was signed.
        self.market = market.take_if(|market| market.digest() == signed);
        if self.market.is_none() {
            self.unfit();
            return None;
        }
        Some(PeerUpdate::Snapshot)
    }

    /// Takes the events of a batch that are new here, to be update one by one.
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
        // At the end of the batch, the market here must be the one that was signed.
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
        // What follows is of no use without a market that it can follow.
        self.market = None;
        self.known.unfit.notify_one();
    }
}
