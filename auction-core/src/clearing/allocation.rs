//! Allocation of units to bids that want more than there is.
//!
//! Bids are ordered by price, the highest first, then by time, the earliest first. All bids at a price are filled
//! before the next price, until the bids at one price want more than is left: there, at the margin, a
//! [`MarginalPriority`] decides.
//!
//! ```
//! use auction_core::clearing::allocation::{Demand, MarginalPriority, allocate};
//! use auction_core::{Price, Quantity};
//!
//! let demand = |price, quantity| Demand {
//!     price: Price::parse(price).unwrap(),
//!     quantity: Quantity::new(quantity).unwrap(),
//! };
//! let demands = [demand("20", 10), demand("10", 3), demand("10", 3), demand("10", 4)];
//! assert_eq!(allocate(15, &demands, MarginalPriority::Time), [10, 3, 2, 0]);
//! assert_eq!(allocate(15, &demands, MarginalPriority::ProRata), [10, 2, 1, 2]);
//! ```

use alloc::vec::Vec;

use crate::limits::{BOOK_ORDERS_MAX, QUANTITY_MAX};
use crate::{Price, Quantity};

/// Rule by which bids are filled at the price where the units run out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MarginalPriority {
    /// By time, the earliest first; the last bid filled may get only a part.
    #[default]
    Time,
    /// In proportion to the wanted quantities, by largest remainder, ties by time. Units are whole: a small bid may get
    /// none.
    ProRata,
}

/// Price and quantity of one bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The offered price.
    pub price: Price,
    /// The wanted number of units.
    pub quantity: Quantity,
}

// 64 bits hold the units wanted at one price.
const _: () = assert!((BOOK_ORDERS_MAX as u64).checked_mul(QUANTITY_MAX).is_some());

/// Returns the units of each bid, in the order of the bids. Their sum is `available`, or all that is wanted if that is
/// less; no bid gets more than it wants. Only the result is allocated.
///
/// # Panics
/// When a price is above the one before it, or there are more bids than
/// [`BOOK_ORDERS_MAX`].
#[must_use]
pub fn allocate(available: u64, demands: &[Demand], priority: MarginalPriority) -> Vec<u64> {
    assert!(demands.len() <= BOOK_ORDERS_MAX, "too many bids");
    assert!(
        demands.is_sorted_by(|earlier, later| earlier.price >= later.price),
        "bids to fill stand with the highest price first"
    );
    let mut units = Vec::with_capacity(demands.len());
    let mut left = available;
    for level in demands.chunk_by(|one, other| one.price == other.price) {
        let wanted = level.iter().map(|demand| demand.quantity.get()).sum();
        if priority == MarginalPriority::ProRata && 0 < left && left < wanted {
            share_pro_rata(left, wanted, level, &mut units);
        } else {
            share_by_time(left, level, &mut units);
        }
        left -= left.min(wanted);
    }
    units
}

fn share_by_time(available: u64, level: &[Demand], units: &mut Vec<u64>) {
    let mut left = available;
    units.extend(level.iter().map(|demand| {
        let filled = demand.quantity.get().min(left);
        left -= filled;
        filled
    }));
}

/// Shares units by Hamilton's method of largest remainders. The remainders are stored in the result's memory, so that
/// nothing else is allocated.
fn share_pro_rata(available: u64, wanted: u64, level: &[Demand], units: &mut Vec<u64>) {
    let first = units.len();
    let mut extra = available;
    for demand in level {
        let (whole, remainder) = share(demand, available, wanted);
        extra -= whole;
        units.push(remainder);
    }
    let remainders = &mut units[first..];
    let above = |least: u64, remainders: &[u64]| {
        remainders
            .iter()
            .filter(|remainder| **remainder > least)
            .count() as u64
    };
    // The smallest remainder above which there are no more bids than leftover units.
    let (mut low, mut threshold) = (0, wanted);
    while low < threshold {
        let middle = low + (threshold - low) / 2;
        if above(middle, remainders) <= extra {
            threshold = middle;
        } else {
            low = middle + 1;
        }
    }
    let mut extra_at_threshold = extra - above(threshold, remainders);
    for (demand, unit) in level.iter().zip(remainders) {
        let (whole, remainder) = share(demand, available, wanted);
        let tied = remainder == threshold && extra_at_threshold > 0;
        extra_at_threshold -= u64::from(tied);
        *unit = whole + u64::from(tied || remainder > threshold);
    }
}

/// Returns the whole units due to a bid, and the remainder of its share in parts of `wanted`.
fn share(demand: &Demand, available: u64, wanted: u64) -> (u64, u64) {
    let share = u128::from(demand.quantity.get()) * u128::from(available);
    let wanted = u128::from(wanted);
    let narrow = |part: u128| u64::try_from(part).expect("a share is no more than what is wanted");
    (narrow(share / wanted), narrow(share % wanted))
}
