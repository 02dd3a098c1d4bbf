//! Records whose private parts the rules have opened.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::model::event::{BidAccepted, Event, PrivateEvent, PublicEvent};
use crate::model::record::Record;
use crate::{LotId, OrderId, Sequence, Terms, UserId};

/// Finds the records whose private parts the rules have opened, among whole records taken in order.
///
/// After the close of a lot: of sealed bids, the latest placing or replacement of each live one; on an English lot,
/// every beaten maximum. The random end of a call auction is opened with the end. Nothing else is ever opened: no
/// credential, no reserve, no order of a call auction, no bid that was withdrawn, no maximum that was raised before it
/// was beaten, and not the maximum of the last leader.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    english: BTreeMap<LotId, English>,
    sealed: BTreeMap<LotId, BTreeMap<(UserId, OrderId), Sequence>>,
    ends: BTreeMap<LotId, Sequence>,
}

#[derive(Clone, Debug, Default)]
struct English {
    /// The leader, and the record in which they set a maximum.
    leader: Option<(UserId, Option<Sequence>)>,
    beaten: Vec<Sequence>,
}

impl Opened {
    /// Applies the next record, and calls `open` with the sequence of each record that it opens, in no order.
    pub fn apply(&mut self, record: &Record, mut open: impl FnMut(Sequence)) {
        for event in &record.events {
            match event {
                Event::Public(event) => self.apply_public(event, &mut open),
                Event::Private(event) => self.apply_private(record.sequence, event),
            }
        }
    }

    fn apply_public(&mut self, event: &PublicEvent, open: &mut impl FnMut(Sequence)) {
        match event {
            PublicEvent::LotOpened(opened) => match &opened.terms {
                Terms::English(_) => {
                    self.english.insert(opened.lot, English::default());
                }
                Terms::Sealed(_) | Terms::Uniform(_) => {
                    self.sealed.insert(opened.lot, BTreeMap::new());
                }
                Terms::Dutch(_) | Terms::Call(_) | Terms::Day(_) => {}
            },
            PublicEvent::BidAccepted(BidAccepted {
                lot,
                bidder,
                amount: Some(_),
                leader,
                ..
            }) if bidder == leader => {
                if let Some(english) = self.english.get_mut(lot) {
                    english.lead(*bidder, None);
                }
            }
            PublicEvent::EndOpened { lot, .. } => {
                self.ends.remove(lot).into_iter().for_each(open);
            }
            PublicEvent::LotClosed { lot, .. } => {
                let beaten = self.english.remove(lot).map(|english| english.beaten);
                beaten.into_iter().flatten().for_each(&mut *open);
                let stood = self.sealed.remove(lot).map(BTreeMap::into_values);
                stood.into_iter().flatten().for_each(open);
            }
            _ => {}
        }
    }

    fn apply_private(&mut self, at: Sequence, event: &PrivateEvent) {
        match *event {
            PrivateEvent::MaximumSet {
                lot, bidder, leads, ..
            } => match self.english.get_mut(&lot) {
                Some(english) if leads => english.lead(bidder, Some(at)),
                Some(english) => english.beaten.push(at),
                None => {}
            },
            PrivateEvent::OrderPlaced {
                lot, trader, order, ..
            }
            | PrivateEvent::OrderReplaced {
                lot, trader, order, ..
            } => {
                if let Some(bids) = self.sealed.get_mut(&lot) {
                    bids.insert((trader, order), at);
                }
            }
            PrivateEvent::OrderCancelled { lot, trader, order } => {
                if let Some(bids) = self.sealed.get_mut(&lot) {
                    bids.remove(&(trader, order));
                }
            }
            PrivateEvent::EndDrawn { lot, .. } => {
                self.ends.insert(lot, at);
            }
            _ => {}
        }
    }
}

impl English {
    fn lead(&mut self, bidder: UserId, stated: Option<Sequence>) {
        if let Some((leader, Some(beaten))) = self.leader
            && leader != bidder
        {
            self.beaten.push(beaten);
        }
        self.leader = Some((bidder, stated));
    }
}
