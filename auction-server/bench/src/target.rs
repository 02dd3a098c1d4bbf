//! What is measured: something that takes bids over a socket and answers them.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::workload::{Bid, Trader};

/// Something that takes bids. It runs until it is dropped.
pub trait Target {
    /// What it is called in the report.
    fn name(&self) -> String;

    /// How it was started: its flags that are not the default, and why.
    fn started_as(&self) -> String;

    /// A new connection that speaks for a trader and is ready to bid.
    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)>;

    /// The time it has had on processors since it was started, all its processes together.
    fn processor_time(&self) -> io::Result<Duration>;
}

/// What someone is called, or what it would be called if it were here.
pub fn names(system: &Result<&dyn Target, String>, otherwise: &str) -> String {
    system
        .as_ref()
        .map_or_else(|_| otherwise.to_owned(), |system| system.name())
}

/// How all of these were started, as a list.
pub fn starts(systems: &[Option<&dyn Target>]) -> String {
    let lines = systems.iter().flatten();
    let lines = lines.map(|system| format!("- `{}`", system.started_as()));
    lines.collect::<Vec<_>>().join("\n")
}

/// One end of a connection, apart from its socket.
pub trait Speaker {
    /// Appends the bid as it is sent.
    fn bid(&mut self, bid: Bid, out: &mut Vec<u8>);

    /// Takes the next answer from the beginning of `input`, which moves on; `None` when it is not whole yet. Answers
    /// come in the order of the bids.
    ///
    /// # Errors
    /// When what came is no answer to a bid.
    fn answer(&mut self, input: &mut &[u8]) -> io::Result<Option<Answer>>;
}

/// What came of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    Refused,
}

/// What came is not what was expected.
pub fn unexpected(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
