//! The schedule: phases that begin and end, interruptions, halts and the close.

use auction_core::limits::SPAN_MAX_MICROS;

use super::{Answer, Call, Collar, Day, Event, HaltedBy, Kind, Order, Phase, Refusal, Tif, Why};

impl Day {
    /// Begins the first phase from here on whose end has not come.
    pub fn begin_from(&mut self, first: usize) {
        for index in first..self.terms.phases.len() {
            let kind = self.terms.phases[index].0;
            // A call that begins late keeps its length, other phases keep their end.
            let ends_at = match kind {
                Kind::Call => self.at + self.lengths[index],
                _ => self.times[index + 1],
            };
            if ends_at <= self.at {
                continue;
            }
            match kind {
                Kind::Call => {
                    let collar = self.terms.collar;
                    self.begin_call(Kind::Call, index, ends_at, collar, None);
                }
                // With no closing price there is no at-last phase.
                Kind::AtLast if self.last().is_none() => continue,
                _ => self.begin(kind, index, ends_at),
            }
            return;
        }
        self.close();
    }

    pub fn phase_ends(&mut self) {
        match self.phase.kind {
            Kind::Call | Kind::Volatility => {
                if self.call_ends(false) {
                    self.after_call();
                }
            }
            _ if self.resumes_by_call => self.hold_volatility_call(true, None),
            _ => self.begin_from(self.phase.index + 1),
        }
    }

    /// An opening call that is closed early is the closing call.
    pub fn close_early(&mut self) {
        self.halted = None;
        if self.phase.call.is_some() {
            self.call_ends(true);
        }
        self.close();
    }

    pub fn halt(&mut self, by: HaltedBy) {
        self.halted = Some((self.at, by));
        self.events.push(Event::Halted(by));
    }

    /// Ends a halt of the lot; `false`: it is not halted.
    pub fn resume(&mut self) -> bool {
        let Some((since, by)) = self.halted.take() else {
            return false;
        };
        self.shift(since);
        // Continuous trading resumes through a call.
        if self.phase.kind == Kind::Continuous {
            self.hold_volatility_call(by != HaltedBy::CrossedAtCollar, None);
        }
        true
    }

    /// Ends a halt of the whole market, which moves the times of lots that are not halted themselves.
    pub fn resume_all(&mut self) -> bool {
        let Some(since) = self.market_halted.take() else {
            return false;
        };
        if self.halted.is_none() && self.phase.kind != Kind::Closed {
            self.shift(since);
            self.resumes_by_call = self.phase.kind == Kind::Continuous;
        }
        true
    }

    /// Every later time moves by the halt, an `until` does not.
    fn shift(&mut self, since: u64) {
        let halt = self.at - since;
        for time in &mut self.times {
            if *time > since {
                *time += halt;
            }
        }
        self.phase.ends_at += halt;
        self.events.push(Event::Resumed(halt));
    }

    /// Moves the end of a phase that is not over: after now and the end of the phase before, before that of the one after.
    pub fn move_end(&mut self, index: usize, ends_at: u64) -> Answer {
        let phases = self.terms.phases.len();
        if index < self.phase.index || index >= phases {
            return Err(vec![Refusal::PhaseOver(self.phase.index, phases)]);
        }
        let mut after = self.at;
        if index > self.phase.index {
            after = after.max(self.times[index]);
        }
        // A call stays longer than its random end and its no-cancel window.
        let windows = self.terms.random_end + self.terms.no_cancel.unwrap_or(0);
        let is_call = |index: usize| self.terms.phases[index].0 == Kind::Call;
        if is_call(index) {
            let runs = index == self.phase.index;
            let times = self.times[index + 1];
            let ends_now = if runs { self.phase.ends_at } else { times };
            after = after.max(ends_now.min(after + windows));
        }
        let before = match self.times.get(index + 2) {
            Some(end) if is_call(index + 1) => end - windows,
            Some(end) => *end,
            None => self.at + SPAN_MAX_MICROS + 1,
        };
        if ends_at <= after || ends_at >= before {
            return Err(vec![Refusal::PhaseEnd(after, before)]);
        }
        if ends_at == self.times[index + 1] {
            return Err(vec![Refusal::Unchanged]);
        }
        self.set_end(index, ends_at);
        self.events.push(Event::Moved(index, ends_at));
        Ok(())
    }

    /// Moves the close of the lot, which is the end of the last phase, to a later time.
    pub fn extend_close(&mut self, closes_at: u64) -> Answer {
        if let Some((since, _)) = self.halted {
            return Err(vec![Refusal::LotHalted(since)]);
        }
        let last = self.terms.phases.len() - 1;
        let after = self.at.max(self.closes_at());
        if closes_at <= after {
            return Err(vec![Refusal::CloseNotLater(after)]);
        }
        self.set_end(last, closes_at);
        self.events.push(Event::Moved(last, closes_at));
        Ok(())
    }

    /// Time at which the lot closes, as far as it is known: a call can end after the schedule.
    pub fn closes_at(&self) -> u64 {
        let scheduled = *self.times.last().expect("a day closes");
        scheduled.max(self.phase.ends_at)
    }

    fn set_end(&mut self, index: usize, ends_at: u64) {
        let later = ends_at as i64 - self.times[index + 1] as i64;
        self.times[index + 1] = ends_at;
        self.lengths[index] = self.lengths[index].saturating_add_signed(later);
        if let Some(next) = self.lengths.get_mut(index + 1) {
            *next = next.saturating_add_signed(-later);
        }
        if index == self.phase.index && self.phase.kind != Kind::Volatility {
            self.phase.ends_at = ends_at;
            if let Some(call) = &mut self.phase.call {
                call.drawn = None;
            }
        }
    }

    /// Interrupts for an incoming order that would trade outside a corridor: its rest enters a call.
    pub fn interrupt(&mut self, rest: Order, price: u64) {
        let is_static = self.is_outside_static(price);
        self.events.push(Event::Interrupted { price, is_static });
        if self.interruptions < self.terms.interruptions_max {
            self.interruptions += 1;
            self.hold_volatility_call(true, Some(rest));
            return;
        }
        // No call takes it: what is left at market lapses, as ever in continuous trading.
        if rest.limit.is_some() {
            self.enter_unasked(rest);
        } else {
            self.events
                .push(Event::Lapsed(rest.id, rest.open, Why::Rest));
        }
        self.halt(HaltedBy::Interruptions);
    }

    pub fn is_closing_call(&self) -> bool {
        let is_call = |index: &usize| self.terms.phases[*index].0 == Kind::Call;
        let last = (0..self.terms.phases.len()).rfind(is_call);
        self.phase.kind == Kind::Call && Some(self.phase.index) == last
    }

    pub fn is_opening_call(&self) -> bool {
        let is_call = |index: &usize| self.terms.phases[*index].0 == Kind::Call;
        let first = (0..self.terms.phases.len()).find(is_call);
        self.phase.kind == Kind::Call && Some(self.phase.index) == first
    }

    /// A volatility call has a collar of doubled bounds; after crossing at a collar, none.
    fn hold_volatility_call(&mut self, is_collared: bool, rest: Option<Order>) {
        let collar = self.terms.collar.map(Collar::doubled);
        let collar = collar.filter(|_| is_collared);
        let ends_at = self.at + self.terms.volatility_length;
        self.begin_call(Kind::Volatility, self.phase.index, ends_at, collar, rest);
    }

    /// The rest of an interrupted order takes its place first, then parked orders by their last acceptance.
    fn begin_call(
        &mut self,
        kind: Kind,
        index: usize,
        ends_at: u64,
        collar: Option<Collar>,
        rest: Option<Order>,
    ) {
        let reference = self.reference_now();
        self.call_reference = reference;
        self.begin(kind, index, ends_at);
        self.phase.call = Some(Call {
            reference,
            collar,
            drawn: None,
            extensions: 0,
            market_extended: false,
        });
        if let Some(rest) = rest {
            self.enter_unasked(rest);
        }
        for order in self.parked() {
            if self.enters(&order) {
                let order = self.take_off(order.id);
                self.enter_unasked(order);
            }
        }
    }

    /// Returns true if a parked order is for the call that begins.
    fn enters(&self, order: &Order) -> bool {
        match order.tif {
            Tif::AtClose => self.is_closing_call(),
            Tif::AtOpen => self.is_opening_call(),
            _ => true,
        }
    }

    /// An order that enters without being asked again lapses if it could trade with an own one, or cannot be paid.
    fn enter_unasked(&mut self, mut order: Order) {
        order.place = Some(0);
        let why = if self.own_met(&order).is_some() {
            Why::SelfTrade
        } else if self.check_funds(&order, None).is_err() {
            Why::Funds
        } else {
            return self.rest(order);
        };
        self.events.push(Event::Lapsed(order.id, order.open, why));
    }

    /// After a volatility call the same continuous phase goes on, if its end has not come.
    fn after_call(&mut self) {
        let (kind, index) = (self.phase.kind, self.phase.index);
        if kind == Kind::Volatility && self.times[index + 1] > self.at {
            self.begin(Kind::Continuous, index, self.times[index + 1]);
        } else {
            self.begin_from(index + 1);
        }
    }

    /// Continuous trading does not begin with a crossed book: the lot is halted.
    fn begin(&mut self, kind: Kind, index: usize, ends_at: u64) {
        self.resumes_by_call = false;
        self.phase = Phase {
            kind,
            index,
            ends_at,
            call: None,
        };
        self.events.push(Event::Phase(kind, self.at, ends_at));
        if kind == Kind::Continuous && self.is_crossed() {
            self.halt(HaltedBy::CrossedAtCollar);
        }
    }

    pub fn close(&mut self) {
        for order in self.by_acceptance() {
            self.lapse(order.id, Why::Close);
        }
        self.phase.kind = Kind::Closed;
        self.phase.call = None;
        self.halted = None;
        self.events.push(Event::Closed(self.at));
    }
}
