//! The demo: a market that is alive at the first look, with every format at work.
//!
//! The house plays all by itself: an auctioneer opens lots of every format, a new one a while after each close, and
//! traders of several tempers bid on them. They speak the public protocol like anyone, over connections in memory that
//! the same session code serves, so that all rules and limits of a user hold for them; only the limits of an *address*
//! do not, for they have none. What they decide is a pure function of a seed, a trader's number, the lot as everyone
//! sees it, and the time.
//!
//! | where | what |
//! |---|---|
//! | [`chance`] | numbers drawn from the seed |
//! | [`program`] | which lots are opened, and when |
//! | [`trader`], `english`, `sealed`, `call` | decisions of a trader about a lot |
//! | [`strategy`] | traders, their strategies and moves |
//! | [`accounts`] | the accounts of the house, and their sessions |
//! | `seat` | a connection in memory, and the market as seen from it |
//! | [`play`] | the loops that ask, decide and wait |
//!
//! Its market is one of its own, in the folder `demo` of the data folder. It never touches another: a journal that was
//! not begun by a demo is refused.

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
