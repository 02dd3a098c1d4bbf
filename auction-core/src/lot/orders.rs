//! The hidden orders of a lot; its format opens them at the close or never. They are numbered separately for each
//! trader; their places in time are secret.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::format::{OrderChange, ReservationChange};
use super::{Lot, OrderState, OwnOrder};
use crate::account::ledger::Reservation;
use crate::clearing::call::Side;
use crate::limits::{BIDS_OPENED_MAX, SEALED_BIDS_MAX};
use crate::model::event::{Event, Events, OpenedBid, PrivateEvent, PublicEvent};
use crate::model::reject::Countable;
use crate::{LotId, OrderId, Price, Quantity, Reject, UserId};

/// The hidden orders of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Orders {
    traders: BTreeMap<UserId, OrdersOfTrader>,
    /// Places in time assigned so far.
    places: u64,
    /// Number of live orders.
    live: u32,
    /// Number of traders with a live order.
    bidders: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct OrdersOfTrader {
    /// Numbers assigned so far; they are never used again.
    numbers: u32,
    /// By number.
    live: Vec<HiddenOrder>,
}

/// A live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct HiddenOrder {
    pub(super) id: OrderId,
    pub(super) side: Side,
    pub(super) quantity: Quantity,
    pub(super) limit: Option<Price>,
    /// Place in time: of equal prices the smaller is filled first.
    pub(super) place: u64,
}

/// Parameters of a format of sealed bids.
pub(super) struct Sealed<'a> {
    pub(super) lot: LotId,
    pub(super) orders: &'a Orders,
    /// Maximum number of live bids of a trader.
    pub(super) each_max: u32,
}

/// Function that computes the reservation of an order.
pub(super) type ReservationOf = fn(Side, Quantity, Option<Price>) -> Reservation;

/// Returns the reservation of an order with a limit: the price of the limit, or the shares to deliver.
pub(super) fn reserves(side: Side, quantity: Quantity, limit: Option<Price>) -> Reservation {
    match side {
        Side::Buy => Reservation::to_pay(limit.unwrap_or(Price::MAX), quantity),
        Side::Sell => Reservation::to_deliver(quantity),
    }
}

impl Orders {
    pub(super) fn bidders(&self) -> u32 {
        self.bidders
    }

    /// Returns a trader's live orders, by number.
    pub(super) fn of(&self, trader: UserId) -> &[HiddenOrder] {
        self.traders
            .get(&trader)
            .map_or(&[], |own| own.live.as_slice())
    }

    /// Returns all live orders, in the order of their time.
    pub(super) fn by_time(&self) -> Vec<(UserId, HiddenOrder)> {
        let all = self.traders.iter();
        let mut all: Vec<_> = all
            .flat_map(|(trader, own)| own.live.iter().map(|order| (*trader, *order)))
            .collect();
        all.sort_unstable_by_key(|(_, order)| order.place);
        all
    }

    /// Returns the place after all others.
    pub(super) fn next_place(&self) -> u64 {
        self.places + 1
    }

    /// Creates orders of which only the information that one change by a trader shows is known: the number of traders,
    /// and that trader's live orders with their numbers.
    pub(super) fn assumed(bidders: u32, trader: UserId, numbers: u32, live: &[OrderId]) -> Self {
        let live = live.iter().map(|id| HiddenOrder {
            id: *id,
            side: Side::Buy,
            quantity: Quantity::ONE,
            limit: None,
            place: 0,
        });
        let own = OrdersOfTrader {
            numbers,
            live: live.collect(),
        };
        Self {
            traders: BTreeMap::from([(trader, own)]),
            bidders,
            ..Self::default()
        }
    }

    /// Creates the orders that were opened, in the order of their time.
    pub(super) fn of_opened(opened: &[OpenedBid]) -> Self {
        let mut orders = Self::default();
        for bid in opened {
            let place = orders.next_place();
            let own = orders.traders.entry(bid.bidder).or_default();
            orders.bidders += u32::from(own.live.is_empty());
            orders.live += 1;
            orders.places = place;
            own.numbers = own.numbers.max(bid.order.0);
            own.live.push(HiddenOrder {
                id: bid.order,
                side: Side::Buy,
                quantity: bid.quantity,
                limit: Some(bid.price),
                place,
            });
        }
        orders
    }

    /// Applies an event; `false` if it does not fit.
    #[must_use]
    pub(super) fn apply(&mut self, event: &PrivateEvent) -> bool {
        match *event {
            PrivateEvent::OrderPlaced {
                trader,
                order,
                side,
                quantity,
                limit,
                ..
            } => self.place(trader, order, side, quantity, limit),
            PrivateEvent::OrderReplaced {
                trader,
                order,
                quantity,
                limit,
                ..
            } => self.replace(trader, order, quantity, limit),
            PrivateEvent::OrderCancelled { trader, order, .. } => self.cancel(trader, order),
            _ => false,
        }
    }

    /// Calls `each` with the changes of the trader's reservations that an event causes; `reserves` computes the
    /// reservation of an order.
    pub(super) fn each_reservation_change(
        &self,
        event: &Event,
        reserves: ReservationOf,
        each: &mut dyn FnMut(ReservationChange),
    ) {
        let Event::Private(event) = event else {
            return;
        };
        let live = |trader, order| self.of(trader).iter().find(|live| live.id == order);
        let reserved = |order: &HiddenOrder| reserves(order.side, order.quantity, order.limit);
        let (trader, from, to) = match *event {
            PrivateEvent::OrderPlaced {
                trader,
                side,
                quantity,
                limit,
                ..
            } => (trader, None, Some(reserves(side, quantity, limit))),
            PrivateEvent::OrderReplaced {
                trader,
                order,
                quantity,
                limit,
                ..
            } => {
                let replaced = live(trader, order);
                let to = replaced.map(|replaced| reserves(replaced.side, quantity, limit));
                (trader, replaced.map(reserved), to)
            }
            PrivateEvent::OrderCancelled { trader, order, .. } => {
                (trader, live(trader, order).map(reserved), None)
            }
            _ => return,
        };
        each(ReservationChange {
            trader,
            from: from.unwrap_or_default(),
            to: to.unwrap_or_default(),
        });
    }

    /// Calls `each` with all reservations of the lot.
    pub(super) fn each_reservation(
        &self,
        reserves: ReservationOf,
        each: &mut dyn FnMut(UserId, Reservation),
    ) {
        for (trader, own) in &self.traders {
            for order in &own.live {
                each(*trader, reserves(order.side, order.quantity, order.limit));
            }
        }
    }

    fn place(
        &mut self,
        trader: UserId,
        id: OrderId,
        side: Side,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> bool {
        if self.next_id(trader) != Some(id) {
            return false;
        }
        let place = self.next_place();
        let own = self.traders.entry(trader).or_default();
        self.bidders += u32::from(own.live.is_empty());
        self.live += 1;
        self.places = place;
        own.numbers = id.0;
        own.live.push(HiddenOrder {
            id,
            side,
            quantity,
            limit,
            place,
        });
        true
    }

    fn replace(
        &mut self,
        trader: UserId,
        id: OrderId,
        quantity: Quantity,
        limit: Option<Price>,
    ) -> bool {
        let place = self.next_place();
        let own = self.traders.get_mut(&trader);
        let Some(order) = own.and_then(|own| own.live.iter_mut().find(|order| order.id == id))
        else {
            return false;
        };
        *order = HiddenOrder {
            quantity,
            limit,
            place,
            ..*order
        };
        self.places = place;
        true
    }

    fn cancel(&mut self, trader: UserId, id: OrderId) -> bool {
        let Some(own) = self.traders.get_mut(&trader) else {
            return false;
        };
        let Some(at) = own.live.iter().position(|order| order.id == id) else {
            return false;
        };
        own.live.remove(at);
        self.live -= 1;
        self.bidders -= u32::from(own.live.is_empty());
        true
    }

    fn next_id(&self, trader: UserId) -> Option<OrderId> {
        let numbers = self.traders.get(&trader).map_or(0, |own| own.numbers);
        numbers.checked_add(1).map(OrderId)
    }
}

impl Sealed<'_> {
    /// Decides a change. `check` decides if a bid of this quantity and price is accepted.
    pub(super) fn decide(
        &self,
        trader: UserId,
        change: OrderChange,
        check: impl Fn(Quantity, Price) -> Result<(), Reject>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let lot = self.lot;
        let bidders = self.orders.bidders;
        let own = self.orders.of(trader);
        let known = |order| match own.iter().any(|live| live.id == order) {
            true => Ok(()),
            false => Err(Reject::UnknownOrder { order }),
        };
        match change {
            OrderChange::Place {
                side,
                quantity,
                limit,
            } => {
                if side == Side::Sell {
                    return Err(Reject::BuysOnly);
                }
                check(quantity, limit.ok_or(Reject::LimitNeeded)?)?;
                let most = self.each_max;
                let order = self.orders.next_id(trader);
                let order = order.filter(|_| own.len() < most as usize);
                let order = order.ok_or(Reject::TooManyOrders { most })?;
                if self.orders.live as usize >= SEALED_BIDS_MAX {
                    return Err(Reject::full(Countable::SealedBids, SEALED_BIDS_MAX));
                }
                events.push(Event::Private(PrivateEvent::OrderPlaced {
                    lot,
                    trader,
                    order,
                    side,
                    quantity,
                    limit,
                }));
                if own.is_empty() {
                    events.push(counted(lot, bidders + 1));
                }
            }
            OrderChange::Replace {
                order,
                quantity,
                limit,
            } => {
                known(order)?;
                check(quantity, limit.ok_or(Reject::LimitNeeded)?)?;
                events.push(Event::Private(PrivateEvent::OrderReplaced {
                    lot,
                    trader,
                    order,
                    quantity,
                    limit,
                }));
            }
            OrderChange::Cancel { order } => {
                known(order)?;
                let cancelled = PrivateEvent::OrderCancelled { lot, trader, order };
                events.push(Event::Private(cancelled));
                if own.len() == 1 {
                    events.push(counted(lot, bidders - 1));
                }
            }
        }
        Ok(())
    }
}

/// Returns a trader's own orders; `fill` returns the shares of an order filled at the close, and their price.
pub(super) fn own_orders(
    lot: &Lot,
    own: &[HiddenOrder],
    fill: impl Fn(&HiddenOrder) -> (u64, Option<Price>),
) -> Vec<OwnOrder> {
    let shown = own.iter().map(|order| OwnOrder {
        order: order.id,
        side: order.side,
        quantity: order.quantity,
        limit: order.limit,
        state: if lot.is_closed() {
            let (filled, price) = fill(order);
            OrderState::Closed { filled, price }
        } else {
            OrderState::Live
        },
    });
    shown.collect()
}

/// Adds the events, of bounded size, that open bids to everyone.
pub(super) fn open(lot: LotId, opened: impl IntoIterator<Item = OpenedBid>, events: &mut Events) {
    let mut opened = opened.into_iter();
    loop {
        let bids: Vec<_> = opened.by_ref().take(BIDS_OPENED_MAX).collect();
        if bids.is_empty() {
            return;
        }
        events.push(Event::Public(PublicEvent::BidsOpened { lot, bids }));
    }
}

fn counted(lot: LotId, bidders: u32) -> Event {
    Event::Public(PublicEvent::BiddersCounted { lot, bidders })
}
