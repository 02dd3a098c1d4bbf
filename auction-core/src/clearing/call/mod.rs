//! The call auction: a two-sided book that trades all at once, at one price.
//!
//! Traders enter limit and market orders to buy and to sell, replace and cancel them. At the uncross the [ladder]
//! selects one price: the greatest volume, then the least surplus, then the pressure of one side, then the nearest to
//! the reference (the published criteria of Xetra). The volume goes to market orders by time, then to limits by price,
//! then by time; the rest lapses.
//!
//! The [`Book`] keeps totals by price, so that the [indicative price](Book::indicative) after each order reads only a
//! few levels, and the uncross is one pass over the orders, without sorting.
//!
//! ```
//! use auction_core::clearing::call::{Book, BookTerms, Entry, LadderStep, OrderId, Side, Uncross};
//! use auction_core::{Price, Quantity, UserId};
//!
//! let mut book = Book::new(BookTerms {
//!     tick: Price::parse("0.01").unwrap(),
//!     round_lot: Quantity::ONE,
//!     reference: Price::parse("90").unwrap(),
//!     collar: None,
//! })?;
//! let buy = |quantity, limit: Option<&str>| Entry {
//!     side: Side::Buy,
//!     quantity: Quantity::new(quantity).unwrap(),
//!     limit: limit.map(|limit| Price::parse(limit).unwrap()),
//! };
//! book.add(OrderId(1), UserId(1), buy(100, None))?;
//! book.add(OrderId(2), UserId(2), buy(100, None))?;
//! book.add(OrderId(3), UserId(3), buy(50, Some("101")))?;
//! book.add(OrderId(4), UserId(4), Entry { side: Side::Sell, ..buy(120, Some("100")) })?;
//!
//! let uncross = Uncross::of(&book).unwrap();
//! assert_eq!(uncross.cross.price, Price::parse("101").unwrap());
//! assert_eq!((uncross.cross.volume, uncross.cross.surplus), (120, 130));
//! assert_eq!(uncross.cross.decided_by, LadderStep::Pressure);
//! let filled: Vec<u64> = uncross.fills(&book).map(|fill| fill.filled).collect();
//! assert_eq!(filled, [100, 20, 0, 120]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod order;
pub mod ladder;
mod chunk;
mod levels;
mod collar;
mod terms;
mod owners;
mod queue;
mod book;
#[cfg(feature = "serde")]
mod parts;
mod uncross;

pub use book::Book;
pub use chunk::Level;
pub use collar::Collar;
pub(crate) use ladder::round_down;
pub use ladder::{Cross, Indicative, LadderStep, Point, Quote};
pub(in crate::clearing) use order::Rank;
pub(crate) use order::own_limit;
pub use order::{Entry, Order, OrderError, OrderId, ParseSideError, Place, Side};
pub use terms::{BookTerms, BookTermsError};
pub use uncross::{Fill, Marginal, Uncross, collar_bound};
