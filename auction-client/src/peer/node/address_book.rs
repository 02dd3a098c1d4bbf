//! Known addresses of other peers: selects those to dial next, and those to give to others.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};
use rand::seq::IteratorRandom as _;

use crate::peer::limits::{ADDRESSES_MAX, DIAL_AT_ONCE, INTRODUCED_MAX, TRIES_MAX};
use crate::peer::node::network::is_loopback;

/// Source of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Given by the user who started this peer: dialled again and again.
    Given,
    /// Received from a peer: forgotten after some failed attempts.
    Heard,
}

/// Addresses where other peers may be reachable.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    known: Vec<Address>,
    /// Addresses that the connected peers report for themselves.
    reached_at: BTreeMap<PeerId, Vec<Multiaddr>>,
}

#[derive(Debug)]
struct Address {
    address: Multiaddr,
    source: Source,
    /// Number of attempts since a peer answered there.
    tries: u32,
    /// Peer that answered there last.
    found: Option<PeerId>,
}

impl AddressBook {
    /// Adds an address, while there is room.
    pub(crate) fn learn(&mut self, address: Multiaddr, source: Source) {
        let mut known = self.known.iter_mut();
        if let Some(known) = known.find(|known| known.address == address) {
            if source == Source::Given {
                known.source = source;
            }
        } else if self.known.len() < ADDRESSES_MAX {
            self.known.push(Address {
                address,
                source,
                tries: 0,
                found: None,
            });
        }
    }

    /// Returns some addresses without a connected peer, chosen at random, to dial now.
    pub(crate) fn try_some(&mut self, is_connected: impl Fn(&PeerId) -> bool) -> Vec<Multiaddr> {
        let known = self.known.iter_mut();
        let untried = known.filter(|known| !known.found.as_ref().is_some_and(&is_connected));
        let mut chosen = untried.sample(&mut rand::rng(), DIAL_AT_ONCE);
        let tried = chosen.iter_mut().map(|known| {
            known.tries += 1;
            known.address.clone()
        });
        let tried = tried.collect();
        self.known
            .retain(|known| known.source == Source::Given || known.tries < TRIES_MAX);
        tried
    }

    /// Records that a peer answered at a dialled address.
    pub(crate) fn found(&mut self, address: &Multiaddr, peer: PeerId) {
        let mut known = self.known.iter_mut();
        if let Some(known) = known.find(|known| known.address == *address) {
            known.tries = 0;
            known.found = Some(peer);
        }
    }

    /// Records a peer's own addresses: they are dialled again after a lost connection, and given to others.
    pub(crate) fn reached(&mut self, peer: PeerId, at: Vec<Multiaddr>) {
        for address in &at {
            self.learn(address.clone(), Source::Heard);
        }
        self.reached_at.insert(peer, at);
    }

    /// Records that a peer is no longer connected.
    pub(crate) fn left(&mut self, peer: PeerId) {
        self.reached_at.remove(&peer);
    }

    /// Returns addresses of some following peers, for another peer.
    pub(crate) fn introduce(&self, other: PeerId, following: &BTreeSet<PeerId>) -> Vec<Multiaddr> {
        let others = self.reached_at.iter();
        let others = others.filter(|(peer, _)| **peer != other && following.contains(peer));
        let addresses = others.filter_map(|(_, addresses)| addresses.first().cloned());
        addresses.sample(&mut rand::rng(), INTRODUCED_MAX)
    }

    /// Returns true if the user gave a loopback address.
    pub(crate) fn are_local(&self) -> bool {
        let mut given = self
            .known
            .iter()
            .filter(|known| known.source == Source::Given);
        given.any(|known| is_loopback(&known.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: usize) -> Multiaddr {
        format!("/ip4/192.0.2.7/tcp/{port}").parse().unwrap()
    }

    #[test]
    fn room_is_bounded_and_only_given_addresses_survive_failures() {
        let mut addresses = AddressBook::default();
        addresses.learn(at(1), Source::Given);
        (1..=ADDRESSES_MAX + 9).for_each(|port| addresses.learn(at(port), Source::Heard));
        assert_eq!(addresses.known.len(), ADDRESSES_MAX);
        let found = PeerId::random();
        addresses.found(&at(2), found);
        let connected = |peer: &PeerId| *peer == found;
        for _ in 0..TRIES_MAX as usize * ADDRESSES_MAX {
            let tried = addresses.try_some(connected);
            assert!(tried.len() <= DIAL_AT_ONCE);
            assert!(!tried.contains(&at(2)), "a peer is connected there");
        }
        let left = addresses.known.iter().map(|known| known.address.clone());
        assert_eq!(left.collect::<Vec<_>>(), [at(1), at(2)]);
    }

    #[test]
    fn a_peer_receives_a_few_addresses_and_never_its_own() {
        let mut addresses = AddressBook::default();
        let peers: Vec<_> = (0..40).map(|_| PeerId::random()).collect();
        for (port, peer) in (1..).zip(&peers) {
            addresses.reached(*peer, vec![at(port)]);
        }
        let following: BTreeSet<_> = peers[..30].iter().copied().collect();
        for _ in 0..100 {
            let named = addresses.introduce(peers[0], &following);
            assert_eq!(named.len(), INTRODUCED_MAX);
            let may_be_named = |address: &Multiaddr| (2..=30).any(|port| at(port) == *address);
            assert!(named.iter().all(may_be_named), "{named:?}");
        }
        peers[1..].iter().for_each(|peer| addresses.left(*peer));
        assert!(addresses.introduce(peers[0], &following).is_empty());
    }
}
