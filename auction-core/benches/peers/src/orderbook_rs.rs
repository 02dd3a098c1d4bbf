use std::sync::{Arc, Mutex};

use orderbook_rs::OrderBook;
use orderbook_rs::prelude::{Id, Side, TimeInForce, TradeResult};

use crate::Peer;
use crate::mix::{self, Fills};

/// Numbers of crossing orders: above those of all that rest.
const CROSSING: u64 = 1 << 40;

pub struct OrderbookRs {
    book: OrderBook<()>,
    fills: Arc<Mutex<Fills>>,
    next: u64,
    /// Numbers by tag.
    ids: Vec<u64>,
}

impl Peer for OrderbookRs {
    const NAME: &'static str = "orderbook-rs";

    fn new() -> Self {
        let fills = Arc::new(Mutex::new(Fills::default()));
        let listener = {
            let fills = fills.clone();
            move |result: &TradeResult| {
                let mut fills = fills.lock().unwrap();
                for trade in result.match_result.trades().as_vec() {
                    let order = trade.maker_order_id().as_u64().unwrap();
                    let price = trade.price().as_u128() as u64;
                    fills.add(order, price, trade.quantity().as_u64());
                }
            }
        };
        Self {
            book: OrderBook::with_trade_listener("MIX", Arc::new(listener)),
            fills,
            next: 0,
            ids: vec![0; mix::TAGS],
        }
    }

    fn add(&mut self, tag: u32, is_buy: bool, ticks: u64, quantity: u64) {
        self.enter(self.next, is_buy, ticks, quantity);
        self.ids[tag as usize] = self.next;
        self.next += 1;
    }

    fn bytes_beside(&self) -> usize {
        size_of_val(&*self.ids)
    }

    fn cancel(&mut self, tag: u32) {
        let id = self.ids[tag as usize];
        let cancelled = self.book.cancel_order(Id::Sequential(id));
        assert!(cancelled.unwrap().is_some());
    }

    fn cross(&mut self, is_buy: bool, ticks: u64, quantity: u64, fills: &mut Fills) {
        self.enter(CROSSING + self.next, is_buy, ticks, quantity);
        *fills = *self.fills.lock().unwrap();
    }
}

impl OrderbookRs {
    fn enter(&self, id: u64, is_buy: bool, ticks: u64, quantity: u64) {
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let (id, price) = (Id::Sequential(id), ticks.into());
        let limit = self
            .book
            .add_limit_order(id, price, quantity, side, TimeInForce::Gtc, None);
        limit.unwrap();
    }
}
