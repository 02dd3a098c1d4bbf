//! Following a market from peer to peer: what the market signs is passed on by those who watch it, and costs its server
//! nothing more. Nobody on the way has to be trusted, for nothing is taken or passed on that the market's key has not
//! signed.
//!
//! [`View`] is all that a peer knows and decides, without IO: what comes from others goes in with the time, and what is
//! to be done comes out. [`PeerWatch`] is such a view with libp2p around it: gossipsub for what is new, a request and an
//! answer for what is missing. With [`PeerWatch::relay`] it also carries sealed envelopes for others, which it cannot read:
//! this feature is built without what seals and opens them.

pub mod limits;
mod letter;
mod freshness;
mod rate;
mod kept;
mod fetch;
mod exchange;
mod view;
mod net;
mod relay;
mod wire;
mod joining;
mod addresses;
mod node;
mod carrier;
mod watch;
#[cfg(test)]
mod tests;

pub use carrier::PeerCarrier;
pub use exchange::{Action, Input, Offence, Pin, Pinned, Standing, Told, Verdict};
pub use fetch::Snapshot;
pub use joining::{JoinError, Joining};
pub use letter::{Answer, Ask, Letter, LetterError};
pub use libp2p::{Multiaddr, PeerId};
pub use relay::{Delivery, Parcel};
pub use view::View;
pub use watch::{PeerUpdate, PeerWatch};
