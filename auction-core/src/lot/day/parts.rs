//! A trading day in a snapshot: its orders by place in time; everything else is derived from them.

#[cfg(feature = "serde")]
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::live::{Entry, Id, Owned, Place};
use super::secret::{Active, DaySecret};
use crate::clearing::{book, call};
#[cfg(feature = "serde")]
use crate::model::day::TimeInForce;
use crate::{Price, RandomEnd, UserId};

/// Hidden part of a trading day, without what is derived. Places are not in the entries, but in `resting`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct DayParts {
    entries: Vec<(Id, Entry)>,
    traders: Vec<(UserId, Owned)>,
    /// Orders in the call or the book, by place in time; at last those first that do not take part.
    resting: Vec<Id>,
    active: ActiveParts,
    accepted: u64,
    end: Option<RandomEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum ActiveParts {
    Nothing,
    Call(call::BookTerms),
    Book(book::BookTerms, Option<Price>),
}

impl DaySecret {
    pub(super) fn parts(&self) -> DayParts {
        let entries = self.iter().map(|(id, entry)| {
            let place = match entry.place {
                Place::InCall(_) | Place::InBook(_) => Place::Incoming,
                place => place,
            };
            (id, Entry { place, ..*entry })
        });
        let mut resting = self.by_time();
        let active = match &self.active {
            Active::Nothing => ActiveParts::Nothing,
            Active::Call(call) => ActiveParts::Call(*call.terms()),
            Active::Book(book) => {
                if let Some(price) = book.closing_price() {
                    // A stable sort: each part stays in the order of time.
                    resting.sort_by_key(|id| self.takes(*id, price));
                }
                ActiveParts::Book(*book.terms(), book.closing_price())
            }
        };
        DayParts {
            entries: entries.collect(),
            traders: self.orders.traders().map(|(id, own)| (id, *own)).collect(),
            resting,
            active,
            accepted: self.accepted,
            end: self.end,
        }
    }

    /// Restores a day; `None` when no sequence of commands could have led to it.
    #[cfg(feature = "serde")]
    fn from_parts(parts: DayParts) -> Option<Self> {
        let mut day = Self {
            accepted: parts.accepted,
            end: parts.end,
            active: match parts.active {
                ActiveParts::Nothing => Active::Nothing,
                ActiveParts::Call(terms) => Active::Call(call::Book::new(terms).ok()?.into()),
                ActiveParts::Book(terms, _) => Active::Book(book::Book::new(terms).ok()?.into()),
            },
            ..Self::default()
        };
        for (trader, own) in parts.traders {
            *day.orders.owned_mut(trader) = own;
        }
        let count = parts.entries.len();
        for (id, entry) in parts.entries {
            let own = day.orders.owned(id.0)?;
            if entry.accepted > day.accepted || id.1 > own.given {
                return None;
            }
            if entry.place == Place::Parked {
                if day.parked.insert(entry.accepted, id).is_some() {
                    return None;
                }
                day.index_expiry(id, &entry);
            }
            day.orders.add(id, entry)?;
        }
        if day.parked.len() + parts.resting.len() != count {
            return None;
        }
        let mut closing = match parts.active {
            ActiveParts::Book(_, closing) => closing,
            _ => None,
        };
        for id in parts.resting {
            if let Some(price) = closing.filter(|price| day.takes(id, *price)) {
                day.begin_at_last(price);
                closing = None;
            }
            let position = day.orders.find(id)?;
            if day.orders[position].entry.place != Place::Incoming || !day.put(position) {
                return None;
            }
            let entry = day.orders[position].entry;
            day.index_expiry(id, &entry);
        }
        if let Some(price) = closing {
            day.begin_at_last(price);
        }
        day.counts_fit().then_some(day)
    }

    #[cfg(feature = "serde")]
    fn begin_at_last(&mut self, price: Price) {
        if let Active::Book(book) = &mut self.active {
            book.begin_at_last(price);
        }
    }

    #[cfg(feature = "serde")]
    fn index_expiry(&mut self, id: Id, entry: &Entry) {
        if let TimeInForce::Until(until) = entry.content.time_in_force {
            let booked = usize::from(entry.place != Place::Parked);
            self.expiries[booked].insert((until, entry.accepted, id));
        }
    }

    /// Returns true if an order accepts a price.
    fn takes(&self, id: Id, price: Price) -> bool {
        self.find(id.0, id.1)
            .is_some_and(|entry| entry.content.takes(price))
    }

    /// Returns true if each trader's counts are those of their orders.
    #[cfg(feature = "serde")]
    fn counts_fit(&self) -> bool {
        let mut counted: BTreeMap<UserId, (u32, [u64; 2])> = BTreeMap::new();
        for ((trader, _), entry) in self.iter() {
            let of = counted.entry(trader).or_default();
            of.0 += 1;
            of.1[entry.content.side as usize] += entry.content.quantity.get();
        }
        self.orders.traders().all(|(trader, own)| {
            let counted = counted.get(&trader).copied().unwrap_or_default();
            counted == (own.count, own.open)
        })
    }
}

/// Equal when the orders and their order in time are equal, whatever the layout in memory.
impl PartialEq for DaySecret {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for DaySecret {}

#[cfg(feature = "serde")]
impl serde::Serialize for DaySecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts().serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for DaySecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = DayParts::deserialize(deserializer)?;
        let message = "these orders cannot have come together on one trading day";
        Self::from_parts(parts).ok_or_else(|| serde::de::Error::custom(message))
    }
}
