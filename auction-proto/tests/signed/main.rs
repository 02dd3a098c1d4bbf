//! What a market signs, and what is proved of its journal: nothing else than the truth passes.

mod statements;
mod tree;
mod receipts;
mod equivocation;
