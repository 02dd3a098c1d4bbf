//! Places of the journal, by their chain.

pub use auction_proto::Chain;

/// What a market is known by: 16 random bytes, drawn once.
pub type MarketId = [u8; 16];

/// The chain before the first frame.
pub(super) fn genesis(market: &MarketId) -> Chain {
    Chain::genesis(auction_core::MarketId(*market))
}

/// A place in a journal: after record `sequence`, where the chain is `chain`.
///
/// Snapshots stand at such places. Frames are never split, so it is always the end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last record before this place; 0 before the first.
    pub sequence: u64,
    /// The chain after that record's frame.
    pub chain: Chain,
}
