//! Discovery of peers: a peer offers its address, and the server gives it to others. The server never connects to a
//! peer.

use crate::encoding::list::List;
use crate::encoding::text::Text;
use crate::limits::{PEER_ADDRESS_BYTES_MAX, PEER_PATH_BYTES_MAX, PEERS_LISTED_MAX};

fields! {
    /// Offers a peer to others who watch. Needs no session. Answered by [`PeerOffered`]; the offer lasts for a while, and
    /// is made again before.
    struct OfferPeer = OFFER_PEER {
        /// Address of the peer: a multiaddr without its beginning, such as `/tcp/4001/p2p/12D3KooW..`. The beginning is
        /// the IP address that this connection comes from, so that nobody can send others to a stranger.
        path: Text<PEER_PATH_BYTES_MAX>,
    }

    /// Answers [`OfferPeer`].
    struct PeerOffered = PEER_OFFERED {
        /// Time for which the server names it to others, in milliseconds.
        lasts_ms: u32,
        /// `true` if the market lacks peers with a connection to its server: this one should watch the signed feed, and
        /// pass it on.
        line_wanted: bool,
    }

    /// Asks for some of the peers that were offered. Needs no session. Answered by [`Peers`].
    struct GetPeers = GET_PEERS {}

    /// Answers [`GetPeers`]. The server has not checked that they can be reached.
    struct Peers = PEERS {
        /// Addresses of the peers: multiaddrs, such as `/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW..`.
        addresses: List<Text<PEER_ADDRESS_BYTES_MAX>, PEERS_LISTED_MAX>,
    }
}
