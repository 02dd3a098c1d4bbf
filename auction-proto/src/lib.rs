//! auction-proto
