//! auction-server
