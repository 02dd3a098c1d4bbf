//! Options of watching from peer to peer.

use std::net::IpAddr;

use auction_proto::KeyFingerprint;
use clap::Args;

/// Instruction for installing the program with this feature.
#[cfg(not(feature = "p2p"))]
const INSTALL: &str = "this `auction` was built without peers; with them it is built by\n  \
                       cargo build --release -p auction-client --features p2p";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From peer to peer")]
pub struct PeerArgs {
    /// Watch through other watchers, and pass the market's signed data on to others: no server has to serve you.
    ///
    /// The server is asked once for the market's key and for other peers. Peers are not trusted: data that the market
    /// has not signed is dropped.
    #[arg(long, conflicts_with = "dead_man")]
    pub p2p: bool,
    /// Address of another peer, such as /ip4/127.0.0.1/tcp/4001. Can be given several times; with --market-key the
    /// server is not asked at all.
    #[arg(long = "peer", value_name = "ADDRESS", requires = "p2p", value_parser = address)]
    pub peers: Vec<String>,
    /// Let the server give your address to others. While it has too few such peers, you stay connected to it and pass
    /// on its signed data.
    #[arg(long, requires = "p2p")]
    pub offer: bool,
    /// Relay bids of others to the server, in sealed envelopes that you can neither read nor change. You stay connected
    /// to the server and pass on its signed data.
    #[arg(long, requires = "p2p")]
    pub relay: bool,
    /// Address where other peers can reach you.
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "p2p",
        default_value = "/ip4/0.0.0.0/tcp/0",
        value_parser = address
    )]
    pub listen: String,
    /// Fingerprint of the market's key. Without it, the key that the server names is trusted.
    #[arg(long, value_name = "FINGERPRINT", requires = "p2p", value_parser = fingerprint)]
    pub market_key: Option<KeyFingerprint>,
}

#[cfg(not(feature = "p2p"))]
impl PeerArgs {
    /// Returns an error if peers were requested but are not built in.
    pub fn refuse(&self) -> Result<(), crate::output::failure::Failure> {
        match self.p2p {
            true => Err(built_without_peers()),
            false => Ok(()),
        }
    }
}

/// Returns the error for a build without peers.
#[cfg(not(feature = "p2p"))]
pub fn built_without_peers() -> crate::output::failure::Failure {
    crate::output::failure::Failure::usage(INSTALL).with_code("built_without_peers")
}

/// Parses an address such as `/ip4/127.0.0.1/tcp/4001`, optionally followed by `/p2p/` and a peer's id.
pub fn address(text: &str) -> Result<String, String> {
    let mut parts = text.split('/');
    let begins_empty = parts.next() == Some("");
    let ip = match (parts.next(), parts.next().map(str::parse::<IpAddr>)) {
        (Some("ip4"), Some(Ok(ip))) => ip.is_ipv4(),
        (Some("ip6"), Some(Ok(ip))) => ip.is_ipv6(),
        _ => false,
    };
    let tcp = parts.next() == Some("tcp");
    let port = parts.next().is_some_and(|port| port.parse::<u16>().is_ok());
    let rest = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some("p2p"), Some(peer), None) => !peer.is_empty(),
        _ => false,
    };
    match begins_empty && ip && tcp && port && rest {
        true => Ok(text.to_owned()),
        false => {
            Err("is no address of a peer; expected for example /ip4/127.0.0.1/tcp/4001".into())
        }
    }
}

fn fingerprint(text: &str) -> Result<KeyFingerprint, String> {
    text.parse()
        .map_err(|error: auction_proto::KeyFingerprintError| error.to_string())
}
