//! Public part of a trading day: a fold of its public events.

use alloc::vec::Vec;

use super::shown::{ShownOrder, ShownOrders};
use crate::clearing::call::Collar;
use crate::model::day::{DayHaltCause, DayPhase, DayStatistics, DayTerms};
use crate::model::event::{ExtensionCause, Outcome, PhaseBegan, PublicEvent};
use crate::{EndCommitment, LotId, Price, Quantity, Span, Timestamp};

/// Public state of a trading day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DayBook {
    /// The running phase; `None`: the day has not begun, or the lot has closed.
    pub phase: Option<DayPhase>,
    /// End of the running phase, as far as it is known.
    pub phase_ends_at: Timestamp,
    /// Position in the schedule, from 0, of the running phase or of the one that a volatility call interrupts.
    pub phase_index: u8,
    /// End of each phase of the schedule, moved by halts and by command; empty before the day begins.
    pub ends: Vec<Timestamp>,
    /// Length of each phase of the schedule, which a call that begins late keeps; empty before the day begins.
    pub lengths: Vec<Span>,
    /// In a call the reference of its price; in continuous trading the centre of the static corridor; at last the closing
    /// price.
    pub reference: Option<Price>,
    /// Collar of the running call.
    pub collar: Option<Collar>,
    /// Number of traders with an order in the running call; zero in other phases.
    pub traders: u32,
    /// Number of extensions of the running call by a price outside its collar.
    pub extensions: u32,
    /// True if the running call has been extended because market orders would have stayed unfilled.
    pub market_extended: bool,
    /// Commitment to the random end of the running call, from its draw until it is opened.
    pub end: Option<EndCommitment>,
    /// Reason why the lot halted without a command, until it is resumed.
    pub halt: Option<DayHaltCause>,
    /// True from the resumption of the market until the volatility call through which continuous trading goes on.
    pub resumes_by_call: bool,
    /// Number of volatility calls by interruptions so far.
    pub interruptions: u32,
    /// Price of the last call in which anything traded.
    pub last_call: Option<Price>,
    /// The last public number of an order.
    pub last_number: u64,
    /// Trades so far.
    pub statistics: DayStatistics,
    /// The orders that everyone sees.
    pub orders: ShownOrders,
}

impl DayBook {
    /// Returns true if the running phase is the closing call.
    #[must_use]
    pub fn is_closing_call(&self, terms: &DayTerms) -> bool {
        let last = terms
            .phases
            .iter()
            .rposition(|of| of.phase == DayPhase::Call);
        self.phase == Some(DayPhase::Call) && last == Some(usize::from(self.phase_index))
    }

    /// Returns true if the running phase is the opening call.
    #[must_use]
    pub fn is_opening_call(&self, terms: &DayTerms) -> bool {
        let first = terms
            .phases
            .iter()
            .position(|of| of.phase == DayPhase::Call);
        self.phase == Some(DayPhase::Call) && first == Some(usize::from(self.phase_index))
    }

    /// Fixes the ends of all phases of a day that begins.
    pub(crate) fn begin(&mut self, terms: &DayTerms, opened_at: Timestamp, closes_at: Timestamp) {
        let begins = terms.phases.iter().skip(1);
        let ends = begins.map(|next| opened_at.saturating_add(next.begins_after));
        self.ends = ends.chain([closes_at]).collect();
        let mut begins = opened_at;
        self.lengths = Vec::new();
        for end in &self.ends {
            self.lengths.push(end.since(begins));
            begins = *end;
        }
    }

    /// Moves all times that have not come by the duration of a halt.
    pub(crate) fn shift(&mut self, since: Timestamp, halt: Span) {
        for end in self.ends.iter_mut().filter(|end| **end > since) {
            *end = end.saturating_add(halt);
        }
        if self.phase.is_some() {
            self.phase_ends_at = self.phase_ends_at.saturating_add(halt);
        }
    }

    /// Applies a public event of a trading day; `false`: it does not fit.
    #[must_use]
    pub(crate) fn apply(&mut self, lot: LotId, event: &PublicEvent) -> bool {
        match *event {
            PublicEvent::PhaseBegan(PhaseBegan {
                phase,
                index,
                ends_at,
                reference,
                collar,
                ..
            }) => self.phase_began(phase, index, ends_at, reference, collar),
            PublicEvent::PhaseExtended { ends_at, cause, .. } => {
                self.end.is_none() && self.extended(ends_at, cause)
            }
            PublicEvent::PhaseMoved { phase, ends_at, .. } => {
                let index = usize::from(phase);
                let Some(end) = self.ends.get_mut(index) else {
                    return false;
                };
                let before = core::mem::replace(end, ends_at);
                self.lengthen(index, before, ends_at);
                if phase == self.phase_index && self.phase != Some(DayPhase::Volatility) {
                    self.phase_ends_at = ends_at;
                }
                true
            }
            PublicEvent::CallUncrossed { outcome, trade, .. } => {
                self.phase.is_some_and(DayPhase::is_call) && self.uncrossed(&outcome, trade)
            }
            PublicEvent::OrderShown {
                number,
                side,
                price,
                open,
                ..
            } => {
                let order = ShownOrder {
                    number,
                    side,
                    price,
                    open,
                };
                let may_be = 1..=self.last_number + 1;
                if !self.shows_orders() || !may_be.contains(&number) {
                    return false;
                }
                self.last_number = self.last_number.max(number);
                self.orders.show(order)
            }
            PublicEvent::OrderReduced { number, open, .. } => self.reduced(number, open),
            PublicEvent::OrderGone { number, .. } => self.orders.remove(number),
            PublicEvent::Traded {
                number,
                price,
                quantity,
                resting,
                aggressor,
                ..
            } => {
                if !self.shows_orders() || number != self.statistics.trades + 1 {
                    return false;
                }
                let traded = self.orders.reduce(resting, quantity.get());
                self.statistics.traded(price, quantity.get());
                traded
                    .is_some_and(|order| order.price == price && order.side == aggressor.opposite())
            }
            PublicEvent::Interrupted { .. } => {
                self.interruptions += 1;
                self.phase == Some(DayPhase::Continuous)
            }
            PublicEvent::DayHalted { cause, .. } => {
                if cause == DayHaltCause::Interruptions {
                    // The one too many holds no call.
                    self.interruptions = self.interruptions.saturating_sub(1);
                }
                self.halt.replace(cause).is_none()
            }
            PublicEvent::EndCommitted { commitment, .. } => {
                self.phase.is_some_and(DayPhase::is_call) && self.end.replace(commitment).is_none()
            }
            PublicEvent::EndOpened { end, .. } => self.end.take() == Some(end.commitment(lot)),
            _ => false,
        }
    }

    /// Applies the close of the lot.
    pub(crate) fn closed(&mut self, close: Option<Price>) {
        self.phase = None;
        self.statistics.close = close;
        self.traders = 0;
        self.orders.clear();
    }

    /// Returns true in the phases in which everyone sees the orders.
    #[must_use]
    pub fn shows_orders(&self) -> bool {
        matches!(self.phase, Some(DayPhase::Continuous | DayPhase::AtLast))
    }

    fn phase_began(
        &mut self,
        phase: DayPhase,
        index: u8,
        ends_at: Timestamp,
        reference: Price,
        collar: Option<Collar>,
    ) -> bool {
        let falls = index < self.phase_index;
        self.phase = Some(phase);
        self.phase_index = index;
        self.phase_ends_at = ends_at;
        self.reference = Some(reference).filter(|price| *price > Price::ZERO);
        self.collar = collar;
        self.traders = 0;
        self.extensions = 0;
        self.market_extended = false;
        self.resumes_by_call = false;
        self.orders.clear();
        if phase == DayPhase::AtLast {
            self.statistics.close = self.reference;
        }
        !falls && self.end.is_none() && usize::from(index) < self.ends.len()
    }

    /// A phase whose end moves gets longer, and the next one shorter, or the other way round.
    fn lengthen(&mut self, index: usize, before: Timestamp, after: Timestamp) {
        let (longer, shorter) = (after.since(before), before.since(after));
        let changed = |length: Span, more: Span, less: Span| {
            let micros = length.micros() + more.micros();
            Span::from_micros(micros.saturating_sub(less.micros())).unwrap_or(length)
        };
        if let Some(length) = self.lengths.get_mut(index) {
            *length = changed(*length, longer, shorter);
        }
        if let Some(length) = self.lengths.get_mut(index + 1) {
            *length = changed(*length, shorter, longer);
        }
    }

    fn extended(&mut self, ends_at: Timestamp, cause: ExtensionCause) -> bool {
        self.phase_ends_at = ends_at;
        match cause {
            ExtensionCause::Volatility => self.extensions += 1,
            ExtensionCause::MarketOrders => self.market_extended = true,
            ExtensionCause::SoftClose | ExtensionCause::Ordered => return false,
        }
        self.phase.is_some_and(DayPhase::is_call)
    }

    fn uncrossed(&mut self, outcome: &Outcome, trade: Option<u64>) -> bool {
        match *outcome {
            Outcome::Crossed { price, volume, .. } => {
                self.last_call = Some(price);
                self.statistics.traded(price, volume);
                trade == Some(self.statistics.trades)
            }
            Outcome::NoCross { .. } => trade.is_none(),
            _ => false,
        }
    }

    fn reduced(&mut self, number: u64, open: Quantity) -> bool {
        let Some(before) = self.orders.get(number) else {
            return false;
        };
        let Some(lost) = before.open.get().checked_sub(open.get()) else {
            return false;
        };
        lost > 0 && self.orders.reduce(number, lost).is_some()
    }
}
