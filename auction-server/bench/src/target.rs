//! Interface of the measured systems, which take bids over a socket and answer them.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::workload::{Bid, Trader};

/// A system that takes bids. It runs until it is dropped.
pub trait Target {
    /// Name in the report.
    fn name(&self) -> String;

    /// Flags that are not the default, and the reason for them, for the report.
    fn started_as(&self) -> String;

    /// Opens a new connection of a trader, ready to bid.
    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)>;

    /// Processor time since the start, of all its processes together.
    fn processor_time(&self) -> io::Result<Duration>;
}

/// Name of a system, or `otherwise` if it is not available.
pub fn names(system: &Result<&dyn Target, String>, otherwise: &str) -> String {
    system
        .as_ref()
        .map_or_else(|_| otherwise.to_owned(), |system| system.name())
}

/// Flags of all these systems, as a list.
pub fn starts(systems: &[Option<&dyn Target>]) -> String {
    let lines = systems.iter().flatten();
    let lines = lines.map(|system| format!("- `{}`", system.started_as()));
    lines.collect::<Vec<_>>().join("\n")
}

/// One end of a connection, without its socket.
pub trait Speaker {
    /// Appends the bytes of the bid.
    fn bid(&mut self, bid: Bid, out: &mut Vec<u8>);

    /// Reads the next answer from the beginning of `input`, and advances `input`; `None` when the answer is not
    /// complete yet. Answers come in the order of the bids.
    ///
    /// # Errors
    /// When the bytes are not an answer to a bid.
    fn answer(&mut self, input: &mut &[u8]) -> io::Result<Option<Answer>>;
}

/// Answer to a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    Refused,
}

/// Error for an unexpected answer.
pub fn unexpected(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
