//! Decisions about lots: reads the state, changes nothing.

use super::Engine;
use crate::limits::{CALLS_PER_TRADER_MAX, LOTS_MAX, SPAN_MAX_MICROS};
use crate::lot::{self, Due, Lot, Offer, OrderChange};
use crate::model::call_terms::CallTerms;
use crate::model::command::{Actor, OpenLot, Terms};
use crate::model::event::{
    Event, Events, ExtensionCause, LotOpened, Outcome, PrivateEvent, PublicEvent, UnsoldBecause,
};
use crate::model::reject::{Countable, Reject};
use crate::{LotId, Price, Seed, Symbol, Timestamp};

impl Engine {
    pub(super) fn decide_opening(
        &self,
        now: Timestamp,
        open: &OpenLot,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let symbol = open.symbol;
        let stock = self
            .market
            .stock(symbol)
            .ok_or(Reject::UnknownSymbol { symbol })?;
        let base_price = stock.listing.price;
        self.check_market_runs()?;
        lot::check_terms(open, base_price, now)?;
        let count = self.market.lots().len();
        if count >= LOTS_MAX {
            return Err(Reject::full(Countable::Lots, LOTS_MAX));
        }
        let lot = LotId::at_index(count);
        let opened = LotOpened {
            lot,
            symbol,
            quantity: open.quantity,
            base_price,
            opens_at: open.opens_at,
            closes_at: open.closes_at,
            terms: open.terms.clone(),
            has_reserve: open.reserve.is_some(),
        };
        events.push(Event::Public(PublicEvent::LotOpened(opened.clone().into())));
        if let Some(reserve) = open.reserve {
            events.push(Event::Private(PrivateEvent::ReserveSet { lot, reserve }));
        }
        if let (Terms::Call(terms), None) = (&open.terms, open.opens_at) {
            events.push(self.reference(lot, terms, symbol, base_price));
        }
        if let (Terms::Day(_), None) = (&open.terms, open.opens_at) {
            let last_uncross = stock.last_uncross.unwrap_or(base_price);
            lot::decide_day_opening(&opened, now, last_uncross, events);
        }
        Ok(())
    }

    /// Fixes the reference price of a call auction.
    fn reference(&self, lot: LotId, terms: &CallTerms, symbol: Symbol, base: Price) -> Event {
        let stock = self.market.stock(symbol);
        let last_uncross = stock.and_then(|stock| stock.last_uncross);
        let reference = lot::reference(terms, base, last_uncross);
        Event::Public(PublicEvent::ReferenceFixed { lot, reference })
    }

    pub(super) fn decide_extension(
        &self,
        now: Timestamp,
        lot: LotId,
        closes_at: Timestamp,
        events: &mut Events,
    ) -> Result<(), Reject> {
        // A lot that is due but not yet closed can still be moved: needed after an outage.
        let moved = self.lot(lot)?;
        moved.check_not_closed()?;
        if let Some(since) = moved.halted_since {
            return Err(Reject::LotHalted { lot, since });
        }
        if let Some(day) = self.secret_of(lot).day(moved) {
            // Its phases have no ends before it begins.
            let opens_at = moved.opened_at;
            let last = day
                .last_phase()
                .ok_or(Reject::LotNotBegun { lot, opens_at })?;
            if closes_at <= moved.closes_at {
                let after = moved.closes_at.max(now);
                return Err(Reject::CloseNotLater { after });
            }
            return day.decide_move(now, last, closes_at, events);
        }
        let after = moved.closes_at.max(now);
        if closes_at <= after || closes_at.since(now).micros() > SPAN_MAX_MICROS {
            return Err(Reject::CloseNotLater { after });
        }
        let cause = ExtensionCause::Ordered;
        self.secret_of(lot).open_end(moved, events);
        events.push(Event::Public(PublicEvent::LotExtended {
            lot,
            closes_at,
            cause,
        }));
        Ok(())
    }

    /// Decides an opening by the clock: the deadlines show that it is due, and only the clock may request it.
    pub(super) fn decide_due_opening(
        &self,
        now: Timestamp,
        lot: LotId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let due = self.lot(lot)?;
        due.check_not_closed()?;
        if !due.is_scheduled() {
            return Err(Reject::Unchanged);
        }
        events.push(Event::Public(PublicEvent::LotBegan { lot }));
        if let Terms::Call(terms) = &due.terms {
            events.push(self.reference(lot, terms, due.symbol, due.base_price));
        }
        if let Some(day) = self.secret_of(lot).day(due) {
            day.decide_beginning(self.funds(), now, self.stock_price(due), events);
        }
        Ok(())
    }

    pub(super) fn decide_draw(
        &self,
        now: Timestamp,
        lot: LotId,
        seed: Seed,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let due = self.lot(lot)?;
        due.check_not_closed()?;
        let hidden = self.secret_of(lot);
        let deadline = hidden.deadline(due, self.market.halted_since(), now);
        let is_due = deadline.is_some_and(|due| due <= now);
        if !is_due || !hidden.decide_draw(due, now, seed, events) {
            return Err(Reject::Unchanged);
        }
        Ok(())
    }

    pub(super) fn decide_due_close(
        &self,
        now: Timestamp,
        lot: LotId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let due = self.lot(lot)?;
        due.check_not_closed()?;
        let hidden = self.secret_of(lot);
        let halted = self.market.halted_since();
        let deadline = hidden.deadline(due, halted, now);
        if deadline.is_none_or(|deadline| now < deadline) {
            let closes_at = due.closes_at;
            return Err(Reject::NotDue { closes_at });
        }
        if let Some(day) = hidden.day(due) {
            let halted = lot::halt_of(due, halted);
            day.decide_due(self.funds(), now, halted, self.stock_price(due), events);
            return Ok(());
        }
        match hidden.decide_due(due, now, events) {
            Due::Close => self.settle(due, events),
            Due::Extended => {}
        }
        Ok(())
    }

    pub(super) fn decide_early_close(
        &self,
        now: Timestamp,
        lot: LotId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let closed = self.lot(lot)?;
        closed.check_not_closed()?;
        closed.check_begun()?;
        if let Some(day) = self.secret_of(lot).day(closed) {
            day.decide_early_close(self.funds(), now, self.stock_price(closed), events);
            return Ok(());
        }
        self.settle(closed, events);
        Ok(())
    }

    fn settle(&self, lot: &Lot, events: &mut Events) {
        let outcome = self.secret_of(lot.id).decide_close(lot, events);
        let lot = lot.id;
        events.push(Event::Public(PublicEvent::LotClosed { lot, outcome }));
    }

    pub(super) fn decide_cancel(&self, lot: LotId, events: &mut Events) -> Result<(), Reject> {
        let cancelled = self.lot(lot)?;
        cancelled.check_not_closed()?;
        let day = self.secret_of(lot).day(cancelled);
        if cancelled.bidders() > 0 || day.is_some_and(|day| !day.is_untouched()) {
            return Err(Reject::LotHasBids { lot });
        }
        self.secret_of(lot).open_end(cancelled, events);
        let outcome = Outcome::Unsold {
            because: UnsoldBecause::Cancelled,
            highest: None,
        };
        events.push(Event::Public(PublicEvent::LotClosed { lot, outcome }));
        Ok(())
    }

    pub(super) fn decide_halt(
        &self,
        now: Timestamp,
        lot: LotId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let halted = self.lot(lot)?;
        self.check_market_runs()?;
        match halted.check_runs(now) {
            Err(Reject::LotHalted { .. }) => return Err(Reject::Unchanged),
            checked => checked?,
        }
        events.push(Event::Public(PublicEvent::LotHalted { lot }));
        Ok(())
    }

    pub(super) fn decide_resumption(
        &self,
        now: Timestamp,
        lot: LotId,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let resumed = self.lot(lot)?;
        resumed.check_not_closed()?;
        self.check_market_runs()?;
        let halt = now.since(resumed.halted_since.ok_or(Reject::Unchanged)?);
        events.push(Event::Public(PublicEvent::LotResumed {
            lot,
            opened_at: resumed.opened_at.saturating_add(halt),
            closes_at: resumed.closes_at.saturating_add(halt),
        }));
        if let Some(day) = self.secret_of(lot).day(resumed) {
            day.decide_resumption(self.funds(), now, self.stock_price(resumed), events);
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn decide_offer(
        &self,
        now: Timestamp,
        actor: Actor,
        lot: LotId,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let bidder = self.require_trader(actor)?;
        self.check_market_runs()?;
        let hidden = lot.index().and_then(|index| self.hidden.get(index));
        let (lot, hidden) = self
            .market
            .lot(lot)
            .zip(hidden)
            .ok_or(Reject::UnknownLot { lot })?;
        lot::decide_offer(lot, hidden, now, bidder, offer, events)?;
        self.check_covers(lot, bidder, events)
    }

    pub(super) fn decide_order(
        &self,
        now: Timestamp,
        actor: Actor,
        lot: LotId,
        change: OrderChange,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let trader = self.require_trader(actor)?;
        let lot = self.lot(lot)?;
        let mut now = now;
        if let Some(since) = self.market.halted_since() {
            let OrderChange::Cancel { .. } = change else {
                return Err(Reject::MarketHalted { since });
            };
            // The clock of a halted market stands still.
            now = since;
        }
        let hidden = self.secret_of(lot.id);
        lot::decide_order(lot, hidden, now, trader, change, events)?;
        let is_first = hidden.call_orders_of(trader) == Some(0);
        if is_first && self.calls.count(trader) >= CALLS_PER_TRADER_MAX {
            return Err(Reject::full(Countable::CallsOfTrader, CALLS_PER_TRADER_MAX));
        }
        self.check_covers(lot, trader, events)
    }
}
