//! Hidden part of a lot, and the only place that selects the format's rules for a decision.

use alloc::boxed::Box;

use super::call::CallSecret;
use super::day::{self, DaySecret};
use super::english::EnglishSecret;
use super::format::{Due, FormatRules, Offer, OrderChange, ReservationChange};
use super::orders::Orders;
use super::{
    Book, BookDepth, Lot, OwnOrder, Phase, WinningThreshold, call, dutch, english, greatest_price,
    sealed, uniform,
};
use crate::account::ledger::Reservation;
use crate::account::standing::StandingOrder;
use crate::clearing::call::Indicative;
use crate::limits::SPAN_MAX_MICROS;
use crate::model::event::{BidAccepted, Event, Events, Outcome, PrivateEvent, PublicEvent};
use crate::{LotId, OpenLot, Price, Reject, Seed, Span, Terms, TermsError, Timestamp, UserId};
use alloc::vec::Vec;

/// Hidden part of a lot.
// One cache line: every bid on an English lot reads and writes all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(align(64))]
pub(crate) struct LotSecret {
    pub(super) reserve: Option<Price>,
    pub(super) book: BookSecret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum BookSecret {
    English(EnglishSecret),
    /// A Dutch lot hides nothing.
    Nothing,
    /// Sealed bids of either kind.
    Orders(Box<Orders>),
    Call(Box<CallSecret>),
    Day(Box<DaySecret>),
}

impl LotSecret {
    pub(crate) fn opened(lot: &Lot) -> Self {
        let book = match &lot.terms {
            Terms::English(_) => BookSecret::English(EnglishSecret::default()),
            Terms::Dutch(_) => BookSecret::Nothing,
            Terms::Sealed(_) | Terms::Uniform(_) => BookSecret::Orders(Box::default()),
            Terms::Call(_) => BookSecret::Call(Box::new(CallSecret::waiting())),
            Terms::Day(_) => BookSecret::Day(Box::default()),
        };
        let mut hidden = Self {
            reserve: None,
            book,
        };
        hidden.look_ahead(lot);
        hidden
    }

    /// Prepares the fast path for the current state of the lot, after its public part applied any event but a bid.
    pub(crate) fn look_ahead(&mut self, lot: &Lot) {
        if let (Terms::English(terms), BookSecret::English(hidden)) = (&lot.terms, &mut self.book) {
            hidden.look_ahead(lot, terms, self.reserve);
        }
    }

    /// Returns true if both parts belong to the same lot.
    pub(crate) fn belongs_to(&self, lot: &Lot) -> bool {
        match (&lot.terms, &lot.book, &self.book) {
            (Terms::English(_), Book::English(book), BookSecret::English(hidden)) => {
                hidden.belongs_to(book)
            }
            (Terms::Dutch(_), Book::Dutch(_), BookSecret::Nothing) => true,
            (Terms::Sealed(_), Book::Sealed(book), BookSecret::Orders(orders)) => {
                orders.bidders() == book.bidders
            }
            (Terms::Uniform(_), Book::Uniform(book), BookSecret::Orders(orders)) => {
                orders.bidders() == book.bidders
            }
            (Terms::Call(_), Book::Call(book), BookSecret::Call(hidden)) => {
                hidden.belongs_to(lot, book)
            }
            (Terms::Day(_), Book::Day(day), BookSecret::Day(hidden)) => hidden.belongs_to(lot, day),
            _ => false,
        }
    }

    /// Applies a private event, before the public events decided with it; `false` if it does not fit.
    #[must_use]
    pub(crate) fn apply_private(&mut self, lot: &Lot, event: &PrivateEvent) -> bool {
        match (event, &mut self.book) {
            (PrivateEvent::ReserveSet { reserve, .. }, _) => {
                self.reserve = Some(*reserve);
                self.look_ahead(lot);
                true
            }
            (
                PrivateEvent::MaximumSet {
                    bidder,
                    maximum,
                    leads,
                    ..
                },
                BookSecret::English(hidden),
            ) => {
                hidden.offered(lot, *bidder, *maximum, *leads);
                true
            }
            (event, BookSecret::Orders(orders)) => orders.apply(event),
            (event, BookSecret::Call(hidden)) => hidden.apply(event),
            (event, BookSecret::Day(hidden)) => hidden.apply(lot, event),
            _ => false,
        }
    }

    /// Applies a public event of the lot's life cycle, before the public part does; `false` if it does not fit.
    #[must_use]
    pub(crate) fn apply_public(&mut self, lot: &Lot, event: &PublicEvent) -> bool {
        let hidden = match &mut self.book {
            BookSecret::Call(hidden) => hidden,
            BookSecret::Day(hidden) => return hidden.apply_public(lot, event),
            _ => return true,
        };
        match (event, &lot.terms) {
            (PublicEvent::ReferenceFixed { reference, .. }, Terms::Call(terms)) => {
                hidden.begin(lot, terms, *reference)
            }
            (PublicEvent::EndCommitted { commitment, .. }, _) => {
                hidden.end().map(|end| end.commitment(lot.id)) == Some(*commitment)
            }
            (PublicEvent::EndOpened { end, .. }, _) => hidden.end_opened(end),
            (PublicEvent::LotClosed { outcome, .. }, _) => hidden.close(outcome),
            _ => true,
        }
    }

    /// Returns the next deadline, as seen at `now`; `market_halt` is the start of a halt of the whole market.
    pub(crate) fn deadline(
        &self,
        lot: &Lot,
        market_halt: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if let Some(day) = self.day(lot).filter(|_| lot.phase == Phase::Open) {
            return day.deadline(halt_of(lot, market_halt), now);
        }
        if market_halt.is_some() {
            return None;
        }
        let due = lot.deadline()?;
        Some(match &self.book {
            BookSecret::Call(hidden) if lot.phase == Phase::Open => match hidden.end() {
                Some(end) => due.saturating_sub(end.before_close),
                None => lot.closes_from(),
            },
            _ => due,
        })
    }

    /// Returns true if an order lives until a time, which is a deadline of the lot.
    pub(crate) fn has_expiries(&self) -> bool {
        matches!(&self.book, BookSecret::Day(hidden) if hidden.has_expiries())
    }

    /// Returns true if the next thing due is the draw of a random end.
    pub(crate) fn is_to_be_drawn(
        &self,
        lot: &Lot,
        market_halt: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        if let Some(day) = self.day(lot).filter(|_| lot.phase == Phase::Open) {
            return day.is_to_be_drawn(halt_of(lot, market_halt), now);
        }
        let BookSecret::Call(hidden) = &self.book else {
            return false;
        };
        let has_end = matches!(&lot.terms, Terms::Call(terms) if terms.random_end > Span::ZERO);
        has_end && lot.phase == Phase::Open && hidden.end().is_none()
    }

    /// Returns the number of a trader's orders in an open call auction or on a trading day; `None`: it is no such lot.
    pub(crate) fn call_orders_of(&self, trader: UserId) -> Option<usize> {
        match &self.book {
            BookSecret::Day(hidden) => Some(hidden.count_of(trader)),
            _ => self.call_book().map(|book| book.count_of(trader)),
        }
    }

    /// Returns the traders with orders in an open call auction or on a trading day.
    pub(crate) fn call_traders(&self) -> Vec<UserId> {
        match &self.book {
            BookSecret::Day(hidden) => hidden.traders().collect(),
            _ => self
                .call_book()
                .map(|book| book.traders().collect())
                .unwrap_or_default(),
        }
    }

    /// Returns the book of an open call auction, or of the running call of a trading day.
    fn call_book(&self) -> Option<&crate::clearing::call::Book> {
        match &self.book {
            BookSecret::Call(hidden) => hidden.orders().map(|orders| orders.book()),
            BookSecret::Day(hidden) => hidden.call(),
            _ => None,
        }
    }

    /// Returns the input of decisions about a trading day; `None`: it is no such lot.
    pub(crate) fn day<'a>(&'a self, lot: &'a Lot) -> Option<day::State<'a>> {
        match (&lot.terms, &lot.book, &self.book) {
            (Terms::Day(terms), Book::Day(day), BookSecret::Day(hidden)) => Some(day::State {
                lot,
                terms,
                day,
                hidden,
            }),
            _ => None,
        }
    }

    /// Applies an open bid, before the public part does.
    #[inline(always)]
    pub(crate) fn bid_accepted(&mut self, lot: &Lot, bid: &BidAccepted) {
        if let BookSecret::English(hidden) = &mut self.book {
            hidden.bid_accepted(lot, bid);
        }
    }

    /// Decides with the format of the lot.
    fn with_format<R>(&self, lot: &Lot, decide: impl FnOnce(&dyn FormatRules) -> R) -> R {
        let reserve = self.reserve;
        match (&lot.terms, &lot.book, &self.book) {
            (Terms::English(terms), Book::English(book), BookSecret::English(hidden)) => {
                decide(&english::State {
                    lot,
                    reserve,
                    terms,
                    book,
                    hidden,
                })
            }
            (Terms::Dutch(terms), Book::Dutch(book), BookSecret::Nothing) => {
                decide(&dutch::State { lot, terms, book })
            }
            (Terms::Sealed(terms), Book::Sealed(_), BookSecret::Orders(orders)) => {
                decide(&sealed::State {
                    lot,
                    terms,
                    reserve,
                    orders,
                })
            }
            (Terms::Uniform(terms), Book::Uniform(_), BookSecret::Orders(orders)) => {
                decide(&uniform::State {
                    lot,
                    terms,
                    reserve,
                    orders,
                })
            }
            (Terms::Call(terms), Book::Call(book), BookSecret::Call(hidden)) => {
                decide(&call::State {
                    lot,
                    terms,
                    book,
                    hidden,
                })
            }
            (Terms::Day(terms), Book::Day(day), BookSecret::Day(hidden)) => decide(&day::State {
                lot,
                terms,
                day,
                hidden,
            }),
            _ => unreachable!("both halves of a lot are made for one format"),
        }
    }

    /// Calls `take` with every live order and its trader, in the order of their time.
    pub(crate) fn each_order(&self, lot: LotId, take: &mut impl FnMut(UserId, StandingOrder)) {
        match &self.book {
            BookSecret::Orders(orders) => {
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
            BookSecret::Call(hidden) => hidden.each_order(lot, take),
            BookSecret::English(_) | BookSecret::Nothing | BookSecret::Day(_) => {}
        }
    }

    /// Returns the leader and their highest offer.
    pub(crate) fn lead(&self, lot: &Lot) -> Option<(UserId, Price)> {
        match &self.book {
            BookSecret::English(hidden) => lot.leader().map(|leader| (leader, hidden.best())),
            BookSecret::Orders(_)
            | BookSecret::Call(_)
            | BookSecret::Day(_)
            | BookSecret::Nothing => None,
        }
    }

    /// Returns the outcome of the lot if it closes now, and adds the events that open hidden data.
    pub(crate) fn decide_close(&self, lot: &Lot, events: &mut Events) -> Outcome {
        self.with_format(lot, |format| format.decide_close(events))
    }

    /// Returns the funds that a trader must have free for the events decided on their command.
    pub(crate) fn demand(&self, lot: &Lot, trader: UserId, events: &Events) -> Reservation {
        self.with_format(lot, |format| format.demand(trader, events))
    }

    /// Calls `each` with the changes of reservations that the next event causes.
    pub(crate) fn each_reservation_change(
        &self,
        lot: &Lot,
        event: &Event,
        each: &mut dyn FnMut(ReservationChange),
    ) {
        self.with_format(lot, |format| format.each_reservation_change(event, each));
    }

    /// Calls `each` with all reservations of a lot that has not closed.
    pub(crate) fn each_reservation(&self, lot: &Lot, each: &mut dyn FnMut(UserId, Reservation)) {
        self.with_format(lot, |format| format.each_reservation(each));
    }

    /// Fixes the random end of a lot; `false`: it has none, or is fixed.
    pub(crate) fn decide_draw(
        &self,
        lot: &Lot,
        now: Timestamp,
        seed: Seed,
        events: &mut Events,
    ) -> bool {
        self.with_format(lot, |format| format.decide_draw(now, seed, events))
    }

    /// Decides the end of a lot whose time has run out.
    pub(crate) fn decide_due(&self, lot: &Lot, now: Timestamp, events: &mut Events) -> Due {
        self.with_format(lot, |format| format.decide_due(now, events))
    }

    /// Opens a random end that no longer applies.
    pub(crate) fn open_end(&self, lot: &Lot, events: &mut Events) {
        self.with_format(lot, |format| format.open_end(events));
    }

    /// Withdraws a suspended trader's orders that are not binding.
    pub(crate) fn decide_withdrawal(&self, lot: &Lot, trader: UserId, events: &mut Events) {
        self.with_format(lot, |format| format.decide_withdrawal(trader, events));
    }

    /// Cancels a trader's orders that can be cancelled, and names the others. Returns how many of each.
    pub(crate) fn decide_cancel_all(
        &self,
        lot: &Lot,
        now: Timestamp,
        trader: UserId,
        events: &mut Events,
    ) -> (u32, u32) {
        self.with_format(lot, |format| format.decide_cancel_all(now, trader, events))
    }

    /// Returns a trader's orders, by number.
    pub(crate) fn orders_of(&self, lot: &Lot, trader: UserId) -> Vec<OwnOrder> {
        self.with_format(lot, |format| format.orders_of(trader))
    }

    /// Returns the trades (buyer, seller, shares) of a call auction if it were uncrossed now.
    pub(crate) fn call_trades(&self) -> Vec<(UserId, UserId, u64)> {
        self.call_book().map(call::trades).unwrap_or_default()
    }

    /// Returns the result of an uncross now; `None`: the lot is no open call auction.
    pub(crate) fn indicative(&self) -> Option<Indicative> {
        self.call_book()
            .map(crate::clearing::call::Book::indicative)
    }

    /// Returns the best limits of an open book; `None`: the book is closed, or the lot no call auction.
    pub(crate) fn depth(&self, lot: &Lot) -> Option<BookDepth> {
        match &lot.terms {
            Terms::Call(terms) if terms.book == crate::BookShown::Open => {
                self.call_book().map(BookDepth::of)
            }
            Terms::Day(terms) if terms.call.book == crate::BookShown::Open => {
                self.call_book().map(BookDepth::of)
            }
            _ => None,
        }
    }

    /// Returns the bid with which a trader would have won; `None` before the close.
    pub(crate) fn winning_threshold(&self, lot: &Lot, trader: UserId) -> Option<WinningThreshold> {
        let Phase::Closed { at, outcome } = lot.phase else {
            return None;
        };
        if outcome.is_cancelled() {
            return Some(WinningThreshold::Nothing);
        }
        Some(self.with_format(lot, |format| format.winning_threshold(trader, at)))
    }
}

/// Returns the start of a halt of the lot or of the whole market, the earlier one.
pub(crate) fn halt_of(lot: &Lot, market_halt: Option<Timestamp>) -> Option<Timestamp> {
    lot.halted_since.into_iter().chain(market_halt).min()
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
        Terms::Call(terms) => {
            let open_for = open.closes_at.since(opens_at);
            call::check_terms(terms, greatest, open.reserve, open_for)
        }
        Terms::Day(terms) => {
            let open_for = open.closes_at.since(opens_at);
            day::check_terms(terms, greatest, open.reserve, open_for)
        }
    }
}

/// Decides an open bid or a maximum.
#[inline(always)]
pub(crate) fn decide_offer(
    lot: &Lot,
    hidden: &LotSecret,
    now: Timestamp,
    bidder: UserId,
    offer: Offer,
    events: &mut Events,
) -> Result<(), Reject> {
    lot.check_open(now)?;
    // A market decides millions of these: they skip the selection of the format.
    if let (Terms::English(terms), Book::English(book), BookSecret::English(of_lot)) =
        (&lot.terms, &lot.book, &hidden.book)
    {
        let state = english::State {
            lot,
            reserve: hidden.reserve,
            terms,
            book,
            hidden: of_lot,
        };
        return state.decide(now, bidder, offer, events);
    }
    hidden.with_format(lot, |format| {
        format.decide_offer(now, bidder, offer, events)
    })
}

/// Decides and applies a plain bid on an English lot that takes the lead at its amount and changes nothing else;
/// `None`: it is another kind, or is to be refused, and nothing has changed.
#[inline(always)]
pub(crate) fn lead_simply(
    id: LotId,
    lot: &mut Lot,
    hidden: &mut LotSecret,
    now: Timestamp,
    bidder: UserId,
    amount: Price,
) -> Option<BidAccepted> {
    match (&mut lot.book, &mut hidden.book) {
        (Book::English(book), BookSecret::English(hidden)) => {
            hidden.lead_simply(id, book, now, bidder, amount)
        }
        _ => None,
    }
}

/// Decides a change of a trader's hidden orders.
pub(crate) fn decide_order(
    lot: &Lot,
    hidden: &LotSecret,
    now: Timestamp,
    trader: UserId,
    change: OrderChange,
    events: &mut Events,
) -> Result<(), Reject> {
    match change {
        OrderChange::Place { .. } | OrderChange::Replace { .. } => lot.check_open(now)?,
        OrderChange::Cancel { .. } => lot.check_takes_cancels(now)?,
    }
    hidden.with_format(lot, |format| {
        format.decide_order(now, trader, change, events)
    })
}
