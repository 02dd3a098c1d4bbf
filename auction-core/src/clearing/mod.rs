//! Price and fills of each format: pure computations, independent of lots, commands and events.
//!
//! The engine decides with them; a program that only needs an uncross or a second price can call them alone. Nothing
//! here reads a clock, uses random numbers or floats.
//!
//! - [`allocation`]: sharing units among bids when there are too few.
//! - [`sealed`]: first-price and second-price (Vickrey).
//! - [`uniform`]: many units of one seller, uniform-price and pay-as-bid.
//! - [`dutch`]: the falling price.
//! - [`call`]: the two-sided call auction.
//! - [`book`]: continuous trading, in an order book.

pub mod allocation;
pub mod sealed;
pub mod uniform;
pub mod dutch;
pub mod call;
pub mod book;
