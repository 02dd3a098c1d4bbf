//! The demo: a market with activity from the start, in every auction format.
//!
//! The demo ("the house") runs without people: an auctioneer opens lots of every format, a new one some time after each
//! close, and traders with different strategies bid on them. They use the public protocol like any client, over
//! connections in memory with the same session code, so that all rules and limits of a user apply to them. Only the
//! limits of an *address* do not, because they have none. Their decisions are a pure function of a seed, a trader's
//! number, the lot as it is public, and the time.
//!
//! | module | content |
//! |---|---|
//! | [`chance`] | numbers drawn from the seed |
//! | [`program`] | the lots to open, and their times |
//! | [`trader`], `english`, `sealed`, `call` | decisions of a trader about a lot |
//! | [`strategy`] | traders, their strategies and moves |
//! | [`accounts`] | the accounts of the house, and their sessions |
//! | `seat` | a connection in memory, and the market state from its feed |
//! | [`play`] | the loops that ask, decide and wait |
//!
//! It has its own market, in the folder `demo` of the data folder. It refuses a journal that was not created by a demo,
//! so that it never changes another market.

pub mod play;
mod seat;
pub mod accounts;
pub mod trader;
mod call;
mod english;
mod sealed;
pub mod strategy;
pub mod program;
pub mod chance;

pub use accounts::{DemoAccounts, DemoError};
