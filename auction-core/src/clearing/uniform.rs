//! Many units of one seller for sealed bids of price and quantity: uniform-price and pay-as-bid.
//!
//! At the close the bids at or above the reserve are filled by price, then by time, until the units run out; the
//! marginal bid gets a part. With a uniform price all pay the lowest accepted price, also when units stay unsold. With
//! pay-as-bid each pays their own price.
//!
//! ```
//! use auction_core::clearing::allocation::MarginalPriority;
//! use auction_core::clearing::uniform::{self, UniformBid, UniformPricing, UniformTerms};
//! use auction_core::{Price, Quantity, Sequence};
//!
//! let bid = |sequence, quantity, price| UniformBid {
//!     sequence: Sequence(sequence),
//!     price: Price::parse(price).unwrap(),
//!     quantity: Quantity::new(quantity).unwrap(),
//! };
//! let terms = UniformTerms {
//!     quantity: Quantity::new(1_000_000).unwrap(),
//!     reserve: None,
//!     pricing: UniformPricing::Uniform,
//!     priority: MarginalPriority::Time,
//! };
//! let bids = [bid(1, 500_000, "0.0010"), bid(2, 300_000, "0.0008"), bid(3, 400_000, "0.0006")];
//! let outcome = uniform::clear(&terms, &bids);
//! assert_eq!(outcome.clearing_price, Price::parse("0.0006").ok());
//! assert_eq!(outcome.fills[2].units, 200_000);
//! assert_eq!(outcome.marginal, Some(Sequence(3)));
//! ```

use alloc::vec::Vec;

use super::allocation::{Demand, MarginalPriority, allocate};
use crate::{Price, Quantity, Sequence};

/// Price rule of a lot of many units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UniformPricing {
    /// All pay the lowest accepted price.
    Uniform,
    /// Each pays the price of their own bid.
    PayAsBid,
}

/// The terms of a lot of many units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformTerms {
    /// Number of units for sale.
    pub quantity: Quantity,
    /// Bids below this are not filled.
    pub reserve: Option<Price>,
    /// Price rule.
    pub pricing: UniformPricing,
    /// Rule by which bids are filled at the price where the units run out.
    pub priority: MarginalPriority,
}

impl UniformTerms {
    fn takes(&self, price: Price) -> bool {
        self.reserve.is_none_or(|reserve| price >= reserve)
    }

    /// Returns the smallest price that could be filled: the reserve, at least one unit of money.
    fn least_accepted(&self) -> Price {
        self.reserve.unwrap_or(Price::ZERO).max(Price::UNIT)
    }
}

/// A sealed bid. A trader can have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformBid {
    /// Place in time, unique among the bids of the lot.
    pub sequence: Sequence,
    /// The price offered for each unit.
    pub price: Price,
    /// The wanted number of units.
    pub quantity: Quantity,
}

/// Outcome of a lot of many units, and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformOutcome {
    /// Fill of each bid, in the order of the bids given.
    pub fills: Vec<UniformFill>,
    /// Number of units sold.
    pub sold: u64,
    /// The lowest accepted price; `None`: nothing is sold.
    pub clearing_price: Option<Price>,
    /// The last bid that was filled, possibly only in part.
    pub marginal: Option<Sequence>,
    /// The highest price of a bid without a fill, bids below the reserve included.
    pub highest_rejected: Option<Price>,
}

/// Fill of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformFill {
    /// Sequence of the bid.
    pub sequence: Sequence,
    /// Number of units.
    pub units: u64,
    /// Price of each unit; `None` when there are none.
    pub price: Option<Price>,
}

/// Clears a lot with these bids, given in any order.
///
/// # Panics
/// If there are more bids than [`BOOK_ORDERS_MAX`](crate::limits::BOOK_ORDERS_MAX).
#[must_use]
pub fn clear(terms: &UniformTerms, bids: &[UniformBid]) -> UniformOutcome {
    let (served, units) = serve(terms, bids);
    let mut outcome = UniformOutcome {
        fills: bids.iter().map(UniformFill::nothing).collect(),
        sold: units.iter().sum(),
        clearing_price: None,
        marginal: None,
        highest_rejected: None,
    };
    for (index, units) in served.iter().copied().zip(units) {
        outcome.fills[index].units = units;
        if units > 0 {
            outcome.clearing_price = Some(bids[index].price);
            outcome.marginal = Some(bids[index].sequence);
        }
    }
    for (fill, bid) in outcome.fills.iter_mut().zip(bids) {
        if fill.units == 0 {
            outcome.highest_rejected = outcome.highest_rejected.max(Some(bid.price));
            continue;
        }
        fill.price = match terms.pricing {
            UniformPricing::Uniform => outcome.clearing_price,
            UniformPricing::PayAsBid => Some(bid.price),
        };
    }
    outcome
}

impl UniformFill {
    fn nothing(bid: &UniformBid) -> Self {
        Self {
            sequence: bid.sequence,
            units: 0,
            price: None,
        }
    }
}

/// Returns the smallest price at which a bid of this quantity in this place in time would have got at least one unit,
/// the other bids unchanged. A bid in `bids` with the same sequence is ignored: it is the one asked about.
/// `None`: no price would have been enough.
///
/// # Panics
/// If there are as many bids as [`BOOK_ORDERS_MAX`](crate::limits::BOOK_ORDERS_MAX), the one asked about excluded.
#[must_use]
pub fn winning_threshold(
    terms: &UniformTerms,
    bids: &[UniformBid],
    sequence: Sequence,
    quantity: Quantity,
) -> Option<Price> {
    let mut others: Vec<UniformBid> = bids
        .iter()
        .copied()
        .filter(|bid| bid.sequence != sequence)
        .collect();
    // The price at which the others alone take all units; below it nothing is left.
    let Some(margin) = exhausted_at(terms, &others) else {
        return Some(terms.least_accepted());
    };
    others.push(UniformBid {
        sequence,
        price: margin,
        quantity,
    });
    let own = others.len() - 1;
    let (served, units) = serve(terms, &others);
    let is_filled = served
        .iter()
        .zip(units)
        .any(|(index, units)| *index == own && units > 0);
    if is_filled {
        return Some(margin);
    }
    margin.checked_add(Price::UNIT)
}

fn exhausted_at(terms: &UniformTerms, bids: &[UniformBid]) -> Option<Price> {
    let mut left = terms.quantity.get();
    in_order(terms, bids).into_iter().find_map(|index| {
        left = left.saturating_sub(bids[index].quantity.get());
        (left == 0).then_some(bids[index].price)
    })
}

/// Returns the accepted bids by price, then time, as indices into `bids`, and the units of each.
fn serve(terms: &UniformTerms, bids: &[UniformBid]) -> (Vec<usize>, Vec<u64>) {
    let served = in_order(terms, bids);
    let demands: Vec<Demand> = served
        .iter()
        .map(|index| Demand {
            price: bids[*index].price,
            quantity: bids[*index].quantity,
        })
        .collect();
    let units = allocate(terms.quantity.get(), &demands, terms.priority);
    (served, units)
}

fn in_order(terms: &UniformTerms, bids: &[UniformBid]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..bids.len())
        .filter(|index| terms.takes(bids[*index].price))
        .collect();
    order.sort_unstable_by_key(|index| {
        let bid = &bids[*index];
        (core::cmp::Reverse(bid.price), bid.sequence)
    });
    order
}
