//! Live orders of a trading day, in an arena: found by trader and number with one search, and by position with none.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use super::numbers::Numbers;
use crate::clearing::book::OrderKey;
use crate::model::day::{DayOrder, DayOrderState, OwnDayOrder};
use crate::{OrderId, UserId};

/// A trader and their number for an order.
pub(super) type Id = (UserId, OrderId);

/// A live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Entry {
    /// Its quantity is what is open.
    pub(super) content: DayOrder,
    /// Number of its last acceptance.
    pub(super) accepted: u64,
    pub(super) place: Place,
    /// Public number; zero: it has none yet.
    pub(super) number: u64,
    pub(super) traded: u64,
    pub(super) value: u128,
}

/// Place of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Place {
    /// It comes in: the rest of the record says what becomes of it.
    Incoming,
    Parked,
    InCall(u64),
    InBook(OrderKey),
}

/// Position and live orders of a trader on the lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Owned {
    /// Numbers given; they are never used again.
    pub(super) given: OrderId,
    /// Live orders.
    pub(super) count: u32,
    /// Open shares, by [`Side`].
    pub(super) open: [u64; 2],
    /// Shares traded, by [`Side`].
    pub(super) traded: [u64; 2],
}

/// All live orders, and their traders.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveOrders {
    arena: Vec<Live>,
    /// Positions in the arena that hold no order.
    free: Vec<Position>,
    /// Traders in the order in which they first had an order.
    traders: Vec<Trader>,
    /// Index in `traders` of each trader.
    seats: Numbers,
}

/// Place of an order in the arena, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u32);

/// An order in the arena.
// Two cache lines, and not a part of three.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Live {
    pub(super) id: Id,
    /// Index of its trader.
    seat: u32,
    pub(super) entry: Entry,
}

const _: () = assert!(size_of::<Live>() == 128);

#[derive(Clone, Debug)]
struct Trader {
    id: UserId,
    own: Owned,
    /// Live orders, by number.
    orders: Vec<(OrderId, Position)>,
}

impl LiveOrders {
    pub(super) fn len(&self) -> usize {
        self.arena.len() - self.free.len()
    }

    pub(super) fn find(&self, (trader, order): Id) -> Option<Position> {
        let orders = &self.trader(trader)?.orders;
        let index = orders.binary_search_by_key(&order, |(order, _)| *order);
        index.ok().map(|index| orders[index].1)
    }

    /// Adds an order; `None`: its trader has one of this number.
    pub(super) fn add(&mut self, id: Id, entry: Entry) -> Option<Position> {
        let seat = self.seat(id.0);
        let orders = &mut self.traders[seat as usize].orders;
        // A new order has the greatest number: this is the end.
        let index = orders.partition_point(|(order, _)| *order < id.1);
        if orders.get(index).is_some_and(|(order, _)| *order == id.1) {
            return None;
        }
        let live = Live { id, seat, entry };
        let position = match self.free.pop() {
            Some(position) => {
                self[position] = live;
                position
            }
            None => {
                self.arena.push(live);
                Position(self.arena.len() as u32 - 1)
            }
        };
        let orders = &mut self.traders[seat as usize].orders;
        orders.insert(index, (id.1, position));
        Some(position)
    }

    pub(super) fn remove(&mut self, position: Position) {
        let Live { id, seat, .. } = self[position];
        let orders = &mut self.traders[seat as usize].orders;
        let index = orders.binary_search_by_key(&id.1, |(order, _)| *order);
        orders.remove(index.expect("a live order has its number"));
        self.free.push(position);
    }

    /// Position and live orders of a trader; `None`: they never had an order.
    pub(super) fn owned(&self, trader: UserId) -> Option<&Owned> {
        self.trader(trader).map(|trader| &trader.own)
    }

    pub(super) fn owned_mut(&mut self, trader: UserId) -> &mut Owned {
        let seat = self.seat(trader);
        &mut self.traders[seat as usize].own
    }

    /// Position and live orders of the trader of an order.
    pub(super) fn owner_mut(&mut self, position: Position) -> &mut Owned {
        let seat = self[position].seat;
        &mut self.traders[seat as usize].own
    }

    /// Traders who had an order, by number.
    pub(super) fn traders(&self) -> impl Iterator<Item = (UserId, &Owned)> {
        let traders = self.by_number().into_iter();
        traders.map(|trader| (trader.id, &trader.own))
    }

    /// Orders of a trader, by number.
    pub(super) fn of(&self, trader: UserId) -> impl Iterator<Item = &Live> {
        let orders = self.trader(trader).map(|trader| trader.orders.iter());
        orders.into_iter().flatten().map(|(_, at)| &self[*at])
    }

    /// All orders, by trader and number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Live> {
        let traders = self.by_number().into_iter();
        let orders = traders.flat_map(|trader| trader.orders.iter());
        orders.map(|(_, at)| &self[*at])
    }

    fn trader(&self, trader: UserId) -> Option<&Trader> {
        let seat = self.find_seat(trader)?;
        Some(&self.traders[seat as usize])
    }

    fn by_number(&self) -> Vec<&Trader> {
        let mut traders: Vec<&Trader> = self.traders.iter().collect();
        traders.sort_unstable_by_key(|trader| trader.id);
        traders
    }

    fn find_seat(&self, trader: UserId) -> Option<u32> {
        let number_at = |seat: u32| u64::from(self.traders[seat as usize].id.0);
        self.seats.find(trader.0.into(), number_at)
    }

    fn seat(&mut self, trader: UserId) -> u32 {
        if let Some(seat) = self.find_seat(trader) {
            return seat;
        }
        let seat = self.traders.len() as u32;
        self.seats.insert(trader.0.into(), seat);
        self.traders.push(Trader {
            id: trader,
            own: Owned::default(),
            orders: Vec::new(),
        });
        seat
    }
}

impl Index<Position> for LiveOrders {
    type Output = Live;

    fn index(&self, position: Position) -> &Live {
        &self.arena[position.0 as usize]
    }
}

impl IndexMut<Position> for LiveOrders {
    fn index_mut(&mut self, position: Position) -> &mut Live {
        &mut self.arena[position.0 as usize]
    }
}

impl Owned {
    /// The number of the next order; `None`: all numbers are used up.
    pub(super) fn next_order(&self) -> Option<OrderId> {
        self.given.0.checked_add(1).map(OrderId)
    }

    /// Shares bought less shares sold.
    pub(super) fn position(&self) -> i128 {
        i128::from(self.traded[0]) - i128::from(self.traded[1])
    }
}

impl Entry {
    pub(super) fn is_in_call(&self) -> bool {
        matches!(self.place, Place::InCall(_))
    }

    /// The order as its owner sees it.
    pub(super) fn own(&self, order: OrderId) -> OwnDayOrder {
        OwnDayOrder {
            order,
            content: self.content,
            traded: self.traded,
            value: self.value,
            state: match self.place {
                Place::Parked => DayOrderState::Parked,
                _ => DayOrderState::Resting,
            },
        }
    }
}
