//! Signed statements of a market, and the proofs from them.

pub(crate) mod statement;
pub mod merkle;
pub(crate) mod receipt;
pub(crate) mod equivocation;
