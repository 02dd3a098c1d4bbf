use rust_order_book::{Depth, OrderBook, OrderBookOptions, OrderId, OrderStatus, Side};

use crate::Peer;
use crate::mix::{self, Fills, Mix, Step};

pub struct RustOrderBook {
    book: OrderBook,
    /// By tag.
    ids: Vec<OrderId>,
}

impl Peer for RustOrderBook {
    const NAME: &'static str = "rust-order-book";

    fn new() -> Self {
        Self {
            book: OrderBook::new("MIX", OrderBookOptions::default()),
            ids: vec![OrderId(0); mix::TAGS],
        }
    }

    fn add(&mut self, tag: u32, is_buy: bool, ticks: u64, quantity: u64) {
        let report = self
            .book
            .limit_raw(side(is_buy), quantity, ticks, None, None);
        self.ids[tag as usize] = report.unwrap().order_id;
    }

    fn bytes_beside(&self) -> usize {
        size_of_val(&*self.ids)
    }

    fn cancel(&mut self, tag: u32) {
        self.book.cancel(self.ids[tag as usize]).unwrap();
    }

    fn cross(&mut self, is_buy: bool, ticks: u64, quantity: u64, _: &mut Fills) {
        let report = self
            .book
            .limit_raw(side(is_buy), quantity, ticks, None, None);
        let report = report.unwrap();
        assert_eq!(report.status, OrderStatus::Filled, "it trades whole");
    }

    /// It does not report what it fills. Which orders rest, and how much at each price, is compared with our book, whose
    /// fills are those of the plain one: an order can only be filled in part when all before it at its price are
    /// gone, so that no other fills leave the same.
    fn check(&self, _: &Fills, mix: &Mix) {
        let mut ours = crate::ours::Ours::new();
        let mut fills = Fills::default();
        let steps: Vec<&Step> = mix.fill_up.iter().chain(&mix.steps).collect();
        steps.iter().for_each(|step| ours.step(step, &mut fills));
        ours.check(&fills, mix);
        // The number 0 is also that of tags that were never used.
        for (tag, id) in self.ids.iter().enumerate().filter(|(_, id)| id.0 > 0) {
            let rests = self.book.get_order(*id).is_ok();
            assert_eq!(rests, ours.rests(tag), "order {id:?}");
        }
        let Depth { asks, bids } = self.book.depth(None);
        for (levels, is_buy) in [(asks, false), (bids, true)] {
            let mut levels: Vec<(u64, u64)> = levels
                .iter()
                .map(|(price, quantity)| (price.value(), quantity.value()))
                .collect();
            levels.sort_unstable();
            assert_eq!(levels, ours.levels(is_buy));
        }
    }
}

fn side(is_buy: bool) -> Side {
    if is_buy { Side::Buy } else { Side::Sell }
}
