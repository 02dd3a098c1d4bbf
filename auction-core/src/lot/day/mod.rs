//! The trading day: calls and continuous trading in one order book, which lives through a schedule of phases.

mod shown;
mod book;

pub use book::DayBook;
pub use shown::{ShownLevel, ShownOrder, ShownOrders, ShownTotals};
