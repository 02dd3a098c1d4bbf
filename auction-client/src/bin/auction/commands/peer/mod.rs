//! Commands that reach the market through peers.

#[cfg(feature = "p2p")]
pub mod watch;
pub mod bid;
