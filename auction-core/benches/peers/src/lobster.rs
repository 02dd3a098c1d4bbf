use lobster::{OrderBook, OrderEvent, OrderType, Side};

use crate::Peer;
use crate::mix::{self, Fills};

/// Numbers of crossing orders: above those of all that rest.
const CROSSING: u128 = 1 << 64;

pub struct Lobster {
    book: OrderBook,
    next: u128,
    /// Numbers by tag.
    ids: Vec<u128>,
}

impl Peer for Lobster {
    const NAME: &'static str = "lobster";

    fn new() -> Self {
        Self {
            // As many orders as rest, and as many at each price.
            book: OrderBook::new(mix::RESTING, mix::RESTING / mix::PRICES as usize, false),
            next: 0,
            ids: vec![0; mix::TAGS],
        }
    }

    fn add(&mut self, tag: u32, is_buy: bool, price: u64, qty: u64) {
        let (id, side) = (self.next, side(is_buy));
        self.book.execute(OrderType::Limit {
            id,
            side,
            qty,
            price,
        });
        self.ids[tag as usize] = self.next;
        self.next += 1;
    }

    fn bytes_beside(&self) -> usize {
        size_of_val(&*self.ids)
    }

    fn cancel(&mut self, tag: u32) {
        let id = self.ids[tag as usize];
        self.book.execute(OrderType::Cancel { id });
    }

    fn cross(&mut self, is_buy: bool, price: u64, qty: u64, fills: &mut Fills) {
        let (id, side) = (CROSSING + self.next, side(is_buy));
        let event = self.book.execute(OrderType::Limit {
            id,
            side,
            qty,
            price,
        });
        let OrderEvent::Filled { fills: filled, .. } = event else {
            panic!("it trades whole: {event:?}")
        };
        for fill in filled {
            fills.add(fill.order_2 as u64, fill.price, fill.qty);
        }
    }
}

fn side(is_buy: bool) -> Side {
    if is_buy { Side::Bid } else { Side::Ask }
}
