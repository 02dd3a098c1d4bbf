//! A running peer: connects libp2p, the view, and the watcher.

mod transport;
mod network;
mod address_book;
mod requests;
mod relaying;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use auction_core::Timestamp;
use auction_proto::{SignedSnapshot, SnapshotBytes};
use futures::StreamExt as _;
use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance};
use libp2p::identity::Keypair;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::{self, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, mdns};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep_until};

use super::limits::{
    BANNED_MAX, DIAL_EVERY, INTRODUCED_WITHIN, PEERS_KEPT, PEERS_WANTED, RENEW_EVERY,
    UPDATES_WAITING_MAX,
};
use super::relay::{RelayJob, RelayRequest, RelayResponse, RelayServer};
use super::view::View;
use crate::feed::signed::{Signed, SignedFeed};
use crate::peer::join::{JoinConfig, JoinError};
use crate::peer::message::PeerRequest;
use crate::peer::node::address_book::{AddressBook, Source};
use crate::peer::node::network::{Behaviour, BehaviourEvent, is_loopback, topic};
use crate::peer::node::transport::transport;
use crate::peer::snapshot_download::Snapshot;
use crate::peer::view::events::{Action, Input, PinnedMarket, Status, Verdict, ViewUpdate};

/// Time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(3_600);

/// Shared state of a peer that its watcher can read.
#[derive(Clone, Debug)]
pub(super) struct NodeState {
    pub(super) id: PeerId,
    pub(super) addresses: watch::Receiver<Vec<Multiaddr>>,
    pub(super) connected: watch::Receiver<usize>,
    pub(super) pinned: watch::Receiver<Option<PinnedMarket>>,
    /// The market's time at a moment.
    pub(super) time: watch::Receiver<Option<(Timestamp, Instant)>>,
    /// Signals that the emitted updates do not fit the watcher's fold.
    pub(super) unfit: Arc<Notify>,
    /// Number of bytes sent to other peers.
    pub(super) sent: Arc<AtomicU64>,
}

/// Commands of the watcher.
pub(super) enum NodeCommand {
    /// Adds addresses of other peers.
    Connect(Vec<Multiaddr>),
    /// Sets or removes the connection to the server.
    SetFeed(Option<Box<SignedFeed>>),
    /// Relays the envelopes of other peers over this channel from now on.
    ServeRelay(mpsc::Sender<RelayJob>),
    /// Requests peers that could relay.
    Relays(oneshot::Sender<Vec<PeerId>>),
    /// Asks another peer to relay an envelope.
    Relay {
        to: PeerId,
        request: RelayRequest,
        response: oneshot::Sender<RelayResponse>,
    },
    /// Disconnects these peers and refuses them.
    Ban(Vec<PeerId>),
    /// Accepts these peers again.
    Unban(Vec<PeerId>),
}

/// A peer.
pub(super) struct Node {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    view: View<PeerId>,
    start: Instant,
    feed: Option<SignedFeed>,
    /// A second connection to the server, for a newer snapshot.
    renewal: Option<SignedFeed>,
    renew_at: Instant,
    /// Open requests, with the peer and the content.
    asked: HashMap<OutboundRequestId, (PeerId, PeerRequest)>,
    relay: RelayServer<PeerId>,
    /// Envelopes handed to other relays, with the waiting requesters.
    handed: HashMap<OutboundRequestId, oneshot::Sender<RelayResponse>>,
    /// Envelopes being relayed for others, with the channels for the responses.
    carried: JoinSet<Option<(ResponseChannel<Vec<u8>>, RelayResponse)>>,
    addresses: AddressBook,
    following: BTreeSet<PeerId>,
    /// Surplus peers, to be disconnected once they have received addresses of others.
    introduced: VecDeque<(Instant, PeerId)>,
    cut: VecDeque<PeerId>,
    dial_at: Instant,
    updates: mpsc::Sender<ViewUpdate>,
    waiting: VecDeque<ViewUpdate>,
    commands: mpsc::Receiver<NodeCommand>,
    unfit: Arc<Notify>,
    listens_at: watch::Sender<Vec<Multiaddr>>,
    connected: watch::Sender<usize>,
    pinned: watch::Sender<Option<PinnedMarket>>,
    time: watch::Sender<Option<(Timestamp, Instant)>>,
}

impl Node {
    pub(super) fn new(
        joining: JoinConfig,
        feed: Option<SignedFeed>,
        updates: mpsc::Sender<ViewUpdate>,
        commands: mpsc::Receiver<NodeCommand>,
    ) -> Result<(Self, NodeState), JoinError> {
        let keypair = Keypair::generate_ed25519();
        let id = keypair.public().to_peer_id();
        let topic = topic(joining.pin.fingerprint());
        let sent = Arc::new(AtomicU64::new(0));
        let transport = transport(&keypair, sent.clone())
            .map_err(|error| JoinError::System(error.to_string()))?;
        let net = Behaviour::new(&keypair, &topic, joining.local_network)
            .map_err(|error| JoinError::System(error.to_string()))?;
        let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE);
        let mut swarm = Swarm::new(transport, net, id, config);
        for address in &joining.listen {
            let listening = swarm.listen_on(address.clone());
            listening.map_err(|error| JoinError::Listen {
                address: address.clone(),
                because: error.to_string(),
            })?;
        }
        let (listens_at, listens) = watch::channel(Vec::new());
        let (connected, connected_to) = watch::channel(0);
        let (pinned, is_pinned) = watch::channel(None);
        let (time, market_time) = watch::channel(None);
        let unfit = Arc::new(Notify::new());
        let start = Instant::now();
        let mut node = Self {
            swarm,
            topic,
            view: View::new(joining.pin, Duration::ZERO, joining.wall_clock),
            start,
            feed,
            renewal: None,
            renew_at: start,
            asked: HashMap::new(),
            relay: RelayServer::new(),
            handed: HashMap::new(),
            carried: JoinSet::new(),
            addresses: AddressBook::default(),
            following: BTreeSet::new(),
            introduced: VecDeque::new(),
            cut: VecDeque::new(),
            dial_at: start,
            updates,
            waiting: VecDeque::new(),
            commands,
            unfit: unfit.clone(),
            listens_at,
            connected,
            pinned,
            time,
        };
        for peer in joining.peers {
            node.addresses.learn(peer, Source::Given);
        }
        node.publish_state();
        let known = NodeState {
            id,
            addresses: listens,
            connected: connected_to,
            pinned: is_pinned,
            time: market_time,
            unfit,
            sent,
        };
        Ok((node, known))
    }

    /// Runs until the watcher is gone.
    pub(super) async fn run(mut self) {
        loop {
            let now = self.start.elapsed();
            let tick = self.start + self.view.next_tick(now);
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                signed = next_signed(&mut self.feed) => self.signed(signed),
                signed = next_signed(&mut self.renewal) => self.renewed(signed),
                room = has_room(&self.updates), if !self.waiting.is_empty() => {
                    if !room {
                        return;
                    }
                    self.hand_over();
                }
                command = self.commands.recv() => match command {
                    Some(NodeCommand::Connect(peers)) => {
                        for peer in peers {
                            self.addresses.learn(peer, Source::Heard);
                        }
                        self.dial_at = Instant::now();
                    }
                    Some(NodeCommand::SetFeed(feed)) => self.feed = feed.map(|feed| *feed),
                    Some(NodeCommand::ServeRelay(line)) => self.relay.set_feed(Some(line)),
                    Some(NodeCommand::Relays(update)) => {
                        // Ignore send errors: the requester may be gone.
                        let _ = update.send(self.following.iter().copied().collect());
                    }
                    Some(NodeCommand::Relay { to, request, response }) => {
                        let relaying = &mut self.swarm.behaviour_mut().relay;
                        let number = relaying.send_request(&to, request.encode());
                        self.handed.insert(number, response);
                    }
                    Some(NodeCommand::Ban(peers)) => {
                        peers.into_iter().for_each(|peer| self.ban(peer));
                    }
                    Some(NodeCommand::Unban(peers)) => self.unban(&peers),
                    None => return,
                },
                Some(carried) = self.carried.join_next() => {
                    if let Ok(Some((channel, response))) = carried {
                        self.deliver(channel, response);
                    }
                }
                () = self.unfit.notified() => self.begin_anew(),
                () = sleep_until(self.dial_at) => self.dial(),
                () = until_first(&self.introduced) => self.disconnect_surplus(),
                () = sleep_until(tick) => self.input(Input::Tick),
            }
            self.publish_state();
        }
    }

    fn publish_state(&mut self) {
        let now = Instant::now();
        set(&self.connected, self.following.len());
        set(&self.pinned, self.view.pinned().copied());
        let time = self.view.market_time(now.duration_since(self.start));
        self.time.send_replace(time.map(|time| (time, now)));
        if self.view.renewal_is_due() && self.renewal.is_none() && self.renew_at <= now {
            self.renewal = self.feed.as_ref().map(SignedFeed::another);
            self.renew_at = now + RENEW_EVERY;
        }
    }

    /// Handles a message of the second connection.
    fn renewed(&mut self, signed: Signed) {
        self.renewal = None;
        if let Signed::Snapshot { statement, parts } = signed
            && let Some(snapshot) = self.checked(statement, parts)
        {
            self.input(Input::NewerSnapshot(snapshot));
        }
    }

    fn input(&mut self, input: Input<PeerId>) {
        let actions = self.view.update(self.start.elapsed(), input);
        actions.into_iter().for_each(|action| self.perform(action));
        if let Some(feed) = &mut self.feed {
            feed.resume_from(self.view.place());
        }
    }

    /// Performs an action that needs no message or channel of its own.
    fn perform(&mut self, action: Action<PeerId>) {
        match action {
            Action::Publish(message) => {
                let gossip = &mut self.swarm.behaviour_mut().gossip;
                // Perhaps there is no peer yet; a later one requests it.
                if let Err(error) = gossip.publish(self.topic.clone(), &*message.bytes) {
                    tracing::trace!(%error, "not published");
                }
            }
            Action::Request { peer, ask } => {
                let market = self.view.pinned().map(|pinned| pinned.market);
                let bytes = ask.encode(market).to_vec();
                let asking = &mut self.swarm.behaviour_mut().ask;
                let number = asking.send_request(&peer, bytes);
                self.asked.insert(number, (peer, ask));
            }
            Action::Ban { peer, because } => {
                tracing::warn!(%peer, ?because, "banned a peer");
                self.ban(peer);
            }
            Action::Emit(update) => self.emit(update),
            // Handled by the callers, which have the message or the channel.
            Action::Validate(_) | Action::Respond(_) => {}
        }
    }

    fn emit(&mut self, update: ViewUpdate) {
        self.waiting.push_back(update);
        if self.waiting.len() > UPDATES_WAITING_MAX {
            self.begin_anew();
        }
    }

    fn hand_over(&mut self) {
        while let Some(update) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(update) | TrySendError::Closed(update)) =
                self.updates.try_send(update)
            {
                self.waiting.push_front(update);
                return;
            }
        }
    }

    fn begin_anew(&mut self) {
        self.waiting.clear();
        if let Some(feed) = &mut self.feed {
            feed.restart();
        }
        self.input(Input::FoldFailed);
    }

    fn ban(&mut self, peer: PeerId) {
        self.following.remove(&peer);
        let net = self.swarm.behaviour_mut();
        net.cut.block_peer(peer);
        self.cut.push_back(peer);
        if self.cut.len() > BANNED_MAX
            && let Some(oldest) = self.cut.pop_front()
        {
            net.cut.unblock_peer(oldest);
        }
    }

    fn unban(&mut self, peers: &[PeerId]) {
        self.cut.retain(|cut| !peers.contains(cut));
        let cut = &mut self.swarm.behaviour_mut().cut;
        for peer in peers {
            cut.unblock_peer(*peer);
        }
    }

    fn signed(&mut self, signed: Signed) {
        match signed {
            Signed::Batch(batch) => self.input(Input::ServerBatch(batch)),
            Signed::Snapshot { statement, parts } => {
                if let Some(snapshot) = self.checked(statement, parts) {
                    self.input(Input::ServerSnapshot(snapshot));
                }
            }
            Signed::Reconnecting { because, wait } => {
                tracing::debug!(error = %because, ?wait, "the signed feed was lost");
            }
        }
    }

    fn checked(&self, signed: SignedSnapshot, parts: Vec<SnapshotBytes>) -> Option<Snapshot> {
        let pinned = self.view.pinned()?;
        let verified = signed.verify(pinned.market, &pinned.key).ok();
        let statement = verified.filter(|statement| {
            let parts_fit = parts.iter().all(|part| statement.part(part).is_ok());
            parts_fit && parts.len() == statement.parts.len()
        });
        if statement.is_none() {
            tracing::error!("the server's snapshot is not signed by the market's key");
        }
        Some(Snapshot {
            signed,
            statement: statement?,
            parts,
        })
    }

    /// Dials some of the known addresses.
    fn dial(&mut self) {
        self.dial_at = Instant::now() + DIAL_EVERY;
        // A stale peer may be isolated together with all its peers: dial others too.
        let hears = self.view.status() != Status::Stale;
        if self.following.len() >= PEERS_WANTED && hears {
            return;
        }
        let tried = self
            .addresses
            .try_some(|peer| self.swarm.is_connected(peer));
        for address in tried {
            if let Err(error) = self.swarm.dial(address) {
                tracing::trace!(%error, "not dialled");
            }
        }
    }

    /// Returns true if loopback addresses of others are on this machine: only if this peer listens on loopback alone,
    /// or was given loopback addresses.
    fn is_local(&self) -> bool {
        let only_here = |addresses: &Vec<Multiaddr>| addresses.iter().all(is_loopback);
        self.addresses.are_local() || only_here(&self.listens_at.borrow())
    }

    /// Disconnects a surplus peer, which has received addresses of others by now.
    fn disconnect_surplus(&mut self) {
        let Some((_, peer)) = self.introduced.pop_front() else {
            return;
        };
        let mut mesh = self.swarm.behaviour().gossip.all_mesh_peers();
        let needed = mesh.any(|of_mesh| *of_mesh == peer);
        drop(mesh);
        if self.following.len() > PEERS_KEPT && !needed {
            // Ignore errors: the peer may be gone.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ask(event)) => self.ask(event),
            SwarmEvent::Behaviour(BehaviourEvent::Relay(event)) => self.relayed(event),
            SwarmEvent::Behaviour(BehaviourEvent::Mdns(mdns::Event::Discovered(found))) => {
                for (peer, address) in found {
                    let address = address.with_p2p(peer).unwrap_or_else(|address| address);
                    self.addresses.learn(address, Source::Heard);
                }
                self.dial_at = Instant::now();
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                // Its loopback addresses are on this machine only if `is_local`.
                let local = self.is_local();
                let addresses = info.listen_addrs.into_iter();
                let of_use = addresses.filter(|address| local || !is_loopback(address));
                let whole =
                    |address: Multiaddr| address.with_p2p(peer_id).unwrap_or_else(|same| same);
                self.addresses
                    .reached(peer_id, of_use.take(2).map(whole).collect());
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                endpoint: ConnectedPoint::Dialer { address, .. },
                ..
            } => {
                self.addresses.found(&address, peer_id);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.following.remove(&peer_id);
                self.addresses.left(peer_id);
                self.relay.left(peer_id);
                self.input(Input::Left(peer_id));
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.listens_at
                    .send_modify(|addresses| addresses.push(address));
            }
            _ => {}
        }
    }

    fn gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source: from,
                message_id,
                message,
            } => {
                let bytes = message.data;
                let actions = self
                    .view
                    .update(self.start.elapsed(), Input::Gossip { from, bytes });
                for action in actions {
                    let Action::Validate(verdict) = action else {
                        self.perform(action);
                        continue;
                    };
                    let acceptance = match verdict {
                        Verdict::Accept => MessageAcceptance::Accept,
                        Verdict::Ignore => MessageAcceptance::Ignore,
                        Verdict::Reject => MessageAcceptance::Reject,
                    };
                    let gossip = &mut self.swarm.behaviour_mut().gossip;
                    gossip.report_message_validation_result(&message_id, &from, acceptance);
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } if topic == self.topic.hash() => {
                self.following.insert(peer_id);
                if self.following.len() < 2 * PEERS_WANTED {
                    self.ask_for_others(peer_id);
                }
                if self.following.len() > PEERS_KEPT {
                    let leaves_at = Instant::now() + INTRODUCED_WITHIN;
                    self.introduced.push_back((leaves_at, peer_id));
                }
                self.input(Input::Joined(peer_id));
            }
            gossipsub::Event::Unsubscribed { peer_id, .. } => {
                self.following.remove(&peer_id);
                self.input(Input::Left(peer_id));
            }
            _ => {}
        }
    }
}

fn set<T: PartialEq>(update: &watch::Sender<T>, now: T) {
    update.send_if_modified(|update| {
        let changed = *update != now;
        *update = now;
        changed
    });
}

async fn until_first(introduced: &VecDeque<(Instant, PeerId)>) {
    match introduced.front() {
        Some((at, _)) => sleep_until(*at).await,
        None => std::future::pending().await,
    }
}

/// Waits for room for updates; returns false if the watcher is gone.
async fn has_room(updates: &mpsc::Sender<ViewUpdate>) -> bool {
    updates.reserve().await.is_ok()
}

async fn next_signed(feed: &mut Option<SignedFeed>) -> Signed {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
