//! Following a market from peer to peer: what the market signs is passed on by those who watch it, and costs its server
//! nothing more. Nobody on the way has to be trusted, for nothing is taken or passed on that the market's key has not
//! signed.
//!
//! [`View`] is all that a peer knows and decides, without IO: what comes from others goes in with the time, and what is
//! to be done comes out. [`PeerWatch`] is such a view with libp2p around it: gossipsub for what is new, a request and an
//! answer for what is missing. With [`PeerWatch::relay`] it also carries sealed envelopes for others, which it cannot read:
//! this feature is built without what seals and opens them.

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
