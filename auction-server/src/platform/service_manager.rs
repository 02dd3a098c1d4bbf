//! State of the server for the service manager that started it, such as systemd: ready, reloading, stopping.
//!
//! The protocol of `sd_notify(3)` is one datagram of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names; without
//! that variable nothing is sent. systemd units use it with `Type=notify-reload`, or `Type=notify`.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Name of the variable with the address of the socket.
const VARIABLE: &str = "NOTIFY_SOCKET";
/// Shortest time between two extensions of the time to start.
const EXTEND_EVERY: Duration = Duration::from_secs(1);
/// Time by which each of them extends it. A start that shows no progress for so long hangs.
const EXTEND_BY: Duration = Duration::from_secs(120);

/// Connection to the service manager, if there is one.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    extended_at: Option<Instant>,
}

impl ServiceManager {
    /// Connects to the service manager that the environment names. A name that cannot be used is logged.
    #[must_use]
    pub fn from_environment() -> Self {
        let Some(name) = env::var_os(VARIABLE).filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        Self::named(&name).unwrap_or_else(|error| {
            tracing::warn!(?name, %error, "the service manager of {VARIABLE} cannot be reached");
            Self::default()
        })
    }

    fn named(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => abstract_address(name)?,
            _ => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // The server does not wait for a manager that reads nothing.
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Some((socket, address)),
            extended_at: None,
        })
    }

    /// Reports that the start goes on, so that a long one is not taken for a hanging one.
    pub fn starting(&mut self) {
        let now = Instant::now();
        let is_due = self
            .extended_at
            .is_none_or(|at| now.duration_since(at) >= EXTEND_EVERY);
        if is_due {
            self.extended_at = Some(now);
            let micros = EXTEND_BY.as_micros();
            self.send(&format!(
                "EXTEND_TIMEOUT_USEC={micros}\nSTATUS=Reading the journal"
            ));
        }
    }

    /// Reports that clients can connect.
    pub fn ready(&self) {
        self.send("READY=1\nSTATUS=The market is open");
    }

    /// Reports that settings are read again; [`ready`](Self::ready) ends it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// Reports that the server ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=Ending");
    }

    fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::warn!(%error, "the service manager was not told: {state:?}");
        }
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_reach_a_socket_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("@auction-test-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let address = abstract_address(&name.as_bytes()[1..]).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (socket, name) in [(by_path, path.as_os_str()), (by_name, OsStr::new(&name))] {
            let mut manager = ServiceManager::named(name).unwrap();
            let mut states = Vec::new();
            manager.starting();
            manager.starting();
            manager.ready();
            manager.reloading();
            manager.stopping();
            socket.set_nonblocking(true).unwrap();
            let mut bytes = [0; 256];
            while let Ok(count) = socket.recv(&mut bytes) {
                states.push(String::from_utf8(bytes[..count].to_vec()).unwrap());
            }
            let begins: Vec<_> = states.iter().map(|state| state.split('=').next()).collect();
            let expected = ["EXTEND_TIMEOUT_USEC", "READY", "RELOADING", "STOPPING"];
            assert_eq!(begins, expected.map(Some), "{states:?}");
            assert!(states[2].contains("\nMONOTONIC_USEC="), "{states:?}");
        }
    }

    #[test]
    fn without_a_manager_nothing_is_sent() {
        let mut manager = ServiceManager::default();
        manager.starting();
        manager.ready();
        let missing = ServiceManager::named(OsStr::new("/nowhere/notify")).unwrap();
        // Logged, and nothing else.
        missing.ready();
    }
}
