//! Arbitrary messages and records for property tests, here and in the crates above (feature `proptest`).
//!
//! Each value is valid by itself, small or large, but the values do not fit together: bids name lots that were never
//! opened.

mod value;
mod day_terms;
mod market;
mod day;
mod record;
mod signed;
mod device;
mod peers;
mod activity;
mod lots;
mod message;

pub use day::public_event;
pub use market::{lot, stock};
pub use message::{client_message, server_message};
pub use record::{private_event, record};
pub use signed::{
    batch_statement, checkpoint, checkpoint_statement, signing_key, snapshot_statement,
};
pub use value::{
    digest, lot_id, market_id, name, price, profit, role, security, symbol, timestamp, user_id,
};
