//! Lots: what all formats share, and one file a format behind one enum.
//!
//! A lot has two halves. [`Lot`] is what everyone sees, a fold of public events; its [`Book`] is what its
//! format shows. [`LotSecret`] is what only the engine knows. A format decides from both, and says what it
//! decided as events. What formats have in common stands here: phases and times, the hidden reserve, the
//! sealed orders of those that take them.
//!
//! How to add one is a page of the manual, [`formats`](crate::manual::formats).

mod own_order;
mod format;
mod bidders;
mod orders;
mod english;
mod dutch;
mod sealed;
mod uniform;
mod call;
mod book;
mod secret;
mod assume;

pub use book::Book;
pub use call::{BookDepth, CallBook};
pub use dutch::{DutchBook, Taken};
pub use english::EnglishBook;
pub use own_order::{OrderState, OwnOrder};
pub use sealed::SealedBook;
pub use uniform::UniformBook;

pub(crate) use call::reference;
pub(crate) use format::{Due, Offer, OrderChange};
pub(crate) use secret::{LotSecret, check_terms, decide_offer, decide_order, lead_simply};

use crate::limits::AMOUNT_MAX;
use crate::model::event::{LotOpened, Outcome, ReserveStatus};
use crate::{LotId, Price, Quantity, Reject, Symbol, Terms, Timestamp, UserId};

/// What everyone sees of a lot.
// What every bid reads and writes lies side by side at its beginning: one cache line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C, align(64))]
pub struct Lot {
    /// What the format shows of its bids.
    pub book: Book,
    /// How many shares; of a call auction the round lot.
    pub quantity: Quantity,
    /// When it closes, or would have closed, exclusive. A call auction with a random end may close
    /// [earlier](Self::closes_from).
    pub closes_at: Timestamp,
    /// The lot's number.
    pub id: LotId,
    /// How often a bid near the close has moved it, or a call auction's price outside its collar.
    pub extensions: u32,
    /// Since when it is halted, if it is or was when it closed.
    pub halted_since: Option<Timestamp>,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Whether it takes bids.
    pub phase: Phase,
    /// The stock's listed price when the lot was opened or scheduled.
    pub base_price: Price,
    /// When it opened or will open, later by as long as it has been halted.
    pub opened_at: Timestamp,
    /// The stock.
    pub symbol: Symbol,
}

/// Whether a lot takes bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Phase {
    /// It takes bids from its opening on.
    Scheduled,
    /// It takes bids until it closes, unless it is halted.
    Open,
    /// It takes no more bids.
    Closed {
        /// When it closed.
        at: Timestamp,
        /// What came of it.
        outcome: Outcome,
    },
}

/// What a trader would have needed to win a lot that has closed, everyone else having done what they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WinningThreshold {
    /// The smallest bid that would have won.
    Bid(Price),
    /// No smaller bid than this would have won. How much more it would have taken is the winner's secret.
    AtLeast(Price),
    /// No bid would have won, or nobody wins: in a call auction all trade at one price.
    Nothing,
}

impl Lot {
    pub(crate) fn opened(opened: &LotOpened, at: Timestamp) -> Self {
        Self {
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
        }
    }

    /// Whether the lot takes bids at `now`: at the very moment of its close it does not.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.check_open(now).is_ok()
    }

    /// Whether the lot's opening is still to come.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.phase == Phase::Scheduled
    }

    /// Whether the lot has closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// What came of the lot, once it has closed.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.phase {
            Phase::Scheduled | Phase::Open => None,
            Phase::Closed { outcome, .. } => Some(outcome),
        }
    }

    /// The greatest price that can be bid for the whole lot: price x quantity stays under the ceiling of
    /// amounts.
    #[must_use]
    pub fn greatest_price(&self) -> Price {
        greatest_price(self.quantity)
    }

    /// The price, once there is a bid that others see.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        self.book.price()
    }

    /// Who would win if the lot closed now and its reserve allowed it, as far as others see.
    #[must_use]
    pub fn leader(&self) -> Option<UserId> {
        self.book.leader()
    }

    /// The smallest open bid that would be accepted next, where time does not change it; `None` when none can be,
    /// or the format takes other bids. See [`least_bid_at`](Self::least_bid_at).
    #[must_use]
    pub fn least_bid(&self) -> Option<Price> {
        self.book.least()
    }

    /// The smallest open bid that would be accepted at `now`: of a Dutch lot the price of that moment.
    #[must_use]
    pub fn least_bid_at(&self, now: Timestamp) -> Option<Price> {
        match (&self.terms, &self.book) {
            (Terms::Dutch(terms), Book::Dutch(book)) => {
                dutch::price_at(terms, self, now).filter(|_| book.taken.is_none())
            }
            _ => self.least_bid(),
        }
    }

    /// How many bids others have seen.
    #[must_use]
    pub fn bids(&self) -> u32 {
        self.book.bids()
    }

    /// How the lot stands with its reserve, as far as others see: of sealed bids not before the close.
    #[must_use]
    pub fn reserve(&self) -> Option<ReserveStatus> {
        self.book.reserve()
    }

    /// The earliest moment at which it can close by itself: before `closes_at` when its end is random.
    #[must_use]
    pub fn closes_from(&self) -> Timestamp {
        match &self.terms {
            Terms::Call(terms) => self.closes_at.saturating_sub(terms.random_end),
            _ => self.closes_at,
        }
    }

    /// Whether it has a random end that is fixed and not opened yet.
    #[must_use]
    pub fn has_fixed_end(&self) -> bool {
        matches!(&self.book, Book::Call(book) if book.end.is_some())
    }

    /// From when on orders can only be added or improved; `None`: they can always be cancelled.
    #[must_use]
    pub fn no_cancel_from(&self) -> Option<Timestamp> {
        match &self.terms {
            Terms::Call(terms) => Some(self.closes_from().saturating_sub(terms.no_cancel?)),
            _ => None,
        }
    }

    /// How many traders have bid, as far as others see.
    #[must_use]
    pub fn bidders(&self) -> u32 {
        self.book.bidders()
    }

    /// Whether its time runs: it is not halted.
    pub(crate) fn runs(&self) -> bool {
        self.halted_since.is_none()
    }

    /// Whether bids can be accepted, as far as its phase tells.
    pub(crate) fn accepts_bids(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.runs()
    }

    /// When something is next due: nothing while it is halted, or when it has closed.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            _ if self.halted_since.is_some() => None,
            Phase::Scheduled => Some(self.opened_at),
            Phase::Open => Some(self.closes_at),
            Phase::Closed { .. } => None,
        }
    }

    /// For how long it has been open at `now`, halts left out.
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

    /// Whether the lot's time runs and has not run out.
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

    /// Whether the lot takes cancels: a halted one does.
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
