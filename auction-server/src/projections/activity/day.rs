//! Orders of trading days in the activity of their traders.
//!
//! An order is kept while it lives, and afterwards if it traded, or if it lapsed by its time, its call or the close. One
//! that is cancelled, or that lapses at once (ioc, fok), without a trade is counted alone, as cancelled.

use auction_core::{DayOrder, LapseReason, OrderId, OrderState, OwnOrder, Price, Quantity, Side};

/// An order of a trading day.
#[derive(Clone, Copy, Debug)]
pub(super) struct DayOrderKept {
    side: Side,
    /// Open shares; after its end those that lapsed or were cancelled.
    open: u64,
    limit: Option<Price>,
    traded: u64,
    /// Sum of price x shares that traded, in ten-thousandths.
    value: u128,
    is_live: bool,
}

impl DayOrderKept {
    pub(super) fn new(content: &DayOrder) -> Self {
        Self {
            side: content.side,
            open: content.quantity.get(),
            limit: content.limit,
            traded: 0,
            value: 0,
            is_live: true,
        }
    }

    pub(super) fn replace(&mut self, quantity: Quantity, limit: Option<Price>) {
        (self.open, self.limit) = (quantity.get(), limit);
    }

    pub(super) fn fill(&mut self, price: Price, quantity: Quantity, left: u64) {
        let shares = quantity.get();
        self.traded = self.traded.saturating_add(shares);
        self.value += u128::from(price.units()) * u128::from(shares);
        self.leave(left);
    }

    /// Sets the open shares without a trade; without any it is over.
    pub(super) fn leave(&mut self, left: u64) {
        self.open = left;
        self.is_live = left > 0;
    }

    /// Ends the order; returns true if nothing of it traded.
    pub(super) fn end(&mut self) -> bool {
        self.is_live = false;
        self.traded == 0
    }

    pub(super) fn own(&self, order: OrderId) -> OwnOrder {
        let total = self.traded.saturating_add(self.open);
        let state = match self.is_live {
            true => OrderState::Live,
            false => OrderState::Closed {
                filled: self.traded,
                price: self.average(),
            },
        };
        OwnOrder {
            order,
            side: self.side,
            quantity: Quantity::new(total).unwrap_or(Quantity::ONE),
            limit: self.limit,
            state,
        }
    }

    /// Average price of the shares that traded, rounded half up to a ten-thousandth.
    fn average(&self) -> Option<Price> {
        let shares = u128::from(self.traded);
        let average = (self.value + shares / 2).checked_div(shares)?;
        u64::try_from(average).ok().and_then(Price::from_units)
    }
}

/// Returns true if an order that lapses for this reason lapses with its own command.
pub(super) fn is_at_once(because: LapseReason) -> bool {
    match because {
        LapseReason::Rest
        | LapseReason::FillOrKill
        | LapseReason::SelfTrade
        | LapseReason::Funds => true,
        LapseReason::Uncross | LapseReason::Until | LapseReason::Close => false,
    }
}
