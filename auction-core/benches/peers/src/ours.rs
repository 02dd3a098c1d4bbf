use auction_core::clearing::book::{
    Book, BookTerms, Corridor, End, Event, Execution, NewOrder, OrderKey, SelfTrade,
};
use auction_core::clearing::call::Entry;
use auction_core::{Price, Quantity, Side, UserId};

use crate::Peer;
use crate::mix::{self, Fills};

const TICK: u64 = 100;
const OWNERS: u32 = 1_000;
const TAKER: UserId = UserId(OWNERS + 1);

pub struct Ours {
    book: Book,
    /// By tag.
    keys: Vec<Option<OrderKey>>,
    /// Numbers by slot.
    numbers: Vec<u32>,
    rested: u32,
}

impl Peer for Ours {
    const NAME: &'static str = "clearing::book";

    fn new() -> Self {
        Self {
            book: Book::new(BookTerms::default()).unwrap(),
            keys: vec![None; mix::TAGS],
            numbers: vec![0; mix::TAGS],
            rested: 0,
        }
    }

    fn add(&mut self, tag: u32, is_buy: bool, ticks: u64, quantity: u64) {
        let owner = UserId(tag % OWNERS);
        let order = order(owner, is_buy, ticks, quantity);
        let outcome = self.book.enter(order, &Corridor::OPEN, |_| ()).unwrap();
        let End::Rests { order, .. } = outcome.end else {
            panic!("it rests")
        };
        self.numbers[order.slot() as usize] = self.rested;
        self.keys[tag as usize] = Some(order);
        self.rested += 1;
    }

    fn bytes_beside(&self) -> usize {
        size_of_val(&*self.keys) + size_of_val(&*self.numbers)
    }

    fn cancel(&mut self, tag: u32) {
        let key = self.keys[tag as usize].unwrap();
        self.book.cancel(key, UserId(tag % OWNERS)).unwrap();
    }

    fn cross(&mut self, is_buy: bool, ticks: u64, quantity: u64, fills: &mut Fills) {
        let Self { book, numbers, .. } = self;
        let sink = |event| {
            if let Event::Trade {
                resting,
                price,
                quantity,
                ..
            } = event
            {
                let number = numbers[resting.slot() as usize];
                fills.add(number.into(), price.units() / TICK, quantity.get());
            }
        };
        let order = order(TAKER, is_buy, ticks, quantity);
        book.enter(order, &Corridor::OPEN, sink).unwrap();
    }
}

impl Ours {
    /// Returns true when the last order of a tag rests.
    pub fn rests(&self, tag: usize) -> bool {
        self.keys[tag].is_some_and(|key| self.book.order(key).is_some())
    }

    /// Price in ticks and shares of each level, the lowest price first.
    pub fn levels(&self, is_buy: bool) -> Vec<(u64, u64)> {
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let levels = self.book.levels(side);
        let mut levels: Vec<(u64, u64)> = levels
            .map(|level| (level.price.units() / TICK, level.open))
            .collect();
        levels.sort_unstable();
        levels
    }
}

fn order(owner: UserId, is_buy: bool, ticks: u64, quantity: u64) -> NewOrder {
    NewOrder {
        owner,
        entry: Entry {
            side: if is_buy { Side::Buy } else { Side::Sell },
            quantity: Quantity::new(quantity).unwrap(),
            limit: Price::from_units(ticks * TICK),
        },
        execution: Execution::Day,
        self_trade: SelfTrade::Refuse,
    }
}
