//! Hidden state of a call auction: its orders, by the numbers that their traders know, and its random end.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::CallBook;
use crate::account::standing::StandingOrder;
use crate::clearing::call::{Book, BookTerms, Entry, Order, OrderId as Place, Uncross};
use crate::lot::{Lot, OrderState, OwnOrder, Phase};
use crate::model::call_terms::CallTerms;
use crate::model::event::{Outcome, PrivateEvent};
use crate::{LotId, OrderId, Price, Quantity, RandomEnd, UserId};

/// Hidden state of a call auction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(in crate::lot) struct CallSecret {
    stage: Stage,
    /// From its draw until it is opened.
    end: Option<RandomEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Stage {
    /// It has not begun.
    Waiting,
    /// It accepts orders.
    Open(Box<Orders>),
    /// It has closed; the results of each order.
    Closed(BTreeMap<UserId, Vec<OwnOrder>>),
}

/// The orders of a call auction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(in crate::lot) struct Orders {
    book: Book,
    traders: BTreeMap<UserId, Numbers>,
}

/// A trader's orders by number. The book's own numbers reveal how many orders there are, and so are secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Numbers {
    /// Numbers assigned so far; they are never used again.
    given: u32,
    /// Both numbers rise from one entry to the next.
    live: Vec<(OrderId, Place)>,
}

impl CallSecret {
    pub(in crate::lot) fn waiting() -> Self {
        Self {
            stage: Stage::Waiting,
            end: None,
        }
    }

    /// Creates a call of which only its random end is known.
    pub(in crate::lot) fn with_end(end: Option<RandomEnd>) -> Self {
        Self {
            stage: Stage::Waiting,
            end,
        }
    }

    /// Returns true if both parts belong to the same lot.
    pub(in crate::lot) fn belongs_to(&self, lot: &Lot, book: &CallBook) -> bool {
        let stands = match (&self.stage, &lot.phase) {
            (Stage::Waiting, Phase::Scheduled) => book.traders == 0,
            (Stage::Open(orders), Phase::Open) => {
                let terms = orders.book.terms();
                orders.trader_count() == book.traders
                    && Some(terms.reference).filter(|price| *price > Price::ZERO) == book.reference
                    && orders.numbers_fit()
            }
            (Stage::Closed(closed), Phase::Closed { .. }) => {
                u32::try_from(closed.len()) == Ok(book.traders)
            }
            _ => false,
        };
        stands && self.end.map(|end| end.commitment(lot.id)) == book.end
    }

    /// Returns the orders, while the call accepts them.
    pub(in crate::lot) fn orders(&self) -> Option<&Orders> {
        match &self.stage {
            Stage::Open(orders) => Some(orders),
            Stage::Waiting | Stage::Closed(_) => None,
        }
    }

    pub(in crate::lot) fn end(&self) -> Option<RandomEnd> {
        self.end
    }

    /// Returns a trader's orders, by number.
    pub(in crate::lot) fn orders_of(&self, trader: UserId) -> Vec<OwnOrder> {
        match &self.stage {
            Stage::Waiting => Vec::new(),
            Stage::Open(orders) => orders.of(trader).collect(),
            Stage::Closed(closed) => closed.get(&trader).cloned().unwrap_or_default(),
        }
    }

    /// Calls `take` with every live order and its trader, by place in time.
    pub(in crate::lot) fn each_order(
        &self,
        lot: LotId,
        take: &mut impl FnMut(UserId, StandingOrder),
    ) {
        let Stage::Open(orders) = &self.stage else {
            return;
        };
        for order in orders.book.orders() {
            let own = &orders.traders[&order.trader].live;
            let at = own.binary_search_by_key(&order.id, |(_, place)| *place);
            let (id, _) = own[at.expect("each order has its number")];
            let Entry {
                side,
                quantity,
                limit,
            } = order.entry;
            let standing = StandingOrder {
                lot,
                order: id,
                side,
                quantity,
                limit,
            };
            take(order.trader, standing);
        }
    }

    /// Applies a private event; `false` if it does not fit.
    #[must_use]
    pub(in crate::lot) fn apply(&mut self, event: &PrivateEvent) -> bool {
        let Stage::Open(orders) = &mut self.stage else {
            return false;
        };
        match *event {
            PrivateEvent::OrderPlaced {
                trader,
                order,
                side,
                quantity,
                limit,
                ..
            } => {
                let entry = Entry {
                    side,
                    quantity,
                    limit,
                };
                orders.place(trader, order, entry)
            }
            PrivateEvent::OrderReplaced {
                trader,
                order,
                quantity,
                limit,
                ..
            } => orders.replace(trader, order, limit, quantity),
            PrivateEvent::OrderCancelled { trader, order, .. } => orders.cancel(trader, order),
            PrivateEvent::OrdersWithdrawn { trader, .. } => orders.withdraw(trader),
            PrivateEvent::OrderKept { trader, order, .. } => orders.find(trader, order).is_some(),
            PrivateEvent::EndDrawn { end, .. } => self.end.replace(end).is_none(),
            _ => false,
        }
    }

    /// Begins the call with this reference, zero for none; `false`: it has begun before, or cannot begin.
    #[must_use]
    pub(in crate::lot) fn begin(&mut self, lot: &Lot, terms: &CallTerms, reference: Price) -> bool {
        let book = Book::new(BookTerms {
            tick: terms.tick,
            round_lot: lot.quantity,
            reference,
            collar: terms.collar,
        });
        let (Ok(book), Stage::Waiting) = (book, &self.stage) else {
            return false;
        };
        let traders = BTreeMap::new();
        self.stage = Stage::Open(Box::new(Orders { book, traders }));
        true
    }

    /// Forgets the random end, which is public now; `false`: it differs from the drawn one.
    #[must_use]
    pub(in crate::lot) fn end_opened(&mut self, end: &RandomEnd) -> bool {
        self.end.take() == Some(*end)
    }

    /// Fills the orders; `false` if the outcome does not fit them.
    #[must_use]
    pub(in crate::lot) fn close(&mut self, outcome: &Outcome) -> bool {
        let closed = match &self.stage {
            Stage::Closed(_) => return false,
            Stage::Waiting => BTreeMap::new(),
            Stage::Open(orders) => match orders.settled(outcome) {
                Some(closed) => closed,
                None => return false,
            },
        };
        self.stage = Stage::Closed(closed);
        true
    }
}

impl Orders {
    pub(in crate::lot) fn book(&self) -> &Book {
        &self.book
    }

    pub(in crate::lot) fn trader_count(&self) -> u32 {
        u32::try_from(self.book.trader_count()).expect("orders are bounded")
    }

    pub(in crate::lot) fn next_id(&self, trader: UserId) -> Option<OrderId> {
        let given = self.traders.get(&trader).map_or(0, |own| own.given);
        given.checked_add(1).map(OrderId)
    }

    /// Returns the book's number of a trader's order.
    pub(in crate::lot) fn find(&self, trader: UserId, id: OrderId) -> Option<Place> {
        let own = self.traders.get(&trader)?;
        own.find(id).map(|at| own.live[at].1)
    }

    fn of(&self, trader: UserId) -> impl Iterator<Item = OwnOrder> {
        let own = self.traders.get(&trader).into_iter();
        let live = own.flat_map(|own| &own.live);
        live.filter_map(move |(id, place)| {
            let order = self.book.order_of(*place, trader).ok()?;
            Some(own_order(*id, &order, OrderState::Live))
        })
    }

    fn place(&mut self, trader: UserId, id: OrderId, entry: Entry) -> bool {
        let place = Place(self.book.last_id().0 + 1);
        if self.next_id(trader) != Some(id) || self.book.add(place, trader, entry).is_err() {
            return false;
        }
        let own = self.traders.entry(trader).or_default();
        own.given = id.0;
        own.live.push((id, place));
        true
    }

    fn replace(
        &mut self,
        trader: UserId,
        id: OrderId,
        limit: Option<Price>,
        quantity: Quantity,
    ) -> bool {
        let Some(place) = self.find(trader, id) else {
            return false;
        };
        self.book.replace(place, trader, limit, quantity).is_ok()
    }

    fn cancel(&mut self, trader: UserId, id: OrderId) -> bool {
        let Some(own) = self.traders.get_mut(&trader) else {
            return false;
        };
        let Some(at) = own.find(id) else {
            return false;
        };
        let (_, place) = own.live.remove(at);
        self.book.cancel(place, trader).is_ok()
    }

    fn withdraw(&mut self, trader: UserId) -> bool {
        let Some(own) = self.traders.get_mut(&trader) else {
            return false;
        };
        let live = core::mem::take(&mut own.live);
        self.book
            .cancel_all(trader, live.iter().map(|(_, place)| *place));
        !live.is_empty()
    }

    /// Returns the result of each order; `None` if the outcome does not fit these orders.
    fn settled(&self, outcome: &Outcome) -> Option<BTreeMap<UserId, Vec<OwnOrder>>> {
        let mut closed: BTreeMap<UserId, Vec<OwnOrder>> = BTreeMap::new();
        for (trader, own) in &self.traders {
            if own.live.is_empty() {
                continue;
            }
            let lapsed = self.of(*trader).map(|order| OwnOrder {
                state: OrderState::Closed {
                    filled: 0,
                    price: None,
                },
                ..order
            });
            closed.insert(*trader, lapsed.collect());
        }
        let uncross = Uncross::of(&self.book);
        let Outcome::Crossed { price, volume, .. } = *outcome else {
            return uncross.is_none().then_some(closed);
        };
        let uncross = uncross.filter(|of| (of.cross.price, of.cross.volume) == (price, volume))?;
        for fill in uncross.fills(&self.book).filter(|fill| fill.filled > 0) {
            let places = &self.traders.get(&fill.trader)?.live;
            let at = places.binary_search_by_key(&fill.order, |(_, place)| *place);
            closed.get_mut(&fill.trader)?[at.ok()?].state = OrderState::Closed {
                filled: fill.filled,
                price: Some(price),
            };
        }
        Some(closed)
    }

    /// Returns true if the traders' numbers are those of the book's orders: in a snapshot they may not be.
    fn numbers_fit(&self) -> bool {
        let rises = |own: &Numbers| {
            let rise = own
                .live
                .is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1);
            rise && own.live.last().is_none_or(|(last, _)| last.0 <= own.given)
        };
        let of_book = |(trader, own): (&UserId, &Numbers)| {
            rises(own) && self.of(*trader).count() == own.live.len()
        };
        let live: usize = self.traders.values().map(|own| own.live.len()).sum();
        live == self.book.len() && self.traders.iter().all(of_book)
    }
}

impl Numbers {
    fn find(&self, id: OrderId) -> Option<usize> {
        self.live.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}

fn own_order(id: OrderId, order: &Order, state: OrderState) -> OwnOrder {
    OwnOrder {
        order: id,
        side: order.entry.side,
        quantity: order.entry.quantity,
        limit: order.entry.limit,
        state,
    }
}
