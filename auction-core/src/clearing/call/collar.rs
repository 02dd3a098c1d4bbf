//! Collar: the greatest distance of a price from the reference.

use super::ladder::round_down;
use crate::Price;

/// Parts of a whole in basis points.
const BASIS_POINTS: u128 = 10_000;

/// Limits of a price: its distance from the reference is at most the greater of two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Collar {
    /// An absolute distance.
    pub absolute: Price,
    /// A distance in ten-thousandths of the reference, rounded down.
    pub basis_points: u32,
}

impl Collar {
    /// Returns the greatest distance of a price from this reference.
    #[must_use]
    pub fn distance(&self, reference: Price) -> Price {
        let relative = u128::from(reference.units()) * u128::from(self.basis_points) / BASIS_POINTS;
        let relative = u64::try_from(relative).ok().and_then(Price::from_units);
        self.absolute.max(relative.unwrap_or(Price::MAX))
    }

    /// Returns true if a price is near enough to the reference.
    #[must_use]
    pub fn passes(&self, price: Price, reference: Price) -> bool {
        price.units().abs_diff(reference.units()) <= self.distance(reference).units()
    }

    /// Returns the highest price on the tick inside the collar. `reference` is on the tick, `tick` not zero.
    #[must_use]
    pub fn upper(&self, reference: Price, tick: Price) -> Price {
        let greatest = reference.checked_add(self.distance(reference));
        round_down(greatest.unwrap_or(Price::MAX), tick)
    }

    /// Returns the lowest price on the tick inside the collar that is not zero. `reference` is on the tick and not
    /// zero, `tick` not zero.
    #[must_use]
    pub fn lower(&self, reference: Price, tick: Price) -> Price {
        // As many whole ticks below the reference, which is on the tick, as fit into the distance.
        let ticks = round_down(self.distance(reference), tick).units();
        let units = reference.units().saturating_sub(ticks);
        Price::from_units(units).expect("below a price").max(tick)
    }

    /// Returns the nearer bound for a price outside the collar, on the tick; `None`: the price is inside.
    #[must_use]
    pub fn bound(&self, price: Price, reference: Price, tick: Price) -> Option<Price> {
        if self.passes(price, reference) {
            return None;
        }
        Some(if price > reference {
            self.upper(reference, tick)
        } else {
            self.lower(reference, tick)
        })
    }
}
