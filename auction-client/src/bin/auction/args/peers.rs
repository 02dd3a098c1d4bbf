//! How one watches from peer to peer, as it is typed.

use std::net::IpAddr;

use auction_proto::KeyFingerprint;
use clap::Args;

/// How the program is installed that can do it.
#[cfg(not(feature = "p2p"))]
const INSTALL: &str = "this `auction` was built without peers; with them it is built by\n  \
                       cargo build --release -p auction-client --features p2p";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "From peer to peer")]
pub struct PeerArgs {
    /// Watch from others who watch, and pass on to others what the market has signed: no server has to serve you.
    ///
    /// The server is asked for the market's key and for others, and then no more. Nobody on the way can lie: what the
    /// market has not signed is not believed.
    #[arg(long, conflicts_with = "dead_man")]
    pub p2p: bool,
    /// Where another can be reached, such as /ip4/127.0.0.1/tcp/4001. Can be given often; with --market-key the server is
    /// not asked at all.
    #[arg(long = "peer", value_name = "ADDRESS", requires = "p2p", value_parser = address)]
    pub peers: Vec<String>,
    /// Let the server name you to others. While it lacks those who do, you keep a line to it and pass on what it signs.
    #[arg(long, requires = "p2p")]
    pub offer: bool,
    /// Carry what others hand you to the server: bids in sealed envelopes, which you can neither read nor change. You keep
    /// a line to it, and pass on what it signs.
    #[arg(long, requires = "p2p")]
    pub relay: bool,
    /// Where others can reach you.
    #[arg(
        long,
        value_name = "ADDRESS",
        requires = "p2p",
        default_value = "/ip4/0.0.0.0/tcp/0",
        value_parser = address
    )]
    pub listen: String,
    /// The fingerprint of the market's key. Without it, the server is believed when it says what its key is.
    #[arg(long, value_name = "FINGERPRINT", requires = "p2p", value_parser = fingerprint)]
    pub market_key: Option<KeyFingerprint>,
}

#[cfg(not(feature = "p2p"))]
impl PeerArgs {
    /// Why it cannot be done here, when it is asked for.
    pub fn refuse(&self) -> Result<(), crate::output::failure::Failure> {
        match self.p2p {
            true => Err(built_without_peers()),
            false => Ok(()),
        }
    }
}

/// What needs peers cannot be done here.
#[cfg(not(feature = "p2p"))]
pub fn built_without_peers() -> crate::output::failure::Failure {
    crate::output::failure::Failure::usage(INSTALL).with_code("built_without_peers")
}

/// `/ip4/127.0.0.1/tcp/4001`, perhaps with `/p2p/` and the name of a peer behind it.
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
