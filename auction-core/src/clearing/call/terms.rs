//! Terms of a book, which apply to every order.

use super::collar::Collar;
use super::ladder::round_down;
use super::order::{Entry, OrderError};
use crate::limits::AMOUNT_MAX;
use crate::{Price, Quantity};

/// Terms of a book, which apply to every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookTerms {
    /// The price grid of limits; not zero.
    pub tick: Price,
    /// Quantities are multiples of this.
    pub round_lot: Quantity,
    /// The stock's last uncross price, otherwise its base price; zero: no reference. The book rounds it down to the
    /// tick.
    pub reference: Price,
    /// The greatest distance of the uncross price from the reference; `None`: unlimited.
    pub collar: Option<Collar>,
}

/// Reason why terms are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookTermsError {
    /// The tick is zero.
    #[error("a tick is at least 0.0001")]
    ZeroTick,
}

impl BookTerms {
    pub(in crate::clearing) fn on_the_tick(self) -> Result<Self, BookTermsError> {
        if self.tick == Price::ZERO {
            return Err(BookTermsError::ZeroTick);
        }
        let reference = round_down(self.reference, self.tick);
        Ok(Self { reference, ..self })
    }

    pub(super) fn reference(&self) -> Option<Price> {
        Some(self.reference).filter(|reference| *reference > Price::ZERO)
    }

    pub(crate) fn check(&self, entry: &Entry) -> Result<(), OrderError> {
        let Self {
            tick, round_lot, ..
        } = *self;
        if let Some(limit) = entry.limit
            && (limit == Price::ZERO || limit != round_down(limit, tick))
        {
            let above = round_down(limit, tick).checked_add(tick);
            let above = above.unwrap_or(round_down(Price::MAX, tick));
            return Err(OrderError::OffTick { tick, above });
        }
        if !entry.quantity.get().is_multiple_of(round_lot.get()) {
            return Err(OrderError::OffRoundLot { round_lot });
        }
        let price = entry.limit.unwrap_or_else(|| self.greatest_price());
        if price.checked_mul(entry.quantity).is_none() {
            let most = AMOUNT_MAX / price.units();
            let most = most - most % round_lot.get();
            return Err(OrderError::AmountTooLarge { price, most });
        }
        Ok(())
    }

    /// Returns the greatest price at which a market order could trade: the collar's upper bound, otherwise the greatest
    /// price.
    fn greatest_price(&self) -> Price {
        match (self.collar, self.reference()) {
            (Some(collar), Some(reference)) => collar.upper(reference, self.tick),
            _ => Price::MAX,
        }
    }
}
