//! Statements that a market signs, and what can be proven by them.

pub(crate) mod statement;
pub mod merkle;
pub(crate) mod receipt;
pub(crate) mod equivocation;
