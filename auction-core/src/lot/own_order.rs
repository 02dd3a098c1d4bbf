//! A trader's own orders, which only that trader is shown.

use crate::clearing::call::Side;
use crate::{OrderId, Price, Quantity};

/// One of the trader's own orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OwnOrder {
    /// The trader's number for the order on this lot.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Number of shares.
    pub quantity: Quantity,
    /// The worst price it accepts; `None`: any.
    pub limit: Option<Price>,
    /// State of the order.
    pub state: OrderState,
}

/// State of an order. A cancelled order is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OrderState {
    /// It waits for the close.
    Live,
    /// Its lot has closed. The unfilled part has lapsed.
    Closed {
        /// Number of shares that traded.
        filled: u64,
        /// Price of each of them; `None`: none traded.
        price: Option<Price>,
    },
}

impl OwnOrder {
    /// Returns the number of shares that traded.
    #[must_use]
    pub fn filled(&self) -> u64 {
        match self.state {
            OrderState::Live => 0,
            OrderState::Closed { filled, .. } => filled,
        }
    }

    /// Returns the number of shares that lapsed at the close.
    #[must_use]
    pub fn lapsed(&self) -> u64 {
        match self.state {
            OrderState::Live => 0,
            OrderState::Closed { filled, .. } => self.quantity.get().saturating_sub(filled),
        }
    }
}
