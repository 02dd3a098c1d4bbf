//! auction-client
