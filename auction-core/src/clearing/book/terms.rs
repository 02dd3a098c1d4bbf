//! Terms of a book.

use super::multiples::Multiples;
use super::order::Refused;
use crate::clearing::call::{self, BookTermsError, Entry};
use crate::limits::BOOK_ORDERS_MAX;
use crate::{Price, Quantity};

/// Terms that hold for every order of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookTerms {
    /// The grid of limits; not zero.
    pub tick: Price,
    /// Quantities are multiples of it.
    pub round_lot: Quantity,
    /// Most orders that rest at once; at most [`BOOK_ORDERS_MAX`], to which a greater number is cut.
    pub orders_max: u32,
}

impl Default for BookTerms {
    /// A tick of 0.01, a round lot of one share, and as many orders as a book can have.
    fn default() -> Self {
        Self {
            tick: Price::from_units(100).expect("one hundredth is a price"),
            round_lot: Quantity::ONE,
            orders_max: BOOK_ORDERS_MAX as u32,
        }
    }
}

/// Terms in the form in which orders are checked against them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    ticks: Multiples,
    round_lots: Multiples,
}

impl Grid {
    pub(super) fn of(terms: &BookTerms) -> Result<Self, BookTermsError> {
        if terms.tick == Price::ZERO {
            return Err(BookTermsError::ZeroTick);
        }
        Ok(Self {
            ticks: Multiples::of(terms.tick.units()),
            round_lots: Multiples::of(terms.round_lot.get()),
        })
    }

    /// The limit in ticks; zero for a market order.
    #[inline]
    pub(super) fn check(&self, entry: &Entry) -> Result<u64, Refused> {
        let ticks = match entry.limit {
            Some(limit) => self.ticks(limit),
            None => Some(0),
        };
        let round_lots = self.round_lots.count(entry.quantity.get());
        match ticks {
            Some(ticks) if round_lots.is_some() => Ok(ticks),
            _ => Err(self.refuse(entry)),
        }
    }

    /// The price in ticks; `None`: it is zero or between two.
    #[inline]
    pub(super) fn ticks(&self, price: Price) -> Option<u64> {
        self.ticks.count(price.units()).filter(|ticks| *ticks > 0)
    }

    /// The refusal of what is off the grid, in the words of the call auction.
    #[cold]
    fn refuse(&self, entry: &Entry) -> Refused {
        let terms = call::BookTerms {
            tick: Price::from_units(self.ticks.unit()).expect("a tick is a price"),
            round_lot: Quantity::new(self.round_lots.unit()).expect("a round lot is a quantity"),
            reference: Price::ZERO,
            collar: None,
        };
        let refused = terms.check(entry).expect_err("it is off the grid");
        Refused::Order(refused)
    }
}
