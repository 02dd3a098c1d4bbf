//! Those that are measured.

pub mod nats;
pub mod postgres;
pub mod redis;
pub mod auction_feed;
pub mod auction;
pub mod echo;
pub mod auction_line;
