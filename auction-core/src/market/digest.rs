//! The digest of a public market: two folds with the same digest show the same market.
//!
//! Each user, stock and lot is an *item* with a SHA-256 of its own; the items are combined by exclusive or, so that a
//! change costs one item and not the whole market:
//!
//! `digest = SHA-256("auction digest 1" ‖ market id ‖ feed sequence ‖ time of the last event ‖ xor of all items)`
//!
//! Numbers are little-endian and of fixed width (`u8`, `u32`, `u64`, `i64`); a text is its length as `u8` and
//! its bytes; an optional value is `0`, or `1` and the value.
//!
//! | item | bytes |
//! |---|---|
//! | user | `1`, number `u32`, name, role `u8` (0 trader, 1 company and its symbol, 2 auctioneer) |
//! | stock | `2`, symbol, security code, listed price `u64`, listed profit `i64`, profit `i64`, last uncross price `u64` optional |
//! | lot | `3`, number `u32`, symbol, quantity `u64`, base price `u64`, opened `u64`, closes `u64`, extensions `u32`, halted since `u64` optional, terms, phase, book |
//! | accounts | `4`, mode `u8` (1 funds); a market on credit has no such item |
//! | halt | `5`, since `u64`; a market that runs has no such item |
//! | English terms | `0`, bands as `u8` count of (from `u64`, step `u64`), buy-now `u64` optional, soft close: mode `u8` (0 add, 1 reset), within `u64`, by `u64`, extensions at most `u32` optional |
//! | Dutch terms | `1`, start `u64`, step `u64`, interval `u64`, floor `u64` |
//! | sealed terms | `2`, pricing `u8` (0 first price, 1 second price) |
//! | uniform terms | `3`, pricing `u8` (0 uniform, 1 pay as bid), priority `u8` (0 time, 1 pro rata), bids a trader `u32` |
//! | call terms | `4`, tick `u64`, book `u8` (0 open, 1 closed), collar optional: absolute `u64`, basis points `u32`; extensions at most `u32`, market-order extension `u8` (0 no, 1 yes), extended by `u64`, random end `u64`, no-cancel window `u64` optional |
//! | day terms | `5`, call terms without their `4`; static and dynamic corridor, each optional as a collar; volatility call: length `u64`, random end `u64`; interruptions at most `u32`; phases as `u8` count of (phase `u8`: 0 pre-open, 1 call, 2 continuous, 4 at last; begins after `u64`) |
//! | phase | `0` open; `1` closed: at `u64`, outcome; `2` scheduled |
//! | outcome | `0` sold: winner `u32`, price `u64`, by `u8` (0 highest bid, 1 buy-now, 2 first take, 3 second highest bid, 4 reserve, 5 least bid), runner-up `u64` optional; `1` unsold: because `u8` (0 no bids, 1 reserve not met, 2 cancelled), highest `u64` optional; `2` allocated: sold `u64`, buyers `u32`, lowest `u64`, by `u8` (0 enough for all, 1 time, 2 pro rata), highest rejected `u64` optional; `3` crossed: price `u64`, volume `u64`, surplus `i64`, by `u8` (0 market, 1 volume, 2 surplus, 3 pressure, 4 reference, 5 collar), candidates optional: lowest `u64`, highest `u64`; traders `u32`; `4` no cross: because `u8` (0 nothing crosses, 1 no price, 2 collar), best buy and best sell, each optional: price `u64`, quantity `u64`; `5` day: close `u64` optional, average `u64` optional, volume `u128`, trades `u64` |
//! | English book | price `u64` optional, leader `u32` optional, least `u64` optional, bids `u32`, bidders `u32`, reserve `u8` (0 none, 1 not met, 2 met) |
//! | Dutch book | taken, optional: by `u32`, price `u64` |
//! | sealed book, uniform book | bidders `u32`, has reserve `u8` (0 no, 1 yes) |
//! | call book | traders `u32`, reference `u64` optional, extended for market orders `u8` (0 no, 1 yes), random end's commitment optional: 32 bytes |
//! | day book | phase `u8` optional (as above, 3 volatility), its end `u64`, its position `u8`, phases as `u8` count of (end `u64`, length `u64`), reference `u64` optional, collar optional, traders `u32`, extensions `u32`, extended for market orders `u8`, random end's commitment optional: 32 bytes; halted because `u8` optional (0 crossed at the collar, 1 interruptions), resumes by a call `u8` (0 no, 1 yes), interruptions `u32`, last call's price `u64` optional, last order number `u64`; open, high, low, last, close, each `u64` optional; volume `u128`, value `u128`, trades `u64`; shown orders to buy, then to sell: number of orders, sum of open shares, sum of price x open, sum of number x open, each `u64` modulo 2^64 |
//!
//! The digest finds mistakes. It is no proof against an attacker who constructs two markets with the same digest: the
//! proof is the signature over the feed and the hash chain of the journal.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::clearing::allocation::MarginalPriority;
use crate::clearing::call::{Collar, LadderStep, Quote, Side};
use crate::clearing::sealed::SealedPricing;
use crate::clearing::uniform::UniformPricing;
use crate::lot::{
    Book, CallBook, DayBook, DutchBook, EnglishBook, Lot, Phase, SealedBook, UniformBook,
};
use crate::model::call_terms::{BookShown, CallTerms};
use crate::model::command::{
    AccountMode, DutchTerms, EnglishTerms, Role, SealedTerms, Terms, UniformTerms,
};
use crate::model::day::{DayHaltCause, DayPhase, DayTerms};
use crate::model::event::{
    AllocatedBy, NoCrossBecause, Outcome, ReserveStatus, SoldBy, UnsoldBecause,
};
use crate::model::listing::{Stock, User};
use crate::model::steps::SoftCloseMode;
use crate::{FeedSequence, MarketId, Price, Timestamp, UserId};

/// The digest of a public market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// Writes 64 hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Items combined by exclusive or: adding an item a second time removes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Combined([u8; 32]);

impl Combined {
    pub(crate) fn toggle(&mut self, item: &[u8; 32]) {
        for (all, one) in self.0.iter_mut().zip(item) {
            *all ^= one;
        }
    }

    pub(crate) fn digest(&self, market: MarketId, sequence: FeedSequence, at: Timestamp) -> Digest {
        let mut bytes = Bytes(Sha256::new_with_prefix(b"auction digest 1"));
        bytes.0.update(market.0);
        bytes.u64(sequence.0);
        bytes.u64(at.micros());
        bytes.0.update(self.0);
        Digest(bytes.finish())
    }
}

pub(crate) fn accounts_item(mode: AccountMode) -> [u8; 32] {
    let mut bytes = Bytes::item(4);
    bytes.u8(match mode {
        AccountMode::Credit => 0,
        AccountMode::Funds => 1,
    });
    bytes.finish()
}

pub(crate) fn halt_item(since: Timestamp) -> [u8; 32] {
    let mut bytes = Bytes::item(5);
    bytes.u64(since.micros());
    bytes.finish()
}

pub(crate) fn user_item(id: UserId, user: &User) -> [u8; 32] {
    let mut bytes = Bytes::item(1);
    bytes.u32(id.0);
    bytes.text(user.name.as_str());
    match user.role {
        Role::Trader => bytes.u8(0),
        Role::Company(symbol) => {
            bytes.u8(1);
            bytes.text(symbol.as_str());
        }
        Role::Auctioneer => bytes.u8(2),
    }
    bytes.finish()
}

pub(crate) fn stock_item(stock: &Stock) -> [u8; 32] {
    let mut bytes = Bytes::item(2);
    bytes.text(stock.listing.symbol.as_str());
    bytes.text(stock.listing.security.as_str());
    bytes.u64(stock.listing.price.units());
    bytes.i64(stock.listing.profit.units());
    bytes.i64(stock.profit.units());
    bytes.optional_price(stock.last_uncross);
    bytes.finish()
}

pub(crate) fn lot_item(lot: &Lot) -> [u8; 32] {
    let mut bytes = Bytes::item(3);
    bytes.u32(lot.id.0);
    bytes.text(lot.symbol.as_str());
    bytes.u64(lot.quantity.get());
    bytes.u64(lot.base_price.units());
    bytes.u64(lot.opened_at.micros());
    bytes.u64(lot.closes_at.micros());
    bytes.u32(lot.extensions);
    bytes.optional(lot.halted_since, |bytes, since| bytes.u64(since.micros()));
    match &lot.terms {
        Terms::English(terms) => bytes.english_terms(terms),
        Terms::Dutch(terms) => bytes.dutch_terms(terms),
        Terms::Sealed(terms) => bytes.sealed_terms(terms),
        Terms::Uniform(terms) => bytes.uniform_terms(terms),
        Terms::Call(terms) => {
            bytes.u8(4);
            bytes.call_terms(terms);
        }
        Terms::Day(terms) => bytes.day_terms(terms),
    }
    match &lot.phase {
        Phase::Open => bytes.u8(0),
        Phase::Scheduled => bytes.u8(2),
        Phase::Closed { at, outcome } => {
            bytes.u8(1);
            bytes.u64(at.micros());
            bytes.outcome(outcome);
        }
    }
    match &lot.book {
        Book::English(book) => bytes.english_book(book),
        Book::Dutch(DutchBook { taken }) => bytes.optional(*taken, |bytes, taken| {
            bytes.u32(taken.bidder.0);
            bytes.u64(taken.price.units());
        }),
        Book::Sealed(SealedBook {
            bidders,
            has_reserve,
        })
        | Book::Uniform(UniformBook {
            bidders,
            has_reserve,
        }) => {
            bytes.u32(*bidders);
            bytes.u8(u8::from(*has_reserve));
        }
        Book::Call(book) => bytes.call_book(book),
        Book::Day(book) => bytes.day_book(book),
    }
    bytes.finish()
}

struct Bytes(Sha256);

impl Bytes {
    fn item(kind: u8) -> Self {
        Self(Sha256::new_with_prefix([kind]))
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    fn u8(&mut self, number: u8) {
        self.0.update([number]);
    }

    fn u32(&mut self, number: u32) {
        self.0.update(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn u128(&mut self, number: u128) {
        self.0.update(number.to_le_bytes());
    }

    fn i64(&mut self, number: i64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u8(u8::try_from(text.len()).expect("names are short"));
        self.0.update(text);
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
            }
        }
    }

    fn optional_price(&mut self, price: Option<Price>) {
        self.optional(price, |bytes, price| bytes.u64(price.units()));
    }

    fn english_terms(&mut self, terms: &EnglishTerms) {
        self.u8(0);
        let bands = terms.steps.bands();
        self.u8(u8::try_from(bands.len()).expect("bands are few"));
        for band in bands {
            self.u64(band.from.units());
            self.u64(band.step.units());
        }
        self.optional_price(terms.buy_now);
        let soft_close = &terms.soft_close;
        self.u8(match soft_close.mode {
            SoftCloseMode::Add => 0,
            SoftCloseMode::Reset => 1,
        });
        self.u64(soft_close.extend_within.micros());
        self.u64(soft_close.extend_by.micros());
        self.optional(soft_close.extensions_max, Self::u32);
    }

    fn dutch_terms(&mut self, terms: &DutchTerms) {
        self.u8(1);
        self.u64(terms.start.units());
        self.u64(terms.step.units());
        self.u64(terms.interval.micros());
        self.u64(terms.floor.units());
    }

    fn sealed_terms(&mut self, terms: &SealedTerms) {
        self.u8(2);
        self.u8(match terms.pricing {
            SealedPricing::FirstPrice => 0,
            SealedPricing::SecondPrice => 1,
        });
    }

    fn uniform_terms(&mut self, terms: &UniformTerms) {
        self.u8(3);
        self.u8(match terms.pricing {
            UniformPricing::Uniform => 0,
            UniformPricing::PayAsBid => 1,
        });
        self.u8(match terms.priority {
            MarginalPriority::Time => 0,
            MarginalPriority::ProRata => 1,
        });
        self.u32(terms.bids_max);
    }

    fn call_terms(&mut self, terms: &CallTerms) {
        self.u64(terms.tick.units());
        self.u8(match terms.book {
            BookShown::Open => 0,
            BookShown::Closed => 1,
        });
        self.optional(terms.collar, Self::collar);
        self.u32(terms.extensions_max);
        self.u8(u8::from(terms.market_extension));
        self.u64(terms.extend_by.micros());
        self.u64(terms.random_end.micros());
        self.optional(terms.no_cancel, |bytes, span| bytes.u64(span.micros()));
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Sold {
                winner,
                price,
                by,
                runner_up,
            } => {
                self.u8(0);
                self.u32(winner.0);
                self.u64(price.units());
                self.u8(match by {
                    SoldBy::HighestBid => 0,
                    SoldBy::BuyNow => 1,
                    SoldBy::FirstTake => 2,
                    SoldBy::SecondHighestBid => 3,
                    SoldBy::Reserve => 4,
                    SoldBy::LeastBid => 5,
                });
                self.optional_price(*runner_up);
            }
            Outcome::Unsold { because, highest } => {
                self.u8(1);
                self.u8(match because {
                    UnsoldBecause::NoBids => 0,
                    UnsoldBecause::ReserveNotMet => 1,
                    UnsoldBecause::Cancelled => 2,
                });
                self.optional_price(*highest);
            }
            Outcome::Allocated {
                sold,
                buyers,
                lowest,
                by,
                highest_rejected,
            } => {
                self.u8(2);
                self.u64(*sold);
                self.u32(*buyers);
                self.u64(lowest.units());
                self.u8(match by {
                    AllocatedBy::EnoughForAll => 0,
                    AllocatedBy::Time => 1,
                    AllocatedBy::ProRata => 2,
                });
                self.optional_price(*highest_rejected);
            }
            Outcome::Crossed {
                price,
                volume,
                surplus,
                by,
                candidates,
                traders,
            } => {
                self.u8(3);
                self.u64(price.units());
                self.u64(*volume);
                self.i64(*surplus);
                self.u8(match by {
                    LadderStep::Market => 0,
                    LadderStep::Volume => 1,
                    LadderStep::Surplus => 2,
                    LadderStep::Pressure => 3,
                    LadderStep::Reference => 4,
                    LadderStep::Collar => 5,
                });
                self.optional(*candidates, |bytes, of| {
                    bytes.u64(of.lowest.units());
                    bytes.u64(of.highest.units());
                });
                self.u32(*traders);
            }
            Outcome::NoCross {
                because,
                best_buy,
                best_sell,
            } => {
                self.u8(4);
                self.u8(match because {
                    NoCrossBecause::NothingCrosses => 0,
                    NoCrossBecause::NoPrice => 1,
                    NoCrossBecause::Collar => 2,
                });
                self.optional(*best_buy, Self::quote);
                self.optional(*best_sell, Self::quote);
            }
            Outcome::Day {
                close,
                average,
                volume,
                trades,
            } => {
                self.u8(5);
                self.optional_price(*close);
                self.optional_price(*average);
                self.u128(*volume);
                self.u64(*trades);
            }
        }
    }

    fn quote(&mut self, quote: Quote) {
        self.u64(quote.price.units());
        self.u64(quote.quantity);
    }

    fn call_book(&mut self, book: &CallBook) {
        self.u32(book.traders);
        self.optional_price(book.reference);
        self.u8(u8::from(book.market_extended));
        self.optional(book.end, |bytes, end| {
            bytes.0.update(end.0);
        });
    }

    fn collar(&mut self, collar: Collar) {
        self.u64(collar.absolute.units());
        self.u32(collar.basis_points);
    }

    fn day_phase(&mut self, phase: DayPhase) {
        self.u8(match phase {
            DayPhase::PreOpen => 0,
            DayPhase::Call => 1,
            DayPhase::Continuous => 2,
            DayPhase::Volatility => 3,
            DayPhase::AtLast => 4,
        });
    }

    fn day_terms(&mut self, terms: &DayTerms) {
        self.u8(5);
        self.call_terms(&terms.call);
        self.optional(terms.static_corridor, Self::collar);
        self.optional(terms.dynamic_corridor, Self::collar);
        self.u64(terms.volatility_length.micros());
        self.u64(terms.volatility_random_end.micros());
        self.u32(terms.interruptions_max);
        self.u8(u8::try_from(terms.phases.len()).expect("phases are few"));
        for scheduled in &terms.phases {
            self.day_phase(scheduled.phase);
            self.u64(scheduled.begins_after.micros());
        }
    }

    fn day_book(&mut self, book: &DayBook) {
        self.optional(book.phase, Self::day_phase);
        self.u64(book.phase_ends_at.micros());
        self.u8(book.phase_index);
        self.u8(u8::try_from(book.ends.len()).expect("phases are few"));
        for (end, length) in book.ends.iter().zip(&book.lengths) {
            self.u64(end.micros());
            self.u64(length.micros());
        }
        self.optional_price(book.reference);
        self.optional(book.collar, Self::collar);
        self.u32(book.traders);
        self.u32(book.extensions);
        self.u8(u8::from(book.market_extended));
        self.optional(book.end, |bytes, end| {
            bytes.0.update(end.0);
        });
        self.optional(book.halt, |bytes, cause| {
            bytes.u8(match cause {
                DayHaltCause::CrossedAtCollar => 0,
                DayHaltCause::Interruptions => 1,
            });
        });
        self.u8(u8::from(book.resumes_by_call));
        self.u32(book.interruptions);
        self.optional_price(book.last_call);
        self.u64(book.last_number);
        let day = &book.statistics;
        for price in [day.open, day.high, day.low, day.last, day.close] {
            self.optional_price(price);
        }
        self.u128(day.volume);
        self.u128(day.value);
        self.u64(day.trades);
        for side in [Side::Buy, Side::Sell] {
            let totals = book.orders.totals(side);
            self.u64(totals.orders);
            self.u64(totals.open);
            self.u64(totals.value);
            self.u64(totals.numbers);
        }
    }

    fn english_book(&mut self, book: &EnglishBook) {
        self.optional_price(book.price);
        self.optional(book.leader, |bytes, leader| bytes.u32(leader.0));
        self.optional_price(book.least);
        self.u32(book.bids);
        self.u32(book.bidders);
        self.u8(match book.reserve {
            ReserveStatus::None => 0,
            ReserveStatus::NotMet => 1,
            ReserveStatus::Met => 2,
        });
    }
}
