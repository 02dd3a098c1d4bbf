//! Updates the audit's state with a record that has been judged.

use super::Audit;
use super::case::Case;
use super::english::English;
use super::offers::Offers;
use super::sealed::Committed;
use crate::Sequence;
use crate::lot::LotSecret;
use crate::market::FoldError;
use crate::model::command::Terms;
use crate::model::event::{Event, LotOpened, PrivateEvent, PublicEvent};
use alloc::collections::BTreeMap;

impl Audit {
    pub(super) fn apply(&mut self, case: &Case<'_>) -> Result<(), FoldError> {
        for event in case.events.iter().flatten() {
            let lot = event.lot();
            let before = lot.and_then(|lot| self.due(lot));
            self.engine.market.apply(case.at, event)?;
            if let Some(id) = lot {
                let after = self.due(id);
                if let Some(before) = before {
                    self.timers.clear(before, id);
                }
                if let Some(after) = after {
                    self.timers.set(after, id);
                }
            }
            match event {
                PublicEvent::LotOpened(opened) => self.lot_opened(opened),
                PublicEvent::BidAccepted(bid) => {
                    if let Some(hidden) = self.hidden(bid.lot) {
                        hidden.has_bid(bid.bidder);
                    }
                }
                PublicEvent::LotClosed { lot, .. } => {
                    self.english.remove(lot);
                    self.sealed.remove(lot);
                }
                _ => {}
            }
        }
        for event in case.whole.into_iter().flatten() {
            if let Event::Private(event) = event {
                self.apply_opened(case.sequence, event);
            }
        }
        Ok(())
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
