//! Arbitrary messages and records for property tests, here and in the crates above (feature `proptest`).
//!
//! What they make is valid value by value, small and large, and means nothing: lots that were never opened
//! are bid for.

mod value;
mod market;
mod record;
mod signed;
mod device;
mod peers;
mod activity;
mod message;

pub use market::{lot, public_event, stock};
pub use message::{client_message, server_message};
pub use record::{private_event, record};
pub use signed::{
    batch_statement, checkpoint, checkpoint_statement, signing_key, snapshot_statement,
};
pub use value::{
    digest, lot_id, market_id, name, price, profit, role, security, symbol, timestamp, user_id,
};
