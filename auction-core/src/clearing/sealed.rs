//! Sealed bids for one lot: first-price and second-price (Vickrey).
//!
//! Each trader has one bid, hidden until the close, which they can replace and withdraw; a replacement gets a new place
//! in time. The highest bid wins, of equal bids the earliest. In a first-price auction the winner pays their bid. In a
//! second-price auction they pay the highest of the second highest bid, the reserve and the smallest bid allowed, so
//! that every trader does best by bidding what the lot is worth to them.
//!
//! ```
//! use auction_core::clearing::sealed::{SealedBids, SealedOutcome, SealedPricing, SealedRule, SealedTerms};
//! use auction_core::{Price, UserId};
//!
//! let price = |text| Price::parse(text).unwrap();
//! let terms = SealedTerms {
//!     pricing: SealedPricing::SecondPrice,
//!     base_price: price("1"),
//!     reserve: Some(price("50")),
//! };
//! let mut bids = SealedBids::default();
//! bids.place(&terms, UserId(1), price("100"))?;
//! bids.place(&terms, UserId(2), price("20"))?;
//! let SealedOutcome::Sold(sale) = bids.outcome(&terms) else { panic!() };
//! assert_eq!((sale.winner, sale.price), (UserId(1), price("50")));
//! assert_eq!(sale.decided_by, SealedRule::Reserve);
//! assert_eq!(bids.winning_threshold(&terms, UserId(2)), Some(price("100.0001")));
//! # Ok::<(), auction_core::clearing::sealed::BelowMinimum>(())
//! ```

use alloc::collections::BTreeMap;

use crate::{Price, UserId};

/// Price rule of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SealedPricing {
    /// Their own bid.
    FirstPrice,
    /// The highest of the second highest bid, the reserve and the smallest bid allowed (Vickrey).
    SecondPrice,
}

/// The terms of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedTerms {
    /// Price rule.
    pub pricing: SealedPricing,
    /// The listing's price.
    pub base_price: Price,
    /// Lowest price of a sale; `None`: any.
    pub reserve: Option<Price>,
}

impl SealedTerms {
    /// Returns the smallest bid that is accepted: the base price, at least one unit.
    #[must_use]
    pub fn minimum(&self) -> Price {
        self.base_price.max(Price::UNIT)
    }

    /// Returns the smallest bid that could win: the minimum or the reserve, whichever is higher.
    fn least_sale(&self) -> Price {
        self.minimum().max(self.reserve.unwrap_or(Price::ZERO))
    }
}

/// The sealed bids of a lot, one per trader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedBids {
    bids: BTreeMap<UserId, SealedBid>,
    places: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct SealedBid {
    price: Price,
    /// Place in time: of equal prices the smaller wins.
    place: u64,
}

impl SealedBids {
    /// Places or replaces a trader's bid; in both cases it comes after all the others in time.
    ///
    /// # Errors
    /// [`BelowMinimum`] for a price that is too low.
    pub fn place(
        &mut self,
        terms: &SealedTerms,
        bidder: UserId,
        price: Price,
    ) -> Result<(), BelowMinimum> {
        let least = terms.minimum();
        if price < least {
            return Err(BelowMinimum { least });
        }
        self.places += 1;
        let place = self.places;
        self.bids.insert(bidder, SealedBid { price, place });
        Ok(())
    }

    /// Withdraws a trader's bid, and returns its price; `None`: there was none.
    pub fn withdraw(&mut self, bidder: UserId) -> Option<Price> {
        self.bids.remove(&bidder).map(|bid| bid.price)
    }

    /// Returns a trader's live bid.
    #[must_use]
    pub fn bid_of(&self, bidder: UserId) -> Option<Price> {
        self.bids.get(&bidder).map(|bid| bid.price)
    }

    /// Returns the number of traders with a live bid: all that others see before the close.
    #[must_use]
    pub fn bidders(&self) -> usize {
        self.bids.len()
    }

    /// Returns the live bids, by trader; opened to everyone after the close.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (UserId, Price)> {
        self.bids.iter().map(|(bidder, bid)| (*bidder, bid.price))
    }

    /// Returns the outcome of the lot if it closes now.
    #[must_use]
    pub fn outcome(&self, terms: &SealedTerms) -> SealedOutcome {
        let Some((winner, highest)) = self.best_without(None) else {
            return SealedOutcome::NoBids;
        };
        if terms.reserve.is_some_and(|reserve| highest.price < reserve) {
            let highest = highest.price;
            return SealedOutcome::ReserveNotMet { highest };
        }
        let runner_up = self.best_without(Some(winner)).map(|(_, bid)| bid.price);
        let (price, decided_by) = match terms.pricing {
            SealedPricing::FirstPrice => (highest.price, SealedRule::OwnBid),
            SealedPricing::SecondPrice => second_price(terms, runner_up),
        };
        SealedOutcome::Sold(SealedSale {
            winner,
            price,
            decided_by,
            runner_up,
        })
    }

    /// Returns the smallest bid with which this trader would have won, the others' bids unchanged: in the place in time
    /// of their own bid if they have one, otherwise after all the others. `None`: no price would have won.
    #[must_use]
    pub fn winning_threshold(&self, terms: &SealedTerms, bidder: UserId) -> Option<Price> {
        let least_sale = terms.least_sale();
        let Some((_, best)) = self.best_without(Some(bidder)) else {
            return Some(least_sale);
        };
        let is_earlier = self
            .bids
            .get(&bidder)
            .is_some_and(|own| own.place < best.place);
        let beats = if is_earlier {
            best.price
        } else {
            best.price.checked_add(Price::UNIT)?
        };
        Some(beats.max(least_sale))
    }

    fn best_without(&self, left_out: Option<UserId>) -> Option<(UserId, SealedBid)> {
        self.bids
            .iter()
            .filter(|(bidder, _)| Some(**bidder) != left_out)
            .map(|(bidder, bid)| (*bidder, *bid))
            .max_by_key(|(_, bid)| (bid.price, core::cmp::Reverse(bid.place)))
    }
}

/// Returns the highest of three; if equal, the bid is named before the reserve.
fn second_price(terms: &SealedTerms, runner_up: Option<Price>) -> (Price, SealedRule) {
    let mut price = (terms.minimum(), SealedRule::Minimum);
    if let Some(reserve) = terms.reserve.filter(|reserve| *reserve >= price.0) {
        price = (reserve, SealedRule::Reserve);
    }
    if let Some(second) = runner_up.filter(|second| *second >= price.0) {
        price = (second, SealedRule::SecondHighest);
    }
    price
}

/// Outcome of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SealedOutcome {
    /// Sold to the highest bidder.
    Sold(SealedSale),
    /// Nobody bid.
    NoBids,
    /// The highest bid is below the reserve.
    ReserveNotMet {
        /// The highest bid.
        highest: Price,
    },
}

/// A sale, and the rule that decided its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedSale {
    /// The winner.
    pub winner: UserId,
    /// Price that they pay for each share.
    pub price: Price,
    /// Rule that decided the price.
    pub decided_by: SealedRule,
    /// The second highest bid, if there is one.
    pub runner_up: Option<Price>,
}

/// Rule that decided the price of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SealedRule {
    /// First-price: the winner's own bid.
    OwnBid,
    /// Second-price: the second highest bid.
    SecondHighest,
    /// Second-price: the reserve is above the second highest bid.
    Reserve,
    /// Second-price: nobody else bid, and there is no higher reserve.
    Minimum,
}

/// Error of a sealed bid below the smallest accepted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the least bid is {least}")]
pub struct BelowMinimum {
    /// The smallest bid that is accepted.
    pub least: Price,
}
