//! How a peer joins, and why it cannot.

use auction_core::Timestamp;
use libp2p::Multiaddr;

use crate::peer::view::events::Pin;

/// How a peer joins.
#[derive(Clone, Debug)]
pub struct JoinConfig {
    /// What is followed.
    pub pin: Pin,
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
