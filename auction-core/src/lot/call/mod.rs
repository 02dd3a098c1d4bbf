//! The call auction: orders to buy and to sell, which trade all at once, at one price.
//!
//! Orders are hidden; others see the result of an uncross now, and the number of traders with an order. The random end
//! is drawn outside the core and fixed before its window begins.

mod secret;

pub(super) use secret::CallSecret;

use alloc::vec::Vec;

use super::format::{Due, FormatRules, OrderChange, ReservationChange};
use super::{Lot, OwnOrder, WinningThreshold};
use crate::account::ledger::Reservation;
use crate::clearing::call::{
    Book, Entry, Indicative, OrderError, Quote, Side, Uncross, collar_bound, round_down,
};
use crate::limits::DEPTH_LEVELS_MAX;
use crate::model::call_terms::CallTerms;
use crate::model::event::{
    Candidates, Event, Events, ExtensionCause, NoCrossBecause, Outcome, PrivateEvent, PublicEvent,
};
use crate::model::reject::Countable;
use crate::{
    EndCommitment, OrderId, Price, RandomEnd, Reject, Seed, Span, TermsError, Timestamp, UserId,
};
use secret::Orders;

/// Public state of a call auction, in addition to the published prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallBook {
    /// Number of traders with a live order; after the close, with an order at the close.
    pub traders: u32,
    /// The reference price, fixed when the auction begins; `None`: it has not begun, or has no reference.
    pub reference: Option<Price>,
    /// True if it has been extended because market orders would have stayed unfilled.
    pub market_extended: bool,
    /// Commitment to the random end, from its draw until it is opened.
    pub end: Option<EndCommitment>,
}

/// The best limits of an open book: limits of each side with the total quantity at them, the most willing first, at
/// most [`DEPTH_LEVELS_MAX`] per side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookDepth {
    /// Shares of market orders to buy.
    pub market_buy: u64,
    /// Shares of market orders to sell.
    pub market_sell: u64,
    /// Limits to buy, the highest first.
    pub buys: Vec<Quote>,
    /// Limits to sell, the lowest first.
    pub sells: Vec<Quote>,
}

/// Checks terms for a call of this duration.
pub(super) fn check_terms(
    terms: &CallTerms,
    greatest: Price,
    reserve: Option<Price>,
    open_for: Span,
) -> Result<(), TermsError> {
    if reserve.is_some() {
        return Err(TermsError::NoReserveInCall);
    }
    if terms.tick == Price::ZERO || terms.tick > greatest {
        return Err(TermsError::Tick { greatest });
    }
    let extends = terms.market_extension || (terms.collar.is_some() && terms.extensions_max > 0);
    let windows = terms.random_end.micros() + terms.no_cancel.unwrap_or_default().micros();
    if windows >= open_for.micros() || (extends && windows >= terms.extend_by.micros()) {
        return Err(TermsError::Windows);
    }
    Ok(())
}

/// Returns the reference price of a call: the stock's last uncross price, otherwise the base price, on the tick; zero:
/// none.
pub(crate) fn reference(terms: &CallTerms, lot_base: Price, last_uncross: Option<Price>) -> Price {
    round_down(last_uncross.unwrap_or(lot_base), terms.tick)
}

/// Input of a decision.
pub(super) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) terms: &'a CallTerms,
    pub(super) book: &'a CallBook,
    pub(super) hidden: &'a CallSecret,
}

impl FormatRules for State<'_> {
    fn lot(&self) -> &Lot {
        self.lot
    }

    fn decide_order(
        &self,
        now: Timestamp,
        trader: UserId,
        change: OrderChange,
        events: &mut Events,
    ) -> Result<(), Reject> {
        // The clock of a halted call stands still.
        let now = self.lot.halted_since.unwrap_or(now);
        let orders = self.taking_orders(now)?;
        let lot = self.lot.id;
        match change {
            OrderChange::Place {
                side,
                quantity,
                limit,
            } => {
                let entry = Entry {
                    side,
                    quantity,
                    limit,
                };
                let checked = orders.book().check_add(trader, &entry);
                checked.map_err(|error| refused(error, OrderId(0)))?;
                let order = orders.next_id(trader);
                let most = u32::MAX;
                events.push(Event::Private(PrivateEvent::OrderPlaced {
                    lot,
                    trader,
                    order: order.ok_or(Reject::TooManyOrders { most })?,
                    side,
                    quantity,
                    limit,
                }));
                if orders.book().count_of(trader) == 0 {
                    events.push(self.counted(orders.trader_count() + 1));
                }
            }
            OrderChange::Replace {
                order,
                quantity,
                limit,
            } => {
                let known = orders.find(trader, order);
                let place = known.ok_or(Reject::UnknownOrder { order })?;
                let checked = orders.book().check_replace(place, trader, limit, quantity);
                checked.map_err(|error| refused(error, order))?;
                if let Some(since) = self.no_cancel_since(now) {
                    let old = orders.book().order_of(place, trader);
                    if !old.is_ok_and(|old| old.is_improved_by(limit, quantity)) {
                        return Err(Reject::NoCancelNow { since });
                    }
                }
                events.push(Event::Private(PrivateEvent::OrderReplaced {
                    lot,
                    trader,
                    order,
                    quantity,
                    limit,
                }));
            }
            OrderChange::Cancel { order } => {
                let known = orders.find(trader, order);
                known.ok_or(Reject::UnknownOrder { order })?;
                if let Some(since) = self.no_cancel_since(now) {
                    return Err(Reject::NoCancelNow { since });
                }
                let cancelled = PrivateEvent::OrderCancelled { lot, trader, order };
                events.push(Event::Private(cancelled));
                if orders.book().count_of(trader) == 1 {
                    events.push(self.counted(orders.trader_count() - 1));
                }
            }
        }
        Ok(())
    }

    fn decide_withdrawal(&self, trader: UserId, events: &mut Events) {
        let Some(orders) = self.hidden.orders() else {
            return;
        };
        if orders.book().count_of(trader) > 0 {
            let lot = self.lot.id;
            let withdrawn = PrivateEvent::OrdersWithdrawn { lot, trader };
            events.push(Event::Private(withdrawn));
            events.push(self.counted(orders.trader_count() - 1));
        }
    }

    fn decide_cancel_all(&self, now: Timestamp, trader: UserId, events: &mut Events) -> (u32, u32) {
        let Some(orders) = self.hidden.orders() else {
            return (0, 0);
        };
        let lot = self.lot.id;
        let keeps = self.no_cancel_since(now).is_some();
        let own = self.hidden.orders_of(trader);
        let count = own.len() as u32;
        for OwnOrder { order, .. } in own {
            events.push(Event::Private(match keeps {
                true => PrivateEvent::OrderKept { lot, trader, order },
                false => PrivateEvent::OrderCancelled { lot, trader, order },
            }));
        }
        if keeps || count == 0 {
            return (0, count);
        }
        events.push(self.counted(orders.trader_count() - 1));
        (count, 0)
    }

    fn decide_draw(&self, now: Timestamp, seed: Seed, events: &mut Events) -> bool {
        if self.terms.random_end == Span::ZERO || self.hidden.end().is_some() {
            return false;
        }
        let lot = self.lot.id;
        // After an outage the draw can be late: then fewer ends are left to choose from.
        let longest = self.lot.closes_at.since(now).min(self.terms.random_end);
        let end = RandomEnd::drawn(seed, longest);
        events.push(Event::Private(PrivateEvent::EndDrawn { lot, end }));
        let commitment = end.commitment(lot);
        events.push(Event::Public(PublicEvent::EndCommitted { lot, commitment }));
        true
    }

    fn decide_due(&self, now: Timestamp, events: &mut Events) -> Due {
        let Some(cause) = self.extension() else {
            return Due::Close;
        };
        self.open_end(events);
        events.push(Event::Public(PublicEvent::LotExtended {
            lot: self.lot.id,
            closes_at: now.saturating_add(self.terms.extend_by),
            cause,
        }));
        Due::Extended
    }

    fn open_end(&self, events: &mut Events) {
        if let Some(end) = self.hidden.end() {
            let lot = self.lot.id;
            events.push(Event::Public(PublicEvent::EndOpened { lot, end }));
        }
    }

    fn decide_close(&self, events: &mut Events) -> Outcome {
        self.open_end(events);
        match self.hidden.orders() {
            Some(orders) => outcome(orders.book()),
            None => Outcome::NoCross {
                because: NoCrossBecause::NothingCrosses,
                best_buy: None,
                best_sell: None,
            },
        }
    }

    fn orders_of(&self, trader: UserId) -> Vec<OwnOrder> {
        self.hidden.orders_of(trader)
    }

    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange)) {
        let (Event::Private(event), Some(orders)) = (event, self.hidden.orders()) else {
            return;
        };
        let standing = |trader, order| {
            let place = orders.find(trader, order)?;
            orders.book().order_of(place, trader).ok()
        };
        let reserved = |entry: Entry| self.reserves(entry);
        let (trader, from, to) = match *event {
            PrivateEvent::OrderPlaced {
                trader,
                side,
                quantity,
                limit,
                ..
            } => {
                let entry = Entry {
                    side,
                    quantity,
                    limit,
                };
                (trader, Reservation::NOTHING, self.reserves(entry))
            }
            PrivateEvent::OrderReplaced {
                trader,
                order,
                quantity,
                limit,
                ..
            } => {
                let Some(old) = standing(trader, order) else {
                    return;
                };
                let new = Entry {
                    quantity,
                    limit,
                    ..old.entry
                };
                (trader, reserved(old.entry), reserved(new))
            }
            PrivateEvent::OrderCancelled { trader, order, .. } => {
                let Some(old) = standing(trader, order) else {
                    return;
                };
                (trader, reserved(old.entry), Reservation::NOTHING)
            }
            PrivateEvent::OrdersWithdrawn { trader, .. } => {
                let own = self.hidden.orders_of(trader).into_iter();
                let from = own.fold(Reservation::NOTHING, |all, order| {
                    let OwnOrder {
                        side,
                        quantity,
                        limit,
                        ..
                    } = order;
                    all.and(reserved(Entry {
                        side,
                        quantity,
                        limit,
                    }))
                });
                (trader, from, Reservation::NOTHING)
            }
            _ => return,
        };
        each(ReservationChange { trader, from, to });
    }

    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation)) {
        let orders = self.hidden.orders().into_iter();
        for order in orders.flat_map(|orders| orders.book().orders()) {
            each(order.trader, self.reserves(order.entry));
        }
    }

    /// There is no winner: all trade at one public price, and the trader's own orders show the rest.
    fn winning_threshold(&self, _trader: UserId, _closed_at: Timestamp) -> WinningThreshold {
        WinningThreshold::Nothing
    }
}

impl State<'_> {
    /// Reserves the price of the limit, or the greatest price at which a market order could trade; or the shares to
    /// deliver.
    fn reserves(&self, entry: Entry) -> Reservation {
        match entry.side {
            Side::Sell => Reservation::to_deliver(entry.quantity),
            Side::Buy => {
                let reference = self.book.reference;
                let greatest = self.terms.collar.zip(reference);
                let greatest = greatest.map_or(Price::MAX, |(collar, reference)| {
                    collar.upper(reference, self.terms.tick)
                });
                Reservation::to_pay(entry.limit.unwrap_or(greatest), entry.quantity)
            }
        }
    }

    fn taking_orders(&self, now: Timestamp) -> Result<&Orders, Reject> {
        let lot = self.lot.id;
        if let Some(end) = self.hidden.end() {
            let closed_at = self.lot.closes_at.saturating_sub(end.before_close);
            if now >= closed_at {
                return Err(Reject::LotClosed { lot, closed_at });
            }
        }
        let opens_at = self.lot.opened_at;
        let orders = self.hidden.orders();
        orders.ok_or(Reject::LotNotBegun { lot, opens_at })
    }

    /// Returns the start of the no-cancel window, if it has begun.
    fn no_cancel_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.lot.no_cancel_from().filter(|since| now >= *since)
    }

    fn counted(&self, bidders: u32) -> Event {
        let lot = self.lot.id;
        Event::Public(PublicEvent::BiddersCounted { lot, bidders })
    }

    /// Returns the reason for extending the call instead of closing it, if there is one.
    fn extension(&self) -> Option<ExtensionCause> {
        let book = self.hidden.orders()?.book();
        if let Indicative::Cross(cross) = book.indicative()
            && collar_bound(book, &cross).is_some()
            && self.lot.extensions < self.terms.extensions_max
        {
            return Some(ExtensionCause::Volatility);
        }
        let traded = Uncross::of(book).map_or(0, |uncross| uncross.cross.volume);
        let market = [Side::Buy, Side::Sell].map(|side| book.market_quantity(side));
        let unfilled = market.into_iter().any(|shares| shares > traded);
        let extends = self.terms.market_extension && !self.book.market_extended && unfilled;
        extends.then_some(ExtensionCause::MarketOrders)
    }
}

impl BookDepth {
    pub(super) fn of(book: &Book) -> Self {
        Self {
            market_buy: book.market_quantity(Side::Buy),
            market_sell: book.market_quantity(Side::Sell),
            buys: book.buys().take(DEPTH_LEVELS_MAX).collect(),
            sells: book.sells().take(DEPTH_LEVELS_MAX).collect(),
        }
    }
}

/// Returns the trades of the uncross (buyer, seller, shares): the fills of both sides by time, matched with each other.
pub(super) fn trades(book: &Book) -> Vec<(UserId, UserId, u64)> {
    let Some(uncross) = Uncross::of(book) else {
        return Vec::new();
    };
    let fills = |side| {
        let fills = uncross.fills(book);
        fills
            .filter(move |fill| fill.side == side && fill.filled > 0)
            .map(|fill| (fill.trader, fill.filled))
    };
    let mut sells = fills(Side::Sell);
    let mut seller = (UserId(0), 0);
    let mut trades = Vec::new();
    for (buyer, mut wanted) in fills(Side::Buy) {
        while wanted > 0 {
            if seller.1 == 0 {
                seller = sells.next().expect("both sides trade the same volume");
            }
            let shares = wanted.min(seller.1);
            trades.push((buyer, seller.0, shares));
            (wanted, seller.1) = (wanted - shares, seller.1 - shares);
        }
    }
    trades
}

pub(super) fn outcome(book: &Book) -> Outcome {
    let Some(uncross) = Uncross::of(book) else {
        let market = [Side::Buy, Side::Sell].map(|side| book.market_quantity(side));
        return Outcome::NoCross {
            because: match book.indicative() {
                Indicative::Cross(_) => NoCrossBecause::Collar,
                Indicative::NoCross { .. } if market.iter().all(|shares| *shares > 0) => {
                    NoCrossBecause::NoPrice
                }
                Indicative::NoCross { .. } => NoCrossBecause::NothingCrosses,
            },
            best_buy: book.best(Side::Buy),
            best_sell: book.best(Side::Sell),
        };
    };
    let filled = uncross.fills(book).filter(|fill| fill.filled > 0);
    Outcome::Crossed {
        price: uncross.cross.price,
        volume: uncross.cross.volume,
        surplus: uncross.cross.surplus,
        by: uncross.cross.decided_by,
        candidates: uncross
            .candidates
            .map(|(lowest, highest)| Candidates { lowest, highest }),
        traders: count_distinct(filled.map(|fill| fill.trader)),
    }
}

/// Counts distinct users. They are numbered without gaps: one bit each.
fn count_distinct(users: impl Iterator<Item = UserId>) -> u32 {
    let mut words: Vec<u64> = Vec::new();
    for user in users {
        let (word, bit) = ((user.0 / u64::BITS) as usize, user.0 % u64::BITS);
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        words[word] |= 1 << bit;
    }
    words.iter().map(|word| word.count_ones()).sum()
}

pub(super) fn refused(error: OrderError, order: OrderId) -> Reject {
    match error {
        OrderError::OffTick { tick, above } => Reject::OffTick { tick, above },
        OrderError::OffRoundLot { round_lot } => Reject::OffRoundLot { round_lot },
        OrderError::AmountTooLarge { price, most } => Reject::AmountTooLarge { price, most },
        OrderError::WouldSelfTrade { own } => Reject::WouldSelfTrade { own },
        OrderError::UnknownOrder { .. } => Reject::UnknownOrder { order },
        OrderError::Unchanged => Reject::Unchanged,
        OrderError::TooManyOrders { most } => Reject::TooManyOrders { most },
        OrderError::BookFull { most } => Reject::Full {
            what: Countable::CallOrders,
            most,
        },
    }
}
