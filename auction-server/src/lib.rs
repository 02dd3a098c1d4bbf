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
