//! Lots: common state and rules, and one file per format behind one enum.
//!
//! A lot has two parts. [`Lot`] is the public part, a fold of public events; its [`Book`] is the public state of its
//! format. [`LotSecret`] is the hidden part, which only the engine has. A format decides from both, and returns its
//! decisions as events. This module holds what formats have in common: phases and times, the hidden reserve, the sealed
//! orders of formats that have them.
//!
//! The manual explains how to add a format: [`formats`](crate::manual::formats).

mod own_order;
mod format;
mod bidders;
mod orders;
mod english;
mod dutch;
mod sealed;
mod uniform;
mod call;
mod day;
mod book;
mod secret;
mod assume;

pub use book::Book;
pub use call::{BookDepth, CallBook};
pub use day::{DayBook, ShownLevel, ShownOrder, ShownOrders, ShownTotals};
pub use dutch::{DutchBook, Taken};
pub use english::EnglishBook;
pub use own_order::{OrderState, OwnOrder};
pub use sealed::SealedBook;
pub use uniform::UniformBook;

pub(crate) use call::reference;
pub(crate) use day::{Entering, Funds, Replacing, decide_opening as decide_day_opening, doubled};
pub(crate) use format::{Due, Offer, OrderChange};
pub(crate) use secret::{LotSecret, check_terms, decide_offer, decide_order, halt_of, lead_simply};

use crate::limits::AMOUNT_MAX;
use crate::model::day::DayPhase;
use crate::model::event::{LotOpened, Outcome, PublicEvent, ReserveStatus};
use crate::{LotId, Price, Quantity, Reject, Symbol, Terms, Timestamp, UserId};

/// Public part of a lot.
// The fields that every bid reads and writes come first, in one cache line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C, align(64))]
pub struct Lot {
    /// Public state of the bids, by format.
    pub book: Book,
    /// Number of shares; for a call auction the round lot.
    pub quantity: Quantity,
    /// Closing time, exclusive; of a closed lot, the time at which it would have closed. A call auction with a random
    /// end may close [earlier](Self::closes_from).
    pub closes_at: Timestamp,
    /// The lot's number.
    pub id: LotId,
    /// Number of extensions: by bids near the close, or by a call auction's price outside its collar.
    pub extensions: u32,
    /// Start of the halt, if it is halted or was when it closed.
    pub halted_since: Option<Timestamp>,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Phase: scheduled, open or closed.
    pub phase: Phase,
    /// The stock's listed price when the lot was opened or scheduled.
    pub base_price: Price,
    /// Opening time, past or future, moved by the duration of halts.
    pub opened_at: Timestamp,
    /// The stock.
    pub symbol: Symbol,
}

/// Phase of a lot, which decides if it accepts bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// It will accept bids from its opening on.
    Scheduled,
    /// It accepts bids until it closes, unless it is halted.
    Open,
    /// It accepts no more bids.
    Closed {
        /// Time of the close.
        at: Timestamp,
        /// Outcome.
        outcome: Outcome,
    },
}

/// The bid with which a trader would have won a lot that has closed, all other bids unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WinningThreshold {
    /// The smallest bid that would have won.
    Bid(Price),
    /// No smaller bid than this would have won. The price that would have won is the winner's secret.
    AtLeast(Price),
    /// No bid would have won, or nobody wins: in a call auction all trade at one price.
    Nothing,
}

impl Lot {
    pub(crate) fn opened(opened: &LotOpened, at: Timestamp) -> Self {
        let mut lot = Self {
            id: opened.lot,
            symbol: opened.symbol,
            quantity: opened.quantity,
            base_price: opened.base_price,
            opened_at: opened.opens_at.unwrap_or(at),
            closes_at: opened.closes_at,
            extensions: 0,
            terms: opened.terms.clone(),
            phase: match opened.opens_at {
                None => Phase::Open,
                Some(_) => Phase::Scheduled,
            },
            halted_since: None,
            book: Book::opened(opened),
        };
        if opened.opens_at.is_none() {
            lot.begin(at);
        }
        lot
    }

    /// Begins the lot: its scheduled opening has come.
    pub(crate) fn begin(&mut self, at: Timestamp) {
        self.phase = Phase::Open;
        self.opened_at = at;
        if let (Terms::Day(terms), Book::Day(day)) = (&self.terms, &mut self.book) {
            day.begin(terms, at, self.closes_at);
        }
    }

    /// Applies a public event of an open trading day; `false`: it does not fit.
    #[must_use]
    pub(crate) fn day_event(&mut self, at: Timestamp, event: &PublicEvent) -> bool {
        let Book::Day(day) = &mut self.book else {
            return false;
        };
        let fits = day.apply(self.id, event);
        match (event, day.ends.last()) {
            // A call that began late, or is extended, can end after the schedule, until it is over.
            (
                PublicEvent::PhaseMoved { .. }
                | PublicEvent::PhaseBegan(_)
                | PublicEvent::PhaseExtended { .. },
                Some(end),
            ) => self.closes_at = day.phase_ends_at.max(*end),
            (PublicEvent::DayHalted { .. }, _) => {
                return fits && self.halted_since.replace(at).is_none();
            }
            _ => {}
        }
        fits
    }

    /// Ends a halt.
    pub(crate) fn resume(&mut self, opened_at: Timestamp, closes_at: Timestamp) {
        if let Book::Day(day) = &mut self.book {
            let since = self.halted_since.unwrap_or(opened_at);
            day.shift(since, closes_at.since(self.closes_at));
            day.halt = None;
        }
        self.halted_since = None;
        self.opened_at = opened_at;
        self.closes_at = closes_at;
    }

    /// Moves all times of a lot that is not halted by the duration of a halt of the market.
    pub(crate) fn shift(&mut self, since: Timestamp, halt: crate::Span) {
        self.opened_at = self.opened_at.saturating_add(halt);
        self.closes_at = self.closes_at.saturating_add(halt);
        if let Book::Day(day) = &mut self.book {
            day.shift(since, halt);
            day.resumes_by_call = day.phase == Some(DayPhase::Continuous);
        }
    }

    /// Returns true if the lot accepts bids at `now`; at the exact time of its close it does not.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.check_open(now).is_ok()
    }

    /// Returns true if the lot has not opened yet.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.phase == Phase::Scheduled
    }

    /// Returns true if the lot has closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// Returns the outcome, once the lot has closed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Scheduled | Phase::Open => None,
            Phase::Closed { outcome, .. } => Some(outcome),
        }
    }

    /// Returns the greatest price that can be bid for the whole lot: price x quantity stays under the ceiling of
    /// amounts.
    #[must_use]
    pub fn greatest_price(&self) -> Price {
        greatest_price(self.quantity)
    }

    /// Returns the price, once there is a public bid.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        self.book.price()
    }

    /// Returns the winner if the lot closed now and its reserve allowed it, as far as it is public.
    #[must_use]
    pub fn leader(&self) -> Option<UserId> {
        self.book.leader()
    }

    /// Returns the smallest open bid that would be accepted next, if it does not depend on time; `None` when no bid can
    /// be accepted, or the format has other bids. See [`least_bid_at`](Self::least_bid_at).
    #[must_use]
    pub fn least_bid(&self) -> Option<Price> {
        self.book.least()
    }

    /// Returns the smallest open bid that would be accepted at `now`: for a Dutch lot the price at that time.
    #[must_use]
    pub fn least_bid_at(&self, now: Timestamp) -> Option<Price> {
        match (&self.terms, &self.book) {
            (Terms::Dutch(terms), Book::Dutch(book)) => {
                dutch::price_at(terms, self, now).filter(|_| book.taken.is_none())
            }
            _ => self.least_bid(),
        }
    }

    /// Returns the number of public bids.
    #[must_use]
    pub fn bids(&self) -> u32 {
        self.book.bids()
    }

    /// Returns the status of the reserve, as far as it is public: for sealed bids not before the close.
    #[must_use]
    pub fn reserve(&self) -> Option<ReserveStatus> {
        self.book.reserve()
    }

    /// Returns the earliest time at which the lot can close by itself: before `closes_at` when its end is random.
    #[must_use]
    pub fn closes_from(&self) -> Timestamp {
        match &self.terms {
            Terms::Call(terms) => self.closes_at.saturating_sub(terms.random_end),
            _ => self.closes_at,
        }
    }

    /// Returns true if the lot has a random end that is fixed and not opened yet.
    #[must_use]
    pub fn has_fixed_end(&self) -> bool {
        matches!(&self.book, Book::Call(book) if book.end.is_some())
    }

    /// Returns the time from which orders can only be added or improved; `None`: they can always be cancelled.
    #[must_use]
    pub fn no_cancel_from(&self) -> Option<Timestamp> {
        match &self.terms {
            Terms::Call(terms) => Some(self.closes_from().saturating_sub(terms.no_cancel?)),
            _ => None,
        }
    }

    /// Returns the number of traders who have bid, as far as it is public.
    #[must_use]
    pub fn bidders(&self) -> u32 {
        self.book.bidders()
    }

    /// Returns true if the lot's time is running: it is not halted.
    pub(crate) fn runs(&self) -> bool {
        self.halted_since.is_none()
    }

    /// Returns true if the lot's phase allows bids.
    pub(crate) fn accepts_bids(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.runs()
    }

    /// Returns the next deadline; `None` while the lot is halted, or when it has closed.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            _ if self.halted_since.is_some() => None,
            Phase::Scheduled => Some(self.opened_at),
            Phase::Open => Some(self.closes_at),
            Phase::Closed { .. } => None,
        }
    }

    /// Returns the time that the lot has been open at `now`, halts excluded.
    fn open_for(&self, now: Timestamp) -> crate::Span {
        self.halted_since.unwrap_or(now).since(self.opened_at)
    }

    pub(crate) fn check_not_closed(&self) -> Result<(), Reject> {
        match self.phase {
            Phase::Closed { at, .. } => Err(Reject::LotClosed {
                lot: self.id,
                closed_at: at,
            }),
            Phase::Scheduled | Phase::Open => Ok(()),
        }
    }

    /// Checks that the lot's time is running and has not run out.
    #[inline]
    pub(crate) fn check_runs(&self, now: Timestamp) -> Result<(), Reject> {
        self.check_not_closed()?;
        let lot = self.id;
        if let Some(since) = self.halted_since {
            return Err(Reject::LotHalted { lot, since });
        }
        if matches!(self.phase, Phase::Open) && now >= self.closes_at {
            let closed_at = self.closes_at;
            return Err(Reject::LotClosed { lot, closed_at });
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_open(&self, now: Timestamp) -> Result<(), Reject> {
        self.check_runs(now)?;
        self.check_begun()
    }

    /// Checks that the lot accepts cancels: a halted one does.
    pub(crate) fn check_takes_cancels(&self, now: Timestamp) -> Result<(), Reject> {
        match self.check_runs(now) {
            Err(Reject::LotHalted { .. }) | Ok(()) => self.check_begun(),
            Err(reject) => Err(reject),
        }
    }

    pub(crate) fn check_begun(&self) -> Result<(), Reject> {
        match self.phase {
            Phase::Scheduled => Err(Reject::LotNotBegun {
                lot: self.id,
                opens_at: self.opened_at,
            }),
            Phase::Open | Phase::Closed { .. } => Ok(()),
        }
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
