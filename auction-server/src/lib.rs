//! The reference server of the auction.
//!
//! [`Server`] opens the market of a data folder, listens, and ends in good order; [`main`] is the program
//! `auction-server`. A bid's way leads in one direction: the `gateway` reads a frame, the `sequencer` takes it from its
//! bounded queue, the `market` decides and applies it, the `journal` makes the batch durable with one sync; only then do
//! replies leave and the `projections` learn of it: the market never waits for them.
//!
//! The modules are listed from the top down: each uses only those listed after it.

// The rooms are private, and their docs link to each other for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

#[doc(hidden)]
pub mod testing;
pub(crate) mod cli;
pub(crate) mod server;
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod sequencer;
pub(crate) mod projections;
pub(crate) mod market;
pub(crate) mod config;
pub(crate) mod platform;
pub(crate) mod journal;

pub use cli::main;
pub use config::data_dir::DataDir;
pub use config::{Config, Demo, LogFormat, Network, OnOutage, OpsListen, Rate, Tls};
pub use journal::Durability;
pub use server::{ServeError, Server, StartError};
