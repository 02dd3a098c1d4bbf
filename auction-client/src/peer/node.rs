//! A peer at work: libp2p on one side, the view in the middle, whoever follows on the other.

use std::collections::{BTreeSet, HashMap, VecDeque};

use auction_core::Timestamp;
use auction_proto::SnapshotStatement;
use futures::StreamExt as _;
use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, identify, mdns, noise, tcp, yamux};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until};

use super::fetch::Snapshot;
use super::letter::{Answer, Ask};
use super::limits::{ADDRESSES_MAX, CUT_MAX, DIAL_EVERY, NEWS_WAITING_MAX, PEERS_WANTED};
use super::net::{Net, NetEvent, is_loopback, topic};
use super::view::{Action, Input, Pinned, Told, Verdict, View};
use crate::signed_feed::{Signed, SignedFeed};

/// How long a connection lives on which nothing happens.
const IDLE: Duration = Duration::from_secs(3_600);

/// How a peer joins.
#[derive(Clone, Debug)]
pub struct Joining {
    /// What is followed.
    pub pinned: Pinned,
    /// Where others can reach this peer, such as `/ip4/127.0.0.1/tcp/0`; nowhere: it reaches others alone.
    pub listen: Vec<Multiaddr>,
    /// Others, to begin with.
    pub peers: Vec<Multiaddr>,
    /// Whether others are looked for on the local network.
    pub local_network: bool,
    /// The machine's time, by which someone who is told only old things can see it.
    pub wall_clock: Option<Timestamp>,
}

/// Why a peer cannot join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Nobody can reach it where it wants to be reached.
    #[error("cannot listen at {address}: {because}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// Why.
        because: String,
    },
    /// The system refused something that is needed.
    #[error("cannot join the peers: {0}")]
    System(String),
}

/// What a peer is known by.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: PeerId,
    pub(super) addresses: watch::Receiver<Vec<Multiaddr>>,
    pub(super) connected: watch::Receiver<usize>,
}

/// What whoever follows has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// What was told does not fit together.
    Unfit,
}

/// A peer.
pub(super) struct Node {
    swarm: Swarm<Net>,
    topic: IdentTopic,
    view: View<PeerId>,
    pinned: Pinned,
    start: Instant,
    feed: Option<SignedFeed>,
    /// What was asked, and of whom.
    asked: HashMap<OutboundRequestId, (PeerId, Ask)>,
    peers: Vec<Multiaddr>,
    /// Who answered at an address.
    found_at: HashMap<Multiaddr, PeerId>,
    following: BTreeSet<PeerId>,
    cut: VecDeque<PeerId>,
    dial_at: Instant,
    news: mpsc::Sender<Told>,
    waiting: VecDeque<Told>,
    words: mpsc::Receiver<Word>,
    addresses: watch::Sender<Vec<Multiaddr>>,
    connected: watch::Sender<usize>,
}

impl Node {
    pub(super) fn new(
        joining: Joining,
        feed: Option<SignedFeed>,
        news: mpsc::Sender<Told>,
        words: mpsc::Receiver<Word>,
    ) -> Result<(Self, Known), JoinError> {
        let system = |error: &dyn std::fmt::Display| JoinError::System(error.to_string());
        let keypair = Keypair::generate_ed25519();
        let id = keypair.public().to_peer_id();
        let topic = topic(joining.pinned.key.fingerprint());
        let swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                yamux::Config::default,
            )
            .map_err(|error| system(&error))?
            .with_behaviour(|keypair| {
                Net::new(keypair, &topic, &joining.listen, joining.local_network)
            })
            .map_err(|error| system(&error))?
            .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE));
        let mut swarm = swarm.build();
        for address in &joining.listen {
            let listening = swarm.listen_on(address.clone());
            listening.map_err(|error| JoinError::Listen {
                address: address.clone(),
                because: error.to_string(),
            })?;
        }
        let (addresses, reached_at) = watch::channel(Vec::new());
        let (connected, connected_to) = watch::channel(0);
        let start = Instant::now();
        // An address that is named twice is one.
        let peers = BTreeSet::from_iter(joining.peers).into_iter().collect();
        let node = Self {
            swarm,
            topic,
            view: View::new(joining.pinned, Duration::ZERO, joining.wall_clock),
            pinned: joining.pinned,
            start,
            feed,
            asked: HashMap::new(),
            peers,
            found_at: HashMap::new(),
            following: BTreeSet::new(),
            cut: VecDeque::new(),
            dial_at: start,
            news,
            waiting: VecDeque::new(),
            words,
            addresses,
            connected,
        };
        let known = Known {
            id,
            addresses: reached_at,
            connected: connected_to,
        };
        Ok((node, known))
    }

    /// Works until nobody follows any more.
    pub(super) async fn run(mut self) {
        loop {
            let now = self.start.elapsed();
            let tick = self.start + self.view.next_tick(now);
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                signed = next_signed(&mut self.feed) => self.signed(signed),
                room = has_room(&self.news), if !self.waiting.is_empty() => {
                    if !room {
                        return;
                    }
                    self.hand_over();
                }
                word = self.words.recv() => match word {
                    Some(Word::Unfit) => self.begin_anew(),
                    None => return,
                },
                () = sleep_until(self.dial_at) => self.dial(),
                () = sleep_until(tick) => self.put(Input::Tick),
            }
            self.connected.send_if_modified(|connected| {
                let changed = *connected != self.following.len();
                *connected = self.following.len();
                changed
            });
        }
    }

    fn put(&mut self, input: Input<PeerId>) {
        let actions = self.view.update(self.start.elapsed(), input);
        actions.into_iter().for_each(|action| self.act(action));
        if let Some(feed) = &mut self.feed {
            feed.stand_at(self.view.place());
        }
    }

    /// What needs no message or channel of its own.
    fn act(&mut self, action: Action<PeerId>) {
        match action {
            Action::Publish(letter) => {
                let gossip = &mut self.swarm.behaviour_mut().gossip;
                // Nobody may be there yet; who comes asks.
                if let Err(error) = gossip.publish(self.topic.clone(), &*letter.bytes) {
                    tracing::trace!(%error, "not published");
                }
            }
            Action::Ask { peer, ask } => {
                let bytes = ask.encode(self.pinned.market).to_vec();
                let asking = &mut self.swarm.behaviour_mut().ask;
                let number = asking.send_request(&peer, bytes);
                self.asked.insert(number, (peer, ask));
            }
            Action::Cut { peer, because } => {
                tracing::warn!(%peer, ?because, "cut a peer off");
                self.cut_off(peer);
            }
            Action::Tell(told) => self.tell(told),
            // They are taken where what they answer is at hand.
            Action::Judge(_) | Action::Answer(_) => {}
        }
    }

    fn tell(&mut self, told: Told) {
        self.waiting.push_back(told);
        if self.waiting.len() > NEWS_WAITING_MAX {
            self.begin_anew();
        }
    }

    fn hand_over(&mut self) {
        while let Some(told) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(told) | TrySendError::Closed(told)) =
                self.news.try_send(told)
            {
                self.waiting.push_front(told);
                return;
            }
        }
    }

    fn begin_anew(&mut self) {
        self.waiting.clear();
        if let Some(feed) = &mut self.feed {
            feed.begin_anew();
        }
        self.put(Input::Unfit);
    }

    fn cut_off(&mut self, peer: PeerId) {
        self.following.remove(&peer);
        let net = self.swarm.behaviour_mut();
        net.cut.block_peer(peer);
        self.cut.push_back(peer);
        if self.cut.len() > CUT_MAX
            && let Some(oldest) = self.cut.pop_front()
        {
            net.cut.unblock_peer(oldest);
        }
    }

    fn signed(&mut self, signed: Signed) {
        match signed {
            Signed::Batch(batch) => self.put(Input::Signed(batch)),
            Signed::Snapshot { statement, parts } => {
                let verified = statement.verify(self.pinned.market, &self.pinned.key);
                let fits = |statement: &SnapshotStatement| {
                    let parts_fit = parts.iter().all(|part| statement.part(part).is_ok());
                    parts_fit && parts.len() == statement.parts.len()
                };
                match verified {
                    Ok(checked) if fits(&checked) => self.put(Input::Taken(Snapshot {
                        signed: statement,
                        statement: checked,
                        parts,
                    })),
                    _ => tracing::error!("the server's snapshot is not signed by the market's key"),
                }
            }
            Signed::Reconnecting { because, wait } => {
                tracing::debug!(error = %because, ?wait, "the signed feed was lost");
            }
        }
    }

    fn dial(&mut self) {
        self.dial_at = Instant::now() + DIAL_EVERY;
        if self.following.len() >= PEERS_WANTED {
            return;
        }
        for address in self.peers.clone() {
            let found = self.found_at.get(&address);
            if found.is_some_and(|peer| self.swarm.is_connected(peer)) {
                continue;
            }
            if let Err(error) = self.swarm.dial(address) {
                tracing::trace!(%error, "not dialled");
            }
        }
    }

    fn learn(&mut self, address: Multiaddr) {
        let known = self.peers.contains(&address);
        if !known && self.peers.len() < ADDRESSES_MAX {
            self.peers.push(address);
        }
    }

    fn swarm_event(&mut self, event: SwarmEvent<NetEvent>) {
        match event {
            SwarmEvent::Behaviour(NetEvent::Gossip(event)) => self.gossip(event),
            SwarmEvent::Behaviour(NetEvent::Ask(event)) => self.ask(event),
            SwarmEvent::Behaviour(NetEvent::Mdns(mdns::Event::Discovered(found))) => {
                for (peer, address) in found {
                    let address = address.with_p2p(peer).unwrap_or_else(|address| address);
                    self.learn(address);
                }
                self.dial_at = Instant::now();
            }
            SwarmEvent::Behaviour(NetEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                // Where the other says it can be reached: to be dialled again when it was lost. Its loopback is ours
                // only if we know others there.
                let local = self.peers.iter().any(is_loopback);
                let addresses = info.listen_addrs.into_iter();
                let of_use = addresses.filter(|address| local || !is_loopback(address));
                for address in of_use.take(2) {
                    let address = address.with_p2p(peer_id).unwrap_or_else(|address| address);
                    self.learn(address);
                }
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                endpoint: ConnectedPoint::Dialer { address, .. },
                ..
            } if self.peers.contains(&address) => {
                self.found_at.insert(address, peer_id);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.following.remove(&peer_id);
                self.put(Input::Left(peer_id));
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.addresses
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
                    .update(self.start.elapsed(), Input::Heard { from, bytes });
                for action in actions {
                    let Action::Judge(verdict) = action else {
                        self.act(action);
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
                self.put(Input::Joined(peer_id));
            }
            gossipsub::Event::Unsubscribed { peer_id, .. } => {
                self.following.remove(&peer_id);
                self.put(Input::Left(peer_id));
            }
            _ => {}
        }
    }

    fn ask(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request, channel, ..
                } => self.answer(peer, &request, channel),
                request_response::Message::Response {
                    request_id,
                    response,
                } => self.answered(request_id, Some(Answer::decode(&response))),
            },
            request_response::Event::OutboundFailure { request_id, .. } => {
                self.answered(request_id, None);
            }
            _ => {}
        }
    }

    fn answer(&mut self, from: PeerId, request: &[u8], channel: ResponseChannel<Vec<u8>>) {
        // What cannot be read is not answered: the other's stream ends.
        let Ok((market, ask)) = Ask::decode(request) else {
            return;
        };
        let input = Input::Asked { from, market, ask };
        let mut channel = Some(channel);
        for action in self.view.update(self.start.elapsed(), input) {
            match (action, channel.take()) {
                (Action::Answer(answer), Some(channel)) => {
                    let asking = &mut self.swarm.behaviour_mut().ask;
                    // Who has left needs no answer.
                    let _ = asking.send_response(channel, answer.encode());
                }
                (action, kept) => {
                    channel = kept;
                    self.act(action);
                }
            }
        }
    }

    fn answered(
        &mut self,
        number: OutboundRequestId,
        answer: Option<Result<Answer, super::letter::LetterError>>,
    ) {
        if let Some((from, ask)) = self.asked.remove(&number) {
            self.put(Input::Answered { from, ask, answer });
        }
    }
}

/// Whether there is room for news, once there is; `false`: nobody follows any more.
async fn has_room(news: &mpsc::Sender<Told>) -> bool {
    news.reserve().await.is_ok()
}

async fn next_signed(feed: &mut Option<SignedFeed>) -> Signed {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
