//! auction-core
