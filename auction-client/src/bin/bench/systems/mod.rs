//! Those that are measured.

pub mod auction;
pub mod redis;
pub mod postgres;
