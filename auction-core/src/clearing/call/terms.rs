//! What holds for every order of a book.

use super::collar::Collar;
use super::ladder::round_down;
use super::order::{Entry, OrderError};
use crate::limits::AMOUNT_MAX;
use crate::{Price, Quantity};

/// What holds for every order of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookTerms {
    /// The grid of limits; not zero.
    pub tick: Price,
    /// Quantities are multiples of it.
    pub round_lot: Quantity,
    /// The stock's last uncross price, else its base price; zero: there is none. The book rounds it down to the
    /// tick.
    pub reference: Price,
    /// How far from the reference the uncross may be; `None`: anywhere.
    pub collar: Option<Collar>,
}

/// Why terms are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookTermsError {
    /// A grid of nothing.
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

    pub(in crate::clearing) fn check(&self, entry: &Entry) -> Result<(), OrderError> {
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

    /// The greatest price a market order could trade at: the collar's upper bound, else the greatest price.
    fn greatest_price(&self) -> Price {
        match (self.collar, self.reference()) {
            (Some(collar), Some(reference)) => collar.upper(reference, self.tick),
            _ => Price::MAX,
        }
    }
}
