//! libp2p behaviour of a peer: connections, gossip, and requests between peers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auction_proto::KeyFingerprint;
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, IdentTopic, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
    TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{Multiaddr, StreamProtocol, identify, mdns};
use sha2::{Digest as _, Sha256};

use crate::peer::limits::{
    ANSWER_BYTES_MAX, ANSWER_TIMEOUT, GOSSIP_BYTES_MAX, INBOUND_MAX, INBOUND_PENDING_MAX,
    OUTBOUND_MAX, RELAY_REQUEST_BYTES_MAX, RELAY_RESPONSE_BYTES_MAX, RELAY_RESPONSE_TIMEOUT,
    SAME_PEER_MAX,
};

/// Protocol that peers of any market speak.
const PROTOCOL: &str = "/auction/1";
/// Protocol of requests between peers.
const ASK_PROTOCOL: StreamProtocol = StreamProtocol::new("/auction/ask/1");
/// Codec of requests and answers.
const ASK_CODEC: BytesCodec = BytesCodec {
    request_bytes_max: 64,
    answer_bytes_max: ANSWER_BYTES_MAX,
};
/// Protocol for handing envelopes to a relay.
const RELAY_PROTOCOL: StreamProtocol = StreamProtocol::new("/auction/relay/1");
/// Codec of relay requests and responses.
const RELAY_CODEC: BytesCodec = BytesCodec {
    request_bytes_max: RELAY_REQUEST_BYTES_MAX,
    answer_bytes_max: RELAY_RESPONSE_BYTES_MAX,
};
/// Maximum overhead of gossipsub around a message, in bytes.
const ENVELOPE_BYTES_MAX: usize = 4 * 1024;

pub(crate) type Gossip =
    gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// All libp2p behaviours. Those that refuse peers come first.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) cut: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) gossip: Gossip,
    pub(crate) ask: request_response::Behaviour<BytesCodec>,
    pub(crate) relay: request_response::Behaviour<BytesCodec>,
    pub(crate) identify: identify::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
}

/// Returns the gossip topic of a market's batches: it follows from the key's fingerprint alone.
pub(crate) fn topic(key: KeyFingerprint) -> IdentTopic {
    IdentTopic::new(format!("auction/1/{key}"))
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Behaviour {
    pub(crate) fn new(
        keypair: &Keypair,
        topic: &IdentTopic,
        local_network: bool,
    ) -> Result<Self, Failed> {
        let limits = ConnectionLimits::default()
            .with_max_pending_incoming(Some(INBOUND_PENDING_MAX))
            .with_max_established_incoming(Some(INBOUND_MAX))
            .with_max_established_outgoing(Some(OUTBOUND_MAX))
            .with_max_established_per_peer(Some(SAME_PEER_MAX));
        let asking = request_response::Config::default()
            .with_request_timeout(ANSWER_TIMEOUT)
            .with_max_concurrent_streams(32);
        let protocols = [(ASK_PROTOCOL, ProtocolSupport::Full)];
        let identify = identify::Config::new(PROTOCOL.to_owned(), keypair.public());
        let mdns = if local_network {
            let found = mdns::Config::default();
            Some(mdns::tokio::Behaviour::new(
                found,
                keypair.public().to_peer_id(),
            )?)
        } else {
            None
        };
        Ok(Self {
            cut: allow_block_list::Behaviour::default(),
            limits: connection_limits::Behaviour::new(limits),
            gossip: gossip(topic)?,
            ask: request_response::Behaviour::with_codec(ASK_CODEC, protocols, asking),
            relay: request_response::Behaviour::with_codec(
                RELAY_CODEC,
                [(RELAY_PROTOCOL, ProtocolSupport::Full)],
                request_response::Config::default()
                    .with_request_timeout(RELAY_RESPONSE_TIMEOUT)
                    .with_max_concurrent_streams(32),
            ),
            identify: identify::Behaviour::new(identify),
            mdns: mdns.into(),
        })
    }
}

fn gossip(topic: &IdentTopic) -> Result<Gossip, Failed> {
    let config = gossipsub::ConfigBuilder::default()
        // The message contains the market's signature; an author's signature would add nothing.
        .validation_mode(ValidationMode::Anonymous)
        // Messages are passed on only after their signature was checked.
        .validate_messages()
        // Otherwise a publisher sends to every peer it knows.
        .flood_publish(false)
        // Hash the signature too: otherwise a forged message with the same id hides the true one.
        .message_id_fn(|message| MessageId::from(Sha256::digest(&message.data).to_vec()))
        .max_transmit_size(GOSSIP_BYTES_MAX + ENVELOPE_BYTES_MAX)
        .build()?;
    let only = WhitelistSubscriptionFilter([topic.hash()].into());
    let author = MessageAuthenticity::Anonymous;
    let mut gossip = Gossip::new_with_subscription_filter(author, config, only)?;
    gossip.with_peer_score(scores(topic), PeerScoreThresholds::default())?;
    gossip.subscribe(topic).map_err(|error| error.to_string())?;
    Ok(gossip)
}

fn scores(topic: &IdentTopic) -> PeerScoreParams {
    let mut scores = PeerScoreParams::default();
    // Many peers on one machine are several programs there, not an attack.
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    scores.ip_colocation_factor_whitelist.extend(loopback);
    let params = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: std::time::Duration::from_secs(1),
        time_in_mesh_cap: 100.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_decay: 0.9,
        first_message_deliveries_cap: 50.0,
        // A market can be quiet: few deliveries are no fault of a peer.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // One forged message outweighs all good deliveries.
        invalid_message_deliveries_weight: -100.0,
        invalid_message_deliveries_decay: 0.9,
        ..TopicScoreParams::default()
    };
    scores.topics.insert(topic.hash(), params);
    scores
}

/// Returns true for a loopback address.
pub(crate) fn is_loopback(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => IpAddr::V4(ip).is_loopback(),
        Protocol::Ip6(ip) => IpAddr::V6(ip).is_loopback(),
        _ => false,
    })
}

/// Codec for opaque bytes of bounded length, up to the end of the stream.
#[derive(Clone, Debug)]
pub(crate) struct BytesCodec {
    /// Longest request, in bytes.
    request_bytes_max: usize,
    /// Longest answer, in bytes.
    answer_bytes_max: usize,
}

impl request_response::Codec for BytesCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.request_bytes_max).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.answer_bytes_max).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&request).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&response).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(most as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > most {
        let message = "more bytes than any message of a peer has";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}
