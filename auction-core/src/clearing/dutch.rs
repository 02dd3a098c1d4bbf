//! The falling price of a Dutch auction: the first trader to take it wins.
//!
//! The price at a given time is `max(floor, start - step * floor(elapsed / interval))`, where `elapsed` is the time
//! that the lot has been open, halts excluded. At the floor it stays until the close.
//!
//! ```
//! use auction_core::clearing::dutch::PriceClock;
//! use auction_core::{Price, Span};
//!
//! let price = |text| Price::parse(text).unwrap();
//! let clock = PriceClock::new(price("100"), price("1"), price("50"), Span::from_secs(10))?;
//! let elapsed = Span::from_secs(25);
//! assert_eq!(clock.price(elapsed), price("98"));
//! assert_eq!(clock.next_change(elapsed), Some(Span::from_secs(30)));
//! assert_eq!(clock.take(elapsed, price("99")), Ok(price("98")));
//! assert!(clock.take(elapsed, price("97")).is_err());
//! # Ok::<(), auction_core::clearing::dutch::PriceClockError>(())
//! ```

use crate::{Price, Span};

/// A price that falls in steps to a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PriceClock {
    start: Price,
    step: Price,
    floor: Price,
    interval: Span,
}

impl PriceClock {
    /// Creates a price clock that starts at `start` and falls by `step` after each `interval`, down to `floor`.
    ///
    /// # Errors
    /// [`PriceClockError`] when the floor is zero or above the start, or the step or the interval is zero.
    pub fn new(
        start: Price,
        step: Price,
        floor: Price,
        interval: Span,
    ) -> Result<Self, PriceClockError> {
        if floor == Price::ZERO || floor > start {
            return Err(PriceClockError::Floor { start });
        }
        if step == Price::ZERO {
            return Err(PriceClockError::ZeroStep);
        }
        if interval == Span::ZERO {
            return Err(PriceClockError::ZeroInterval);
        }
        Ok(Self {
            start,
            step,
            floor,
            interval,
        })
    }

    /// Returns the price at the opening.
    #[must_use]
    pub const fn start(&self) -> Price {
        self.start
    }

    /// Returns the amount of each fall.
    #[must_use]
    pub const fn step(&self) -> Price {
        self.step
    }

    /// Returns the lowest price.
    #[must_use]
    pub const fn floor(&self) -> Price {
        self.floor
    }

    /// Returns how long each price lasts.
    #[must_use]
    pub const fn interval(&self) -> Span {
        self.interval
    }

    /// Returns the price after the lot has been open for `elapsed`, halts excluded.
    #[must_use]
    pub fn price(&self, elapsed: Span) -> Price {
        let fallen = self.step.units().saturating_mul(self.steps(elapsed));
        let units = self.start.units().saturating_sub(fallen);
        let price = Price::from_units(units).expect("a price below the start is in range");
        price.max(self.floor)
    }

    /// Returns the open time after which the price falls next; `None` at the floor, and when it is more than 366 days.
    #[must_use]
    pub fn next_change(&self, elapsed: Span) -> Option<Span> {
        if self.price(elapsed) == self.floor {
            return None;
        }
        let micros = (self.steps(elapsed) + 1).checked_mul(self.interval.micros())?;
        Span::from_micros(micros)
    }

    /// Takes the lot after it has been open for `elapsed`, for a trader who accepts at most `highest`, and returns the
    /// price to pay.
    ///
    /// # Errors
    /// [`PriceStillAbove`] names the current price.
    pub fn take(&self, elapsed: Span, highest: Price) -> Result<Price, PriceStillAbove> {
        let price = self.price(elapsed);
        if price > highest {
            return Err(PriceStillAbove { price });
        }
        Ok(price)
    }

    fn steps(&self, elapsed: Span) -> u64 {
        elapsed.micros() / self.interval.micros()
    }
}

/// Error of a price above what the trader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the price is still {price}")]
pub struct PriceStillAbove {
    /// The current price.
    pub price: Price,
}

/// Reason why the numbers of a price clock are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceClockError {
    /// The floor is zero, or above the start.
    #[error("the floor of a falling price is at least 0.0001 and at most its start, {start}")]
    Floor {
        /// The price at the opening.
        start: Price,
    },
    /// The step is zero.
    #[error("a falling price falls by at least 0.0001")]
    ZeroStep,
    /// The interval is zero.
    #[error("the interval of a falling price is at least a microsecond")]
    ZeroInterval,
}
