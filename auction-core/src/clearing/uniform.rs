//! Many units of one seller for sealed bids of price and quantity: uniform-price and pay-as-bid.
//!
//! At the close the bids at or above the reserve are served by price, then by time, until the units are gone;
//! the marginal bid gets a part. At a uniform price all pay the lowest accepted price, also when units stay
//! unsold. Pay-as-bid, each pays their own.
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

/// What those who are filled pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UniformPricing {
    /// All the lowest accepted price.
    Uniform,
    /// Each the price of their own bid.
    PayAsBid,
}

/// The terms of a lot of many units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformTerms {
    /// How many units there are.
    pub quantity: Quantity,
    /// Bids below it are left out.
    pub reserve: Option<Price>,
    /// What those who are filled pay.
    pub pricing: UniformPricing,
    /// Who is served first at the price where the units run out.
    pub priority: MarginalPriority,
}

impl UniformTerms {
    fn takes(&self, price: Price) -> bool {
        self.reserve.is_none_or(|reserve| price >= reserve)
    }

    /// The smallest price that could be filled: the reserve, at least one unit of money.
    fn least_accepted(&self) -> Price {
        self.reserve.unwrap_or(Price::ZERO).max(Price::UNIT)
    }
}

/// A sealed bid. A trader can have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformBid {
    /// Its place in time, unlike that of any other bid of the lot.
    pub sequence: Sequence,
    /// The price offered for each unit.
    pub price: Price,
    /// How many units it wants.
    pub quantity: Quantity,
}

/// What comes of a lot of many units, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformOutcome {
    /// What each bid gets, in the order of the bids given.
    pub fills: Vec<UniformFill>,
    /// How many units are sold.
    pub sold: u64,
    /// The lowest accepted price; `None`: nothing is sold.
    pub clearing_price: Option<Price>,
    /// The last bid that was served: it may have got a part only.
    pub marginal: Option<Sequence>,
    /// The highest price of a bid that got nothing, bids below the reserve among them.
    pub highest_rejected: Option<Price>,
}

/// What a bid gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformFill {
    /// Which bid.
    pub sequence: Sequence,
    /// How many units.
    pub units: u64,
    /// The price of each; `None` when there are none.
    pub price: Option<Price>,
}

/// What comes of a lot with these bids, given in any order.
///
/// # Panics
/// With more bids than [`BOOK_ORDERS_MAX`](crate::limits::BOOK_ORDERS_MAX).
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

/// The smallest price at which a bid of this quantity in this place in time would have got at least one unit,
/// the others being as they are. A bid of `bids` with its sequence is left out: it is the one asked about.
/// `None`: no price would have.
///
/// # Panics
/// With as many bids as [`BOOK_ORDERS_MAX`](crate::limits::BOOK_ORDERS_MAX), the one asked about left out.
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
    // Where the others alone exhaust the units; below it there is nothing left.
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

/// The accepted bids by price, then time, as places in `bids`; and the units of each.
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
