//! auction-core
#![no_std]

extern crate alloc;

pub mod limits;
mod money;
mod time;
mod symbol;
mod id;

pub use id::{FeedSequence, LotId, MarketId, RequestId, Sequence, SessionId, Term, UserId};
pub use money::{Amount, MoneyError, Price, Profit, Quantity, UNITS_PER_CURRENCY};
pub use symbol::{Name, NameError, SecurityCode, Symbol};
pub use time::{Span, Timestamp};
