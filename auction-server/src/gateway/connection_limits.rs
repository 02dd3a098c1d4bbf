//! File descriptors. Each connection takes one, and so do the journal, `client.csv` and the operators' port: the
//! number of connections is limited so that these always find one free.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Network;
use crate::gateway::http::ops;

/// How many connections can be open; one more is told so and closed.
pub const CONNECTIONS_MAX: usize = 20_000;
/// How many connections at a time are told why they are turned away; one more is closed without a word.
pub const REFUSALS_MAX: usize = 256;
/// Descriptors kept for everything but connections: the journal's folder, segments and snapshots, each reader of the
/// journal, `client.csv`, the event queues, the listening sockets, the log, the certificate that is read again, and
/// what the process inherited. About half of them are in use at a time.
pub const FILES_RESERVED: usize = 64;
/// The smallest number of client connections that a server starts with.
pub const CONNECTIONS_MIN: usize = 16;
/// One in so many of the descriptors left for clients is kept to tell connections why they are refused.
const REFUSING_SHARE: usize = 8;

/// The number of connections that the process has descriptors for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Maximum number of client connections.
    pub connections: usize,
    /// Maximum number of connections that are being told, at the same time, why they are refused.
    pub refusing: usize,
}

/// The process may have too few descriptors for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process can have {limit} open files, and a server needs {needed} at least: raise the limit (`ulimit -n`, or \
     LimitNOFILE= of a systemd unit)"
)]
pub struct TooFewDescriptors {
    limit: usize,
    needed: usize,
}

impl ConnectionLimits {
    /// What holds with so many descriptors; `None`: as many as are wanted.
    ///
    /// # Errors
    /// [`TooFewDescriptors`] when not even [`CONNECTIONS_MIN`] connections fit.
    pub fn with(descriptors: Option<u64>) -> Result<Self, TooFewDescriptors> {
        let wanted = Self {
            connections: CONNECTIONS_MAX,
            refusing: REFUSALS_MAX,
        };
        let Some(limit) = descriptors else {
            return Ok(wanted);
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let for_clients = limit.saturating_sub(RESERVED);
        let refusing = (for_clients / REFUSING_SHARE).min(wanted.refusing);
        let connections = (for_clients - refusing).min(wanted.connections);
        if connections < CONNECTIONS_MIN {
            let refusing = (CONNECTIONS_MIN - 1) / (REFUSING_SHARE - 1);
            let needed = RESERVED + CONNECTIONS_MIN + refusing;
            return Err(TooFewDescriptors { limit, needed });
        }
        Ok(Self {
            connections,
            refusing,
        })
    }

    /// How many of them one address can have: as many as the setting says, but no greater share of them all than it
    /// would have if there were descriptors for [`CONNECTIONS_MAX`](CONNECTIONS_MAX), and not less than half.
    #[must_use]
    pub fn of_one_address(&self, setting: u32) -> u32 {
        let share = u64::from(setting) * self.connections as u64 / CONNECTIONS_MAX as u64;
        let share = share.max(self.connections as u64 / 2);
        setting.min(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// What an operator should know when descriptors and not the settings limit the connections.
    #[must_use]
    pub fn warning(&self, network: &Network) -> Option<String> {
        let Self { connections, .. } = *self;
        let setting = network.connections_per_address.get();
        if connections >= CONNECTIONS_MAX {
            return None;
        }
        Some(format!(
            "the limit of open files lets in {connections} connections, {} of them from one address, instead of {} \
             and {setting}: for these raise the hard limit to {DESCRIPTORS_WANTED} (`ulimit -n`, or LimitNOFILE= of a \
             systemd unit)",
            self.of_one_address(setting),
            CONNECTIONS_MAX,
        ))
    }
}

const RESERVED: usize = FILES_RESERVED + ops::CONNECTIONS_MAX;
const DESCRIPTORS_WANTED: usize = RESERVED + CONNECTIONS_MAX + REFUSALS_MAX;

/// Raises the soft limit of open files to the hard one.
pub fn raise_limit() {
    let raised = Rlimit {
        current: hard_limit(),
        maximum: hard_limit(),
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
}

/// How many descriptors this process can have now; `None`: any number.
#[must_use]
pub fn soft_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many it can have once the limit is [raised](raise_limit); `None`: any number.
#[must_use]
pub fn hard_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(descriptors: usize) -> ConnectionLimits {
        ConnectionLimits::with(Some(descriptors as u64)).unwrap()
    }

    #[test]
    fn connections_and_reserve_never_exceed_the_descriptors() {
        for descriptors in (RESERVED + 20..2 * DESCRIPTORS_WANTED).step_by(7) {
            let limits = with(descriptors);
            let all = RESERVED + limits.connections + limits.refusing;
            assert!(all <= descriptors, "{all} of {descriptors}");
            assert!(limits.refusing > 0);
        }
    }

    #[test]
    fn all_connections_are_taken_from_the_wanted_number_of_descriptors_on() {
        let all = ConnectionLimits::with(None).unwrap();
        assert_eq!(with(DESCRIPTORS_WANTED), all);
        assert_eq!(with(usize::MAX), all);
        assert_eq!(
            with(DESCRIPTORS_WANTED - 1).connections,
            CONNECTIONS_MAX - 1
        );
        let network = crate::config::Config::default().network;
        assert_eq!(all.warning(&network), None);
        let warning = with(1_024).warning(&network).unwrap();
        for says in ["784 connections", "392 of them", "20000 and 10000", "20384"] {
            assert!(warning.contains(says), "{says:?} is not in: {warning}");
        }
    }

    #[test]
    fn too_few_descriptors_are_refused_with_the_number_that_is_enough() {
        let Err(TooFewDescriptors { needed, .. }) = ConnectionLimits::with(Some(0)) else {
            panic!("no connection fits")
        };
        assert_eq!(with(needed).connections, CONNECTIONS_MIN);
        assert!(ConnectionLimits::with(Some(needed as u64 - 1)).is_err());
    }

    #[test]
    fn one_address_has_its_setting_but_no_greater_share_than_it_says() {
        let limits = with(1_024);
        assert_eq!(limits.connections, 784);
        assert_eq!(limits.of_one_address(10_000), 392);
        assert_eq!(limits.of_one_address(15_000), 588);
        assert_eq!(limits.of_one_address(20_000), 784);
        assert_eq!(limits.of_one_address(392), 392);
        assert_eq!(limits.of_one_address(1), 1);
        let all = ConnectionLimits::with(None).unwrap();
        assert_eq!(all.of_one_address(10_000), 10_000);
        assert_eq!(all.of_one_address(20_000), 20_000);
    }
}
