//! A fold of what everyone sees of the book, without owners; and the public numbers that orders should have.

use std::collections::BTreeMap;

use auction_core::{DayPhase, PublicEvent, Side};

use super::oracle::{Day, Id, Kind, Order};

/// A shown order: number, side, price, open shares.
type Row = (u64, Side, u64, u64);

#[derive(Default)]
pub struct Shown {
    /// By arrival: behind all others at its price.
    rows: Vec<Row>,
    /// Public number of each place in the book that was found shown.
    numbers: BTreeMap<(Id, u64), u64>,
    /// The greatest number given.
    greatest: u64,
    trades: u64,
    phase: Option<DayPhase>,
}

impl Shown {
    pub fn apply(&mut self, event: &PublicEvent) {
        match *event {
            // Nothing is shown yet of a phase that begins.
            PublicEvent::PhaseBegan(began) => {
                self.rows.clear();
                self.phase = Some(began.phase);
            }
            PublicEvent::LotClosed { .. } => self.rows.clear(),
            PublicEvent::OrderShown {
                number,
                side,
                price,
                open,
                ..
            } => {
                assert!(self.rows.iter().all(|row| row.0 != number), "shown twice");
                assert!(number <= self.greatest + 1, "public numbers are dense");
                self.greatest = self.greatest.max(number);
                self.rows.push((number, side, price.units(), open.get()));
            }
            PublicEvent::OrderReduced { number, open, .. } => {
                let row = self.row(number);
                assert!(open.get() < row.3, "it lost shares");
                row.3 = open.get();
            }
            PublicEvent::OrderGone { number, .. } => {
                self.row(number);
                self.rows.retain(|row| row.0 != number);
            }
            PublicEvent::CallUncrossed {
                trade: Some(trade), ..
            } => {
                self.trades += 1;
                assert_eq!(trade, self.trades, "trade numbers are dense");
            }
            PublicEvent::Traded {
                number,
                price,
                quantity,
                resting,
                aggressor,
                ..
            } => {
                self.trades += 1;
                assert_eq!(number, self.trades, "trade numbers are dense");
                let first = self.by_priority(aggressor.opposite())[0].0;
                assert_eq!(resting, first, "the best price first, then the oldest");
                let row = self.row(resting);
                assert_eq!((row.1, row.2), (aggressor.opposite(), price.units()));
                row.3 -= quantity.get();
                self.rows.retain(|row| row.3 > 0);
            }
            _ => {}
        }
    }

    /// Checks that the fold is the oracle's book: in continuous trading all that rests, by price and place; at last what
    /// takes part, by place; otherwise nothing.
    pub fn is_book_of(&mut self, day: &Day) {
        for side in [Side::Buy, Side::Sell] {
            let rows = self.by_priority(side);
            let orders = visible(day, side);
            let price = |order: &Order| match day.phase.kind {
                Kind::AtLast => day.last(),
                _ => order.limit,
            };
            let expected = orders.iter().map(|order| (price(order), order.open));
            let shown = rows.iter().map(|row| (Some(row.2), row.3));
            assert!(shown.eq(expected), "{rows:?} {orders:?} {day:?}");
            for (row, order) in rows.iter().zip(orders) {
                self.has_number((order.id, order.place.unwrap()), row.0);
            }
        }
    }

    /// An order keeps its number as long as its place.
    fn has_number(&mut self, place: (Id, u64), number: u64) {
        match self.numbers.get(&place) {
            Some(known) => assert_eq!(*known, number, "a place has one number"),
            None => {
                let given = self.numbers.values().any(|other| *other == number);
                assert!(!given, "a number is given once");
                self.numbers.insert(place, number);
            }
        }
    }

    fn by_priority(&self, side: Side) -> Vec<Row> {
        let mut rows = self.rows.clone();
        rows.retain(|row| row.1 == side);
        if self.phase != Some(DayPhase::AtLast) {
            rows.sort_by_key(|row| match side {
                Side::Buy => u64::MAX - row.2,
                Side::Sell => row.2,
            });
        }
        rows
    }

    fn row(&mut self, number: u64) -> &mut Row {
        let found = self.rows.iter_mut().find(|row| row.0 == number);
        found.unwrap_or_else(|| panic!("order {number} is not shown"))
    }
}

fn visible(day: &Day, side: Side) -> Vec<Order> {
    let mut orders = day.by_priority(side);
    match (day.phase.kind, day.last()) {
        (Kind::Continuous, _) => {}
        (Kind::AtLast, Some(price)) => {
            orders.retain(|order| order.takes(price));
            orders.sort_by_key(|order| order.place);
        }
        _ => orders.clear(),
    }
    orders
}
