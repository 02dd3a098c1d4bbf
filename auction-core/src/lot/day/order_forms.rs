//! Forms of an order in the order book and in a call, and the greatest price of a lot's phase.

use super::DayBook;
use crate::clearing::book::{Execution, NewOrder};
use crate::clearing::call::{self, Side};
use crate::lot::Lot;
use crate::model::command::Terms;
use crate::model::day::{DayOrder, DayPhase, TimeInForce};
use crate::{Price, UserId};

impl DayOrder {
    /// Returns true if its limit accepts a price.
    pub(super) fn takes(&self, price: Price) -> bool {
        self.limit.is_none_or(|limit| match self.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        })
    }

    /// Side, quantity and limit.
    pub(super) fn entry(&self) -> call::Entry {
        call::Entry {
            side: self.side,
            quantity: self.quantity,
            limit: self.limit,
        }
    }

    /// The order as it comes into the order book.
    pub(super) fn incoming(&self, owner: UserId) -> NewOrder {
        NewOrder {
            execution: match self.time_in_force {
                TimeInForce::ImmediateOrCancel => Execution::ImmediateOrCancel,
                TimeInForce::FillOrKill => Execution::FillOrKill,
                _ if self.post_only => Execution::PostOnly,
                _ => Execution::Day,
            },
            ..self.resting(owner)
        }
    }

    /// The order as it rests in the order book.
    pub(super) fn resting(&self, owner: UserId) -> NewOrder {
        NewOrder {
            owner,
            entry: self.entry(),
            execution: Execution::Day,
            self_trade: self.self_trade,
        }
    }
}

/// Greatest price at which a market order in the book could trade.
pub(super) fn greatest_price(lot: &Lot) -> Price {
    let (Terms::Day(terms), Some(day)) = (&lot.terms, day_of(lot)) else {
        return Price::MAX;
    };
    match (day.phase, day.reference, day.collar) {
        (Some(DayPhase::AtLast), Some(price), _) => price,
        (_, Some(reference), Some(collar)) => collar.upper(reference, terms.call.tick),
        _ => Price::MAX,
    }
}

/// The public part of a trading day; `None` for a lot of another format.
pub(super) fn day_of(lot: &Lot) -> Option<&DayBook> {
    lot.book.day()
}
