//! The trading day: calls and continuous trading in one order book, which lives through a schedule of phases.
//!
//! Everyone sees the orders of continuous trading by public numbers, and never whose they are; the hidden part knows
//! traders and parked orders. An order is decided against the book without changing it; a change of phase is drafted on
//! a copy of the lot.

mod numbers;
mod shown;
mod book;
mod schedule;
mod live;
mod order_forms;
mod secret;
mod parts;
mod funds;
mod draft;
mod entry;

pub use book::DayBook;
pub use shown::{ShownLevel, ShownOrder, ShownOrders, ShownTotals};

pub(crate) use entry::{Entering, Replacing};
pub(crate) use funds::Funds;
pub(super) use schedule::check_terms;
pub(crate) use schedule::doubled;
pub(super) use secret::DaySecret;

use alloc::vec::Vec;

use super::format::{Due, FormatRules, OrderChange, ReservationChange};
use super::{Lot, OwnOrder, WinningThreshold};
use crate::account::ledger::Reservation;
use crate::limits::SPAN_MAX_MICROS;
use crate::model::day::{DayHaltCause, DayPhase, DayTerms, LapseReason, OwnDayOrder};
use crate::model::event::{Event, Events, LotOpened, Outcome, PrivateEvent, PublicEvent};
use crate::{OrderId, Price, RandomEnd, Reject, Seed, Span, Timestamp, UserId};
use draft::Draft;
use live::{Entry, Id, Place};

/// Input of a decision.
pub(crate) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) terms: &'a DayTerms,
    pub(super) day: &'a DayBook,
    pub(super) hidden: &'a DaySecret,
}

/// Decides the phase with which a lot begins that is opened now.
pub(crate) fn decide_opening(
    opened: &LotOpened,
    now: Timestamp,
    stock_price: Price,
    events: &mut Events,
) {
    let lot = Lot::opened(opened, now);
    let hidden = DaySecret::default();
    let mut draft = Draft::of(&lot, &hidden, Funds::of(None), now, stock_price, events);
    draft.begin_from(0);
}

impl State<'_> {
    fn draft<'d>(
        &self,
        funds: Funds<'d>,
        now: Timestamp,
        stock_price: Price,
        events: &'d mut Events,
    ) -> Draft<'d> {
        Draft::of(self.lot, self.hidden, funds, now, stock_price, events)
    }

    /// Decides the phase with which a scheduled lot begins.
    pub(crate) fn decide_beginning(
        &self,
        funds: Funds<'_>,
        now: Timestamp,
        stock_price: Price,
        events: &mut Events,
    ) {
        self.draft(funds, now, stock_price, events).begin_from(0);
    }

    /// Returns the next deadline; `halted` is the start of a halt of the lot or of the market.
    pub(crate) fn deadline(&self, halted: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let expiry = self
            .hidden
            .first_expiry(|until| self.expires(until.max(now), halted));
        let phase = match halted {
            Some(_) => None,
            // At once.
            None if self.day.resumes_by_call => Some(Timestamp::default()),
            None => Some(self.draws_at().unwrap_or_else(|| self.phase_ends_at())),
        };
        expiry.into_iter().chain(phase).min()
    }

    /// Returns true if the next thing due is the draw of a random end.
    pub(crate) fn is_to_be_drawn(&self, halted: Option<Timestamp>, now: Timestamp) -> bool {
        halted.is_none()
            && !self.day.resumes_by_call
            && self.draws_at().is_some()
            && self.draws_at() == self.deadline(halted, now)
    }

    /// Decides what is due: an expiry, a call through which a resumed market goes on, or the end of a phase.
    pub(crate) fn decide_due(
        &self,
        funds: Funds<'_>,
        now: Timestamp,
        halted: Option<Timestamp>,
        stock_price: Price,
        events: &mut Events,
    ) {
        if let Some(id) = self
            .hidden
            .expired(now, |until| self.expires(until.max(now), halted))
        {
            let entry = self.hidden.find(id.0, id.1).expect("it is live");
            return self.lapse(id, entry, LapseReason::Until, events);
        }
        let mut draft = self.draft(funds, now, stock_price, events);
        if self.day.resumes_by_call {
            draft.resume(true);
        } else {
            draft.end_phase();
        }
    }

    pub(crate) fn decide_early_close(
        &self,
        funds: Funds<'_>,
        now: Timestamp,
        stock_price: Price,
        events: &mut Events,
    ) {
        self.draft(funds, now, stock_price, events).close_early();
    }

    /// Decides how a halted day goes on, after the event that resumes it: continuous trading through a call.
    pub(crate) fn decide_resumption(
        &self,
        funds: Funds<'_>,
        now: Timestamp,
        stock_price: Price,
        events: &mut Events,
    ) {
        if self.day.phase == Some(DayPhase::Continuous) {
            let is_collared = self.day.halt != Some(DayHaltCause::CrossedAtCollar);
            let mut draft = self.draft(funds, now, stock_price, events);
            draft.resume(is_collared);
        }
    }

    /// Decides a move of the end of a phase, counted from 0. No call is made shorter than its windows.
    pub(crate) fn decide_move(
        &self,
        now: Timestamp,
        phase: u8,
        ends_at: Timestamp,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let (day, index) = (self.day, usize::from(phase));
        let (first, phases) = (day.phase_index, day.ends.len() as u8);
        if phase < first || phase >= phases {
            return Err(Reject::PhaseOver { first, phases });
        }
        let after = match phase == first {
            true => now,
            false => now.max(day.ends[index - 1]),
        };
        let latest =
            [SPAN_MAX_MICROS, 1].map(|micros| Span::from_micros(micros).unwrap_or_default());
        let latest = now.saturating_add(latest[0]).saturating_add(latest[1]);
        // An end that comes later shortens nothing.
        let ends_now = match phase == first && day.phase == Some(DayPhase::Call) {
            true => day.phase_ends_at,
            false => day.ends[index],
        };
        let shortest = after.saturating_add(self.windows_of(index));
        let after = after.max(shortest.min(ends_now));
        let next = day.ends.get(index + 1);
        let before = next.map(|end| end.saturating_sub(self.windows_of(index + 1)));
        let before = before.unwrap_or(latest);
        if ends_at <= after || ends_at >= before {
            return Err(Reject::PhaseEnd { after, before });
        }
        if ends_at == day.ends[index] {
            return Err(Reject::Unchanged);
        }
        let runs = phase == first && day.phase != Some(DayPhase::Volatility);
        if runs {
            self.open_end(events);
        }
        let lot = self.lot.id;
        events.push(Event::Public(PublicEvent::PhaseMoved {
            lot,
            phase,
            ends_at,
        }));
        Ok(())
    }

    /// Time of the windows of a phase of the schedule, than which it must stay longer.
    fn windows_of(&self, index: usize) -> Span {
        let is_call = self.terms.phases[index].phase == DayPhase::Call;
        let windows = is_call.then(|| schedule::windows(&self.terms.call));
        // Two spans that are shorter than a phase.
        Span::from_micros(windows.unwrap_or_default()).expect("windows are a span")
    }

    /// Cancels a trader's orders that can be cancelled, and names the others. Returns how many of each.
    pub(crate) fn decide_cancel_all(
        &self,
        now: Timestamp,
        trader: UserId,
        events: &mut Events,
    ) -> (u32, u32) {
        let lot = self.lot.id;
        let mut own: Vec<_> = self.hidden.of(trader).collect();
        own.sort_unstable_by_key(|(_, entry)| entry.accepted);
        let (mut cancelled, mut kept, mut called) = (0, 0, 0);
        for (order, entry) in own {
            if self.no_cancel_since(now, entry).is_some() {
                kept += 1;
                events.push(Event::Private(PrivateEvent::OrderKept {
                    lot,
                    trader,
                    order,
                }));
                continue;
            }
            cancelled += 1;
            called += u32::from(entry.is_in_call());
            let gone = PrivateEvent::OrderCancelled { lot, trader, order };
            events.push(Event::Private(gone));
            self.gone(entry, events);
        }
        self.count_after_leaving(trader, called, events);
        (cancelled, kept)
    }

    /// Returns a trader's live orders, by number.
    pub(crate) fn own_orders(&self, trader: UserId) -> Vec<OwnDayOrder> {
        let own = self.hidden.of(trader);
        own.map(|(order, entry)| entry.own(order)).collect()
    }

    /// Calls `take` with every live order and its trader.
    pub(crate) fn each_own_order(&self, take: &mut impl FnMut(UserId, OwnDayOrder)) {
        for ((trader, order), entry) in self.hidden.iter() {
            take(trader, entry.own(order));
        }
    }

    /// Returns true if the lot has had no trade and has no order.
    pub(crate) fn is_untouched(&self) -> bool {
        self.hidden.len() == 0 && self.day.statistics.trades == 0
    }

    /// Position of the last phase, once the day has begun.
    pub(crate) fn last_phase(&self) -> Option<u8> {
        let last = self.day.ends.len().checked_sub(1)?;
        u8::try_from(last).ok()
    }

    fn random_end(&self) -> Span {
        match self.day.phase {
            Some(DayPhase::Call) => self.terms.call.random_end,
            Some(DayPhase::Volatility) => self.terms.volatility_random_end,
            _ => Span::ZERO,
        }
    }

    /// Time at which the random end of the running call is to be drawn; `None`: it has none, or is drawn.
    fn draws_at(&self) -> Option<Timestamp> {
        let random_end = self.random_end();
        let undrawn = random_end > Span::ZERO && self.hidden.end().is_none();
        undrawn.then(|| self.day.phase_ends_at.saturating_sub(random_end))
    }

    /// Time at which the running phase ends.
    fn phase_ends_at(&self) -> Timestamp {
        let before = self.hidden.end().map(|end| end.before_close);
        self.day
            .phase_ends_at
            .saturating_sub(before.unwrap_or_default())
    }

    /// Start of the no-cancel window of the running call.
    fn no_cancel_from(&self) -> Option<Timestamp> {
        let window = self.terms.call.no_cancel?;
        let random_end = self.terms.call.random_end;
        let ends_at = self.day.phase_ends_at;
        let runs = self.day.phase == Some(DayPhase::Call);
        runs.then(|| ends_at.saturating_sub(random_end).saturating_sub(window))
    }

    /// Start of the no-cancel window, if it binds an order now. `now` stands still while the lot is halted.
    fn no_cancel_since(&self, now: Timestamp, entry: &Entry) -> Option<Timestamp> {
        let binds = entry.place != Place::Parked;
        self.no_cancel_from().filter(|since| binds && now >= *since)
    }

    /// Returns true if an order in the book could be cancelled at a time, and so expires.
    fn expires(&self, then: Timestamp, halted: Option<Timestamp>) -> bool {
        let then = halted.unwrap_or(then);
        self.no_cancel_from().is_none_or(|since| then < since)
    }

    /// Lets an order lapse that nothing else touches.
    fn lapse(&self, (trader, order): Id, entry: &Entry, because: LapseReason, events: &mut Events) {
        let lot = self.lot.id;
        events.push(Event::Private(PrivateEvent::DayOrderLapsed {
            lot,
            trader,
            order,
            quantity: entry.content.quantity,
            because,
        }));
        self.gone(entry, events);
        self.count_after_leaving(trader, u32::from(entry.is_in_call()), events);
    }

    /// Tells everyone that an order left, if everyone saw it.
    fn gone(&self, entry: &Entry, events: &mut Events) {
        if let Some(number) = self.hidden.shown_number(entry) {
            let lot = self.lot.id;
            events.push(Event::Public(PublicEvent::OrderGone { lot, number }));
        }
    }

    /// Counts the traders of a call after so many of a trader's orders leave it.
    fn count_after_leaving(&self, trader: UserId, leaving: u32, events: &mut Events) {
        if let Some(call) = self.hidden.call()
            && leaving > 0
            && call.count_of(trader) == leaving as usize
        {
            events.push(self.counted(call.trader_count() - 1));
        }
    }

    fn counted(&self, traders: usize) -> Event {
        let (lot, bidders) = (self.lot.id, traders as u32);
        Event::Public(PublicEvent::BiddersCounted { lot, bidders })
    }
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
        let lot = self.lot.id;
        let OrderChange::Cancel { order } = change else {
            return Err(Reject::TakesDayOrders { lot });
        };
        let now = self.lot.halted_since.unwrap_or(now);
        let known = self.hidden.find(trader, order);
        let entry = known.ok_or(Reject::UnknownOrder { order })?;
        if let Some(since) = self.no_cancel_since(now, entry) {
            return Err(Reject::NoCancelNow { since });
        }
        let cancelled = PrivateEvent::OrderCancelled { lot, trader, order };
        events.push(Event::Private(cancelled));
        self.gone(entry, events);
        self.count_after_leaving(trader, u32::from(entry.is_in_call()), events);
        Ok(())
    }

    fn decide_withdrawal(&self, trader: UserId, events: &mut Events) {
        let mut own = self.hidden.of(trader).peekable();
        if own.peek().is_none() {
            return;
        }
        let lot = self.lot.id;
        let withdrawn = PrivateEvent::OrdersWithdrawn { lot, trader };
        events.push(Event::Private(withdrawn));
        let mut called = 0;
        for (_, entry) in own {
            self.gone(entry, events);
            called += u32::from(entry.is_in_call());
        }
        self.count_after_leaving(trader, called, events);
    }

    fn decide_draw(&self, now: Timestamp, seed: Seed, events: &mut Events) -> bool {
        if self.draws_at().is_none() {
            return false;
        }
        let lot = self.lot.id;
        // After an outage the draw can be late: then fewer ends are left to choose from.
        let longest = self.day.phase_ends_at.since(now).min(self.random_end());
        let end = RandomEnd::drawn(seed, longest);
        events.push(Event::Private(PrivateEvent::EndDrawn { lot, end }));
        let commitment = end.commitment(lot);
        events.push(Event::Public(PublicEvent::EndCommitted { lot, commitment }));
        true
    }

    /// The engine decides the deadlines of a day with its accounts.
    fn decide_due(&self, _now: Timestamp, _events: &mut Events) -> Due {
        unreachable!("a day is decided with its accounts")
    }

    fn open_end(&self, events: &mut Events) {
        if let Some(end) = self.hidden.end() {
            let lot = self.lot.id;
            events.push(Event::Public(PublicEvent::EndOpened { lot, end }));
        }
    }

    /// The engine decides the close of a day with its accounts.
    fn decide_close(&self, _events: &mut Events) -> Outcome {
        unreachable!("a day is decided with its accounts")
    }

    fn orders_of(&self, trader: UserId) -> Vec<OwnOrder> {
        let own = self.hidden.of(trader).map(|(order, entry)| OwnOrder {
            order,
            side: entry.content.side,
            quantity: entry.content.quantity,
            limit: entry.content.limit,
            state: super::OrderState::Live,
        });
        own.collect()
    }

    fn winning_threshold(&self, _trader: UserId, _closed_at: Timestamp) -> WinningThreshold {
        WinningThreshold::Nothing
    }

    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange)) {
        self.hidden.each_reservation_change(self.lot, event, each);
    }

    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation)) {
        self.hidden.each_reservation(self.lot, each);
    }
}

impl State<'_> {
    /// Side of a live order.
    pub(crate) fn side_of(&self, trader: UserId, order: OrderId) -> Option<crate::Side> {
        let entry = self.hidden.find(trader, order)?;
        Some(entry.content.side)
    }
}
