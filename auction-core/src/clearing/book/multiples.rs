//! Multiples of a unit, recognised without a division.

/// The multiples of a unit: prices on a tick, quantities in round lots.
///
/// A unit is an odd number times a power of two. Multiplying by the inverse of the odd part modulo 2^64 and
/// rotating the power of two away gives the quotient for a multiple, and a number above every quotient for
/// anything else. An order pays a few cycles for both checks instead of two divisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Multiples {
    unit: u64,
    inverse: u64,
    shift: u32,
    greatest: u64,
}

impl Multiples {
    /// The multiples of a unit that is not zero.
    pub(super) const fn of(unit: u64) -> Self {
        let shift = unit.trailing_zeros();
        let odd = unit >> shift;
        // Newton's iteration: an odd number is its own inverse to three bits, and each step doubles them.
        let mut inverse = odd;
        let mut bits = 3;
        while bits < u64::BITS {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
            bits *= 2;
        }
        Self {
            unit,
            inverse,
            shift,
            greatest: u64::MAX / unit,
        }
    }

    /// The unit.
    pub(super) const fn unit(&self) -> u64 {
        self.unit
    }

    /// The number of units in the value, or `None` when it is no multiple.
    #[inline]
    pub(super) const fn count(&self, value: u64) -> Option<u64> {
        let quotient = value.wrapping_mul(self.inverse).rotate_right(self.shift);
        if quotient <= self.greatest {
            Some(quotient)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{PRICE_MAX, QUANTITY_MAX};

    #[test]
    fn neighbours_of_a_multiple_are_none_at_the_bounds_too() {
        for unit in [1, 2, 3, 100, 1 << 40, PRICE_MAX, QUANTITY_MAX] {
            let multiples = Multiples::of(unit);
            for count in [0, 1, 2, u64::MAX / unit] {
                let value = count * unit;
                assert_eq!(multiples.count(value), Some(count), "{value} of {unit}");
                for near in [value.wrapping_sub(1), value.wrapping_add(1)] {
                    let counted = near.is_multiple_of(unit).then(|| near / unit);
                    assert_eq!(multiples.count(near), counted, "{near} of {unit}");
                }
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(crate::property_config())]

        #[test]
        fn the_count_is_what_a_division_gives(unit in 1_u64.., value: u64, count: u64) {
            for unit in [unit, unit % 10_000 + 1] {
                let multiples = Multiples::of(unit);
                let counted = value.is_multiple_of(unit).then(|| value / unit);
                proptest::prop_assert_eq!(multiples.count(value), counted);
                let count = count % (u64::MAX / unit + 1).max(1);
                proptest::prop_assert_eq!(multiples.count(count * unit), Some(count));
            }
        }
    }
}
