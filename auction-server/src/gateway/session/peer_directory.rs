//! Peers who offered themselves to others who watch, for a while. They are named to those who ask; the server never goes
//! there itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use auction_proto::Text;
use auction_proto::limits::{PEER_ADDRESS_BYTES_MAX, PEERS_LISTED_MAX};
use rand::seq::IteratorRandom as _;

use crate::gateway::admission::network_of;

/// How long an offer lasts.
pub const OFFER_LIFETIME: Duration = Duration::from_secs(90);
/// How many can be offered at a time; one more is refused.
pub const OFFERS_MAX: usize = 1_024;
/// How many of them from one address; one more is refused.
pub const OFFERS_PER_ADDRESS_MAX: usize = 8;
/// How many are asked to keep a line to the server, for all who watch from peer to peer.
pub const LINES_WANTED: usize = 4;

/// Those who are offered now.
#[derive(Debug, Default)]
pub struct PeerDirectory(Mutex<HashMap<(IpAddr, String), Offer>>);

#[derive(Clone, Copy, Debug)]
struct Offer {
    until: Instant,
    line_wanted: bool,
}

/// Why a peer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It could be reached nowhere.
    #[error(
        "a peer is offered as /tcp/PORT/p2p/NAME: what follows the IP address that it is reached at"
    )]
    Path,
    /// There are too many.
    #[error("too many peers are offered; try again later")]
    Full,
    /// There are too many from there.
    #[error("too many peers are offered from this address; try again later")]
    FullThere,
}

impl PeerDirectory {
    /// Takes a peer, or what was offered before for longer. Gives whether it should keep a line to the server.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn offer(&self, now: Instant, from: IpAddr, path: &str) -> Result<bool, OfferError> {
        if !is_path(path) {
            return Err(OfferError::Path);
        }
        let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.retain(|_, offer| offer.until > now);
        let from = from.to_canonical();
        let place = (from, path.to_owned());
        let before = offers.remove(&place);
        let there = offers.keys();
        let there = there.filter(|(other, _)| network_of(*other) == network_of(from));
        if there.count() >= OFFERS_PER_ADDRESS_MAX {
            return Err(OfferError::FullThere);
        }
        if offers.len() >= OFFERS_MAX {
            return Err(OfferError::Full);
        }
        let lines = offers.values().filter(|offer| offer.line_wanted).count();
        // Who was asked to keep a line keeps it.
        let line_wanted = before.is_some_and(|before| before.line_wanted) || lines < LINES_WANTED;
        let until = now + OFFER_LIFETIME;
        offers.insert(place, Offer { until, line_wanted });
        Ok(line_wanted)
    }

    /// Some of them, for someone who asks from there.
    pub fn some(&self, now: Instant, asks_from: IpAddr) -> Vec<Text<PEER_ADDRESS_BYTES_MAX>> {
        let offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let local = asks_from.to_canonical().is_loopback();
        let known = offers.iter().filter(|((from, _), offer)| {
            // The loopback of one machine is not another's.
            offer.until > now && (local || !from.is_loopback())
        });
        let addresses = known.filter_map(|((from, path), _)| {
            let kind = if from.is_ipv4() { "ip4" } else { "ip6" };
            Text::new(&format!("/{kind}/{from}{path}")).ok()
        });
        addresses.sample(&mut rand::rng(), PEERS_LISTED_MAX)
    }
}

/// `/tcp/PORT` or `/udp/PORT`, and perhaps more.
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-');
    let mut parts = path.split('/');
    let begins = parts.next() == Some("");
    let transport = matches!(parts.next(), Some("tcp" | "udp"));
    let port = parts.next().and_then(|port| port.parse::<u16>().ok());
    begins && transport && port.is_some_and(|port| port > 0) && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn there(number: u8) -> IpAddr {
        IpAddr::from([198, 51, 100, number])
    }

    #[test]
    fn a_peer_is_named_at_the_address_it_came_from_until_its_offer_ends() {
        let (peers, now) = (PeerDirectory::default(), Instant::now());
        assert_eq!(peers.offer(now, HERE, "/tcp/4001/p2p/12D3"), Ok(true));
        let named = |later| -> Vec<String> {
            let named = peers.some(now + later, there(1));
            named.iter().map(|address| (**address).to_owned()).collect()
        };
        assert_eq!(named(Duration::ZERO), ["/ip4/192.0.2.7/tcp/4001/p2p/12D3"]);
        assert!(named(OFFER_LIFETIME).is_empty());
        // Made again before, it lasts longer.
        let again = peers.offer(now + OFFER_LIFETIME / 2, HERE, "/tcp/4001/p2p/12D3");
        assert_eq!(again, Ok(true));
        assert_eq!(named(OFFER_LIFETIME).len(), 1);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let (peers, now) = (PeerDirectory::default(), Instant::now());
        for path in [
            "",
            "/",
            "tcp/1",
            "/tcp",
            "/tcp/",
            "/tcp/0",
            "/tcp/65536",
            "/ip4/203.0.113.1/tcp/1",
            "/tcp/1/\u{e4}",
            "/tcp/1 ",
            "/tcp/1/../x",
            "/dns4/example.org/tcp/1",
        ] {
            assert_eq!(
                peers.offer(now, HERE, path),
                Err(OfferError::Path),
                "{path}"
            );
        }
    }

    #[test]
    fn nobody_can_offer_more_than_some_and_all_together_not_more_than_there_is_room_for() {
        let (peers, now) = (PeerDirectory::default(), Instant::now());
        for port in 1..=OFFERS_PER_ADDRESS_MAX {
            peers.offer(now, HERE, &format!("/tcp/{port}")).unwrap();
        }
        assert_eq!(
            peers.offer(now, HERE, "/tcp/99"),
            Err(OfferError::FullThere)
        );
        assert!(peers.offer(now, HERE, "/tcp/1").is_ok(), "the same again");
        let all = (0..OFFERS_MAX).map(|nth| {
            let [.., high, low] = (nth as u32).to_be_bytes();
            peers
                .offer(now, IpAddr::from([10, 0, high, low]), "/tcp/1")
                .is_ok()
        });
        let taken = all.filter(|taken| *taken).count();
        assert_eq!(taken, OFFERS_MAX - OFFERS_PER_ADDRESS_MAX);
        assert_eq!(peers.some(now, HERE).len(), PEERS_LISTED_MAX);
        // All are forgotten in time.
        assert_eq!(
            peers.offer(now + OFFER_LIFETIME, there(1), "/tcp/1"),
            Ok(true)
        );
    }

    #[test]
    fn a_few_are_asked_for_a_line_and_others_when_those_are_gone() {
        let (peers, now) = (PeerDirectory::default(), Instant::now());
        let offer = |now, number| peers.offer(now, there(number), "/tcp/1").unwrap();
        let asked: Vec<_> = (0..10).filter(|number| offer(now, *number)).collect();
        assert_eq!(asked.len(), LINES_WANTED);
        let later = now + OFFER_LIFETIME / 2;
        assert!(offer(later, 0) && !offer(later, 9));
        assert!(
            offer(now + OFFER_LIFETIME, 9),
            "the others did not come again"
        );
    }

    #[test]
    fn a_loopback_is_named_on_the_same_machine_alone() {
        let (peers, now) = (PeerDirectory::default(), Instant::now());
        let local = IpAddr::from([127, 0, 0, 1]);
        peers.offer(now, local, "/tcp/4001").unwrap();
        assert_eq!(peers.some(now, HERE), []);
        assert_eq!(peers.some(now, local).len(), 1);
        let mapped = IpAddr::V6(std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        assert_eq!(peers.some(now, mapped).len(), 1);
    }
}
