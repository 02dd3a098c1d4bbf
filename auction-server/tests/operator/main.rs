//! The operator's side: settings, input files, console output, and exports.

mod stage;
mod config;
mod demo;
mod listing;
mod import_stocks;
mod lots;
mod accounts;
mod announce;
mod export;
#[cfg(feature = "columns")]
mod columns;
mod market_data;
mod settlement;
mod verify;
mod follower;
mod activity;
mod program;
mod manual;
mod check;
