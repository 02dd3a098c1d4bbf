//! The reference server of the auction.
//!
//! [`server::Server`] is the whole of it: opens the market of a data folder, opens the door, and ends in good
//! order. A bid's way leads in one direction: [`session`] reads a frame, [`sequencer`] takes it in its bounded
//! [`inbox`], [`committer`] decides and applies it, [`journal`] makes the batch durable with one sync; only then
//! replies, [`credentials`], [`hub`] (the live feed) and [`follower`] (`client.csv`, histories) learn of it.
//! These are projections: the market never waits for them to be read. The lines of traders who do nothing but bid are
//! read by the sequencer itself: their way is that of [`order_entry`], and has one hop less.

pub mod journal;
pub mod progress;
pub mod background;
pub mod folder;
pub mod house;
pub mod config;
pub mod cli;
pub mod manual;
pub mod sheet;
pub mod listing;
pub mod lots;
pub mod password;
pub mod accounts;
pub mod logging;
pub mod announce;
pub mod records;
pub mod bids;
pub mod history;
pub mod follower;
pub mod market_journal;
pub mod public_journal;
pub mod export;
pub mod verify;
pub mod metrics;
pub mod visitors;
pub mod peers;
pub mod clock;
pub mod store;
pub mod committer;
pub mod opening;
pub mod prompt;
pub mod user;
pub mod live_session;
pub mod credentials;
pub mod switches;
pub mod encoding;
pub mod funds;
pub mod indicative;
pub mod hub;
pub mod signing;
pub mod news;
pub mod line;
pub mod fan_out;
pub mod teller;
pub mod order_entry;
pub mod inbox;
pub mod sequencer;
pub mod login;
pub mod envelopes;
pub mod session;
pub mod pulling;
pub mod http;
pub mod door;
mod accepting;
pub mod ops;
pub mod descriptors;
pub mod demo;
pub mod server;
pub mod check;
mod signals;
pub mod run;
pub mod commands;
