//! What stands of one user on a lot that has not closed.

use crate::clearing::call::Side;
use crate::{LotId, OrderId, Price, Quantity};

/// An order on a lot that has not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingOrder {
    /// The lot.
    pub lot: LotId,
    /// The order.
    pub order: OrderId,
    /// Whether it buys or sells.
    pub side: Side,
    /// How many shares.
    pub quantity: Quantity,
    /// The worst price it accepts; `None`: any.
    pub limit: Option<Price>,
}

/// A lot that a user leads, and the highest that they have offered for it: a hidden maximum, or an open bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingLead {
    /// The lot.
    pub lot: LotId,
    /// The offer.
    pub offer: Price,
}
