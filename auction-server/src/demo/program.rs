//! The lots of a demo: one of each kind at a time, and the next one some time after its close.
//!
//! It keeps no state beside the market itself, so that a restarted server continues where it was.

use std::collections::BTreeSet;

use auction_core::{
    BookShown, CallTerms, Collar, DutchTerms, EnglishTerms, Lot, MarginalPriority, Market, OpenLot,
    Phase, Price, Quantity, SealedPricing, SealedTerms, SoftClose, SoftCloseMode, Span, Steps,
    Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
};

use super::chance::{Chance, For, WHOLE};

/// A kind of lot of which a demo always has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Ascending; late bids move the close.
    English,
    /// Ascending, with a hidden reserve and a buy-now price.
    Reserve,
    /// Descending.
    Dutch,
    /// Sealed bids; the highest bidder pays their bid.
    SealedFirst,
    /// Sealed bids; the highest bidder pays the second highest bid.
    Vickrey,
    /// Sealed bids for parts; all winners pay the same price.
    Uniform,
    /// Sealed bids for parts; each winner pays their own bid.
    PayAsBid,
    /// Two-sided.
    Call,
}

/// Fixed inputs of a demo's lots: the seed, and the longest duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The seed of the demo.
    pub seed: u64,
    /// Duration of the longest lots; others take a part of it.
    pub open_for: Span,
}

/// Next step of the auctioneer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Open this lot.
    Open(OpenLot),
    /// Check again at this time; `None`: after the next event.
    Wait(Option<Timestamp>),
}

/// Time between a close and the next lot of the kind, in thousandths of the longest duration: people read the result.
const PAUSE: u64 = 60;
/// Maximum number of extensions of an English lot by late bids.
const EXTENSIONS_MAX: u32 = 8;
/// Lowest and highest stock price that a demo prefers: numbers that are easy to read.
const PRICES: (u64, u64) = (5 * 10_000, 500 * 10_000);

impl Slot {
    /// All kinds, in the order in which they are opened.
    pub const ALL: [Self; 8] = [
        Self::English,
        Self::Reserve,
        Self::Dutch,
        Self::Call,
        Self::SealedFirst,
        Self::Vickrey,
        Self::Uniform,
        Self::PayAsBid,
    ];

    /// Returns the kind of a lot.
    #[must_use]
    pub fn of(lot: &Lot) -> Self {
        match &lot.terms {
            Terms::English(terms) if terms.buy_now.is_some() => Self::Reserve,
            Terms::English(_) => Self::English,
            Terms::Dutch(_) => Self::Dutch,
            Terms::Sealed(terms) => match terms.pricing {
                SealedPricing::FirstPrice => Self::SealedFirst,
                SealedPricing::SecondPrice => Self::Vickrey,
            },
            Terms::Uniform(terms) => match terms.pricing {
                UniformPricing::Uniform => Self::Uniform,
                UniformPricing::PayAsBid => Self::PayAsBid,
            },
            Terms::Call(_) | Terms::Day(_) => Self::Call,
        }
    }

    /// Returns the duration of its lots, in thousandths of the longest: they close one after another.
    fn length(self) -> u64 {
        match self {
            Self::English | Self::Call => WHOLE,
            Self::Uniform => 900,
            Self::SealedFirst => 800,
            Self::PayAsBid => 750,
            Self::Reserve => 700,
            Self::Vickrey => 650,
            Self::Dutch => 600,
        }
    }
}

impl Program {
    /// Returns the auctioneer's next step for this state of the market.
    #[must_use]
    pub fn next(&self, market: &Market, now: Timestamp) -> Next {
        let pause = self.part(PAUSE);
        let mut earliest = None;
        for slot in Slot::ALL {
            let newest = market
                .lots()
                .iter()
                .rev()
                .find(|lot| Slot::of(lot) == slot && !taken_back(lot));
            let from = match newest.map(|lot| lot.phase) {
                None => now,
                Some(Phase::Closed { at, .. }) => at.saturating_add(pause),
                Some(Phase::Scheduled | Phase::Open) => continue,
            };
            if from > now {
                earliest = Some(earliest.map_or(from, |at: Timestamp| at.min(from)));
            } else if let Some(lot) = self.lot(slot, market, now) {
                return Next::Open(lot);
            }
        }
        Next::Wait(earliest)
    }

    /// Returns the next lot of a kind; `None` when every stock is on auction or has no price.
    fn lot(&self, slot: Slot, market: &Market, now: Timestamp) -> Option<OpenLot> {
        let chance = Chance {
            seed: self.seed,
            who: 0,
            lot: market.lots().len() as u64,
        };
        let (symbol, base) = stock(market, chance)?;
        let (quantity, reserve) = match slot {
            Slot::Uniform | Slot::PayAsBid => (Quantity::new(1_000)?, None),
            Slot::Call => (Quantity::new(10)?, None),
            Slot::Reserve => (
                Quantity::ONE,
                part_of(base, chance.between(1_050, 1_250, For::Terms, 1)),
            ),
            Slot::English | Slot::Dutch | Slot::SealedFirst | Slot::Vickrey => {
                (Quantity::ONE, None)
            }
        };
        Some(OpenLot {
            symbol,
            quantity,
            opens_at: None,
            closes_at: now.saturating_add(self.part(slot.length())),
            terms: self.terms(slot, base, chance)?,
            reserve,
        })
    }

    fn terms(&self, slot: Slot, base: Price, chance: Chance) -> Option<Terms> {
        let sealed = |pricing| Terms::Sealed(SealedTerms { pricing });
        Some(match slot {
            Slot::English => Terms::English(self.english(base, None)?),
            Slot::Reserve => Terms::English(self.english(base, Some(part_of(base, 1_500)?))?),
            Slot::Dutch => Terms::Dutch(self.dutch(base)?),
            Slot::SealedFirst => sealed(SealedPricing::FirstPrice),
            Slot::Vickrey => sealed(SealedPricing::SecondPrice),
            Slot::Uniform => parts(UniformPricing::Uniform, MarginalPriority::ProRata),
            Slot::PayAsBid => parts(UniformPricing::PayAsBid, MarginalPriority::Time),
            Slot::Call => Terms::Call(self.call(chance)),
        })
    }

    fn english(&self, base: Price, buy_now: Option<Price>) -> Option<EnglishTerms> {
        Some(EnglishTerms {
            steps: Steps::flat(part_of(base, 10)?).ok()?,
            buy_now,
            soft_close: SoftClose {
                mode: SoftCloseMode::Add,
                extend_within: self.part(125),
                extend_by: self.part(100),
                // House traders would bid for longer, but a person who watches wants to see the winner.
                extensions_max: Some(EXTENSIONS_MAX),
            },
        })
    }

    /// Returns a price that falls from 1.5 times to 0.6 times the base price, in forty steps that take nine tenths of
    /// the duration.
    fn dutch(&self, base: Price) -> Option<DutchTerms> {
        let (start, floor) = (part_of(base, 1_500)?, part_of(base, 600)?);
        let fortieth = (start.units() - floor.units()).div_ceil(40).max(1);
        let step = if fortieth > 100 {
            fortieth.next_multiple_of(100)
        } else {
            fortieth
        };
        let interval = self.part(Slot::Dutch.length() * 9 / 10).micros() / 40;
        Some(DutchTerms {
            start,
            step: Price::from_units(step)?,
            interval: Span::from_micros(interval.max(1))?,
            floor,
        })
    }

    fn call(&self, chance: Chance) -> CallTerms {
        let book = match chance.happens(WHOLE / 2, For::Terms, 2) {
            true => BookShown::Open,
            false => BookShown::Closed,
        };
        CallTerms {
            book,
            collar: Some(Collar {
                absolute: Price::ZERO,
                basis_points: 1_000,
            }),
            extend_by: self.part(400),
            random_end: self.part(50),
            no_cancel: Some(self.part(150)),
            ..CallTerms::default()
        }
    }

    /// Returns this many thousandths of the longest duration.
    fn part(&self, thousandths: u64) -> Span {
        let micros = self.open_for.micros() / WHOLE * thousandths;
        Span::from_micros(micros).unwrap_or(self.open_for)
    }
}

fn parts(pricing: UniformPricing, priority: MarginalPriority) -> Terms {
    Terms::Uniform(UniformTerms {
        pricing,
        priority,
        bids_max: UniformTerms::BIDS_MAX,
    })
}

fn taken_back(lot: &Lot) -> bool {
    lot.outcome().is_some_and(|outcome| outcome.is_cancelled())
}

/// Returns this many thousandths of a price, rounded down to whole hundredths unless that is zero, and at least one
/// unit.
pub(super) fn part_of(price: Price, thousandths: u64) -> Option<Price> {
    let units = price.units() / WHOLE * thousandths + price.units() % WHOLE * thousandths / WHOLE;
    let hundredths = units / 100 * 100;
    Price::from_units(if hundredths > 0 {
        hundredths
    } else {
        units.max(1)
    })
}

/// Draws a stock that is not on auction, preferably one with a price that is easy to read.
fn stock(market: &Market, chance: Chance) -> Option<(Symbol, Price)> {
    let on_auction: BTreeSet<Symbol> = market
        .lots()
        .iter()
        .filter(|lot| !lot.is_closed())
        .map(|lot| lot.symbol)
        .collect();
    let listings = market.stocks().map(|stock| stock.listing);
    let free: Vec<_> = listings
        .filter(|listing| listing.price > Price::ZERO && !on_auction.contains(&listing.symbol))
        .collect();
    let liked: Vec<_> = free
        .iter()
        .filter(|listing| (PRICES.0..=PRICES.1).contains(&listing.price.units()))
        .collect();
    let chosen = if liked.is_empty() {
        free.iter().collect()
    } else {
        liked
    };
    let last = chosen.len().checked_sub(1)? as u64;
    let place = chance.between(0, last, For::Stock, 0);
    let listing = chosen[usize::try_from(place).expect("an index of a list")];
    Some((listing.symbol, listing.price))
}
