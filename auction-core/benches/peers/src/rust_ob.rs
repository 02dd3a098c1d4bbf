use rust_ob::{Decimal, OrderBook, Side};

use crate::Peer;
use crate::mix::{self, Fills};

/// Numbers of crossing orders: above those of all that rest.
const CROSSING: u64 = 1 << 40;

pub struct RustOb {
    book: OrderBook<u64>,
    next: u64,
    /// Numbers by tag.
    ids: Vec<u64>,
}

impl Peer for RustOb {
    const NAME: &'static str = "rust_ob";

    fn new() -> Self {
        Self {
            book: OrderBook::new(),
            next: 0,
            ids: vec![0; mix::TAGS],
        }
    }

    fn add(&mut self, tag: u32, is_buy: bool, ticks: u64, quantity: u64) {
        let (price, quantity) = (ticks.into(), quantity.into());
        let limit = self
            .book
            .process_limit_order(self.next, side(is_buy), price, quantity);
        limit.unwrap();
        self.ids[tag as usize] = self.next;
        self.next += 1;
    }

    fn bytes_beside(&self) -> usize {
        size_of_val(&*self.ids)
    }

    fn cancel(&mut self, tag: u32) {
        let id = self.ids[tag as usize];
        self.book.cancel_order(id).unwrap();
    }

    fn cross(&mut self, is_buy: bool, ticks: u64, quantity: u64, fills: &mut Fills) {
        let (id, quantity) = (CROSSING + self.next, quantity.into());
        let limit = self
            .book
            .process_limit_order(id, side(is_buy), ticks.into(), quantity);
        let matched = limit.unwrap();
        // The last is the crossing order.
        for fill in &matched[..matched.len() - 1] {
            let price = (fill.cost / fill.quantity).abs();
            fills.add(fill.order, whole(price), whole(fill.quantity));
        }
    }
}

fn side(is_buy: bool) -> Side {
    if is_buy { Side::Buy } else { Side::Sell }
}

fn whole(value: Decimal) -> u64 {
    value.try_into().unwrap()
}
