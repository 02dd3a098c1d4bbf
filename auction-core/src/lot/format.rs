//! Interface between a lot and the rules of its format.

use super::{Lot, OwnOrder, WinningThreshold};
use crate::account::ledger::Reservation;
use crate::clearing::call::Side;
use crate::model::event::{Event, Events, Outcome};
use crate::{OrderId, Price, Quantity, Reject, Seed, Timestamp, UserId};
use alloc::vec::Vec;

/// Decisions of a format on one lot: reads both parts of the lot, changes nothing, and returns its decisions as events.
/// A command that does not suit the format is refused with an error that names one that does.
pub(super) trait FormatRules {
    /// Returns the public part of the lot.
    fn lot(&self) -> &Lot;

    /// Decides an open bid or a maximum on an open lot.
    fn decide_offer(
        &self,
        _now: Timestamp,
        _bidder: UserId,
        _offer: Offer,
        _events: &mut Events,
    ) -> Result<(), Reject> {
        let lot = self.lot().id;
        Err(Reject::TakesOrders { lot })
    }

    /// Decides a change of a trader's hidden orders on an open lot, or a cancel on a halted one.
    fn decide_order(
        &self,
        _now: Timestamp,
        _trader: UserId,
        _change: OrderChange,
        _events: &mut Events,
    ) -> Result<(), Reject> {
        let lot = self.lot().id;
        Err(Reject::TakesBids { lot })
    }

    /// Withdraws a suspended trader's orders that are not binding.
    fn decide_withdrawal(&self, _trader: UserId, _events: &mut Events) {}

    /// Cancels a trader's orders that can be cancelled, and names the others. Returns how many of each.
    fn decide_cancel_all(
        &self,
        _now: Timestamp,
        _trader: UserId,
        _events: &mut Events,
    ) -> (u32, u32) {
        (0, 0)
    }

    /// Fixes the random end of a lot whose random-end window has begun; `false`: it has none, or is fixed.
    fn decide_draw(&self, _now: Timestamp, _seed: Seed, _events: &mut Events) -> bool {
        false
    }

    /// Decides the end of a lot whose time has run out.
    fn decide_due(&self, _now: Timestamp, _events: &mut Events) -> Due {
        Due::Close
    }

    /// Opens a random end that no longer applies.
    fn open_end(&self, _events: &mut Events) {}

    /// Returns the outcome of the lot if it closes now, and adds the events that open hidden data.
    fn decide_close(&self, events: &mut Events) -> Outcome;

    /// Returns a trader's orders, by number, with their results once the lot has closed.
    fn orders_of(&self, _trader: UserId) -> Vec<OwnOrder> {
        Vec::new()
    }

    /// Returns the bid with which a trader would have won the lot, which closed at `closed_at`.
    fn winning_threshold(&self, trader: UserId, closed_at: Timestamp) -> WinningThreshold;

    /// Returns the funds that a trader must have free for the events decided on their command, beyond what the lot
    /// already reserves. It must not depend on hidden data of others: a trader who cannot pay would learn it at no
    /// cost.
    fn demand(&self, trader: UserId, events: &Events) -> Reservation {
        let mut demand = Reservation::NOTHING;
        for event in events {
            self.each_reservation_change(event, &mut |bound| {
                if bound.trader == trader {
                    demand = demand.and(bound.to.beyond(bound.from));
                }
            });
        }
        demand
    }

    /// Calls `each` with the changes of reservations that the next event causes.
    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange));

    /// Calls `each` with all reservations of the lot; a trader can appear more than once.
    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation));
}

/// A trader's old reservation is replaced by a new one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReservationChange {
    pub(crate) trader: UserId,
    pub(crate) from: Reservation,
    pub(crate) to: Reservation,
}

/// Decision on a lot whose time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It closes.
    Close,
    /// It continues, as the events say.
    Extended,
}

/// An open offer of a trader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offer {
    /// A bid at this price, or a take at no higher price.
    Plain(Price),
    /// A maximum: the highest price to pay.
    Maximum(Price),
}

/// A change of a trader's hidden orders.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OrderChange {
    /// Places a new order.
    Place {
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
    },
    /// Replaces the content of an order.
    Replace {
        order: OrderId,
        quantity: Quantity,
        limit: Option<Price>,
    },
    /// Cancels an order.
    Cancel { order: OrderId },
}
