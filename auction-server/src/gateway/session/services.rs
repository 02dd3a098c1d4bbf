//! The parts of the server that connections use.

use std::sync::Arc;
use std::time::Duration;

use auction_core::{MarketId, Term};
use tokio::sync::watch;

use super::peer_directory::PeerDirectory;
use super::relayed::Envelopes;
use crate::gateway::admission::Admission;
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

/// What a connection needs of the server.
pub struct Services {
    /// The way to the sequencer.
    pub sequencer: SequencerHandle,
    /// The way to the feed.
    pub hub: Hub,
    /// Where the feed is written for connections that have nothing else to write.
    pub fan_out: FanOut,
    /// Passwords.
    pub password_pool: PasswordPool,
    /// Accounts and sessions.
    pub credentials: Arc<Credentials>,
    /// Who watches over sessions with a dead-man switch.
    pub dead_man: Arc<DeadManSwitches>,
    /// What the market signs.
    pub signing: Signing,
    /// What devices ask through others.
    pub envelopes: Arc<Envelopes>,
    /// The bids of each lot.
    pub histories: Histories,
    /// The market's time.
    pub clock: Arc<dyn Clock>,
    /// The market's identity.
    pub market: MarketId,
    /// Who leads.
    pub term: Term,
    /// When a command is acknowledged.
    pub durability: Durability,
    /// How often each client is told that the server lives, and should tell as much.
    pub heartbeat: Duration,
    /// Peers who offered themselves.
    pub peers: PeerDirectory,
    /// How much one address or user can have.
    pub admission: Arc<Admission>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Whether the server is ending.
    pub stopping: watch::Receiver<bool>,
}
