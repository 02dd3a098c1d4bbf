//! A trader's own orders, as that trader alone is shown them.

use crate::clearing::call::Side;
use crate::{OrderId, Price, Quantity};

/// An order of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OwnOrder {
    /// The trader's number for it on this lot.
    pub order: OrderId,
    /// Whether it buys or sells.
    pub side: Side,
    /// How many shares.
    pub quantity: Quantity,
    /// The worst price it accepts; `None`: any.
    pub limit: Option<Price>,
    /// How it stands.
    pub state: OrderState,
}

/// How an order stands. One that was cancelled is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OrderState {
    /// It waits for the close.
    Live,
    /// Its lot has closed. What was not filled has lapsed.
    Closed {
        /// How many shares it traded.
        filled: u64,
        /// What each of them cost; `None`: it traded none.
        price: Option<Price>,
    },
}

impl OwnOrder {
    /// How many shares it traded.
    #[must_use]
    pub fn filled(&self) -> u64 {
        match self.state {
            OrderState::Live => 0,
            OrderState::Closed { filled, .. } => filled,
        }
    }

    /// How many shares lapsed at the close.
    #[must_use]
    pub fn lapsed(&self) -> u64 {
        match self.state {
            OrderState::Live => 0,
            OrderState::Closed { filled, .. } => self.quantity.get().saturating_sub(filled),
        }
    }
}
