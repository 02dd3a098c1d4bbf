//! Hidden part of a trading day: its orders and their traders, in a call or in an order book.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::DayBook;
use super::live::{Entry, Id, Live, LiveOrders, Owned, Place, Position};
use super::order_forms::{day_of, greatest_price};
use crate::account::ledger::Reservation;
use crate::clearing::book::{self, OrderKey};
use crate::clearing::call::{self, Side};
use crate::lot::Lot;
use crate::lot::format::ReservationChange;
use crate::model::command::Terms;
use crate::model::day::{DayOrder, DayPhase, DayTerms, TimeInForce};
use crate::model::event::{Event, PhaseBegan, PrivateEvent, PublicEvent};
use crate::{OrderId, Price, Quantity, RandomEnd, Timestamp, UserId};

/// Hidden part of a trading day.
#[derive(Clone, Debug, Default)]
pub(in crate::lot) struct DaySecret {
    pub(super) orders: LiveOrders,
    pub(super) active: Active,
    /// The order in each slot of the order book.
    pub(super) by_slot: Vec<Option<Position>>,
    /// The order of each number in a call.
    pub(super) by_place: BTreeMap<u64, Id>,
    /// By last acceptance.
    pub(super) parked: BTreeMap<u64, Id>,
    /// Parked orders, and orders in the book, that live until a time, with their last acceptance.
    pub(super) expiries: [BTreeSet<(Timestamp, u64, Id)>; 2],
    /// Acceptances so far.
    pub(super) accepted: u64,
    pub(in crate::lot) end: Option<RandomEnd>,
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
        let position = self.orders.find((trader, order))?;
        Some(&self.orders[position].entry)
    }

    /// The order in a slot of the book.
    pub(super) fn in_slot(&self, key: OrderKey) -> (Id, &Entry) {
        let position = self.by_slot[key.slot() as usize].expect("a resting order is live");
        let Live { id, entry, .. } = &self.orders[position];
        (*id, entry)
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
        self.orders.owned(trader).copied().unwrap_or_default()
    }

    /// Number of live orders.
    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Number of a trader's live orders.
    pub(in crate::lot) fn count_of(&self, trader: UserId) -> usize {
        self.owned(trader).count as usize
    }

    /// The traders with live orders.
    pub(in crate::lot) fn traders(&self) -> impl Iterator<Item = UserId> {
        let all = self.orders.traders();
        all.filter(|(_, own)| own.count > 0)
            .map(|(trader, _)| trader)
    }

    /// A trader's live orders, by number.
    pub(super) fn of(&self, trader: UserId) -> impl Iterator<Item = (OrderId, &Entry)> {
        let own = self.orders.of(trader);
        own.map(|live| (live.id.1, &live.entry))
    }

    /// All live orders.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &Entry)> {
        self.orders.iter().map(|live| (live.id, &live.entry))
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

    /// Returns true if an order lives until a time.
    pub(in crate::lot) fn has_expiries(&self) -> bool {
        self.expiries.iter().any(|of| !of.is_empty())
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
        let takes_part = |price| book.order(key).is_some_and(|order| order.limit == price);
        let shown = book.closing_price().is_none_or(takes_part);
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
                let Some(position) = self.orders.find((trader, order)) else {
                    return false;
                };
                let old = self.orders[position].entry.content;
                let lost = old.quantity.get().checked_sub(quantity.get());
                let lost = lost.filter(|lost| *lost > 0 && old.limit == limit);
                lost.is_some_and(|lost| self.lose(position, lost))
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
                let Some(position) = self.orders.find((trader, order)) else {
                    return false;
                };
                let entry = &mut self.orders[position].entry;
                if entry.content.quantity.get().checked_sub(quantity.get()) != Some(left) {
                    return false;
                }
                entry.traded += quantity.get();
                entry.value += u128::from(price.units()) * u128::from(quantity.get());
                let side = entry.content.side;
                self.orders.owner_mut(position).traded[side as usize] += quantity.get();
                self.lose(position, quantity.get())
            }
            PrivateEvent::DayOrdersDecremented {
                trader,
                resting,
                incoming,
                quantity,
                ..
            } => {
                let both = [resting, incoming].map(|order| self.orders.find((trader, order)));
                both.into_iter().all(|position| {
                    position.is_some_and(|position| self.lose(position, quantity.get()))
                })
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
                self.orders.len() == 0
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
        for id in resting {
            let Some(position) = self.orders.find(id) else {
                return false;
            };
            if !self.put(position) {
                return false;
            }
        }
        if let (DayPhase::AtLast, Active::Book(book)) = (began.phase, &mut self.active) {
            if began.reference == Price::ZERO {
                return false;
            }
            book.begin_at_last(began.reference);
        }
        let mut last = day.last_number;
        for order in self.to_show() {
            let position = self.by_slot[order.key.slot() as usize].expect("it is in the book");
            let entry = &mut self.orders[position].entry;
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
        let own = self.orders.owned_mut(trader);
        if own.next_order() != Some(order) {
            return false;
        }
        self.accepted += 1;
        own.given = order;
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
        self.orders.add((trader, order), entry).is_some()
    }

    /// Takes a replaced order out of its place, to come in as a new one.
    fn take_off(&mut self, id: Id, quantity: Quantity, limit: Option<Price>) -> bool {
        let Some(position) = self.orders.find(id) else {
            return false;
        };
        if !self.vacate(position) {
            return false;
        }
        self.accepted += 1;
        let entry = &mut self.orders[position].entry;
        let (side, before) = (entry.content.side, entry.content.quantity.get());
        entry.content.quantity = quantity;
        entry.content.limit = limit;
        entry.accepted = self.accepted;
        entry.place = Place::Incoming;
        entry.number = 0;
        let open = &mut self.orders.owner_mut(position).open[side as usize];
        *open = *open - before + quantity.get();
        true
    }

    fn park(&mut self, id: Id) -> bool {
        let Some(position) = self.orders.find(id) else {
            return false;
        };
        if self.orders[position].entry.place == Place::Parked || !self.vacate(position) {
            return false;
        }
        let entry = &mut self.orders[position].entry;
        entry.place = Place::Parked;
        entry.number = 0;
        self.parked.insert(entry.accepted, id);
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            self.expiries[0].insert((until, entry.accepted, id));
        }
        true
    }

    /// Gives an order that comes in, or was parked, its place in the call or the book.
    fn rest(&mut self, lot: &Lot, id: Id) -> bool {
        let Some(position) = self.orders.find(id) else {
            return false;
        };
        if !self.vacate(position) || !self.put(position) {
            return false;
        }
        let entry = &mut self.orders[position].entry;
        if let (Active::Book(_), Some(day)) = (&self.active, day_of(lot)) {
            entry.number = day.last_number + 1;
        }
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            self.expiries[1].insert((until, entry.accepted, id));
        }
        true
    }

    pub(super) fn put(&mut self, position: Position) -> bool {
        let Live { id, entry, .. } = &mut self.orders[position];
        match &mut self.active {
            Active::Nothing => false,
            Active::Call(call) => {
                let place = call.last_id().0 + 1;
                let added = call.add(call::OrderId(place), id.0, entry.content.entry());
                self.by_place.insert(place, *id);
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
                self.by_slot[slot] = Some(position);
                entry.place = Place::InBook(key);
                true
            }
        }
    }

    /// Takes an order out of its place; `false`: it is not there.
    fn vacate(&mut self, position: Position) -> bool {
        let Live { id, entry, .. } = &self.orders[position];
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            let expiry = (until, entry.accepted, *id);
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
        let position = self.orders.find(id);
        position.is_some_and(|position| self.remove_at(position))
    }

    fn remove_at(&mut self, position: Position) -> bool {
        let left = self.vacate(position);
        let DayOrder { side, quantity, .. } = self.orders[position].entry.content;
        let own = self.orders.owner_mut(position);
        own.count -= 1;
        own.open[side as usize] -= quantity.get();
        self.orders.remove(position);
        left
    }

    /// Takes shares off an order, which is gone when it has no more.
    fn lose(&mut self, position: Position, shares: u64) -> bool {
        let Live { id, entry, .. } = &mut self.orders[position];
        let content = &mut entry.content;
        let Some(left) = content.quantity.get().checked_sub(shares) else {
            return false;
        };
        let Some(open) = Quantity::new(left) else {
            return self.remove_at(position);
        };
        let fits = match (entry.place, &mut self.active) {
            (Place::Incoming | Place::Parked, _) => true,
            (Place::InCall(place), Active::Call(call)) => call
                .replace(call::OrderId(place), id.0, content.limit, open)
                .is_ok(),
            (Place::InBook(key), Active::Book(book)) => book.take(key, shares),
            _ => false,
        };
        content.quantity = open;
        let side = content.side;
        self.orders.owner_mut(position).open[side as usize] -= shares;
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
