//! Accepting connections, whatever accepting them fails with.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// Pause after the system had no descriptor or memory for a connection; it waits in the backlog meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening socket.
pub(crate) struct Accepting {
    listener: TcpListener,
    /// Whose it is, for the log.
    name: &'static str,
    /// After a failure: when the next attempt is made.
    resume_at: Option<Instant>,
}

impl Accepting {
    pub(crate) fn new(listener: TcpListener, name: &'static str) -> Self {
        Self {
            listener,
            name,
            resume_at: None,
        }
    }

    /// The next connection. Cancellation loses nothing, and does not shorten a pause.
    pub(crate) async fn next(&mut self) -> (TcpStream, SocketAddr) {
        let mut has_failed = self.resume_at.is_some();
        loop {
            if let Some(resume_at) = self.resume_at {
                sleep_until(resume_at).await;
            }
            match self.listener.accept().await {
                Ok(accepted) => {
                    if self.resume_at.take().is_some() {
                        tracing::info!("the {} port accepts connections again", self.name);
                    }
                    return accepted;
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    if !has_failed {
                        // Once, not ten times a second.
                        tracing::warn!(%error, "the {} port cannot accept connections; it is tried again", self.name);
                    }
                    has_failed = true;
                    self.resume_at = Some(Instant::now() + PAUSE);
                }
            }
        }
    }
}

/// Whether this one connection failed before it was accepted: the next one may be well, and is taken at once, so that
/// peers that reset their connections make nobody wait.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
    ) || Errno::from_io_error(error) == Some(Errno::PROTO)
}
