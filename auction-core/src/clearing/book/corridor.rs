//! The prices at which an incoming order may trade.

use crate::Price;
use crate::clearing::call::Collar;

/// The prices, both ends included, at which one incoming order may trade before it interrupts the trading.
///
/// Two corridors meet in one: a *static* one around the last call's price and a *dynamic* one around the last
/// trade's. The references stand still while one order trades, so that no order can walk the book.
///
/// ```
/// use auction_core::Price;
/// use auction_core::clearing::book::Corridor;
/// use auction_core::clearing::call::Collar;
///
/// let price = |text| Price::parse(text).unwrap();
/// let percent = |percent: u32| Collar { absolute: Price::ZERO, basis_points: percent * 100 };
/// let corridor = Corridor::OPEN.within(&percent(5), price("10")).within(&percent(2), price("10.30"));
/// assert!(corridor.passes(price("10.50")) && !corridor.passes(price("10.51")));
/// assert!(corridor.passes(price("10.094")) && !corridor.passes(price("10.0939")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Corridor {
    lowest: Price,
    highest: Price,
}

impl Corridor {
    /// Every price.
    pub const OPEN: Self = Self {
        lowest: Price::ZERO,
        highest: Price::MAX,
    };

    /// The prices of this corridor that also [pass](Collar::passes) a collar around a reference; a reference of
    /// zero means no reference, and leaves the corridor as it is. Collars that do not overlap leave no price.
    #[must_use]
    pub fn within(self, collar: &Collar, reference: Price) -> Self {
        if reference == Price::ZERO {
            return self;
        }
        let distance = collar.distance(reference);
        let lowest = Price::from_units(reference.units().saturating_sub(distance.units()));
        let highest = reference.checked_add(distance).unwrap_or(Price::MAX);
        Self {
            lowest: lowest.map_or(self.lowest, |lowest| lowest.max(self.lowest)),
            highest: highest.min(self.highest),
        }
    }

    /// Returns true when an order may trade at the price.
    #[must_use]
    pub fn passes(&self, price: Price) -> bool {
        self.lowest <= price && price <= self.highest
    }
}

impl Default for Corridor {
    fn default() -> Self {
        Self::OPEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::PRICE_MAX;

    proptest::proptest! {
        #![proptest_config(crate::property_config())]

        #[test]
        fn a_price_passes_when_it_passes_both_collars(
            absolute in 0..=PRICE_MAX, basis_points in 0..20_000_u32,
            first in 1..=PRICE_MAX, second in 1..=PRICE_MAX, price in 0..=PRICE_MAX,
        ) {
            let price_of = |units| Price::from_units(units).unwrap();
            let wide = Collar { absolute: price_of(absolute), basis_points: 0 };
            let narrow = Collar { absolute: Price::ZERO, basis_points };
            let corridor = Corridor::OPEN
                .within(&wide, price_of(first))
                .within(&narrow, price_of(second));
            let edge = narrow.distance(price_of(second)).units();
            // At the bounds and beside them, too.
            for units in [price, second - edge.min(second), second + edge, second + edge + 1] {
                let Some(price) = Price::from_units(units) else { continue };
                let passes = wide.passes(price, price_of(first))
                    && narrow.passes(price, price_of(second));
                proptest::prop_assert_eq!(corridor.passes(price), passes);
            }
        }
    }

    #[test]
    fn no_reference_binds_no_price() {
        let collar = Collar {
            absolute: Price::ZERO,
            basis_points: 0,
        };
        assert_eq!(Corridor::OPEN.within(&collar, Price::ZERO), Corridor::OPEN);
        let corridor = Corridor::OPEN.within(&collar, Price::MAX);
        assert!(corridor.passes(Price::MAX) && !corridor.passes(Price::ZERO));
    }
}
