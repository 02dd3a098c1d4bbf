//! Configuration for joining a market's peers, and errors of joining.

use auction_core::Timestamp;
use libp2p::Multiaddr;

use crate::peer::view::events::Pin;

/// Configuration for joining a market's peers.
#[derive(Clone, Debug)]
pub struct JoinConfig {
    /// The market to follow, or the fingerprint of its key.
    pub pin: Pin,
    /// Addresses to listen at, such as `/ip4/127.0.0.1/tcp/0`; if empty, the peer only dials others.
    pub listen: Vec<Multiaddr>,
    /// Addresses of peers to start with.
    pub peers: Vec<Multiaddr>,
    /// Enables the search for peers on the local network.
    pub local_network: bool,
    /// The machine's time, which lets a peer notice that it receives only old data.
    pub wall_clock: Option<Timestamp>,
}

/// Reason why a peer cannot join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The peer cannot listen at a requested address.
    #[error("cannot listen at {address}: {because}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// Reason given by the system.
        because: String,
    },
    /// The system refused a resource that the peer needs.
    #[error("cannot join the peers: {0}")]
    System(String),
}
