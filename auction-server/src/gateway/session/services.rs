//! The parts of the server that connections use.

use std::sync::Arc;
use std::time::Duration;

use auction_core::{MarketId, Term};
use tokio::sync::watch;

use super::peer_directory::PeerDirectory;
use super::relayed::Envelopes;
use crate::config::RegistrationMode;
use crate::gateway::admission::Admission;
use crate::gateway::login_failures::LoginFailures;
use crate::journal::Durability;
use crate::market::credentials::Credentials;
use crate::market::dead_man::DeadManSwitches;
use crate::platform::clock::Clock;
use crate::platform::metrics::Metrics;
use crate::platform::password_pool::PasswordPool;
use crate::projections::fan_out::FanOut;
use crate::projections::feed::Hub;
use crate::projections::follower::Histories;
use crate::projections::signing::Signing;
use crate::sequencer::queue::SequencerHandle;

/// Parts of the server that a connection needs.
pub struct Services {
    /// Handle to the sequencer.
    pub sequencer: SequencerHandle,
    /// Handle to the hub, which publishes the feed.
    pub hub: Hub,
    /// Writes the feed of connections that have nothing else to write.
    pub fan_out: FanOut,
    /// Thread pool for password hashes.
    pub password_pool: PasswordPool,
    /// Accounts and sessions.
    pub credentials: Arc<Credentials>,
    /// Dead-man switches of sessions.
    pub dead_man: Arc<DeadManSwitches>,
    /// Signatures of the market.
    pub signing: Signing,
    /// Requests of devices that others carry.
    pub envelopes: Arc<Envelopes>,
    /// The bids of each lot.
    pub histories: Histories,
    /// Clock of the market.
    pub clock: Arc<dyn Clock>,
    /// The market's identity.
    pub market: MarketId,
    /// Term of the leader.
    pub term: Term,
    /// Point at which a command is acknowledged.
    pub durability: Durability,
    /// Interval of heartbeats; clients should send something as often.
    pub heartbeat: Duration,
    /// Peers that offer themselves.
    pub peers: PeerDirectory,
    /// Limits of addresses and users.
    pub admission: Arc<Admission>,
    /// Failed logins by account and address.
    pub login_failures: LoginFailures,
    /// Registration over the network.
    pub registration: RegistrationMode,
    /// True if lots can be trading days.
    pub trading_days: bool,
    /// Counters and measurements.
    pub metrics: Arc<Metrics>,
    /// True when the server is ending.
    pub stopping: watch::Receiver<bool>,
}
