//! Lots: what all formats share, and one file a format behind one enum.
//!
//! A lot has two halves. [`Lot`] is what everyone sees, a fold of public events. [`HiddenLot`] is what only
//! the engine knows. A format decides from both, and says what it decided as events.

mod bidders;
mod english;

pub use english::EnglishBook;
pub(crate) use english::Offer;

use crate::event::{BidAccepted, Events, LotOpened, Outcome, PrivateEvent, ReserveStatus};
use crate::limits::AMOUNT_MAX;
use crate::{
    LotId, OpenLot, Price, Quantity, Reject, Symbol, Terms, TermsError, Timestamp, UserId,
};
use english::EnglishHidden;

/// What everyone sees of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lot {
    /// The lot's number.
    pub id: LotId,
    /// The stock.
    pub symbol: Symbol,
    /// How many shares.
    pub quantity: Quantity,
    /// The stock's listed price when the lot opened.
    pub base_price: Price,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When it closes, or would have closed, exclusive.
    pub closes_at: Timestamp,
    /// How often a bid near the close has moved it.
    pub extensions: u32,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Whether it takes bids.
    pub phase: Phase,
    /// What the format shows of its bids.
    pub book: Book,
}

/// Whether a lot takes bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// It takes bids until it closes.
    Open,
    /// It takes no more bids.
    Closed {
        /// When it closed.
        at: Timestamp,
        /// What came of it.
        outcome: Outcome,
    },
}

/// What a format shows of its bids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Book {
    /// Ascending, open.
    English(EnglishBook),
}

impl Lot {
    pub(crate) fn opened(opened: &LotOpened, at: Timestamp) -> Self {
        let greatest = greatest_price(opened.quantity);
        let book = match &opened.terms {
            Terms::English(terms) => Book::English(EnglishBook::opened(
                terms,
                opened.base_price,
                greatest,
                opened.has_reserve,
            )),
        };
        Self {
            id: opened.lot,
            symbol: opened.symbol,
            quantity: opened.quantity,
            base_price: opened.base_price,
            opened_at: at,
            closes_at: opened.closes_at,
            extensions: 0,
            terms: opened.terms.clone(),
            phase: Phase::Open,
            book,
        }
    }

    /// Whether the lot takes bids at `now`: at the very moment of its close it does not.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.phase == Phase::Open && now < self.closes_at
    }

    /// What came of the lot, once it has closed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Open => None,
            Phase::Closed { outcome, .. } => Some(outcome),
        }
    }

    /// The greatest price that can be bid: price x quantity stays under the ceiling of amounts.
    #[must_use]
    pub fn greatest_price(&self) -> Price {
        greatest_price(self.quantity)
    }

    /// The price, once there is a bid.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        match &self.book {
            Book::English(book) => book.price,
        }
    }

    /// Who would win if the lot closed now and its reserve allowed it.
    #[must_use]
    pub fn leader(&self) -> Option<UserId> {
        match &self.book {
            Book::English(book) => book.leader,
        }
    }

    /// The smallest bid that would be accepted now; `None` when no higher one can be.
    #[must_use]
    pub fn least_bid(&self) -> Option<Price> {
        match &self.book {
            Book::English(book) => book.least,
        }
    }

    pub(crate) fn bid_accepted(&mut self, bid: &BidAccepted) {
        match &mut self.book {
            Book::English(book) => book.bid_accepted(bid),
        }
    }

    pub(crate) fn check_open(&self, now: Timestamp) -> Result<(), Reject> {
        match self.phase {
            Phase::Closed { at, .. } => Err(Reject::LotClosed {
                lot: self.id,
                closed_at: at,
            }),
            Phase::Open if now >= self.closes_at => Err(Reject::LotClosed {
                lot: self.id,
                closed_at: self.closes_at,
            }),
            Phase::Open => Ok(()),
        }
    }
}

/// What only the engine knows of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct HiddenLot {
    reserve: Option<Price>,
    english: EnglishHidden,
}

impl HiddenLot {
    pub(crate) fn belongs_to(&self, lot: &Lot) -> bool {
        match &lot.book {
            Book::English(book) => self.english.belongs_to(book),
        }
    }

    pub(crate) fn apply_private(&mut self, event: &PrivateEvent) {
        match event {
            PrivateEvent::ReserveSet { reserve, .. } => self.reserve = Some(*reserve),
            PrivateEvent::MaximumSet {
                bidder,
                maximum,
                leads,
                ..
            } => {
                self.english.offered(*bidder, *maximum, *leads);
            }
            PrivateEvent::CredentialSet { .. }
            | PrivateEvent::SessionOpened { .. }
            | PrivateEvent::SessionClosed { .. } => {}
        }
    }

    pub(crate) fn bid_accepted(&mut self, bid: &BidAccepted) {
        if let Some(amount) = bid.amount {
            let leads = bid.leader == bid.bidder;
            self.english.offered(bid.bidder, amount, leads);
        }
    }
}

/// Checks the terms of a lot to be opened now.
pub(crate) fn check_terms(
    open: &OpenLot,
    base_price: Price,
    now: Timestamp,
) -> Result<(), TermsError> {
    let span_max = crate::limits::SPAN_MAX_MICROS;
    if open.closes_at <= now || open.closes_at.since(now).micros() > span_max {
        return Err(TermsError::Close);
    }
    match &open.terms {
        Terms::English(terms) => english::check_terms(
            terms,
            base_price,
            greatest_price(open.quantity),
            open.reserve,
        ),
    }
}

/// Decides an offer on an open lot.
pub(crate) fn decide_offer(
    lot: &Lot,
    hidden: &HiddenLot,
    now: Timestamp,
    bidder: UserId,
    offer: Offer,
    events: &mut Events,
) -> Result<(), Reject> {
    lot.check_open(now)?;
    match (&lot.terms, &lot.book) {
        (Terms::English(terms), Book::English(book)) => {
            let state = english::State {
                lot,
                greatest: lot.greatest_price(),
                terms,
                book,
                hidden: &hidden.english,
            };
            state.decide_offer(hidden.reserve, now, bidder, offer, events)
        }
    }
}

/// What comes of a lot that closes now.
pub(crate) fn decide_close(lot: &Lot, hidden: &HiddenLot) -> Outcome {
    match &lot.book {
        Book::English(book) => english::decide_close(book, &hidden.english),
    }
}

fn greatest_price(quantity: Quantity) -> Price {
    Price::from_units(AMOUNT_MAX / quantity.get()).unwrap_or(Price::MAX)
}

fn reserve_status(has_reserve: bool) -> ReserveStatus {
    if has_reserve {
        ReserveStatus::NotMet
    } else {
        ReserveStatus::None
    }
}
