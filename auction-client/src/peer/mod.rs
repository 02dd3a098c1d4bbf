//! Following a market from peer to peer: the watchers pass on the market's signed data, at no further cost for its
//! server. Peers are not trusted: only data signed with the market's key is accepted or passed on.
//!
//! [`View`] holds the state and the decisions of a peer, without IO: inputs from others go in with the time, and
//! actions come out. [`PeerWatch`] runs such a view over libp2p: gossipsub for new batches, requests and answers for
//! missing ones. With [`PeerWatch::relay`] it also relays sealed envelopes for others, which it cannot read: this
//! feature is built without the code that seals and opens them.

pub mod limits;
mod message;
mod rate_limit;
mod batch_cache;
mod snapshot_download;
mod view;
mod join;
mod relay;
mod node;
mod peer_relay;
mod watch;
#[cfg(test)]
mod tests;

pub use join::{JoinConfig, JoinError};
pub use libp2p::{Multiaddr, PeerId};
pub use message::{GossipMessage, MessageError, PeerRequest, PeerResponse};
pub use peer_relay::PeerRelay;
pub use relay::{RelayRequest, RelayResponse};
pub use snapshot_download::Snapshot;
pub use view::View;
pub use view::events::{
    Action, Input, Misbehaviour, Pin, PinnedMarket, Status, Verdict, ViewUpdate,
};
pub use watch::{PeerUpdate, PeerWatch};
