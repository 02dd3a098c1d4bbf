//! The gateway, with the real server behind it and clients before it that are not of this project's making, or are raw
//! bytes.

mod wire;
mod stage;
mod orders;
mod session;
mod recovery;
mod data;
mod day;
mod program;
mod quickfix;
mod examples;
