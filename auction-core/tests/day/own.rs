//! Traders' views of their own orders, and the answers to their commands.

use std::collections::BTreeMap;

use auction_core::{
    Accounts, DayReply, DayRest, Engine, Event as Told, LapseReason, OwnDayOrder, Reply,
};
use auction_core::{DayOrderState, OrderId};

use super::market::{day_order, quantity, user};
use super::oracle::{Day, Event, Id, NewOrder, Order, Owner, Why};
use super::steps::TRADERS;

/// A fold of all events, for owners; and what each order has traded by the oracle's events alone.
pub struct Own {
    accounts: Accounts,
    /// Shares, and price x shares.
    traded: BTreeMap<Id, (u64, u128)>,
}

impl Own {
    pub fn of(engine: &Engine) -> Self {
        Self {
            accounts: Accounts::of(engine),
            traded: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, event: &Told) {
        self.accounts.apply(event);
    }

    pub fn count(&mut self, event: &Event) {
        let mut add = |id: &Id, price: &u64, quantity: &u64| {
            let (traded, value) = self.traded.entry(*id).or_default();
            *traded += quantity;
            *value += u128::from(*price) * u128::from(*quantity);
        };
        match event {
            Event::Trade {
                resting,
                incoming,
                price,
                quantity,
            } => {
                add(resting, price, quantity);
                add(incoming, price, quantity);
            }
            Event::Uncross { price, fills, .. } => {
                fills.iter().for_each(|(id, filled)| add(id, price, filled));
            }
            _ => {}
        }
    }

    /// Every trader sees their orders as the oracle has them.
    pub fn agrees(&self, engine: &Engine, day: &Day, numbers: &[OrderId]) {
        let fresh = Accounts::of(engine);
        for owner in 0..TRADERS {
            let seen = |accounts: &Accounts| {
                let orders = accounts.day_orders_of(user(owner));
                orders.map(|standing| standing.order).collect::<Vec<_>>()
            };
            let expected = self.expected(day, owner, numbers);
            assert_eq!(seen(&self.accounts), expected, "{day:?}");
            assert_eq!(seen(&fresh), expected, "{day:?}");
        }
    }

    fn expected(&self, day: &Day, owner: Owner, numbers: &[OrderId]) -> Vec<OwnDayOrder> {
        let own = day.of_owner(owner).into_iter();
        let mut own: Vec<OwnDayOrder> = own
            .map(|order| {
                let (traded, value) = self.traded.get(&order.id).copied().unwrap_or_default();
                OwnDayOrder {
                    order: numbers[order.id],
                    content: day_order(content(&order)),
                    traded,
                    value,
                    state: match order.place {
                        None => DayOrderState::Parked,
                        Some(_) => DayOrderState::Resting,
                    },
                }
            })
            .collect();
        own.sort_by_key(|own| own.order);
        own
    }
}

fn content(order: &Order) -> NewOrder {
    NewOrder {
        side: order.side,
        quantity: order.open,
        limit: order.limit,
        tif: order.tif,
        own: order.own,
        post_only: order.post_only,
    }
}

/// The answer to a trader's command, from the oracle's events of it.
pub fn reply(events: &[Event], order: Option<(Id, OrderId)>) -> Reply {
    let Some((id, number)) = order else {
        let count =
            |counts: fn(&Event) -> bool| events.iter().filter(|event| counts(event)).count();
        return Reply::AllCancelled {
            cancelled: count(|event| matches!(event, Event::Cancelled(..))) as u32,
            kept: count(|event| matches!(event, Event::Kept(_))) as u32,
            more: false,
        };
    };
    let mut reply = DayReply {
        order: number,
        traded: 0,
        value: 0,
        rest: DayRest::None,
    };
    for event in events {
        match *event {
            Event::Trade {
                incoming,
                price: at,
                quantity: shares,
                ..
            } if incoming == id => {
                reply.traded += shares;
                reply.value += u128::from(at) * u128::from(shares);
            }
            Event::Rests(of, open) if of == id => {
                reply.rest = DayRest::Rests {
                    open: quantity(open),
                };
            }
            Event::Parked(of, open) if of == id => {
                reply.rest = DayRest::Parked {
                    open: quantity(open),
                };
            }
            Event::Replaced {
                id: of,
                quantity: open,
                kept: true,
            } if of == id => {
                reply.rest = DayRest::Keeps {
                    open: quantity(open),
                };
            }
            Event::Lapsed(of, open, why) if of == id => {
                reply.rest = DayRest::Lapsed {
                    quantity: quantity(open),
                    because: because(why),
                };
            }
            _ => {}
        }
    }
    Reply::DayOrder(reply)
}

fn because(why: Why) -> LapseReason {
    match why {
        Why::Rest => LapseReason::Rest,
        Why::Fok => LapseReason::FillOrKill,
        Why::SelfTrade => LapseReason::SelfTrade,
        Why::Uncross => LapseReason::Uncross,
        Why::Until => LapseReason::Until,
        Why::Close => LapseReason::Close,
        Why::Funds => LapseReason::Funds,
    }
}
