//! Orders and leads of one user on lots that have not closed.

use crate::clearing::call::Side;
use crate::model::day::OwnDayOrder;
use crate::{LotId, OrderId, Price, Quantity};

/// An order on a lot that has not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingOrder {
    /// The lot.
    pub lot: LotId,
    /// The order.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Number of shares.
    pub quantity: Quantity,
    /// The worst price that the order accepts; `None`: any.
    pub limit: Option<Price>,
}

/// A lot that a user leads, and their highest offer for it: a hidden maximum, or an open bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingLead {
    /// The lot.
    pub lot: LotId,
    /// The offer.
    pub offer: Price,
}

/// An order of a trading day that has not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingDayOrder {
    /// The lot.
    pub lot: LotId,
    /// The order.
    pub order: OwnDayOrder,
}
