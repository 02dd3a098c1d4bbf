//! Sealed bids and hidden orders: their traders are counted while the bids are sealed; opened bids must be those that
//! were committed to.

use super::Audit;
use super::case::Case;
use super::verdict::{Held, Judged, Wrong};
use crate::lot::{Book, Lot, Phase};
use crate::model::command::Terms;
use crate::model::event::{Event, OpenedBid, Outcome, PrivateEvent, PublicEvent, UnsoldBecause};
use crate::{Actor, Command, LotId, OrderId, Price, Quantity, Sequence, Timestamp};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

/// A sealed bid, as the commitment in a record describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Committed {
    pub(super) at: Sequence,
    pub(super) price: Option<Price>,
    pub(super) quantity: Quantity,
}

impl Audit {
    /// Judges a count of traders with sealed bids or orders on a lot: one more, or one less.
    pub(super) fn judge_count(&self, at: Timestamp, lot: LotId, bidders: u32) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotHidden)?;
        if !matches!(
            lot.terms,
            Terms::Sealed(_) | Terms::Uniform(_) | Terms::Call(_)
        ) {
            return Err(Wrong::NotHidden);
        }
        let checked = if bidders > lot.bidders() {
            lot.check_open(at)
        } else {
            lot.check_takes_cancels(at)
        };
        checked.map_err(Wrong::Refused)?;
        match bidders.abs_diff(lot.bidders()) {
            1 => Ok(()),
            _ => Err(Wrong::OtherBidders {
                counted: lot.bidders(),
                found: bidders,
            }),
        }
    }

    /// Judges the withdrawal of a suspended trader's orders.
    pub(super) fn judge_withdrawal(&self, lot: LotId, bidders: u32) -> Result<(), Wrong> {
        let lot = self.market().lot(lot).ok_or(Wrong::NotHidden)?;
        if !matches!(lot.terms, Terms::Call(_)) || lot.phase != Phase::Open {
            return Err(Wrong::NotHidden);
        }
        match lot.bidders().checked_sub(1) == Some(bidders) {
            true => Ok(()),
            false => Err(Wrong::OtherBidders {
                counted: lot.bidders(),
                found: bidders,
            }),
        }
    }

    /// Assumes the sealed bids of a trader, as far as a change of one of them shows.
    pub(super) fn assume_own_orders(
        &mut self,
        case: &Case<'_>,
        lot: LotId,
        actor: Actor,
        command: &Command,
    ) {
        let Actor::User(trader) = actor else {
            return;
        };
        let bidders = self.market().lot(lot).map_or(0, Lot::bidders);
        let is_first = case
            .events
            .iter()
            .flatten()
            .any(|event| matches!(event, PublicEvent::BiddersCounted { .. }));
        let placed = case
            .whole
            .into_iter()
            .flatten()
            .find_map(|event| match event {
                Event::Private(PrivateEvent::OrderPlaced { order, .. }) => Some(*order),
                _ => None,
            });
        let (numbers, live) = match command {
            Command::ReplaceOrder { order, .. } => (order.0, vec![*order]),
            _ => {
                let before = placed.map_or(0, |order| order.0.saturating_sub(1));
                let others = vec![OrderId(before); usize::from(!is_first)];
                (before, others)
            }
        };
        if let Some(hidden) = self.hidden(lot) {
            hidden.assume_orders(bidders, trader, numbers, &live);
        }
    }

    /// Judges the opening of sealed bids: they must be those that were committed to, and clear as recorded.
    pub(super) fn judge_opening_of_bids(
        &mut self,
        case: &Case<'_>,
        id: LotId,
    ) -> Result<Judged, Wrong> {
        let opened: Vec<OpenedBid> = case
            .events
            .iter()
            .flatten()
            .filter_map(|event| match event {
                PublicEvent::BidsOpened { bids, .. } => Some(bids.as_slice()),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        self.check_committed(id, &opened)?;
        let lot = self.engine.market.lot(id).ok_or(Wrong::NotHidden)?;
        let has_reserve = match &lot.book {
            Book::Sealed(book) => book.has_reserve,
            Book::Uniform(book) => book.has_reserve,
            _ => false,
        };
        let candidates = match has_reserve {
            false => vec![None],
            true => reserves(case, lot),
        };
        if let Some(hidden) = self.hidden(id) {
            hidden.assume_opened(&opened);
        }
        let mut first = Ok(());
        for (index, reserve) in candidates.into_iter().enumerate() {
            if let Some(hidden) = self.hidden(id) {
                hidden.assume_reserve(reserve);
            }
            let decided = self.decide_as_asked(case);
            if decided.is_ok() {
                return Ok(match has_reserve {
                    true => Judged::Allowed(Held::Reserve),
                    false => Judged::Decided,
                });
            }
            if index == 0 {
                first = decided;
            }
        }
        first.map(|()| Judged::Decided)
    }

    fn check_committed(&self, id: LotId, opened: &[OpenedBid]) -> Result<(), Wrong> {
        let none = BTreeMap::new();
        let committed = self.sealed.get(&id).unwrap_or(&none);
        let mut last = None;
        let mut seen = BTreeSet::new();
        let mut bidders = BTreeSet::new();
        for bid in opened {
            let OpenedBid { bidder, order, .. } = *bid;
            let of = committed.get(&(bidder, order));
            // The latest comes last, and each bid only once.
            let of = of.filter(|of| {
                of.price == Some(bid.price) && of.quantity == bid.quantity && last < Some(of.at)
            });
            let of = of.ok_or(Wrong::NotCommitted { bidder, order })?;
            last = Some(of.at);
            seen.insert((bidder, order));
            bidders.insert(bidder);
        }
        if let Some((bidder, order)) = committed.keys().find(|key| !seen.contains(key)) {
            return Err(Wrong::LeftOut {
                bidder: *bidder,
                order: *order,
            });
        }
        let counted = self.market().lot(id).map_or(0, Lot::bidders);
        let found = u32::try_from(bidders.len()).unwrap_or(u32::MAX);
        match counted == found {
            true => Ok(()),
            false => Err(Wrong::OtherBidders { counted, found }),
        }
    }
}

/// Returns reserves that can explain how the opened bids cleared: if any reserve does, one of these does.
///
/// The fills do not change when a reserve rises to the lowest accepted price, nor when it falls while the bids above it
/// take all shares. If nothing is sold, any reserve above the highest bid will do.
fn reserves(case: &Case<'_>, lot: &Lot) -> Vec<Option<Price>> {
    let least = lot.base_price.max(Price::UNIT);
    let outcome = case.events.iter().flatten().find_map(|event| match event {
        PublicEvent::LotClosed { outcome, .. } => Some(*outcome),
        _ => None,
    });
    match outcome {
        Some(Outcome::Sold { price, .. }) => vec![Some(price), Some(least)],
        Some(Outcome::Allocated { lowest, .. }) => vec![Some(lowest), Some(Price::UNIT)],
        Some(Outcome::Unsold {
            because: UnsoldBecause::ReserveNotMet,
            highest: Some(highest),
        }) => vec![highest.checked_add(Price::UNIT), Some(least)],
        _ => vec![Some(least)],
    }
}
