//! The market in memory and on disk: restored at start, changed by group commit, and the tables that are derived from
//! durable events.

pub mod startup;
pub mod last_seen;
pub mod restore;
pub mod credentials;
pub mod live_session;
pub mod dead_man;
pub mod indicative;
pub mod balance;
pub mod group_commit;
pub mod public_records;
pub mod open_journal;
