//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use auction_client::Fingerprint;
use clap::{Parser, Subcommand, ValueEnum};

use crate::dictionary::Version;

/// FIX gateway of a stock auction: trading systems connect as they do to an exchange.
///
/// It speaks FIX.5.0SP2 (over FIXT.1.1) and FIX.4.4 on one port, and is a client of the market: each session is an account
/// of it. It can restart or fail, and the market goes on; what happened meanwhile is reported when a client is back.
#[derive(Debug, Parser)]
#[command(name = "auction-fix", version, after_help = EXAMPLES, after_long_help = LONG_HELP, max_term_width = 100, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: Serve,
    /// Print results and errors as JSON, for programs; the log as one JSON document a line.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// File that says which client is which account: `auction-fix example` prints one.
    #[arg(value_name = "SESSIONS.TOML", required = true)]
    pub sessions: Option<PathBuf>,
    /// Address of the market's server; with tls:// in front when it speaks TLS.
    #[arg(
        long,
        env = "AUCTION_SERVER",
        default_value = "127.0.0.1:2022",
        value_name = "[tls://]HOST:PORT"
    )]
    pub market: String,
    /// With tls:// in --market: trust certificates signed by these authorities (a PEM file) instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// With tls:// in --market: trust only the certificate with this fingerprint.
    #[arg(long, value_name = "SHA256", conflicts_with = "ca")]
    pub fingerprint: Option<Fingerprint>,
    /// Address on which clients connect.
    #[arg(long, default_value = "127.0.0.1:9878", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Certificate for clients that connect over TLS (a PEM file, the chain included). All clients must then use TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate (a PEM file).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Folder for sequence numbers, sent messages, orders and sessions of the market. Only its owner can read it.
    #[arg(long, default_value = "auction-fix", value_name = "FOLDER")]
    pub state: PathBuf,
    /// Sync sequence numbers and sent messages to the disk one by one, so that they survive a power loss as well as a
    /// crash. Requests to the market are synced in any case.
    #[arg(long)]
    pub sync: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a sessions file, and print what it says.
    Check {
        /// The file.
        #[arg(value_name = "SESSIONS.TOML")]
        sessions: PathBuf,
    },
    /// Print an example of a sessions file.
    Example,
    /// Print a data dictionary for QuickFIX: the messages and fields that the gateway speaks.
    Dictionary {
        /// Version of FIX.
        #[arg(value_enum)]
        version: VersionName,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum VersionName {
    /// FIX.4.4, with its session layer.
    #[value(name = "FIX.4.4", alias = "fix44", alias = "FIX44")]
    Fix44,
    /// The application messages of FIX.5.0SP2; the session layer is FIXT.1.1.
    #[value(name = "FIX.5.0SP2", alias = "fix50sp2", alias = "FIX50SP2")]
    Fix50,
}

impl From<VersionName> for Version {
    fn from(name: VersionName) -> Self {
        match name {
            VersionName::Fix44 => Self::Fix44,
            VersionName::Fix50 => Self::Fix50,
        }
    }
}

/// An example of a sessions file.
pub const SESSIONS_EXAMPLE: &str = "\
# Each session is a client with its own SenderCompID (49), and an account of the market.
# Clients name us AUCTION in TargetCompID (56).

[[session]]
comp_id = \"MIA\"
user = \"mia\"                      # the account; its password comes with the logon (554)

[[session]]
comp_id = \"NED\"
user = \"ned\"
version = \"FIX.4.4\"               # default: FIX.5.0SP2
password_env = \"NED_PASSWORD\"     # the gateway then logs in by itself; the logon must have the same password
cancel_on_disconnect = \"10s\"      # default: orders stay

[[session]]
comp_id = \"NED-COPY\"
user = \"ned\"
drop_copy = true                  # reports everything that happens to the account, and takes no orders
";

const EXAMPLES: &str = "\
Examples:
  auction-fix example > sessions.toml            a file to start from
  auction-fix sessions.toml                      serve on 127.0.0.1:9878, with the market on this machine
  auction-fix --market tls://market.example --listen 0.0.0.0:9878 \\
    --tls-cert cert.pem --tls-key key.pem sessions.toml
  auction-fix dictionary FIX.4.4 > FIX44.xml     a data dictionary for QuickFIX
";

const LONG_HELP: &str = "\
Examples:
  auction-fix example > sessions.toml            a file to start from
  auction-fix sessions.toml                      serve on 127.0.0.1:9878, with the market on this machine
  auction-fix --market tls://market.example --listen 0.0.0.0:9878 \\
    --tls-cert cert.pem --tls-key key.pem sessions.toml
  auction-fix dictionary FIX.4.4 > FIX44.xml     a data dictionary for QuickFIX

Exit codes:
  0  done, or ended by Ctrl-C or SIGTERM
  1  it failed: the address is taken, the state folder cannot be used
  2  wrong usage, or a sessions file with a mistake
  4  the market cannot be reached at the start

The environment variable AUCTION_LOG sets what is logged on standard error: error, warn, info (default), debug.
Messages and tags are described in docs/fix.md.";
