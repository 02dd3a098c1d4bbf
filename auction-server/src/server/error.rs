//! Errors of the server as a whole.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::csv::CsvError;
use crate::demo::DemoError;
use crate::gateway::TlsError;
use crate::gateway::connection_limits::TooFewDescriptors;
use crate::journal::JournalError;
use crate::projections::signing::KeyError;

/// Reason why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The payment mode of the market on disk differs from the setting.
    #[error("accounts: {0}; leave the setting out, or begin a new market in another data folder")]
    Accounts(auction_core::Reject),
    /// The server cannot listen on the address.
    #[error(
        "cannot listen on {address}: {source}; is another server running, or is it not this machine's?"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The journal cannot be opened, or appended to.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The market's key cannot be read or created.
    #[error("the market's key: {0}")]
    Key(#[from] KeyError),
    /// There are too few descriptors for connections.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A certificate or a key is invalid.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An input file is invalid.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// The first batches could not be made durable, or the system cannot start a thread.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A demo was requested in the folder of a real market.
    #[error("{}: {why}", journal.display())]
    Demo {
        /// The journal.
        journal: PathBuf,
        /// The reason.
        why: DemoError,
    },
    /// The market refuses a configured account or stock.
    #[error("{0}")]
    Refused(String),
}

/// Reason why a server ended without a request.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The journal failed. Nothing was acknowledged since; start again when the disk works.
    #[error("the journal failed, and nothing was acknowledged since: {0}")]
    Journal(io::Error),
    /// The listener failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
