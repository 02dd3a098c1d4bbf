//! Requests through relays: options of bids, and commands for devices.

use std::fmt;
use std::str::FromStr;

use auction_core::RequestId;
use clap::{Args, Subcommand};

use crate::args::server::ServerAddress;

/// Options for bidding through relays.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Through relays")]
pub struct RelayArgs {
    /// Relay to send the sealed request through: a peer (/ip4/192.0.2.7/tcp/4001), or the server without a login
    /// (HOST:PORT). Can be given several times: all relays are used at once, and the request is done once.
    ///
    /// A relay can neither read nor change nor repeat the request. This device must have been added (`auction device
    /// add`); --server only names the market, and is not connected to.
    #[arg(long, value_name = "ADDRESS")]
    pub through: Vec<Via>,
    /// Repeat a request without an answer, by its number: if it was done, its outcome is shown, and it is not done
    /// twice.
    #[arg(long, value_name = "N", requires = "through", value_parser = request)]
    pub request: Option<RequestId>,
}

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A connection to the server.
    Line(ServerAddress),
    /// A peer, by its address as libp2p writes it.
    Peer(String),
}

#[derive(Debug, Subcommand)]
pub enum DeviceAction {
    /// Add this machine as a device: create a key for it, and register the key with the market.
    #[command(after_help = "\
Examples:
  auction device add
  auction device add --name laptop")]
    Add {
        /// Name of the device: 2 to 32 characters of a-z 0-9 . _ -
        #[arg(long, default_value = "device", value_name = "NAME")]
        name: auction_core::Name,
    },
    /// Remove a device: requests signed with its key are refused from then on.
    #[command(after_help = "\
Examples:
  auction device remove laptop
  auction device remove 12")]
    Remove {
        /// Name or number of the device, as listed by `auction device`.
        #[arg(value_name = "NAME|NUMBER")]
        which: String,
    },
}

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return crate::args::peers::address(text).map(Self::Peer);
        }
        let line = text.parse().map(Self::Line);
        line.map_err(|_| {
            "is neither a peer, such as /ip4/192.0.2.7/tcp/4001, nor a server, such as 127.0.0.1:2022".into()
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(address) => address.fmt(f),
            Self::Peer(address) => f.write_str(address),
        }
    }
}

fn request(text: &str) -> Result<RequestId, String> {
    let number = text.parse().map(RequestId);
    number.map_err(|_| "is not the number of a request; expected for example 12".to_owned())
}
