//! Signed messages of a market, and proofs from its journal: only true ones pass.

mod statements;
mod tree;
mod receipts;
mod equivocation;
