//! auction-server

pub mod journal;
pub mod folder;
pub mod config;
pub mod cli;
pub mod sheet;
pub mod listing;
pub mod password;
pub mod accounts;
pub mod logging;
pub mod announce;
pub mod clock;
pub mod store;
pub mod committer;
pub mod opening;
pub mod credentials;
pub mod hub;
pub mod sequencer;
pub mod login;
pub mod follower;
pub mod session;
pub mod server;
pub mod run;
