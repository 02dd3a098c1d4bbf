//! The oracle: a day as a list of living orders and a schedule.
//!
//! Nothing is indexed and nothing looks ahead. Every command is tried on a copy of the whole day, and a refusal throws the
//! copy away.

mod words;
mod statistics;
mod money;
mod limits;
mod book;
mod calls;
mod phases;
mod trading;
mod entry;

use std::collections::{BTreeMap, BTreeSet};

pub use calls::Call;
pub use money::Account;
pub use words::{
    Collar, Command, Control, Draw, Event, Extension, HaltedBy, Id, Kind, LadderStep, Limit,
    Limits, NewOrder, NoPrice, Order, OwnOrder, Owner, Refusal, Side, Terms, Tif, Why,
};

/// All reasons for which a command may be refused: rules that are broken at once come in no order.
pub type Answer = Result<(), Vec<Refusal>>;

#[derive(Clone, Debug)]
pub struct Day {
    pub terms: Terms,
    pub at: u64,
    pub phase: Phase,
    /// Beginnings of the schedule's phases, then the close, as halts have moved them.
    pub times: Vec<u64>,
    /// Length of each phase, which a call that begins late keeps.
    pub lengths: Vec<u64>,
    /// Since when, and why.
    pub halted: Option<(u64, HaltedBy)>,
    /// Orders that are alive.
    pub orders: Vec<Order>,
    /// Number of orders accepted.
    pub accepted: Id,
    /// Number of ranks given, of acceptances and places.
    pub ranks: u64,
    /// Price and quantity of each trade; an uncross is one.
    pub trades: Vec<(u64, u64)>,
    /// Price of the last call that found one.
    pub call_price: Option<u64>,
    /// Reference of the last call that began.
    pub call_reference: u64,
    pub interruptions: u32,
    /// Number of random ends drawn.
    pub drawn: usize,
    /// The lot was cancelled without a trade or an order.
    pub is_cancelled: bool,
    pub suspended: BTreeSet<Owner>,
    pub accounts: BTreeMap<Owner, Account>,
    /// Shares bought less shares sold.
    pub positions: BTreeMap<Owner, i64>,
    /// Limits of single traders, and everybody's.
    pub limits: BTreeMap<Owner, Limits>,
    pub limits_of_all: Option<Limits>,
    /// Since when the whole market is halted.
    pub market_halted: Option<u64>,
    /// The market was resumed: continuous trading goes on through a call that is due at once.
    pub resumes_by_call: bool,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub kind: Kind,
    /// Its place in the schedule; of a volatility call, that of the continuous phase it interrupts.
    pub index: usize,
    pub ends_at: u64,
    pub call: Option<Call>,
}

/// A deadline. At one instant expiries come first, by acceptance, then the end of the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Draw,
    Expiry { accepted: u64, id: Id },
    End,
}

impl Day {
    pub fn open(terms: Terms) -> Self {
        let begins_at = terms.phases[0].1;
        let times = terms.phases.iter().map(|(_, begins_at)| *begins_at);
        let times: Vec<u64> = times.chain([terms.closes_at]).collect();
        let mut day = Self {
            at: begins_at,
            phase: Phase {
                kind: Kind::Closed,
                index: 0,
                ends_at: begins_at,
                call: None,
            },
            lengths: times.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            times,
            halted: None,
            orders: Vec::new(),
            accepted: 0,
            ranks: 0,
            trades: Vec::new(),
            call_price: None,
            call_reference: 0,
            interruptions: 0,
            drawn: 0,
            is_cancelled: false,
            suspended: BTreeSet::new(),
            accounts: BTreeMap::new(),
            positions: BTreeMap::new(),
            limits: BTreeMap::new(),
            limits_of_all: None,
            market_halted: None,
            resumes_by_call: false,
            events: Vec::new(),
            terms,
        };
        day.begin_from(0);
        day
    }

    /// Does all that is due until then.
    pub fn advance(&mut self, now: u64) {
        while let Some((at, due)) = self.due().filter(|(at, _)| *at <= now) {
            self.at = at;
            match due {
                Due::Draw => self.draw(),
                Due::Expiry { id, .. } => self.lapse(id, Why::Until),
                Due::End => self.phase_ends(),
            }
        }
        self.at = self.at.max(now);
    }

    /// Time of the next deadline.
    pub fn next_due(&self) -> Option<u64> {
        self.due().map(|(at, _)| at)
    }

    /// Executes a trader's command at the time to which the day has advanced.
    pub fn execute(&mut self, owner: Owner, command: Command) -> Answer {
        if self.suspended.contains(&owner) {
            return Err(vec![Refusal::Suspended]);
        }
        self.check_takes(matches!(command, Command::Cancel(_) | Command::CancelAll))?;
        let mut after = self.clone();
        match command {
            Command::Enter(new) => after.enter(owner, new)?,
            Command::Replace {
                id,
                quantity,
                limit,
                believed,
            } => after.replace(owner, id, quantity, limit, believed)?,
            Command::Cancel(id) => after.cancel(owner, id)?,
            Command::CancelAll => after.cancel_all(owner),
        }
        *self = after;
        Ok(())
    }

    /// Executes an auctioneer's command at the time to which the day has advanced.
    pub fn run(&mut self, command: Control) -> Answer {
        let is_closed = self.phase.kind == Kind::Closed;
        let changes = match command {
            Control::Suspend(owner) => self.suspend(owner),
            Control::Reinstate(owner) => self.suspended.remove(&owner),
            Control::Limit(owner, limits) => self.set_limits(owner, limits),
            Control::HaltAll if self.market_halted.is_some() => false,
            Control::HaltAll => {
                self.market_halted = Some(self.at);
                true
            }
            Control::ResumeAll => self.resume_all(),
            // Only the resumption of the market ends its halt.
            Control::Halt | Control::Resume if self.market_halted.is_some() => {
                let halted = self.market_halted.map(Refusal::MarketHalted);
                return Err(halted.into_iter().chain([Refusal::LotClosed]).collect());
            }
            _ if is_closed => return Err(vec![Refusal::LotClosed]),
            Control::Halt if self.halted.is_some() => false,
            Control::Halt => {
                self.halt(HaltedBy::Auctioneer);
                true
            }
            Control::Resume => self.resume(),
            Control::Close => {
                self.close_early();
                true
            }
            Control::CancelAllOf(owner) => {
                self.cancel_all(owner);
                true
            }
            Control::Move { index, ends_at } => return self.move_end(index, ends_at),
            Control::Extend(closes_at) => return self.extend_close(closes_at),
            Control::CancelLot if !self.orders.is_empty() || !self.trades.is_empty() => {
                return Err(vec![Refusal::LotHasBids]);
            }
            Control::CancelLot => {
                self.is_cancelled = true;
                self.close();
                true
            }
        };
        if changes {
            Ok(())
        } else {
            Err(vec![Refusal::Unchanged])
        }
    }

    /// Cancels all of a user's orders: only a suspension overrides the no-cancel window.
    fn suspend(&mut self, owner: Owner) -> bool {
        let is_new = self.suspended.insert(owner);
        for order in self.of_owner(owner).into_iter().filter(|_| is_new) {
            self.take_off(order.id);
            self.events.push(Event::Cancelled(order.id, order.open));
        }
        is_new
    }

    /// A halted lot takes cancels, a closed one nothing.
    fn check_takes(&self, also_halted: bool) -> Answer {
        if self.phase.kind == Kind::Closed {
            return Err(vec![Refusal::LotClosed]);
        }
        let mut reasons = Vec::new();
        reasons.extend(self.halted.map(|(since, _)| Refusal::LotHalted(since)));
        reasons.extend(self.market_halted.map(Refusal::MarketHalted));
        if also_halted || reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons)
        }
    }

    /// Since when the lot's time stands still.
    pub fn stands_since(&self) -> Option<u64> {
        let halted = self.halted.map(|(since, _)| since);
        halted.into_iter().chain(self.market_halted).min()
    }

    /// The next deadline: of an instant's, the first.
    fn due(&self) -> Option<(u64, Due)> {
        if self.phase.kind == Kind::Closed {
            return None;
        }
        let mut due: Vec<(u64, Due)> = Vec::new();
        for order in &self.orders {
            let Tif::Until(until) = order.tif else {
                continue;
            };
            // What waited in a no-cancel window is late.
            let at = until.max(self.at);
            if self.can_be_cancelled(order, at) {
                let Order { accepted, id, .. } = *order;
                due.push((at, Due::Expiry { accepted, id }));
            }
        }
        // A halted phase does not end, but an `until` passes.
        if self.stands_since().is_none() {
            due.push(match self.draws_at() {
                Some(draws_at) => (draws_at.max(self.at), Due::Draw),
                None if self.resumes_by_call => (self.at, Due::End),
                None => (self.really_ends_at().max(self.at), Due::End),
            });
        }
        due.into_iter().min()
    }

    fn rank(&mut self) -> u64 {
        self.ranks += 1;
        self.ranks
    }
}
