//! Proxies in front of the server that say for whom they connect, and whose word counts.
//!
//! Limits before a login count by address. Behind a proxy all clients have the proxy's, unless it names theirs: in
//! `X-Forwarded-For`, or in the [PROXY protocol](super::proxy_header). Anyone can send either, so they count only when
//! they come from an address that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use crate::config::{AddressRange, Network};

/// The trusted addresses, and their way to name clients.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    ranges: Vec<AddressRange>,
    sends_header: bool,
}

impl TrustedProxies {
    /// The proxies of the settings.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self {
            ranges: network.trusted_proxies.clone(),
            sends_header: network.proxy_protocol,
        }
    }

    /// Returns whether a proxy connects from this address.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Returns whether their connections begin with a header of the PROXY protocol.
    #[must_use]
    pub fn sends_header(&self) -> bool {
        self.sends_header
    }

    /// Returns the client of a request that came from the proxy `peer`, by the values of its `X-Forwarded-For` fields in
    /// their order. Each proxy appends the address that it saw: so from the right, the first that is not a proxy is the
    /// client, and what is left of it was written by the client.
    #[must_use]
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let mut client = peer;
        for hop in forwarded_for.rev().flat_map(|field| field.rsplit(',')) {
            // A proxy wrote something else: it is the last that is known.
            let Some(address) = address_of(hop.trim()) else {
                break;
            };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// Parses an address, also with a port, as some proxies write it.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    address
        .or_else(with_port)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(fields: &[&str]) -> String {
        let proxies = TrustedProxies {
            ranges: ["127.0.0.1", "10.0.0.0/8"]
                .map(|range| range.parse().unwrap())
                .into(),
            sends_header: false,
        };
        let peer = IpAddr::from([127, 0, 0, 1]);
        proxies.client(peer, fields.iter().copied()).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_proxy_has() {
        for (fields, expected) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["192.0.2.7:4321"], "192.0.2.7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:443"], "2001:db8::7"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            // What clients write themselves does not count.
            (&["192.0.2.66, 192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.66", "192.0.2.7"], "192.0.2.7"),
            (&["10.0.0.1, 192.0.2.7"], "192.0.2.7"),
            // A chain of proxies.
            (&["192.0.2.66, 192.0.2.7 ,10.0.0.1,  10.0.0.2"], "192.0.2.7"),
            (&["192.0.2.7", "10.0.0.1"], "192.0.2.7"),
            // Proxies alone: the first of them.
            (&["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            (&[], "127.0.0.1"),
            (&[""], "127.0.0.1"),
            (&["unknown"], "127.0.0.1"),
            (&["192.0.2.7, _hidden"], "127.0.0.1"),
            (&["192.0.2.7, nonsense, 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.7,"], "127.0.0.1"),
        ] {
            assert_eq!(client(fields), expected, "{fields:?}");
        }
    }
}
