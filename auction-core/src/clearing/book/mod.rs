//! Continuous trading: an order book in which an incoming order trades at once, best price first, at one price the
//! oldest first, at the resting order's price.
//!
//! The [`Book`] knows no accounts, no money and no clock: an owner is a number, and the [`Corridor`] in which an
//! order may trade comes in with it. What happens to resting orders goes to a closure, what becomes of the incoming
//! one is returned. The rules are those of Xetra and the LSE where they agree; [`manual::book`](crate::manual::book) tells
//! them with a worked morning.
//!
//! ```
//! use auction_core::clearing::book::{Book, BookTerms, Corridor, End, Event, Execution, NewOrder, SelfTrade};
//! use auction_core::clearing::call::Entry;
//! use auction_core::{Price, Quantity, Side, UserId};
//!
//! let mut book = Book::new(BookTerms::default())?;
//! let order = |owner, side, quantity, limit| NewOrder {
//!     owner: UserId(owner),
//!     entry: Entry {
//!         side,
//!         quantity: Quantity::new(quantity).unwrap(),
//!         limit: Some(Price::parse(limit).unwrap()),
//!     },
//!     execution: Execution::Day,
//!     self_trade: SelfTrade::Refuse,
//! };
//! book.enter(order(1, Side::Sell, 5, "10.00"), &Corridor::OPEN, drop)?;
//! book.enter(order(2, Side::Sell, 5, "9.90"), &Corridor::OPEN, drop)?;
//!
//! let mut trades = Vec::new();
//! let outcome = book.enter(order(3, Side::Buy, 7, "10.00"), &Corridor::OPEN, |event| {
//!     let Event::Trade { price, quantity, .. } = event else { panic!() };
//!     trades.push((price.to_string(), quantity.get()));
//! })?;
//! assert_eq!(trades, [("9.90".to_string(), 5), ("10.00".to_string(), 2)]);
//! assert_eq!((outcome.traded, outcome.end), (7, End::Done));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cost
//! Orders lie in one row of slots of 32 bytes, linked to queues at their prices; the price of an order
//! finds its queue in a table, and the best price of each side is at hand. Entering, cancelling, replacing and each trade
//! take constant time, except that the first order at a price and the last one to leave it move a part of
//! a sorted run, at most 128 levels and, once in 64 times, the list of runs. A fill-or-kill and an order that would be refused for an
//! own order first walk what they would trade with. In the steady state nothing is allocated: rows grow, by
//! an eighth, and never shrink.

mod multiples;
mod corridor;
mod key;
mod order;
mod marks;
mod arena;
mod sorted;
mod levels;
mod terms;
mod incoming;
mod order_book;
mod matching;
mod at_last;
mod cancel_all;
mod preview;

pub use cancel_all::CancelAll;
pub use corridor::Corridor;
pub use key::OrderKey;
pub use order::{
    End, Event, Execution, LapsedBecause, NewOrder, Order, Outcome, Refused, Replaced, Replacement,
    SelfTrade,
};
pub use order_book::{Book, PriceLevel};
pub(crate) use preview::{Budget, Fate};
pub use terms::BookTerms;
