//! Updates the audit's state with a record that has been judged.

use super::Audit;
use super::case::Case;
use super::day::{DayRecord, check_book, check_day_event};
use super::english::English;
use super::offers::Offers;
use super::sealed::Committed;
use super::verdict::Wrong;
use crate::engine::timers::Timers;
use crate::lot::LotSecret;
use crate::model::command::Terms;
use crate::model::event::{Event, LotOpened, PrivateEvent, PublicEvent};
use crate::{LotId, Sequence};
use alloc::collections::BTreeMap;

impl Audit {
    pub(super) fn apply(&mut self, case: &Case<'_>) -> Result<(), Wrong> {
        let mut days: BTreeMap<LotId, DayRecord> = BTreeMap::new();
        for event in case.events.iter().flatten() {
            let lot = event.lot();
            if let Some(lot) = lot
                && let Some(day) = DayRecord::of(&self.engine.market, lot)
            {
                let day = days.entry(lot).or_insert(day);
                check_day_event(&self.engine.market, day, case, self.engine.at, event)?;
                self.check_number(lot, day, event)?;
                day.seen(event);
            }
            let applied = self.engine.market.apply(case.at, event);
            applied.map_err(Wrong::DoesNotFit)?;
            if let Some(id) = lot {
                let after = self.due(id);
                self.timers.set(id, after);
            }
            match event {
                PublicEvent::LotOpened(opened) => self.lot_opened(opened),
                PublicEvent::BidAccepted(bid) => {
                    if let Some(hidden) = self.hidden(bid.lot) {
                        hidden.has_bid(bid.bidder);
                    }
                }
                PublicEvent::MarketHalted | PublicEvent::MarketResumed => self.restart_timers(),
                PublicEvent::LotClosed { lot, .. } => {
                    self.shown.remove(lot);
                    self.english.remove(lot);
                    self.sealed.remove(lot);
                }
                _ => {}
            }
        }
        for lot in days.keys() {
            check_book(&self.engine.market, *lot)?;
            self.forget_numbers(*lot);
        }
        for event in case.whole.into_iter().flatten() {
            if let Event::Private(event) = event {
                self.apply_opened(case.sequence, event);
            }
        }
        Ok(())
    }

    /// Sets all deadlines again: a halt of the market stops and moves them.
    fn restart_timers(&mut self) {
        self.timers = Timers::default();
        for index in 0..self.engine.market.lots().len() {
            let id = LotId::at_index(index);
            let due = self.due(id);
            self.timers.set(id, due);
        }
    }

    fn lot_opened(&mut self, opened: &LotOpened) {
        let lot = self
            .engine
            .market
            .lot(opened.lot)
            .expect("it has just opened");
        self.engine.hidden.push(LotSecret::opened(lot));
        match &opened.terms {
            Terms::English(terms) => {
                let offers = Offers::opened(lot, terms, opened.has_reserve);
                let english = English {
                    opened: Some(offers.clone()),
                    offers,
                    doubt: None,
                };
                self.english.insert(opened.lot, english);
            }
            Terms::Sealed(_) | Terms::Uniform(_) => {
                self.sealed.insert(opened.lot, BTreeMap::new());
            }
            Terms::Dutch(_) | Terms::Call(_) | Terms::Day(_) => {}
        }
    }

    /// Applies the private part of an event that was opened.
    fn apply_opened(&mut self, at: Sequence, event: &PrivateEvent) {
        let (lot, trader, order, quantity, price) = match *event {
            PrivateEvent::OrderPlaced {
                lot,
                trader,
                order,
                quantity,
                limit,
                ..
            }
            | PrivateEvent::OrderReplaced {
                lot,
                trader,
                order,
                quantity,
                limit,
            } => (lot, trader, order, quantity, limit),
            PrivateEvent::MaximumSet { lot, bidder, .. } => {
                if let Some(hidden) = self.hidden(lot) {
                    hidden.has_bid(bidder);
                }
                return;
            }
            _ => return,
        };
        if let Some(committed) = self.sealed.get_mut(&lot) {
            let bid = Committed {
                at,
                price,
                quantity,
            };
            committed.insert((trader, order), bid);
        }
    }
}
