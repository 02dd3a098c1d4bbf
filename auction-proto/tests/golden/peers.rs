//! Offers of peers, and lists of peers. Their requests are numbered separately.

use auction_core::RequestId;
use auction_proto::{
    ClientMessage, GetPeers, List, OfferPeer, PeerOffered, Peers, ServerMessage, Text,
};

const PEER: &str = "/tcp/4001/p2p/12D3KooWF6oX1PcneiSqnasRkiapfAKfJuwqpmhFhTuKsjCE8qzi";
const FIRST: u64 = 1_001;

pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let path = Text::new(PEER).unwrap();
    let messages = [
        ("offer_peer", OfferPeer { path }.into()),
        ("get_peers", GetPeers {}.into()),
    ];
    numbered(messages)
}

pub fn answers() -> Vec<(&'static str, RequestId, ServerMessage)> {
    let address = Text::new(&format!("/ip4/192.0.2.7{PEER}")).unwrap();
    let addresses = List::new(vec![address]).unwrap();
    let offered = PeerOffered {
        lasts_ms: 90_000,
        line_wanted: true,
    };
    numbered([
        ("peer_offered", offered.into()),
        ("peers", Peers { addresses }.into()),
    ])
}

fn numbered<M>(
    messages: impl IntoIterator<Item = (&'static str, M)>,
) -> Vec<(&'static str, RequestId, M)> {
    (FIRST..)
        .zip(messages)
        .map(|(request, (name, message))| (name, RequestId(request), message))
        .collect()
}
