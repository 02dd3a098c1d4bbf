//! What only the engine knows of a lot, and the one place where formats are told apart to decide.

use alloc::boxed::Box;

use super::deciding::{Deciding, Offer, OrderChange, Rebinding};
use super::english::EnglishHidden;
use super::orders::Orders;
use super::{
    Book, LeastWinning, Lot, Phase, StandingOrder, dutch, english, greatest_price, sealed, uniform,
};
use crate::event::{BidAccepted, Event, Events, Outcome, PrivateEvent};
use crate::ledger::Obligation;
use crate::limits::SPAN_MAX_MICROS;
use crate::{LotId, OpenLot, Price, Reject, Terms, TermsError, Timestamp, UserId};

/// What only the engine knows of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct HiddenLot {
    reserve: Option<Price>,
    book: HiddenBook,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum HiddenBook {
    English(EnglishHidden),
    /// A Dutch lot hides nothing.
    Nothing,
    /// Sealed bids of either kind.
    Orders(Box<Orders>),
}

impl HiddenLot {
    pub(crate) fn opened(terms: &Terms) -> Self {
        let book = match terms {
            Terms::English(_) => HiddenBook::English(EnglishHidden::default()),
            Terms::Dutch(_) => HiddenBook::Nothing,
            Terms::Sealed(_) | Terms::Uniform(_) => HiddenBook::Orders(Box::default()),
        };
        Self {
            reserve: None,
            book,
        }
    }

    /// Whether both halves are of one lot.
    pub(crate) fn belongs_to(&self, lot: &Lot) -> bool {
        match (&lot.terms, &lot.book, &self.book) {
            (Terms::English(_), Book::English(book), HiddenBook::English(hidden)) => {
                hidden.belongs_to(book)
            }
            (Terms::Dutch(_), Book::Dutch(_), HiddenBook::Nothing) => true,
            (Terms::Sealed(_), Book::Sealed(book), HiddenBook::Orders(orders)) => {
                orders.bidders() == book.bidders
            }
            (Terms::Uniform(_), Book::Uniform(book), HiddenBook::Orders(orders)) => {
                orders.bidders() == book.bidders
            }
            _ => false,
        }
    }

    /// Takes what was decided in secret, before what was decided openly with it; `false` when it does not fit.
    #[must_use]
    pub(crate) fn apply_private(&mut self, lot: &Lot, event: &PrivateEvent) -> bool {
        match (event, &mut self.book) {
            (PrivateEvent::ReserveSet { reserve, .. }, _) => {
                self.reserve = Some(*reserve);
                true
            }
            (
                PrivateEvent::MaximumSet {
                    bidder,
                    maximum,
                    leads,
                    ..
                },
                HiddenBook::English(hidden),
            ) => {
                hidden.offered(lot, *bidder, *maximum, *leads);
                true
            }
            (event, HiddenBook::Orders(orders)) => orders.apply(event),
            _ => false,
        }
    }

    /// Takes an open bid, before the public half does.
    pub(crate) fn bid_accepted(&mut self, lot: &Lot, bid: &BidAccepted) {
        if let (HiddenBook::English(hidden), Some(amount)) = (&mut self.book, bid.amount) {
            let leads = bid.leader == bid.bidder;
            hidden.offered(lot, bid.bidder, amount, leads);
        }
    }

    /// Decides with the format of the lot.
    fn deciding<R>(&self, lot: &Lot, decide: impl FnOnce(&dyn Deciding) -> R) -> R {
        let reserve = self.reserve;
        match (&lot.terms, &lot.book, &self.book) {
            (Terms::English(terms), Book::English(book), HiddenBook::English(hidden)) => {
                decide(&english::State {
                    lot,
                    greatest: lot.greatest_price(),
                    reserve,
                    terms,
                    book,
                    hidden,
                })
            }
            (Terms::Dutch(terms), Book::Dutch(book), HiddenBook::Nothing) => {
                decide(&dutch::State { lot, terms, book })
            }
            (Terms::Sealed(terms), Book::Sealed(_), HiddenBook::Orders(orders)) => {
                decide(&sealed::State {
                    lot,
                    terms,
                    reserve,
                    orders,
                })
            }
            (Terms::Uniform(terms), Book::Uniform(_), HiddenBook::Orders(orders)) => {
                decide(&uniform::State {
                    lot,
                    terms,
                    reserve,
                    orders,
                })
            }
            _ => unreachable!("both halves of a lot are made for one format"),
        }
    }

    /// Every live order, and whose it is.
    pub(crate) fn each_order(&self, lot: LotId, take: &mut impl FnMut(UserId, StandingOrder)) {
        match &self.book {
            HiddenBook::Orders(orders) => {
                for (trader, order) in orders.by_time() {
                    take(
                        trader,
                        StandingOrder {
                            lot,
                            order: order.id,
                            side: order.side,
                            quantity: order.quantity,
                            limit: order.limit,
                        },
                    );
                }
            }
            HiddenBook::English(_) | HiddenBook::Nothing => {}
        }
    }

    /// Who leads, and the highest that they have offered.
    pub(crate) fn lead(&self) -> Option<(UserId, Price)> {
        match &self.book {
            HiddenBook::English(hidden) => hidden.best(),
            HiddenBook::Orders(_) | HiddenBook::Nothing => None,
        }
    }

    /// What comes of the lot if it closes now, and the events that open what was hidden.
    pub(crate) fn decide_close(&self, lot: &Lot, events: &mut Events) -> Outcome {
        self.deciding(lot, |format| format.decide_close(events))
    }

    /// What a trader must have free for what was decided on their command.
    pub(crate) fn demand(&self, lot: &Lot, trader: UserId, events: &Events) -> Obligation {
        self.deciding(lot, |format| format.demand(trader, events))
    }

    /// How an event that comes next changes what the lot binds its traders to.
    pub(crate) fn rebind(&self, lot: &Lot, event: &Event, each: &mut dyn FnMut(Rebinding)) {
        self.deciding(lot, |format| format.rebind(event, each));
    }

    /// All that a lot which has not closed binds its traders to.
    pub(crate) fn bound(&self, lot: &Lot, each: &mut dyn FnMut(UserId, Obligation)) {
        self.deciding(lot, |format| format.bound(each));
    }

    /// What a trader would have needed to win; `None` before the close.
    pub(crate) fn least_winning(&self, lot: &Lot, trader: UserId) -> Option<LeastWinning> {
        let Phase::Closed { at, outcome } = lot.phase else {
            return None;
        };
        if outcome.is_cancelled() {
            return Some(LeastWinning::Nothing);
        }
        Some(self.deciding(lot, |format| format.least_winning(trader, at)))
    }
}

/// Checks the terms of a lot to be opened.
pub(crate) fn check_terms(
    open: &OpenLot,
    base_price: Price,
    now: Timestamp,
) -> Result<(), TermsError> {
    let too_long = |from: Timestamp, to: Timestamp| to.since(from).micros() > SPAN_MAX_MICROS;
    if open
        .opens_at
        .is_some_and(|opens_at| opens_at <= now || too_long(now, opens_at))
    {
        return Err(TermsError::Opening);
    }
    let opens_at = open.opens_at.unwrap_or(now);
    if open.closes_at <= opens_at || too_long(opens_at, open.closes_at) {
        return Err(TermsError::Close);
    }
    let greatest = greatest_price(open.quantity);
    match &open.terms {
        Terms::English(terms) => english::check_terms(terms, base_price, greatest, open.reserve),
        Terms::Dutch(terms) => dutch::check_terms(terms, greatest, open.reserve),
        Terms::Sealed(_) => sealed::check_terms(base_price, greatest, open.reserve),
        Terms::Uniform(terms) => uniform::check_terms(terms, open.reserve),
    }
}

/// Decides an open bid or a maximum.
pub(crate) fn decide_offer(
    lot: &Lot,
    hidden: &HiddenLot,
    now: Timestamp,
    bidder: UserId,
    offer: Offer,
    events: &mut Events,
) -> Result<(), Reject> {
    lot.check_open(now)?;
    hidden.deciding(lot, |format| {
        format.decide_offer(now, bidder, offer, events)
    })
}

/// Decides a change of a trader's hidden orders.
pub(crate) fn decide_order(
    lot: &Lot,
    hidden: &HiddenLot,
    now: Timestamp,
    trader: UserId,
    change: OrderChange,
    events: &mut Events,
) -> Result<(), Reject> {
    match change {
        OrderChange::Place { .. } | OrderChange::Replace { .. } => lot.check_open(now)?,
        OrderChange::Cancel { .. } => lot.check_takes_cancels(now)?,
    }
    hidden.deciding(lot, |format| format.decide_order(trader, change, events))
}
