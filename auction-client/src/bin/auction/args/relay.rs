//! What is asked through others: who carries it, and what can be typed of it.

use std::fmt;
use std::str::FromStr;

use auction_core::RequestId;
use clap::{Args, Subcommand};

use crate::args::server::ServerAddress;

/// How a bid finds its way when it is not by one's own line.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Through others")]
pub struct RelayArgs {
    /// Ask through this one, sealed: a peer (/ip4/192.0.2.7/tcp/4001), or a line to the server that needs no login
    /// (HOST:PORT). Several times: by all at once; it is done once.
    ///
    /// Who carries can neither read nor change nor repeat it. This device must have been added (`auction device add`);
    /// --server says of which market, and is not connected to.
    #[arg(long, value_name = "ADDRESS")]
    pub through: Vec<Via>,
    /// Ask again what had no answer, with its number: if it was done, it is told what came of it, and not done twice.
    #[arg(long, value_name = "N", requires = "through", value_parser = request)]
    pub request: Option<RequestId>,
}

/// Someone who carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A line to the server.
    Line(ServerAddress),
    /// A peer, by its address as libp2p writes it.
    Peer(String),
}

#[derive(Debug, Subcommand)]
pub enum DeviceAction {
    /// Make a key on this machine, and have the market take what it signs.
    #[command(after_help = "\
Examples:
  auction device add
  auction device add --name laptop")]
    Add {
        /// What to call it: 2 to 32 of a-z 0-9 . _ -
        #[arg(long, default_value = "device", value_name = "NAME")]
        name: auction_core::Name,
    },
    /// Remove a device: from then on nothing that it signs is done.
    #[command(after_help = "\
Examples:
  auction device remove laptop
  auction device remove 12")]
    Remove {
        /// Its name or its number, as `auction device` lists them.
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
            "is neither a peer, such as /ip4/192.0.2.7/tcp/4001, nor a line to the server, such as 127.0.0.1:2022".into()
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
