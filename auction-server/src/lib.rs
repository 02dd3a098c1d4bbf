//! auction-server

pub mod journal;
