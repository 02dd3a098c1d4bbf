//! Sealed bids for parts of the lot: uniform-price and pay-as-bid. The highest prices are filled first until the shares
//! run out.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::format::{FormatRules, OrderChange, ReservationChange};
use super::orders::{HiddenOrder, Orders, Sealed, open, own_orders, reserves};
use super::{Lot, OwnOrder, WinningThreshold, greatest_price};
use crate::account::ledger::Reservation;
use crate::clearing::allocation::MarginalPriority;
use crate::clearing::uniform::{self, UniformBid, UniformOutcome};
use crate::limits::BIDS_PER_TRADER_MAX;
use crate::model::command::UniformTerms;
use crate::model::event::{AllocatedBy, Event, Events, OpenedBid, Outcome, UnsoldBecause};
use crate::{Price, Quantity, Reject, Sequence, TermsError, Timestamp, UserId};

/// Public state of a lot that is sold in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformBook {
    /// Number of traders with a live bid.
    pub bidders: u32,
    /// True if there is a reserve; its price is hidden.
    pub has_reserve: bool,
}

pub(super) fn check_terms(terms: &UniformTerms, reserve: Option<Price>) -> Result<(), TermsError> {
    if terms.bids_max == 0 || terms.bids_max > BIDS_PER_TRADER_MAX {
        return Err(TermsError::BidsEach);
    }
    if reserve == Some(Price::ZERO) {
        return Err(TermsError::Reserve {
            least: Price::UNIT,
            greatest: Price::MAX,
        });
    }
    Ok(())
}

/// Input of a decision.
pub(super) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) terms: &'a UniformTerms,
    pub(super) reserve: Option<Price>,
    pub(super) orders: &'a Orders,
}

impl FormatRules for State<'_> {
    fn lot(&self) -> &Lot {
        self.lot
    }

    fn decide_order(
        &self,
        _now: Timestamp,
        trader: UserId,
        change: OrderChange,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let sealed = Sealed {
            lot: self.lot.id,
            orders: self.orders,
            each_max: self.terms.bids_max,
        };
        let check = |quantity, price| {
            let greatest = greatest_price(quantity);
            if price > greatest {
                return Err(Reject::PriceTooHigh { greatest });
            }
            if price < Price::UNIT {
                let least = Price::UNIT;
                return Err(Reject::BidTooLow { least });
            }
            Ok(())
        };
        sealed.decide(trader, change, check, events)
    }

    fn decide_close(&self, events: &mut Events) -> Outcome {
        let orders = self.orders.by_time();
        let cleared = uniform::clear(&self.rules(), &bids(&orders));
        let fills = orders.iter().zip(&cleared.fills);
        let opened = fills.map(|((bidder, order), fill)| OpenedBid {
            bidder: *bidder,
            order: order.id,
            price: limit(order),
            quantity: order.quantity,
            filled: fill.units,
            pays: fill.price,
        });
        open(self.lot.id, opened, events);
        self.outcome(&orders, &cleared)
    }

    fn orders_of(&self, trader: UserId) -> Vec<OwnOrder> {
        if !self.lot.is_closed() {
            return own_orders(self.lot, self.orders.of(trader), |_| (0, None));
        }
        let orders = self.orders.by_time();
        let cleared = uniform::clear(&self.rules(), &bids(&orders));
        own_orders(self.lot, self.orders.of(trader), |order| {
            let place = orders.binary_search_by_key(&order.place, |(_, order)| order.place);
            let fill = &cleared.fills[place.expect("an own order is one of all")];
            (fill.units, fill.price)
        })
    }

    /// The smallest price at which a bid with the quantity and place in time of the trader's earliest bid would have
    /// got a share; for a trader without a bid, a bid for one share after all others.
    fn winning_threshold(&self, trader: UserId, _closed_at: Timestamp) -> WinningThreshold {
        let own = self.orders.of(trader).iter();
        let (place, quantity) = match own.min_by_key(|order| order.place) {
            Some(order) => (order.place, order.quantity),
            None => (self.orders.next_place(), Quantity::ONE),
        };
        let bids = bids(&self.orders.by_time());
        let least = uniform::winning_threshold(&self.rules(), &bids, Sequence(place), quantity);
        let least = least.filter(|least| *least <= greatest_price(quantity));
        least.map_or(WinningThreshold::Nothing, WinningThreshold::Bid)
    }

    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange)) {
        self.orders.each_reservation_change(event, reserves, each);
    }

    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation)) {
        self.orders.each_reservation(reserves, each);
    }
}

impl State<'_> {
    fn rules(&self) -> uniform::UniformTerms {
        uniform::UniformTerms {
            quantity: self.lot.quantity,
            reserve: self.reserve,
            pricing: self.terms.pricing,
            priority: self.terms.priority,
        }
    }

    fn outcome(&self, orders: &[(UserId, HiddenOrder)], cleared: &UniformOutcome) -> Outcome {
        let Some(lowest) = cleared.clearing_price else {
            let because = match orders {
                [] => UnsoldBecause::NoBids,
                _ => UnsoldBecause::ReserveNotMet,
            };
            return Outcome::Unsold {
                because,
                highest: cleared.highest_rejected,
            };
        };
        let filled = orders.iter().zip(&cleared.fills);
        let buyers: BTreeSet<UserId> = filled
            .filter(|(_, fill)| fill.units > 0)
            .map(|((bidder, _), _)| *bidder)
            .collect();
        Outcome::Allocated {
            sold: cleared.sold,
            buyers: u32::try_from(buyers.len()).expect("sealed bids are bounded"),
            lowest,
            by: self.decided_by(orders),
            highest_rejected: cleared.highest_rejected,
        }
    }

    fn decided_by(&self, orders: &[(UserId, HiddenOrder)]) -> AllocatedBy {
        let accepted = orders
            .iter()
            .filter(|(_, order)| self.reserve.is_none_or(|reserve| limit(order) >= reserve));
        let wanted: u64 = accepted.map(|(_, order)| order.quantity.get()).sum();
        match self.terms.priority {
            _ if wanted <= self.lot.quantity.get() => AllocatedBy::EnoughForAll,
            MarginalPriority::Time => AllocatedBy::Time,
            MarginalPriority::ProRata => AllocatedBy::ProRata,
        }
    }
}

fn bids(orders: &[(UserId, HiddenOrder)]) -> Vec<UniformBid> {
    let bid = |(_, order): &(UserId, HiddenOrder)| UniformBid {
        sequence: Sequence(order.place),
        price: limit(order),
        quantity: order.quantity,
    };
    orders.iter().map(bid).collect()
}

fn limit(order: &HiddenOrder) -> Price {
    order.limit.expect("sealed bids have a limit")
}
