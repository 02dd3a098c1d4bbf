//! A book in a snapshot: its orders by place in time; everything else is derived from them.

use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::book::Book;
use super::order::{Order, OrderId};
use super::terms::BookTerms;

#[derive(Serialize, Deserialize)]
struct BookParts {
    terms: BookTerms,
    last_id: OrderId,
    orders: Vec<Order>,
}

impl Serialize for Book {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BookParts {
            terms: *self.terms(),
            last_id: self.last_id(),
            orders: self.orders().collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Book {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = BookParts::deserialize(deserializer)?;
        Self::restored(parts.terms, parts.last_id, &parts.orders)
            .ok_or_else(|| D::Error::custom("these orders cannot have come together in one book"))
    }
}
