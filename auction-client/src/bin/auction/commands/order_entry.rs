//! Orders as they are entered.

use auction_core::{Price, Quantity, Side};

/// A new order, or the new content of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub side: Side,
    pub quantity: Quantity,
    /// Limit price; `None`: any price.
    pub limit: Option<Price>,
}

/// Returns the word of a side in commands and JSON.
pub fn verb(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}
