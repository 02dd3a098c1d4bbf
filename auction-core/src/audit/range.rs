//! Bounds of a hidden price, as far as public prices show.

use crate::{Price, Steps};

/// The prices from `low` to `high`; empty when `low` is above `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: Price,
    pub(super) high: Price,
}

impl Range {
    pub(super) fn exactly(price: Price) -> Self {
        Self {
            low: price,
            high: price,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.low > self.high
    }

    pub(super) fn is_exact(&self) -> bool {
        self.low == self.high
    }

    pub(super) fn contains(&self, price: Price) -> bool {
        self.low <= price && price <= self.high
    }

    pub(super) fn at_least(&mut self, price: Price) {
        self.low = self.low.max(price);
    }

    pub(super) fn at_most(&mut self, price: Price) {
        self.high = self.high.min(price);
    }

    pub(super) fn above(&mut self, price: Price) {
        match price.checked_add(Price::UNIT) {
            Some(next) => self.at_least(next),
            None => self.make_empty(),
        }
    }

    pub(super) fn below(&mut self, price: Price) {
        match before(price) {
            Some(before) => self.at_most(before),
            None => self.make_empty(),
        }
    }

    pub(super) fn make_empty(&mut self) {
        (self.low, self.high) = (Price::MAX, Price::ZERO);
    }
}

/// Returns the price one unit lower.
pub(super) fn before(price: Price) -> Option<Price> {
    price.units().checked_sub(1).and_then(Price::from_units)
}

/// Returns true if one step above `from` is at least `to`, or exceeds the greatest price.
pub(super) fn steps_to(steps: &Steps, from: Price, to: Price) -> bool {
    steps.next(from).is_none_or(|next| next >= to)
}

/// Returns the lowest price from which a step reaches another.
pub(super) fn least_that_steps_to(steps: &Steps, to: Price) -> Price {
    let (mut low, mut high) = (0, to.units());
    while low < high {
        let middle = low.midpoint(high);
        let price = Price::from_units(middle).expect("no more than a price");
        if steps_to(steps, price, to) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Price::from_units(low).expect("no more than a price")
}

/// Returns the greatest price from which a step does not exceed another; `None`: the step from every price does.
pub(super) fn greatest_that_steps_to(steps: &Steps, to: Price) -> Option<Price> {
    let beyond = to.checked_add(Price::UNIT);
    let least = match beyond {
        Some(beyond) => least_that_steps_to(steps, beyond),
        None => return Some(to),
    };
    before(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_backwards() {
        let price = |units| Price::from_units(units).unwrap();
        for steps in [Steps::default(), Steps::banded()] {
            for to in [
                1, 2, 100, 101, 500, 10_499, 10_500, 12_500, 99_999, 1_000_000,
            ] {
                let to = price(to);
                let least = least_that_steps_to(&steps, to);
                assert!(steps.next(least) >= Some(to));
                if let Some(before) = before(least) {
                    assert!(steps.next(before) < Some(to));
                }
                match greatest_that_steps_to(&steps, to) {
                    None => assert!(steps.next(Price::ZERO) > Some(to)),
                    Some(greatest) => {
                        assert!(steps.next(greatest) <= Some(to));
                        let above = greatest.checked_add(Price::UNIT).unwrap();
                        assert!(steps.next(above) > Some(to));
                    }
                }
            }
        }
    }
}
