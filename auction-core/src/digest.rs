//! The digest of a public market: two folds that agree on it show the same market.
//!
//! Each user, stock and lot is an *item* with a SHA-256 of its own; the items are combined by exclusive or,
//! so that a change costs one item and never the whole market:
//!
//! `digest = SHA-256("auction digest 1" ‖ market id ‖ feed sequence ‖ time of the last event ‖ xor of all items)`
//!
//! Numbers are little-endian and of fixed width (`u8`, `u32`, `u64`, `i64`); a text is its length as `u8` and
//! its bytes; an optional value is `0`, or `1` and the value.
//!
//! | item | bytes |
//! |---|---|
//! | user | `1`, number `u32`, name, role `u8` (0 trader, 1 company and its symbol, 2 auctioneer) |
//! | stock | `2`, symbol, security code, listed price `u64`, listed profit `i64`, profit `i64` |
//! | lot | `3`, number `u32`, symbol, quantity `u64`, base price `u64`, opened `u64`, closes `u64`, extensions `u32`, terms, phase, book |
//! | English terms | `0`, bands as `u8` count of (from `u64`, step `u64`), buy-now `u64` optional, soft close: mode `u8` (0 add, 1 reset), within `u64`, by `u64`, extensions at most `u32` optional |
//! | phase | `0` open; `1` closed: at `u64`, outcome |
//! | outcome | `0` sold: winner `u32`, price `u64`, by `u8` (0 highest bid, 1 buy-now), runner-up `u64` optional; `1` unsold: because `u8` (0 no bids, 1 reserve not met), highest `u64` optional |
//! | English book | price `u64` optional, leader `u32` optional, least `u64` optional, bids `u32`, bidders `u32`, reserve `u8` (0 none, 1 not met, 2 met) |
//!
//! The digest finds mistakes. It is no proof against someone who wants two markets to agree: what proves is
//! the signature over the feed and the chain of the journal.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::command::{EnglishTerms, Role, Terms};
use crate::directory::{Stock, User};
use crate::event::{Outcome, ReserveStatus, SoldBy, UnsoldBecause};
use crate::lot::{Book, EnglishBook, Lot, Phase};
use crate::rules::SoftCloseMode;
use crate::{FeedSequence, MarketId, Price, Timestamp, UserId};

/// The digest of a public market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// 64 hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Items combined by exclusive or: adding one that is in takes it out.
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
    match &lot.terms {
        Terms::English(terms) => bytes.english_terms(terms),
    }
    match &lot.phase {
        Phase::Open => bytes.u8(0),
        Phase::Closed { at, outcome } => {
            bytes.u8(1);
            bytes.u64(at.micros());
            bytes.outcome(outcome);
        }
    }
    match &lot.book {
        Book::English(book) => bytes.english_book(book),
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
                });
                self.optional_price(*runner_up);
            }
            Outcome::Unsold { because, highest } => {
                self.u8(1);
                self.u8(match because {
                    UnsoldBecause::NoBids => 0,
                    UnsoldBecause::ReserveNotMet => 1,
                });
                self.optional_price(*highest);
            }
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
