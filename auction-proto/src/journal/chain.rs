//! The chain: one hash that covers every record before it.
//!
//! SHA-256, because it is available to everyone who verifies from outside (Python, browsers, shells). The chain
//! covers the public bytes only, which contain salted commitments to the private ones: a copy of the journal without
//! its private parts verifies to the same chain.

use core::fmt;

use auction_core::MarketId;
use sha2::{Digest as _, Sha256};

/// The chain after a frame of the journal: SHA-256 over that frame's public bytes and the chain before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

// Different first bytes, so that no frame has the same hash as a genesis.
const GENESIS_TAG: &[u8; 17] = b"auction.genesis.1";
const CHAIN_TAG: &[u8; 15] = b"auction.chain.1";

impl Chain {
    /// The chain before the first frame: `SHA-256("auction.genesis.1" ‖ market id)`.
    #[must_use]
    pub fn genesis(market: MarketId) -> Self {
        let hash = Sha256::new_with_prefix(GENESIS_TAG).chain_update(market.0);
        Self(hash.finalize().into())
    }

    /// The chain after a frame of records `first..first + count` with these public bytes:
    /// `SHA-256("auction.chain.1" ‖ chain before ‖ first u64 LE ‖ count u32 LE ‖ public)`.
    #[must_use]
    pub fn next(&self, first: u64, count: u32, public: &[u8]) -> Self {
        let hash = Sha256::new_with_prefix(CHAIN_TAG)
            .chain_update(self.0)
            .chain_update(first.to_le_bytes())
            .chain_update(count.to_le_bytes())
            .chain_update(public);
        Self(hash.finalize().into())
    }
}

/// Writes hexadecimal digits, as both `verify` commands print them.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    /// Frozen: external verifiers compute these values. Made with Python's hashlib:
    /// `g = sha256(b"auction.genesis.1" + bytes(range(16)))`,
    /// `sha256(b"auction.chain.1" + g + pack("<QI", 1, 2) + b"public")`.
    #[test]
    fn the_chain_is_what_the_format_says() {
        let market = MarketId(core::array::from_fn(|index| index as u8));
        let genesis = Chain::genesis(market);
        assert_eq!(
            genesis.to_string(),
            "6ed2be9a72d88158fabb3addcace2a4acf8e173837369fe482e79874cfd44ca3"
        );
        assert_eq!(
            genesis.next(1, 2, b"public").to_string(),
            "0c96bf679fb6acb10ae21af283ef826382fdc9a2a541e8aae814e4f542762ab3"
        );
    }
}
