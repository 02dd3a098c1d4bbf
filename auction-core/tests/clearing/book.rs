//! A book through random orders, replacements and cancels, compared with a plain list of orders.

use std::collections::BTreeMap;

use auction_core::clearing::call::ladder::Depth;
use auction_core::clearing::call::{
    Book, BookTerms, Entry, Indicative, Level, Order, OrderError, OrderId, Place, Point, Quote,
    Side,
};
use auction_core::limits::BOOK_ORDERS_PER_TRADER_MAX;
use auction_core::{Price, Quantity, UserId};

use super::random::{Random, seeds};
use super::{price, quantity, units};

const TRADERS: u64 = 12;

/// The orders by place in time, and nothing else.
struct Plain {
    reference: Option<Price>,
    orders: Vec<Order>,
    /// Every order so far.
    entered: Vec<(OrderId, UserId)>,
}

impl Plain {
    fn levels(&self) -> Vec<Level> {
        let mut levels = BTreeMap::new();
        for order in &self.orders {
            let Some(price) = order.entry.limit else {
                continue;
            };
            let level = levels.entry(price).or_insert(Level {
                price,
                buy: 0,
                sell: 0,
            });
            match order.entry.side {
                Side::Buy => level.buy += order.entry.quantity.get(),
                Side::Sell => level.sell += order.entry.quantity.get(),
            }
        }
        levels.into_values().collect()
    }

    fn market(&self, side: Side) -> u64 {
        let of_side = self.orders.iter().filter(|order| order.entry.side == side);
        let market = of_side.filter(|order| order.entry.limit.is_none());
        market.map(|order| order.entry.quantity.get()).sum()
    }

    /// Computed from scratch: the ladder over every price.
    fn indicative(&self) -> Indicative {
        let levels = self.levels();
        let (market_buy, market_sell) = (self.market(Side::Buy), self.market(Side::Sell));
        let mut buy = market_buy + levels.iter().map(|level| level.buy).sum::<u64>();
        let mut sell = market_sell;
        let mut points = Vec::new();
        for level in &levels {
            sell += level.sell;
            points.push(Point {
                price: level.price,
                buy,
                sell,
            });
            buy -= level.buy;
        }
        let best_buy = levels.iter().rev().find(|level| level.buy > 0);
        let best_buy = best_buy.map(|level| Quote {
            price: level.price,
            quantity: level.buy,
        });
        let best_sell = levels.iter().find(|level| level.sell > 0);
        let best_sell = best_sell.map(|level| Quote {
            price: level.price,
            quantity: level.sell,
        });
        let depth = Depth {
            points: &points,
            market_buy,
            market_sell,
            best_buy,
            best_sell,
            tick: Price::UNIT,
            reference: self.reference,
        };
        match depth.cross() {
            Some(cross) => Indicative::Cross(cross),
            None => Indicative::NoCross {
                best_buy,
                best_sell,
            },
        }
    }

    fn would_self_trade(&self, trader: UserId, entry: &Entry) -> bool {
        let others = self.orders.iter().filter(|order| order.trader == trader);
        others
            .filter(|order| order.entry.side != entry.side)
            .any(|order| {
                let (buy, sell) = match entry.side {
                    Side::Buy => (entry.limit, order.entry.limit),
                    Side::Sell => (order.entry.limit, entry.limit),
                };
                buy.is_none() || sell.is_none() || buy >= sell
            })
    }
}

/// Performs one step on both; returns true if it was accepted.
fn step(random: &mut Random, book: &mut Book, plain: &mut Plain, id: u64, prices: u64) -> bool {
    let limit = (!random.one_in(15)).then(|| units(random.between(1, prices)));
    let quantity = quantity(random.between(1, 20));
    let trader = UserId(random.between(1, TRADERS) as u32);
    if plain.orders.is_empty() || !random.one_in(3) {
        let side = if random.one_in(2) {
            Side::Buy
        } else {
            Side::Sell
        };
        let entry = Entry {
            side,
            quantity,
            limit,
        };
        let taken = book.add(OrderId(id), trader, entry);
        if plain.would_self_trade(trader, &entry) {
            assert!(
                matches!(taken, Err(OrderError::WouldSelfTrade { .. })),
                "{taken:?}"
            );
            return false;
        }
        assert_eq!(taken, Ok(()));
        plain.entered.push((OrderId(id), trader));
        plain.orders.push(Order {
            id: OrderId(id),
            trader,
            entry,
        });
        return true;
    }
    let index = random.below(plain.orders.len() as u64) as usize;
    let old = plain.orders[index];
    if random.one_in(2) {
        plain.orders.remove(index);
        assert_eq!(book.cancel(old.id, old.trader), Ok(old));
        return true;
    }
    let limit = if random.one_in(2) {
        old.entry.limit
    } else {
        limit
    };
    let entry = Entry {
        quantity,
        limit,
        ..old.entry
    };
    let taken = book.replace(old.id, old.trader, limit, quantity);
    if entry == old.entry {
        assert_eq!(taken, Err(OrderError::Unchanged));
        return false;
    }
    if plain.would_self_trade(old.trader, &entry) {
        assert!(
            matches!(taken, Err(OrderError::WouldSelfTrade { .. })),
            "{taken:?}"
        );
        return false;
    }
    let new = Order { entry, ..old };
    if limit == old.entry.limit && quantity < old.entry.quantity {
        assert_eq!(taken, Ok(Place::Kept));
        plain.orders[index] = new;
    } else {
        assert_eq!(taken, Ok(Place::Lost));
        plain.orders.remove(index);
        plain.orders.push(new);
    }
    true
}

fn run(seed: u64, steps: u64, prices: u64, check_every: u64) {
    let mut random = Random(seed);
    let reference = (!random.one_in(3)).then(|| units(random.between(1, prices)));
    let terms = BookTerms {
        tick: Price::UNIT,
        round_lot: Quantity::ONE,
        reference: reference.unwrap_or(Price::ZERO),
        collar: None,
    };
    let mut book = Book::new(terms).unwrap();
    let mut plain = Plain {
        reference,
        orders: Vec::new(),
        entered: Vec::new(),
    };
    for id in 1..=steps {
        let before = book.clone();
        let taken = step(&mut random, &mut book, &mut plain, id, prices);
        assert!(
            taken || book == before,
            "a refusal changes nothing, seed {seed}"
        );
        if id.is_multiple_of(check_every) {
            assert_same(&book, &plain, seed);
        }
    }
    while let Some(order) = plain.orders.pop() {
        book.cancel(order.id, order.trader).unwrap();
        if (plain.orders.len() as u64).is_multiple_of(check_every) {
            assert_same(&book, &plain, seed);
        }
    }
    assert!(book.is_empty() && book.levels().next().is_none());
}

fn assert_same(book: &Book, plain: &Plain, seed: u64) {
    let at = format!(
        "seed {seed}, {} orders of {}",
        plain.orders.len(),
        plain.entered.len()
    );
    assert_eq!(book.indicative(), plain.indicative(), "{at}");
    assert!(book.orders().eq(plain.orders.iter().copied()), "{at}");
    assert!(book.levels().eq(plain.levels()), "{at}");
    assert_eq!(book.len(), plain.orders.len(), "{at}");
    let entered = plain.entered.iter().copied();
    let known = entered.filter(|(id, trader)| book.order_of(*id, *trader).is_ok());
    let known: Vec<OrderId> = known.map(|(id, _)| id).collect();
    let mut resting: Vec<OrderId> = plain.orders.iter().map(|order| order.id).collect();
    resting.sort_unstable();
    assert_eq!(known, resting, "a number is one order's for ever, {at}");
}

#[test]
fn at_every_step_the_indicative_is_that_of_the_whole_ladder() {
    for seed in seeds(150) {
        run(seed, 120, 1 + seed % 40, 1);
    }
}

#[test]
fn it_is_so_in_a_book_of_many_prices_too() {
    for seed in seeds(2) {
        run(seed, 2_500, 100_000, 97);
    }
}

#[test]
fn quantities_at_any_price_are_those_of_the_orders_accepting_it() {
    let mut random = Random(1);
    let mut book = plain_book();
    for id in 1..=2_000 {
        let side = if random.one_in(2) {
            Side::Buy
        } else {
            Side::Sell
        };
        let limit = (!random.one_in(50)).then(|| units(random.between(10, 5_000)));
        let entry = Entry {
            side,
            quantity: quantity(random.between(1, 9)),
            limit,
        };
        book.add(OrderId(id), UserId(id as u32), entry).unwrap();
    }
    for at in (1..5_100).step_by(7).map(units) {
        let taking = |side: Side| {
            let of_side = book.orders().filter(move |order| order.entry.side == side);
            let taking = of_side.filter(move |order| {
                order.entry.limit.is_none_or(|limit| match side {
                    Side::Buy => limit >= at,
                    Side::Sell => limit <= at,
                })
            });
            taking.map(|order| order.entry.quantity.get()).sum::<u64>()
        };
        let point = Point {
            price: at,
            buy: taking(Side::Buy),
            sell: taking(Side::Sell),
        };
        assert_eq!(book.at(at), point);
    }
}

fn plain_book() -> Book {
    Book::new(BookTerms {
        tick: Price::UNIT,
        round_lot: Quantity::ONE,
        reference: Price::ZERO,
        collar: None,
    })
    .unwrap()
}

#[test]
fn an_order_off_grid_or_too_large_is_refused_with_the_remedy() {
    let tick = price("0.01");
    let round_lot = quantity(10);
    let terms = BookTerms {
        tick,
        round_lot,
        reference: price("100"),
        collar: None,
    };
    let book = Book::new(terms).unwrap();
    let check = |limit: Option<&str>, shares| {
        let entry = Entry {
            side: Side::Buy,
            quantity: quantity(shares),
            limit: limit.map(price),
        };
        book.check_add(UserId(1), &entry)
    };
    let off_tick = |above| {
        Err(OrderError::OffTick {
            tick,
            above: price(above),
        })
    };
    let too_large = |at, most| {
        Err(OrderError::AmountTooLarge {
            price: price(at),
            most,
        })
    };
    assert_eq!(check(Some("10.005"), 10), off_tick("10.01"));
    assert_eq!(check(Some("0"), 10), off_tick("0.01"));
    assert_eq!(check(Some("999999999.9999"), 10), off_tick("999999999.99"));
    assert_eq!(
        check(Some("10"), 15),
        Err(OrderError::OffRoundLot { round_lot })
    );
    assert_eq!(
        check(Some("300"), 1_000_000_000_000),
        too_large("300", 333_333_333_330)
    );
    assert_eq!(check(Some("300"), 333_333_333_330), Ok(()));
    assert_eq!(check(None, 100_010), too_large("999999999.9999", 100_000));
    assert_eq!(check(None, 100_000), Ok(()));
    assert_eq!(
        Book::new(BookTerms {
            tick: Price::ZERO,
            ..terms
        })
        .ok(),
        None
    );
}

/// A snapshot contains only the orders; all totals are rebuilt from them.
#[cfg(feature = "serde")]
#[test]
fn a_book_read_back_is_the_same_book_and_goes_on_the_same() {
    let mut random = Random(3);
    let mut book = plain_book();
    let mut plain = Plain {
        reference: None,
        orders: Vec::new(),
        entered: Vec::new(),
    };
    for id in 1..=400 {
        step(&mut random, &mut book, &mut plain, id, 30);
    }
    let bytes = postcard::to_allocvec(&book).unwrap();
    let mut read: Book = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read, book);
    assert_eq!(read.indicative(), book.indicative());
    assert!(read.levels().eq(book.levels()));
    for id in 401..=800 {
        step(&mut random, &mut read, &mut plain, id, 30);
    }
    assert_eq!(read.indicative(), plain.indicative());
    assert!(read.orders().eq(plain.orders.iter().copied()));
}

#[test]
fn a_trader_has_a_limited_number_of_orders() {
    let mut book = plain_book();
    let entry = Entry {
        side: Side::Buy,
        quantity: Quantity::ONE,
        limit: None,
    };
    let most = BOOK_ORDERS_PER_TRADER_MAX as u32;
    for id in 1..=u64::from(most) {
        book.add(OrderId(id), UserId(1), entry).unwrap();
    }
    let full = Err(OrderError::TooManyOrders { most });
    assert_eq!(book.check_add(UserId(1), &entry), full);
    assert_eq!(book.check_add(UserId(2), &entry), Ok(()));
    book.cancel(OrderId(5), UserId(1)).unwrap();
    assert_eq!(book.check_add(UserId(1), &entry), Ok(()));
}

#[test]
fn only_its_trader_can_replace_or_cancel_an_order() {
    let mut book = plain_book();
    let entry = Entry {
        side: Side::Sell,
        quantity: quantity(5),
        limit: Some(price("2")),
    };
    book.add(OrderId(7), UserId(1), entry).unwrap();
    let unknown = |order| OrderError::UnknownOrder {
        order: OrderId(order),
    };
    assert_eq!(book.cancel(OrderId(7), UserId(2)), Err(unknown(7)));
    assert_eq!(
        book.replace(OrderId(7), UserId(2), None, quantity(5)),
        Err(unknown(7))
    );
    assert_eq!(book.cancel(OrderId(8), UserId(1)), Err(unknown(8)));
    assert_eq!(book.cancel(OrderId(7), UserId(1)).unwrap().entry, entry);
    assert_eq!(book.cancel(OrderId(7), UserId(1)), Err(unknown(7)));
}

#[test]
fn a_better_price_is_an_improvement_and_a_smaller_order_is_not() {
    let order = |side, limit: Option<&str>| Order {
        id: OrderId(1),
        trader: UserId(1),
        entry: Entry {
            side,
            quantity: quantity(10),
            limit: limit.map(price),
        },
    };
    let cases = [
        (Side::Buy, Some("5"), Some("5.01"), 10, true),
        (Side::Buy, Some("5"), Some("5.01"), 9, false),
        (Side::Buy, Some("5"), Some("4.99"), 10, false),
        (Side::Buy, Some("5"), None, 10, true),
        (Side::Buy, None, Some("5"), 10, false),
        (Side::Buy, Some("5"), Some("5"), 11, false),
        (Side::Sell, Some("5"), Some("4.99"), 11, true),
        (Side::Sell, Some("5"), Some("5.01"), 10, false),
        (Side::Sell, Some("5"), None, 10, true),
    ];
    for (side, old, new, shares, improves) in cases {
        let is_improved = order(side, old).is_improved_by(new.map(price), quantity(shares));
        assert_eq!(
            is_improved, improves,
            "{side:?} {old:?} to {new:?} for {shares}"
        );
    }
}
