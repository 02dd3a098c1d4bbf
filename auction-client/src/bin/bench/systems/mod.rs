//! Those that are measured.

pub mod auction_line;
pub mod echo;
pub mod auction;
pub mod auction_feed;
pub mod redis;
pub mod postgres;
pub mod nats;
