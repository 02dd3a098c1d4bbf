//! Bytes of records: those of the private journal, and those of the public copy that anyone can check.

pub(crate) mod chain;
pub mod record;
pub mod public_journal;
