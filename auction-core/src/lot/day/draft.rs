//! A change of phase, drafted on a copy of the lot: one such decision follows from the one before it.
//!
//! Phases change a few times a day. An order that changes none is decided without a copy.

use alloc::vec::Vec;

use super::DayBook;
use super::funds::Funds;
use super::live::Id;
use super::order_forms::{day_of, greatest_price};
use super::schedule::doubled;
use super::secret::DaySecret;
use crate::clearing::book::Corridor;
use crate::clearing::call::{Collar, Entry, Indicative, Side, Uncross, collar_bound, round_down};
use crate::lot::{Lot, call};
use crate::model::command::Terms;
use crate::model::day::{
    CorridorKind, DayHaltCause, DayPhase, DayTerms, FillRole, LapseReason, TimeInForce,
};
use crate::model::event::{
    Event, Events, ExtensionCause, Outcome, PhaseBegan, PrivateEvent, PublicEvent,
};
use crate::{Price, Quantity, Timestamp};

/// A lot as it will be, and the events that lead there.
pub(super) struct Draft<'a> {
    lot: Lot,
    hidden: DaySecret,
    funds: Funds<'a>,
    now: Timestamp,
    /// The stock's last uncross price, otherwise its base price.
    stock_price: Price,
    events: &'a mut Events,
}

/// Result of a call at its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AtEnd {
    /// It is extended if its terms say so.
    Regular,
    /// It settles now, as the closing call.
    Early,
}

impl<'a> Draft<'a> {
    /// Copies a lot, and applies the events decided so far.
    pub(super) fn of(
        lot: &Lot,
        hidden: &DaySecret,
        funds: Funds<'a>,
        now: Timestamp,
        stock_price: Price,
        events: &'a mut Events,
    ) -> Self {
        let mut draft = Self {
            lot: lot.clone(),
            hidden: hidden.clone(),
            funds,
            now,
            stock_price,
            events,
        };
        let decided: Vec<_> = draft.events.iter().cloned().collect();
        for event in decided {
            draft.apply(&event);
        }
        draft
    }

    fn push(&mut self, event: Event) {
        self.apply(&event);
        self.events.push(event);
    }

    fn apply(&mut self, event: &Event) {
        self.funds.apply(&self.lot, &self.hidden, event);
        let fits = match event {
            Event::Private(event) => self.hidden.apply(&self.lot, event),
            Event::Public(PublicEvent::LotOpened(_)) => true,
            Event::Public(PublicEvent::LotBegan { .. }) => {
                self.lot.begin(self.now);
                true
            }
            Event::Public(PublicEvent::LotResumed {
                opened_at,
                closes_at,
                ..
            }) => {
                self.lot.resume(*opened_at, *closes_at);
                true
            }
            Event::Public(PublicEvent::BiddersCounted { bidders, .. }) => {
                self.lot.book.bidders_counted(*bidders)
            }
            Event::Public(event) => {
                self.hidden.apply_public(&self.lot, event) && self.lot.day_event(self.now, event)
            }
        };
        assert!(fits, "what is drafted fits: {event:?}");
    }

    fn public(&mut self, event: PublicEvent) {
        self.push(Event::Public(event));
    }

    fn private(&mut self, event: PrivateEvent) {
        self.push(Event::Private(event));
    }

    fn day(&self) -> &DayBook {
        day_of(&self.lot).expect("it is a trading day")
    }

    fn terms(&self) -> &DayTerms {
        match &self.lot.terms {
            Terms::Day(terms) => terms,
            _ => unreachable!("it is a trading day"),
        }
    }

    /// Begins the first phase from here on whose end has not come, or closes the lot.
    pub(super) fn begin_from(&mut self, first: usize) {
        for index in first..self.terms().phases.len() {
            let phase = self.terms().phases[index].phase;
            let day = self.day();
            // A call that begins late keeps its length, other phases keep their end.
            let ends_at = match phase {
                DayPhase::Call => self.now.saturating_add(day.lengths[index]),
                _ => day.ends[index],
            };
            if ends_at <= self.now {
                continue;
            }
            let position = index as u8;
            match phase {
                DayPhase::Call => {
                    let collar = self.terms().call.collar;
                    self.begin_call(DayPhase::Call, position, ends_at, collar, None);
                }
                DayPhase::AtLast => {
                    let Some(price) = day.statistics.last else {
                        continue;
                    };
                    self.begin_trading(DayPhase::AtLast, position, ends_at, price);
                }
                DayPhase::Continuous => {
                    let reference = self.static_reference();
                    self.begin_trading(DayPhase::Continuous, position, ends_at, reference);
                }
                DayPhase::PreOpen | DayPhase::Volatility => {
                    let reference = Price::ZERO;
                    self.begin(DayPhase::PreOpen, position, ends_at, reference, None);
                }
            }
            return;
        }
        self.close();
    }

    /// Ends the running phase.
    pub(super) fn end_phase(&mut self) {
        let day = self.day();
        let (phase, index) = (day.phase, usize::from(day.phase_index));
        if !phase.is_some_and(DayPhase::is_call) {
            return self.begin_from(index + 1);
        }
        if !self.end_call(AtEnd::Regular) {
            return;
        }
        let ends_at = self.day().ends[index];
        if phase == Some(DayPhase::Volatility) && ends_at > self.now {
            let reference = self.static_reference();
            self.begin_trading(DayPhase::Continuous, index as u8, ends_at, reference);
        } else {
            self.begin_from(index + 1);
        }
    }

    /// Closes the lot now: a call uncrosses as the closing call.
    pub(super) fn close_early(&mut self) {
        if self.day().phase.is_some_and(DayPhase::is_call) {
            self.end_call(AtEnd::Early);
        }
        self.close();
    }

    /// Begins the volatility call through which continuous trading goes on.
    pub(super) fn resume(&mut self, is_collared: bool) {
        self.begin_volatility(is_collared, None);
    }

    /// Interrupts continuous trading: the rest of an order would trade outside the corridors, at this price.
    pub(super) fn interrupt(&mut self, rest: Id, price: Price) {
        let lot = self.lot.id;
        let day = self.day();
        let is_last = day.interruptions >= self.terms().interruptions_max;
        let still = day.reference.unwrap_or(Price::ZERO);
        let corridor = match self.terms().static_corridor {
            Some(collar) if !Corridor::OPEN.within(&collar, still).passes(price) => {
                CorridorKind::Static
            }
            _ => CorridorKind::Dynamic,
        };
        self.public(PublicEvent::Interrupted {
            lot,
            price,
            corridor,
        });
        if !is_last {
            return self.begin_volatility(true, Some(rest));
        }
        self.enter_halted_book(rest);
        self.public(PublicEvent::DayHalted {
            lot,
            cause: DayHaltCause::Interruptions,
        });
    }

    fn begin_volatility(&mut self, is_collared: bool, rest: Option<Id>) {
        let terms = self.terms();
        let collar = terms.call.collar.map(doubled).filter(|_| is_collared);
        let ends_at = self.now.saturating_add(terms.volatility_length);
        let index = self.day().phase_index;
        self.begin_call(DayPhase::Volatility, index, ends_at, collar, rest);
    }

    /// Begins a call. The rest of an interrupted order takes its place first, then parked orders by acceptance.
    fn begin_call(
        &mut self,
        phase: DayPhase,
        index: u8,
        ends_at: Timestamp,
        collar: Option<Collar>,
        rest: Option<Id>,
    ) {
        let reference = self.reference();
        self.begin(phase, index, ends_at, reference, collar);
        if let Some(rest) = rest {
            self.enter_unasked(rest);
        }
        let (is_opening, is_closing) = {
            let (day, terms) = (self.day(), self.terms());
            (day.is_opening_call(terms), day.is_closing_call(terms))
        };
        let parked: Vec<Id> = self.hidden.parked().collect();
        for id in parked {
            let entry = self.hidden.find(id.0, id.1).expect("it is parked");
            let enters = match entry.content.time_in_force {
                TimeInForce::AtOpen => is_opening,
                TimeInForce::AtClose => is_closing,
                _ => true,
            };
            if enters {
                self.enter_unasked(id);
            }
        }
        let traders = self.hidden.call().map_or(0, |call| call.trader_count());
        if traders > 0 {
            let (lot, bidders) = (self.lot.id, traders as u32);
            self.public(PublicEvent::BiddersCounted { lot, bidders });
        }
    }

    /// Begins continuous trading or trading at last, and shows the orders.
    fn begin_trading(&mut self, phase: DayPhase, index: u8, ends_at: Timestamp, reference: Price) {
        self.begin(phase, index, ends_at, reference, None);
        let lot = self.lot.id;
        for order in self.hidden.to_show() {
            let number = self.hidden.in_slot(order.key).1.number;
            self.public(PublicEvent::OrderShown {
                lot,
                number,
                side: order.side,
                price: order.limit,
                open: order.open,
            });
        }
        let crosses = self.hidden.book().is_some_and(|book| book.is_crossed());
        if phase == DayPhase::Continuous && crosses {
            let cause = DayHaltCause::CrossedAtCollar;
            self.public(PublicEvent::DayHalted { lot, cause });
        }
    }

    fn begin(
        &mut self,
        phase: DayPhase,
        index: u8,
        ends_at: Timestamp,
        reference: Price,
        collar: Option<Collar>,
    ) {
        let lot = self.lot.id;
        self.public(PublicEvent::PhaseBegan(PhaseBegan {
            lot,
            phase,
            index,
            ends_at,
            reference,
            collar,
        }));
    }

    /// Enters an order into a call without asking again: it lapses if it could trade with an own order, or is not
    /// covered.
    fn enter_unasked(&mut self, id: Id) {
        let (trader, order) = id;
        let content = self.hidden.find(trader, order).expect("it is live").content;
        let call = self.hidden.call().expect("a call has begun");
        let because = match call.check_add(trader, &content.entry()) {
            Err(crate::clearing::call::OrderError::WouldSelfTrade { .. }) => {
                Some(LapseReason::SelfTrade)
            }
            Err(_) => Some(LapseReason::Rest),
            Ok(()) if !self.is_covered(trader, &content.entry()) => Some(LapseReason::Funds),
            Ok(()) => None,
        };
        self.rest_or_lapse(id, content.quantity, because);
    }

    /// Gives the rest of an interrupted order its place in the book of a lot that is halted. A market order has none.
    fn enter_halted_book(&mut self, id: Id) {
        let (trader, order) = id;
        let content = self.hidden.find(trader, order).expect("it is live").content;
        let because = match content.limit {
            None => Some(LapseReason::Rest),
            Some(_) if self.hidden.crosses_own(trader, &content) => Some(LapseReason::SelfTrade),
            Some(_) => None,
        };
        self.rest_or_lapse(id, content.quantity, because);
        if let (None, Some(price)) = (because, content.limit) {
            let number = self.day().last_number + 1;
            self.public(PublicEvent::OrderShown {
                lot: self.lot.id,
                number,
                side: content.side,
                price,
                open: content.quantity,
            });
        }
    }

    fn rest_or_lapse(&mut self, id: Id, open: Quantity, because: Option<LapseReason>) {
        let ((trader, order), lot) = (id, self.lot.id);
        self.private(match because {
            None => PrivateEvent::DayOrderRests {
                lot,
                trader,
                order,
                open,
            },
            Some(because) => PrivateEvent::DayOrderLapsed {
                lot,
                trader,
                order,
                quantity: open,
                because,
            },
        });
    }

    /// Returns true if the trader can pay what a market order reserves in the call; what others cost is reserved.
    fn is_covered(&self, trader: crate::UserId, entry: &Entry) -> bool {
        if entry.limit.is_some() || entry.side == Side::Sell {
            return true;
        }
        let greatest = greatest_price(&self.lot).units();
        let costs = greatest.saturating_mul(entry.quantity.get());
        self.funds.cash(trader).is_none_or(|cash| costs <= cash)
    }

    /// Extends the running call, or uncrosses it and returns true.
    fn end_call(&mut self, at_end: AtEnd) -> bool {
        if let Some(end) = self.hidden.end() {
            let lot = self.lot.id;
            self.public(PublicEvent::EndOpened { lot, end });
        }
        let lot = self.lot.id;
        if let Some(cause) = self.extension().filter(|_| at_end == AtEnd::Regular) {
            let ends_at = self.now.saturating_add(self.terms().call.extend_by);
            self.public(PublicEvent::PhaseExtended {
                lot,
                ends_at,
                cause,
            });
            return false;
        }
        let call = self.hidden.call().expect("a call runs");
        let outcome = call::outcome(call);
        let fills: Vec<_> = Uncross::of(call)
            .map(|uncross| uncross.fills(call).filter(|fill| fill.filled > 0).collect())
            .unwrap_or_default();
        let ids: Vec<Id> = fills
            .iter()
            .map(|fill| self.hidden.in_call(fill.order.0))
            .collect();
        let number = self.day().statistics.trades + 1;
        let crossed = match outcome {
            Outcome::Crossed { price, .. } => Some(price),
            _ => None,
        };
        self.public(PublicEvent::CallUncrossed {
            lot,
            outcome,
            trade: crossed.map(|_| number),
        });
        for (fill, (trader, order)) in fills.iter().zip(ids) {
            let (Some(price), Some(quantity)) = (crossed, Quantity::new(fill.filled)) else {
                continue;
            };
            self.private(PrivateEvent::DayOrderFilled {
                lot,
                trader,
                order,
                trade: number,
                price,
                quantity,
                role: FillRole::Call,
                left: fill.lapsed,
            });
        }
        let is_last = at_end == AtEnd::Early || self.day().is_closing_call(self.terms());
        self.after_uncross(is_last);
        true
    }

    /// Handles the rest of each order after a call, by acceptance: auction orders park until the next call; orders for this call
    /// alone, market orders, and those that expired in a no-cancel window lapse.
    fn after_uncross(&mut self, is_last: bool) {
        let lot = self.lot.id;
        for (trader, order) in self.hidden.by_acceptance() {
            let entry = *self.hidden.find(trader, order).expect("it is live");
            if !entry.is_in_call() {
                continue;
            }
            let (content, quantity) = (entry.content, entry.content.quantity);
            let because = match content.time_in_force {
                TimeInForce::Auction if !is_last => {
                    self.private(PrivateEvent::DayOrderParked {
                        lot,
                        trader,
                        order,
                        open: quantity,
                    });
                    continue;
                }
                TimeInForce::Auction | TimeInForce::AtOpen | TimeInForce::AtClose => {
                    LapseReason::Uncross
                }
                _ if content.limit.is_none() => LapseReason::Uncross,
                TimeInForce::Until(until) if until <= self.now => LapseReason::Until,
                _ => continue,
            };
            self.private(PrivateEvent::DayOrderLapsed {
                lot,
                trader,
                order,
                quantity,
                because,
            });
        }
    }

    /// The reason for extending the call instead of uncrossing it, if there is one.
    fn extension(&self) -> Option<ExtensionCause> {
        let (call, day, terms) = (self.hidden.call()?, self.day(), &self.terms().call);
        if let Indicative::Cross(cross) = call.indicative()
            && collar_bound(call, &cross).is_some()
            && day.extensions < terms.extensions_max
        {
            return Some(ExtensionCause::Volatility);
        }
        let traded = Uncross::of(call).map_or(0, |uncross| uncross.cross.volume);
        let market = [Side::Buy, Side::Sell].map(|side| call.market_quantity(side));
        let unfilled = market.into_iter().any(|shares| shares > traded);
        let extends = terms.market_extension && !day.market_extended && unfilled;
        extends.then_some(ExtensionCause::MarketOrders)
    }

    /// Lets all orders lapse, and closes the lot.
    fn close(&mut self) {
        let lot = self.lot.id;
        for (trader, order) in self.hidden.by_acceptance() {
            let entry = self.hidden.find(trader, order).expect("it is live");
            let quantity = entry.content.quantity;
            self.private(PrivateEvent::DayOrderLapsed {
                lot,
                trader,
                order,
                quantity,
                because: LapseReason::Close,
            });
        }
        let day = &self.day().statistics;
        let outcome = Outcome::Day {
            close: day.last,
            average: day.average(),
            volume: day.volume,
            trades: day.trades,
        };
        let closed = PublicEvent::LotClosed { lot, outcome };
        self.events.push(Event::Public(closed));
    }

    /// Reference of a call that begins now, on the tick; zero: none.
    fn reference(&self) -> Price {
        let last = self.day().statistics.last;
        round_down(last.unwrap_or(self.stock_price), self.terms().call.tick)
    }

    /// The last call's price, before one the reference of the last call; zero: none.
    fn static_reference(&self) -> Price {
        let day = self.day();
        day.last_call.or(day.reference).unwrap_or(Price::ZERO)
    }
}
