//! How each format finds its price and its fills: pure computations, apart from lots, commands and events.
//!
//! The engine decides by these; a program that only wants an uncross or a second price can call them alone.
//! Nothing here reads a clock, draws a number or uses a float.
//!
//! - [`allocation`]: who gets how many units when there are too few.
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
