//! Hidden part of a trading day: its orders and their traders, in a call or in an order book.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::DayBook;
use crate::account::ledger::Reservation;
use crate::clearing::book::{self, Execution, NewOrder, OrderKey};
use crate::clearing::call::{self, Side};
use crate::lot::Lot;
use crate::lot::format::ReservationChange;
use crate::model::command::Terms;
use crate::model::day::{DayOrder, DayOrderState, DayPhase, DayTerms, OwnDayOrder, TimeInForce};
use crate::model::event::{Event, PhaseBegan, PrivateEvent, PublicEvent};
use crate::{OrderId, Price, Quantity, RandomEnd, Timestamp, UserId};

/// A trader and their number for an order.
pub(super) type Id = (UserId, OrderId);

/// Hidden part of a trading day.
#[derive(Clone, Debug, Default)]
pub(in crate::lot) struct DaySecret {
    /// All live orders.
    pub(super) entries: BTreeMap<Id, Entry>,
    pub(super) traders: BTreeMap<UserId, Owned>,
    pub(super) active: Active,
    /// The order in each slot of the order book.
    pub(super) by_slot: Vec<Option<Id>>,
    /// The order of each number in a call.
    pub(super) by_place: BTreeMap<u64, Id>,
    /// By last acceptance.
    pub(super) parked: BTreeMap<u64, Id>,
    /// Parked orders, and orders in the book, that live until a time, with their last acceptance.
    pub(super) expiries: [BTreeSet<(Timestamp, u64, Id)>; 2],
    /// Acceptances so far.
    pub(super) accepted: u64,
    pub(super) end: Option<RandomEnd>,
}

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

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Place {
    /// It comes in: the rest of the record says what becomes of it.
    Incoming,
    Parked,
    InCall(u64),
    InBook(OrderKey),
}

/// What a trader has and has done on the lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Owned {
    /// Numbers given; they are never used again.
    given: u32,
    /// Live orders.
    pub(super) count: u32,
    /// Open shares, by [`Side`].
    pub(super) open: [u64; 2],
    /// Shares traded, by [`Side`].
    pub(super) traded: [u64; 2],
}

#[derive(Clone, Debug, Default)]
pub(super) enum Active {
    #[default]
    Nothing,
    Call(Box<call::Book>),
    Book(Box<book::Book>),
}

impl DaySecret {
    /// The call, while one runs.
    pub(in crate::lot) fn call(&self) -> Option<&call::Book> {
        match &self.active {
            Active::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The order book, in continuous trading and at last.
    pub(super) fn book(&self) -> Option<&book::Book> {
        match &self.active {
            Active::Book(book) => Some(book),
            _ => None,
        }
    }

    pub(in crate::lot) fn end(&self) -> Option<RandomEnd> {
        self.end
    }

    pub(super) fn find(&self, trader: UserId, order: OrderId) -> Option<&Entry> {
        self.entries.get(&(trader, order))
    }

    /// The order in a slot of the book.
    pub(super) fn in_slot(&self, key: OrderKey) -> (Id, &Entry) {
        let id = self.by_slot[key.slot() as usize].expect("a resting order has its number");
        (id, &self.entries[&id])
    }

    /// The order of a number in the call.
    pub(super) fn in_call(&self, place: u64) -> Id {
        self.by_place[&place]
    }

    /// Returns true if the trader has an order in the book that this one could trade with.
    pub(super) fn crosses_own(&self, trader: UserId, content: &DayOrder) -> bool {
        let mut own = self.of(trader).map(|(_, entry)| entry);
        own.any(|entry| {
            let other = &entry.content;
            let booked = matches!(entry.place, Place::InBook(_) | Place::InCall(_));
            let crosses = other.limit.is_none_or(|limit| content.takes(limit));
            booked && other.side != content.side && crosses
        })
    }

    pub(super) fn owned(&self, trader: UserId) -> Owned {
        self.traders.get(&trader).copied().unwrap_or_default()
    }

    pub(super) fn next_id(&self, trader: UserId) -> Option<OrderId> {
        self.owned(trader).given.checked_add(1).map(OrderId)
    }

    /// Number of live orders.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of a trader's live orders.
    pub(in crate::lot) fn count_of(&self, trader: UserId) -> usize {
        self.owned(trader).count as usize
    }

    /// The traders with live orders.
    pub(in crate::lot) fn traders(&self) -> impl Iterator<Item = UserId> {
        let all = self.traders.iter();
        all.filter(|(_, own)| own.count > 0)
            .map(|(trader, _)| *trader)
    }

    /// A trader's live orders, by number.
    pub(super) fn of(&self, trader: UserId) -> impl Iterator<Item = (OrderId, &Entry)> {
        let all = (trader, OrderId(0))..=(trader, OrderId(u32::MAX));
        self.entries
            .range(all)
            .map(|((_, order), entry)| (*order, entry))
    }

    /// All live orders.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &Entry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    /// Live orders by last acceptance.
    pub(super) fn by_acceptance(&self) -> Vec<Id> {
        let mut all: Vec<_> = self
            .iter()
            .map(|(id, entry)| (entry.accepted, id))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// Parked orders by last acceptance.
    pub(super) fn parked(&self) -> impl Iterator<Item = Id> {
        self.parked.values().copied()
    }

    /// Time of the first expiry that `expires` allows; parked orders expire always.
    pub(super) fn first_expiry(&self, expires: impl Fn(Timestamp) -> bool) -> Option<Timestamp> {
        let [parked, booked] = &self.expiries;
        let parked = parked.first().map(|(until, ..)| *until);
        let booked = booked.first().map(|(until, ..)| *until);
        let booked = booked.filter(|until| expires(*until));
        parked.into_iter().chain(booked).min()
    }

    /// The order accepted first of those that have expired at `now`.
    pub(super) fn expired(
        &self,
        now: Timestamp,
        expires: impl Fn(Timestamp) -> bool,
    ) -> Option<Id> {
        let [parked, booked] = &self.expiries;
        let due = |expiry: &&(Timestamp, u64, Id)| expiry.0 <= now;
        let parked = parked.iter().take_while(due);
        let booked = booked.iter().take_while(due);
        let booked = booked.filter(|(until, ..)| expires(*until));
        let first = parked
            .chain(booked)
            .min_by_key(|(_, accepted, _)| *accepted);
        first.map(|(.., id)| *id)
    }

    /// The shown orders of a phase that has just begun, in the order in which they are shown.
    pub(super) fn to_show(&self) -> Vec<book::Order> {
        let Some(book) = self.book() else {
            return Vec::new();
        };
        let both = book.orders(Side::Buy).chain(book.orders(Side::Sell));
        match book.closing_price() {
            None => both.collect(),
            Some(price) => {
                let mut taking: Vec<_> = both.filter(|order| order.limit == price).collect();
                taking.sort_unstable_by_key(|order| order.key);
                taking
            }
        }
    }

    /// Public number of an order, if everyone sees it now.
    pub(super) fn shown_number(&self, entry: &Entry) -> Option<u64> {
        let (Place::InBook(key), Some(book)) = (entry.place, self.book()) else {
            return None;
        };
        let order = book.order(key)?;
        let shown = book
            .closing_price()
            .is_none_or(|price| order.limit == price);
        shown.then_some(entry.number)
    }

    /// Most that an order costs at its place.
    pub(super) fn reserves(
        lot: &Lot,
        place: Place,
        side: Side,
        limit: Option<Price>,
        open: u64,
    ) -> Reservation {
        let Some(open) = Quantity::new(open) else {
            return Reservation::NOTHING;
        };
        let price = match (side, limit, place) {
            (Side::Sell, ..) => return Reservation::to_deliver(open),
            (Side::Buy, Some(limit), _) => limit,
            (Side::Buy, None, Place::Incoming | Place::Parked) => return Reservation::NOTHING,
            (Side::Buy, None, Place::InCall(_) | Place::InBook(_)) => greatest_price(lot),
        };
        Reservation::to_pay(price, open)
    }

    /// Calls `each` with the changes of reservations that the next event causes.
    pub(super) fn each_reservation_change(
        &self,
        lot: &Lot,
        event: &Event,
        each: &mut dyn FnMut(ReservationChange),
    ) {
        let Event::Private(event) = event else {
            return;
        };
        let current = |entry: &Entry| {
            let DayOrder {
                side,
                limit,
                quantity,
                ..
            } = entry.content;
            Self::reserves(lot, entry.place, side, limit, quantity.get())
        };
        let mut change =
            |trader, order, place: Option<Place>, limit: Option<Option<Price>>, open| {
                let Some(entry) = self.find(trader, order) else {
                    return;
                };
                let DayOrder {
                    side, limit: old, ..
                } = entry.content;
                let place = place.unwrap_or(entry.place);
                let to = Self::reserves(lot, place, side, limit.unwrap_or(old), open);
                each(ReservationChange {
                    trader,
                    from: current(entry),
                    to,
                });
            };
        match *event {
            PrivateEvent::DayOrderAccepted {
                trader, content, ..
            } => {
                let DayOrder {
                    side,
                    limit,
                    quantity,
                    ..
                } = content;
                each(ReservationChange {
                    trader,
                    from: Reservation::NOTHING,
                    to: Self::reserves(lot, Place::Incoming, side, limit, quantity.get()),
                });
            }
            PrivateEvent::DayOrderReplaced {
                trader,
                order,
                quantity,
                limit,
                keeps_place,
                ..
            } => {
                let place = (!keeps_place).then_some(Place::Incoming);
                change(trader, order, place, Some(limit), quantity.get());
            }
            PrivateEvent::DayOrderParked {
                trader,
                order,
                open,
                ..
            } => change(trader, order, Some(Place::Parked), None, open.get()),
            PrivateEvent::DayOrderRests {
                trader,
                order,
                open,
                ..
            } => change(trader, order, Some(Place::InCall(0)), None, open.get()),
            PrivateEvent::DayOrderFilled {
                trader,
                order,
                left,
                ..
            } => change(trader, order, None, None, left),
            PrivateEvent::DayOrdersDecremented {
                trader,
                resting,
                incoming,
                resting_left,
                incoming_left,
                ..
            } => {
                change(trader, resting, None, None, resting_left);
                change(trader, incoming, None, None, incoming_left);
            }
            PrivateEvent::DayOrderLapsed { trader, order, .. }
            | PrivateEvent::OrderCancelled { trader, order, .. } => {
                change(trader, order, None, None, 0);
            }
            PrivateEvent::OrdersWithdrawn { trader, .. } => {
                let orders: Vec<_> = self.of(trader).map(|(order, _)| order).collect();
                for order in orders {
                    change(trader, order, None, None, 0);
                }
            }
            _ => {}
        }
    }

    /// Calls `each` with all reservations of the lot.
    pub(super) fn each_reservation(&self, lot: &Lot, each: &mut dyn FnMut(UserId, Reservation)) {
        for ((trader, _), entry) in self.iter() {
            let DayOrder {
                side,
                limit,
                quantity,
                ..
            } = entry.content;
            let reserved = Self::reserves(lot, entry.place, side, limit, quantity.get());
            each(trader, reserved);
        }
    }

    /// Applies a private event; `false` if it does not fit.
    #[must_use]
    pub(in crate::lot) fn apply(&mut self, lot: &Lot, event: &PrivateEvent) -> bool {
        match *event {
            PrivateEvent::DayOrderAccepted {
                trader,
                order,
                content,
                ..
            } => self.accept(trader, order, content),
            PrivateEvent::DayOrderReplaced {
                trader,
                order,
                quantity,
                limit,
                keeps_place: true,
                ..
            } => {
                let old = self.find(trader, order).map(|entry| entry.content);
                let Some(old) = old.filter(|old| old.limit == limit) else {
                    return false;
                };
                let lost = old.quantity.get().checked_sub(quantity.get());
                lost.is_some_and(|lost| lost > 0 && self.lose((trader, order), lost))
            }
            PrivateEvent::DayOrderReplaced {
                trader,
                order,
                quantity,
                limit,
                keeps_place: false,
                ..
            } => self.take_off((trader, order), quantity, limit),
            PrivateEvent::DayOrderParked { trader, order, .. } => self.park((trader, order)),
            PrivateEvent::DayOrderRests { trader, order, .. } => self.rest(lot, (trader, order)),
            PrivateEvent::DayOrderFilled {
                trader,
                order,
                price,
                quantity,
                left,
                ..
            } => {
                let id = (trader, order);
                let Some(entry) = self.entries.get_mut(&id) else {
                    return false;
                };
                if entry.content.quantity.get().checked_sub(quantity.get()) != Some(left) {
                    return false;
                }
                entry.traded += quantity.get();
                entry.value += u128::from(price.units()) * u128::from(quantity.get());
                let side = entry.content.side;
                self.traders.entry(trader).or_default().traded[side as usize] += quantity.get();
                self.lose(id, quantity.get())
            }
            PrivateEvent::DayOrdersDecremented {
                trader,
                resting,
                incoming,
                quantity,
                ..
            } => {
                self.lose((trader, resting), quantity.get())
                    && self.lose((trader, incoming), quantity.get())
            }
            PrivateEvent::DayOrderLapsed { trader, order, .. }
            | PrivateEvent::OrderCancelled { trader, order, .. } => self.remove((trader, order)),
            PrivateEvent::OrdersWithdrawn { trader, .. } => {
                let orders: Vec<_> = self.of(trader).map(|(order, _)| order).collect();
                orders.iter().all(|order| self.remove((trader, *order))) && !orders.is_empty()
            }
            PrivateEvent::EndDrawn { end, .. } => self.end.replace(end).is_none(),
            PrivateEvent::OrderKept { .. } => true,
            _ => false,
        }
    }

    /// Applies a public event, before the public part does; `false` if it does not fit.
    #[must_use]
    pub(in crate::lot) fn apply_public(&mut self, lot: &Lot, event: &PublicEvent) -> bool {
        match event {
            PublicEvent::PhaseBegan(began) => self.phase_began(lot, began),
            PublicEvent::EndCommitted { commitment, .. } => {
                self.end.map(|end| end.commitment(lot.id)) == Some(*commitment)
            }
            PublicEvent::EndOpened { end, .. } => self.end.take() == Some(*end),
            PublicEvent::LotClosed { .. } => {
                self.active = Active::Nothing;
                self.entries.is_empty()
            }
            _ => true,
        }
    }

    /// Moves all orders that rest into the book of the phase that begins, by their place in time.
    fn phase_began(&mut self, lot: &Lot, began: &PhaseBegan) -> bool {
        let (Terms::Day(terms), Some(day)) = (&lot.terms, day_of(lot)) else {
            return false;
        };
        let resting = self.by_time();
        self.by_slot.clear();
        self.by_place.clear();
        let Some(active) = Active::of(lot, terms, began) else {
            return false;
        };
        self.active = active;
        for id in &resting {
            let mut entry = self.entries[id];
            if !self.put(*id, &mut entry) {
                return false;
            }
            self.entries.insert(*id, entry);
        }
        if let (DayPhase::AtLast, Active::Book(book)) = (began.phase, &mut self.active) {
            if began.reference == Price::ZERO {
                return false;
            }
            book.begin_at_last(began.reference);
        }
        let mut last = day.last_number;
        for order in self.to_show() {
            let id = self.in_slot(order.key).0;
            let entry = self.entries.get_mut(&id).expect("it is in the book");
            if entry.number == 0 {
                last += 1;
                entry.number = last;
            }
        }
        true
    }

    /// Orders in the call or the book, by place in time.
    pub(super) fn by_time(&self) -> Vec<Id> {
        match &self.active {
            Active::Nothing => Vec::new(),
            Active::Call(call) => call
                .orders()
                .map(|order| self.by_place[&order.id.0])
                .collect(),
            Active::Book(book) => book
                .orders_by_time()
                .map(|order| self.in_slot(order.key).0)
                .collect(),
        }
    }

    fn accept(&mut self, trader: UserId, order: OrderId, content: DayOrder) -> bool {
        if self.next_id(trader) != Some(order) {
            return false;
        }
        self.accepted += 1;
        let own = self.traders.entry(trader).or_default();
        own.given = order.0;
        own.count += 1;
        own.open[content.side as usize] += content.quantity.get();
        let entry = Entry {
            content,
            accepted: self.accepted,
            place: Place::Incoming,
            number: 0,
            traded: 0,
            value: 0,
        };
        self.entries.insert((trader, order), entry);
        true
    }

    /// Takes a replaced order out of its place, to come in anew.
    fn take_off(&mut self, id: Id, quantity: Quantity, limit: Option<Price>) -> bool {
        let Some(mut entry) = self.entries.get(&id).copied() else {
            return false;
        };
        if !self.vacate(id, &entry) {
            return false;
        }
        let open = &mut self.traders.entry(id.0).or_default().open[entry.content.side as usize];
        *open = *open - entry.content.quantity.get() + quantity.get();
        self.accepted += 1;
        entry.content.quantity = quantity;
        entry.content.limit = limit;
        entry.accepted = self.accepted;
        entry.place = Place::Incoming;
        entry.number = 0;
        self.entries.insert(id, entry);
        true
    }

    fn park(&mut self, id: Id) -> bool {
        let Some(mut entry) = self.entries.get(&id).copied() else {
            return false;
        };
        if entry.place == Place::Parked || !self.vacate(id, &entry) {
            return false;
        }
        entry.place = Place::Parked;
        entry.number = 0;
        self.parked.insert(entry.accepted, id);
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            self.expiries[0].insert((until, entry.accepted, id));
        }
        self.entries.insert(id, entry);
        true
    }

    /// Gives an order that comes in, or was parked, its place in the call or the book.
    fn rest(&mut self, lot: &Lot, id: Id) -> bool {
        let Some(mut entry) = self.entries.get(&id).copied() else {
            return false;
        };
        if !self.vacate(id, &entry) || !self.put(id, &mut entry) {
            return false;
        }
        if let (Active::Book(_), Some(day)) = (&self.active, day_of(lot)) {
            entry.number = day.last_number + 1;
        }
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            self.expiries[1].insert((until, entry.accepted, id));
        }
        self.entries.insert(id, entry);
        true
    }

    pub(super) fn put(&mut self, id: Id, entry: &mut Entry) -> bool {
        match &mut self.active {
            Active::Nothing => false,
            Active::Call(call) => {
                let place = call.last_id().0 + 1;
                let added = call.add(call::OrderId(place), id.0, entry.content.entry());
                self.by_place.insert(place, id);
                entry.place = Place::InCall(place);
                added.is_ok()
            }
            Active::Book(book) => {
                let Some(key) = book.put(&entry.content.resting(id.0)) else {
                    return false;
                };
                let slot = key.slot() as usize;
                if self.by_slot.len() <= slot {
                    self.by_slot.resize(slot + 1, None);
                }
                self.by_slot[slot] = Some(id);
                entry.place = Place::InBook(key);
                true
            }
        }
    }

    /// Takes an order out of its place; `false`: it is not there.
    fn vacate(&mut self, id: Id, entry: &Entry) -> bool {
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            let expiry = (until, entry.accepted, id);
            self.expiries.iter_mut().for_each(|of| {
                of.remove(&expiry);
            });
        }
        match (entry.place, &mut self.active) {
            (Place::Incoming, _) => true,
            (Place::Parked, _) => self.parked.remove(&entry.accepted).is_some(),
            (Place::InCall(place), Active::Call(call)) => {
                self.by_place.remove(&place);
                call.cancel(call::OrderId(place), id.0).is_ok()
            }
            (Place::InBook(key), Active::Book(book)) => {
                self.by_slot[key.slot() as usize] = None;
                book.cancel(key, id.0).is_ok()
            }
            _ => false,
        }
    }

    fn remove(&mut self, id: Id) -> bool {
        let Some(entry) = self.entries.remove(&id) else {
            return false;
        };
        self.count_out(id.0, &entry);
        self.vacate(id, &entry)
    }

    fn count_out(&mut self, trader: UserId, entry: &Entry) {
        let own = self.traders.entry(trader).or_default();
        own.count -= 1;
        own.open[entry.content.side as usize] -= entry.content.quantity.get();
    }

    /// Takes shares off an order, which is gone when it has no more.
    fn lose(&mut self, id: Id, shares: u64) -> bool {
        let Some(entry) = self.entries.get(&id).copied() else {
            return false;
        };
        let Some(left) = entry.content.quantity.get().checked_sub(shares) else {
            return false;
        };
        let Some(open) = Quantity::new(left) else {
            return self.remove(id);
        };
        let content = entry.content;
        let fits = match (entry.place, &mut self.active) {
            (Place::Incoming | Place::Parked, _) => true,
            (Place::InCall(place), Active::Call(call)) => call
                .replace(call::OrderId(place), id.0, content.limit, open)
                .is_ok(),
            (Place::InBook(key), Active::Book(book)) => book.take(key, shares),
            _ => false,
        };
        let own = self.traders.entry(id.0).or_default();
        own.open[content.side as usize] -= shares;
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.content.quantity = open;
        }
        fits
    }

    /// Returns true if both parts belong to the same lot.
    pub(in crate::lot) fn belongs_to(&self, lot: &Lot, day: &DayBook) -> bool {
        let active = match &self.active {
            Active::Nothing => matches!(day.phase, None | Some(DayPhase::PreOpen)),
            Active::Call(call) => {
                day.phase.is_some_and(DayPhase::is_call)
                    && u32::try_from(call.trader_count()) == Ok(day.traders)
                    && call.reference() == day.reference
            }
            Active::Book(book) => {
                day.shows_orders() && self.to_show().len() == day.orders.len() && {
                    book.closing_price().is_some() == (day.phase == Some(DayPhase::AtLast))
                }
            }
        };
        active && self.end.map(|end| end.commitment(lot.id)) == day.end
    }
}

impl Active {
    /// The empty book of a phase.
    fn of(lot: &Lot, terms: &DayTerms, began: &PhaseBegan) -> Option<Self> {
        let (tick, round_lot) = (terms.call.tick, lot.quantity);
        Some(match began.phase {
            DayPhase::PreOpen => Self::Nothing,
            DayPhase::Call | DayPhase::Volatility => {
                let book = call::Book::new(call::BookTerms {
                    tick,
                    round_lot,
                    reference: began.reference,
                    collar: began.collar,
                });
                Self::Call(Box::new(book.ok()?))
            }
            DayPhase::Continuous | DayPhase::AtLast => {
                let book = book::Book::new(book::BookTerms {
                    tick,
                    round_lot,
                    ..book::BookTerms::default()
                });
                Self::Book(Box::new(book.ok()?))
            }
        })
    }
}

impl Owned {
    /// The last number given.
    #[cfg(feature = "serde")]
    pub(super) fn last_given(&self) -> OrderId {
        OrderId(self.given)
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

impl DayOrder {
    /// Returns true if its limit accepts a price.
    pub(super) fn takes(&self, price: Price) -> bool {
        self.limit.is_none_or(|limit| match self.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        })
    }

    /// Side, quantity and limit.
    pub(super) fn entry(&self) -> call::Entry {
        call::Entry {
            side: self.side,
            quantity: self.quantity,
            limit: self.limit,
        }
    }

    /// The order as it comes into the order book.
    pub(super) fn incoming(&self, owner: UserId) -> NewOrder {
        NewOrder {
            execution: match self.time_in_force {
                TimeInForce::ImmediateOrCancel => Execution::ImmediateOrCancel,
                TimeInForce::FillOrKill => Execution::FillOrKill,
                _ if self.post_only => Execution::PostOnly,
                _ => Execution::Day,
            },
            ..self.resting(owner)
        }
    }

    /// The order as it rests in the order book.
    fn resting(&self, owner: UserId) -> NewOrder {
        NewOrder {
            owner,
            entry: self.entry(),
            execution: Execution::Day,
            self_trade: self.self_trade,
        }
    }
}

/// Greatest price at which a market order in the book could trade.
pub(super) fn greatest_price(lot: &Lot) -> Price {
    let (Terms::Day(terms), Some(day)) = (&lot.terms, day_of(lot)) else {
        return Price::MAX;
    };
    match (day.phase, day.reference, day.collar) {
        (Some(DayPhase::AtLast), Some(price), _) => price,
        (_, Some(reference), Some(collar)) => collar.upper(reference, terms.call.tick),
        _ => Price::MAX,
    }
}

pub(super) fn day_of(lot: &Lot) -> Option<&DayBook> {
    lot.book.day()
}
