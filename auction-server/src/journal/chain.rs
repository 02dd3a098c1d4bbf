//! Positions in the journal, identified by their chain.

pub use auction_proto::Chain;

/// Identifier of a market: 16 random bytes, drawn once.
pub type MarketId = [u8; 16];

/// The chain before the first frame.
pub(super) fn genesis(market: &MarketId) -> Chain {
    Chain::genesis(auction_core::MarketId(*market))
}

/// A position in a journal: after record `sequence`, with the chain `chain`.
///
/// Snapshots are made at such positions. Frames are never split, so a position is always the end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last record before this position; 0 before the first.
    pub sequence: u64,
    /// The chain after that record's frame.
    pub chain: Chain,
}
