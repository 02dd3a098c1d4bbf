//! Part of the view of accounts that comes with trading days.

use super::view::{AccountEvent, Accounts};
use crate::model::day::{DayOrderState, OwnDayOrder};
use crate::model::event::PrivateEvent;
use crate::{LotId, OrderId, Quantity, UserId};

impl Accounts {
    /// Applies an event of a trading day's orders or limits, and returns it for its user.
    pub(super) fn apply_day(&mut self, event: &PrivateEvent) -> Option<(UserId, AccountEvent)> {
        let told = match *event {
            PrivateEvent::DayOrderAccepted {
                lot,
                trader,
                order,
                content,
            } => {
                self.place_day_order(
                    trader,
                    lot,
                    OwnDayOrder {
                        order,
                        content,
                        traded: 0,
                        value: 0,
                        state: DayOrderState::Resting,
                    },
                );
                let accepted = AccountEvent::DayOrderAccepted {
                    lot,
                    order,
                    content,
                };
                (trader, accepted)
            }
            PrivateEvent::DayOrderReplaced {
                lot,
                trader,
                order,
                quantity,
                limit,
                keeps_place,
            } => {
                if let Some(own) = self.day_orders.get_mut(&(trader, lot, order)) {
                    (own.content.quantity, own.content.limit) = (quantity, limit);
                }
                let replaced = AccountEvent::DayOrderReplaced {
                    lot,
                    order,
                    quantity,
                    limit,
                    keeps_place,
                };
                (trader, replaced)
            }
            PrivateEvent::DayOrderParked {
                lot,
                trader,
                order,
                open,
            } => {
                if let Some(own) = self.day_orders.get_mut(&(trader, lot, order)) {
                    own.state = DayOrderState::Parked;
                }
                (trader, AccountEvent::DayOrderParked { lot, order, open })
            }
            PrivateEvent::DayOrderRests {
                lot,
                trader,
                order,
                open,
            } => {
                if let Some(own) = self.day_orders.get_mut(&(trader, lot, order)) {
                    own.state = DayOrderState::Resting;
                }
                (trader, AccountEvent::DayOrderRests { lot, order, open })
            }
            PrivateEvent::DayOrderFilled {
                lot,
                trader,
                order,
                trade,
                price,
                quantity,
                role,
                left,
            } => {
                if let Some(own) = self.day_orders.get_mut(&(trader, lot, order)) {
                    own.traded += quantity.get();
                    own.value += u128::from(price.units()) * u128::from(quantity.get());
                }
                self.leave_day_order(trader, lot, order, left);
                let filled = AccountEvent::DayOrderFilled {
                    lot,
                    order,
                    trade,
                    price,
                    quantity,
                    role,
                    left,
                };
                (trader, filled)
            }
            PrivateEvent::DayOrdersDecremented {
                lot,
                trader,
                resting,
                incoming,
                quantity,
                resting_left,
                incoming_left,
            } => {
                self.leave_day_order(trader, lot, resting, resting_left);
                self.leave_day_order(trader, lot, incoming, incoming_left);
                let decremented = AccountEvent::DayOrdersDecremented {
                    lot,
                    resting,
                    incoming,
                    quantity,
                    resting_left,
                    incoming_left,
                };
                (trader, decremented)
            }
            PrivateEvent::DayOrderLapsed {
                lot,
                trader,
                order,
                quantity,
                because,
            } => {
                self.leave_day_order(trader, lot, order, 0);
                let lapsed = AccountEvent::DayOrderLapsed {
                    lot,
                    order,
                    quantity,
                    because,
                };
                (trader, lapsed)
            }
            PrivateEvent::OrderKept { lot, trader, order } => {
                (trader, AccountEvent::OrderKept { lot, order })
            }
            PrivateEvent::AllCancelled {
                trader,
                lot,
                cancelled,
                kept,
                more,
            } => {
                let all = AccountEvent::AllCancelled {
                    lot,
                    cancelled,
                    kept,
                    more,
                };
                (trader, all)
            }
            PrivateEvent::LimitsSet { trader, limits } => {
                (trader?, AccountEvent::LimitsSet { limits })
            }
            _ => unreachable!("events of trading days alone are given"),
        };
        Some(told)
    }

    pub(crate) fn place_day_order(&mut self, user: UserId, lot: LotId, order: OwnDayOrder) {
        self.day_orders.insert((user, lot, order.order), order);
    }

    /// Sets the open shares of an order; without any it is gone.
    pub(super) fn leave_day_order(&mut self, user: UserId, lot: LotId, order: OrderId, left: u64) {
        let key = (user, lot, order);
        match (Quantity::new(left), self.day_orders.get_mut(&key)) {
            (Some(open), Some(own)) => own.content.quantity = open,
            _ => {
                self.day_orders.remove(&key);
            }
        }
    }
}
