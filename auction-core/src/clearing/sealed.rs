//! Sealed bids for one lot: first-price and second-price (Vickrey).
//!
//! Each trader has one bid, hidden until the close, which they can replace and withdraw; a replacement takes a
//! new place in time. The highest wins, of equal ones the earliest. In a first-price auction the winner pays
//! their bid. In a second-price auction they pay the most of the second highest bid, the reserve and the
//! smallest bid allowed, so that nobody gains by bidding other than what the lot is worth to them.
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

/// What the winner pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SealedPricing {
    /// Their own bid.
    FirstPrice,
    /// The most of the second highest bid, the reserve and the smallest bid allowed (Vickrey).
    SecondPrice,
}

/// The terms of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedTerms {
    /// What the winner pays.
    pub pricing: SealedPricing,
    /// The listing's price.
    pub base_price: Price,
    /// Below it there is no sale.
    pub reserve: Option<Price>,
}

impl SealedTerms {
    /// The smallest bid that is taken: the base price, at least one unit.
    #[must_use]
    pub fn minimum(&self) -> Price {
        self.base_price.max(Price::UNIT)
    }

    /// The smallest bid that could win: the minimum, at least the reserve.
    fn least_sale(&self) -> Price {
        self.minimum().max(self.reserve.unwrap_or(Price::ZERO))
    }
}

/// The sealed bids of a lot, one a trader.
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
    /// Its place in time: of equal prices the smaller wins.
    place: u64,
}

impl SealedBids {
    /// Places a trader's bid, or replaces it; in both cases it comes after all the others in time.
    ///
    /// # Errors
    /// [`BelowMinimum`] for a price that is not taken.
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

    /// Takes a trader's bid back, and returns its price; `None`: there was none.
    pub fn withdraw(&mut self, bidder: UserId) -> Option<Price> {
        self.bids.remove(&bidder).map(|bid| bid.price)
    }

    /// A trader's live bid.
    #[must_use]
    pub fn bid_of(&self, bidder: UserId) -> Option<Price> {
        self.bids.get(&bidder).map(|bid| bid.price)
    }

    /// How many traders have a live bid: all that others see before the close.
    #[must_use]
    pub fn bidders(&self) -> usize {
        self.bids.len()
    }

    /// The live bids, by trader; opened to everyone after the close.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (UserId, Price)> {
        self.bids.iter().map(|(bidder, bid)| (*bidder, bid.price))
    }

    /// What comes of the lot if it closes now.
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

    /// The smallest bid with which this trader would have won, the others' being as they are: in the place of
    /// their own bid if they have one, else after all the others. `None`: no price would have.
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

/// The most of three; of equal ones the bid is named first, then the reserve.
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

/// What comes of a sealed lot.
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

/// A sale, and why it came so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedSale {
    /// Who wins.
    pub winner: UserId,
    /// What they pay for each share.
    pub price: Price,
    /// What made the price.
    pub decided_by: SealedRule,
    /// The second highest bid, if there is one.
    pub runner_up: Option<Price>,
}

/// What made the price of a sealed lot.
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

/// A sealed bid below the smallest that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the least bid is {least}")]
pub struct BelowMinimum {
    /// The smallest bid that is taken.
    pub least: Price,
}
