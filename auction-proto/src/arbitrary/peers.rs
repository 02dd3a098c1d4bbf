//! Offers of peers, and lists of peers.

use proptest::collection::vec;
use proptest::prelude::*;

use super::value::text;
use crate::encoding::list::List;
use crate::limits::PEERS_LISTED_MAX;
use crate::message::body::{GetPeers, OfferPeer, PeerOffered, Peers};
use crate::message::{ClientMessage, ServerMessage};

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        text().prop_map(|path| OfferPeer { path }.into()),
        Just(GetPeers {}.into()),
    ]
    .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    prop_oneof![
        (any::<u32>(), any::<bool>()).prop_map(|(lasts_ms, line_wanted)| {
            PeerOffered {
                lasts_ms,
                line_wanted,
            }
            .into()
        }),
        vec(text(), 0..=PEERS_LISTED_MAX).prop_map(|addresses| {
            let addresses = List::new(addresses).expect("they are few");
            Peers { addresses }.into()
        }),
    ]
    .boxed()
}
