//! The reference server of the auction.
//!
//! [`server::Server`] is the whole of it: opens the market of a data folder, listens, and ends in good order. A bid's
//! way leads in one direction: [`gateway`] reads a frame, [`sequencer`] takes it from its bounded queue, [`market`]
//! decides and applies it, [`journal`] makes the batch durable with one sync; only then do the replies leave and the
//! [`projections`] learn of it: the market never waits for them.
//!
//! The modules are listed from the top down: each uses only those listed after it.

pub mod cli;
pub mod server;
pub mod demo;
pub mod gateway;
pub mod sequencer;
pub mod projections;
pub mod market;
pub mod config;
pub mod platform;
pub mod journal;
