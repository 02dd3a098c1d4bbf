//! The rules of a format as the lot asks for them.

use super::{Lot, OwnOrder, WinningThreshold};
use crate::account::ledger::Reservation;
use crate::clearing::call::Side;
use crate::model::event::{Event, Events, Outcome};
use crate::{OrderId, Price, Quantity, Reject, Seed, Timestamp, UserId};
use alloc::vec::Vec;

/// A format's decisions on one lot: it sees both halves of the lot, changes nothing, and says what it decided
/// as events. What a format does not take is refused with what fits.
pub(super) trait FormatRules {
    /// What everyone sees of the lot.
    fn lot(&self) -> &Lot;

    /// An open bid or a maximum on an open lot.
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

    /// A change of a trader's hidden orders on an open lot, or a cancel on a halted one.
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

    /// Takes back what a suspended trader has on the lot, where that does not bind.
    fn decide_withdrawal(&self, _trader: UserId, _events: &mut Events) {}

    /// Fixes the random end of a lot whose window for it has begun; `false`: it has none, or is fixed.
    fn decide_draw(&self, _now: Timestamp, _seed: Seed, _events: &mut Events) -> bool {
        false
    }

    /// What a lot does whose time has run out.
    fn decide_due(&self, _now: Timestamp, _events: &mut Events) -> Due {
        Due::Close
    }

    /// Opens a random end that no longer holds.
    fn open_end(&self, _events: &mut Events) {}

    /// What comes of the lot if it closes now, and the events that open what was hidden.
    fn decide_close(&self, events: &mut Events) -> Outcome;

    /// A trader's orders, by number, and what came of them once the lot has closed.
    fn orders_of(&self, _trader: UserId) -> Vec<OwnOrder> {
        Vec::new()
    }

    /// What a trader would have needed to win the lot, which has closed at `closed_at`.
    fn winning_threshold(&self, trader: UserId, closed_at: Timestamp) -> WinningThreshold;

    /// What a trader must have free for what was decided on their command, beside what the lot binds of theirs
    /// already. Nothing that others hide may change it: who cannot pay would learn of that for nothing.
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

    /// How an event that comes next changes what the lot binds its traders to.
    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange));

    /// All that the lot binds its traders to; a trader can come more than once.
    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation));
}

/// A trader is bound to one thing instead of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReservationChange {
    pub(crate) trader: UserId,
    pub(crate) from: Reservation,
    pub(crate) to: Reservation,
}

/// What a lot does whose time has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It closes.
    Close,
    /// It goes on, as the events say.
    Extended,
}

/// What a trader offers openly.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offer {
    /// To stand at this price, or to take at it.
    Plain(Price),
    /// To pay up to this price.
    Maximum(Price),
}

/// What a trader does with their hidden orders.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OrderChange {
    /// Another one.
    Place {
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
    },
    /// One of them says something else from now on.
    Replace {
        order: OrderId,
        quantity: Quantity,
        limit: Option<Price>,
    },
    /// One less.
    Cancel { order: OrderId },
}
