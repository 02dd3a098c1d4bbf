//! Random books: the price and the fills against the oracle, and the laws of an uncross.

use allocation_counter::measure;
use auction_core::clearing::call::{
    Book, BookTerms, Cross, Entry, Fill, Indicative, LadderStep, OrderId, Side, Uncross,
};
use auction_core::{Quantity, UserId};

use super::oracle::{self, Found, Plain};
use super::random::{Random, seeds};
use super::{quantity, units};

struct Case {
    tick: u64,
    reference: Option<u64>,
    orders: Vec<Plain>,
}

/// Few prices and few quantities, so that ties are common.
fn random_case(random: &mut Random) -> Case {
    let prices = random.between(1, 12);
    let most = if random.one_in(4) { 1_000 } else { 3 };
    let market_one_in = random.between(1, 8);
    let sides = random.below(8);
    let order = |random: &mut Random| Plain {
        side: match sides {
            0 => Side::Buy,
            1 => Side::Sell,
            _ if random.one_in(2) => Side::Buy,
            _ => Side::Sell,
        },
        shares: random.between(1, most),
        limit: (!random.one_in(market_one_in)).then(|| random.between(1, prices)),
    };
    let orders = random.below(11);
    Case {
        tick: [1, 3, 100][random.below(3) as usize],
        reference: (!random.one_in(3)).then(|| random.between(1, prices + 3)),
        orders: (0..orders).map(|_| order(random)).collect(),
    }
}

fn book_of(case: &Case) -> Book {
    let mut book = Book::new(BookTerms {
        tick: units(case.tick),
        round_lot: Quantity::ONE,
        // Not on the tick: the book rounds it down.
        reference: units(case.reference.map_or(0, |ticks| ticks * case.tick) + case.tick / 2),
        collar: None,
    })
    .unwrap();
    for (id, order) in (1..).zip(&case.orders) {
        let entry = Entry {
            side: order.side,
            quantity: quantity(order.shares),
            limit: order.limit.map(|ticks| units(ticks * case.tick)),
        };
        book.add(OrderId(u64::from(id)), UserId(id), entry).unwrap();
    }
    book
}

fn as_found(cross: &Cross, tick: u64) -> Found {
    assert_eq!(cross.price.units() % tick, 0, "a price lies on the tick");
    (
        cross.price.units() / tick,
        cross.volume,
        cross.surplus,
        cross.decided_by,
    )
}

#[test]
fn price_and_fills_equal_an_oracle_that_tries_every_price() {
    let mut steps = std::collections::BTreeMap::new();
    for seed in seeds(20_000) {
        let case = random_case(&mut Random(seed));
        let book = book_of(&case);
        let found = oracle::uncross(&case.orders, case.reference);
        let uncross = Uncross::of(&book);
        let ours = uncross.map(|uncross| as_found(&uncross.cross, case.tick));
        assert_eq!(
            ours, found,
            "seed {seed}, reference {:?}: {:?}",
            case.reference, case.orders
        );
        *steps
            .entry(found.map(|found| found.3 as u8))
            .or_insert(0_u64) += 1;
        let (Some(uncross), Some(found)) = (uncross, found) else {
            continue;
        };
        let filled: Vec<u64> = uncross.fills(&book).map(|fill| fill.filled).collect();
        assert_eq!(
            filled,
            oracle::fills(&case.orders, found),
            "seed {seed}: {:?}",
            case.orders
        );
    }
    let seen: Vec<_> = steps.keys().copied().collect();
    let ladder = [
        None,
        Some(LadderStep::Market as u8),
        Some(LadderStep::Volume as u8),
        Some(LadderStep::Surplus as u8),
        Some(LadderStep::Pressure as u8),
        Some(LadderStep::Reference as u8),
    ];
    assert_eq!(seen, ladder, "the random books reach every step: {steps:?}");
}

#[test]
fn an_uncross_fills_both_sides_equally_and_leaves_no_trade() {
    for seed in seeds(20_000) {
        let case = random_case(&mut Random(seed));
        let book = book_of(&case);
        let Some(uncross) = Uncross::of(&book) else {
            continue;
        };
        let price = uncross.cross.price;
        let trades: Vec<(Fill, Entry)> = uncross
            .fills(&book)
            .zip(book.orders())
            .inspect(|(fill, order)| assert_eq!(fill.order, order.id))
            .map(|(fill, order)| (fill, order.entry))
            .collect();
        for side in [Side::Buy, Side::Sell] {
            let of_side = trades.iter().filter(|(fill, _)| fill.side == side);
            let filled: u64 = of_side.clone().map(|(fill, _)| fill.filled).sum();
            assert_eq!(filled, uncross.cross.volume, "seed {seed}");
            let market_left: u64 = of_side
                .clone()
                .filter(|(_, entry)| entry.limit.is_none())
                .map(|(fill, _)| fill.lapsed)
                .sum();
            let limit_filled = of_side
                .filter(|(_, entry)| entry.limit.is_some())
                .any(|(fill, _)| fill.filled > 0);
            assert!(
                market_left == 0 || !limit_filled,
                "market orders first, seed {seed}"
            );
        }
        for (fill, entry) in &trades {
            assert_eq!(fill.filled + fill.lapsed, entry.quantity.get());
            let is_fair = entry.limit.is_none_or(|limit| match entry.side {
                Side::Buy => price <= limit,
                Side::Sell => price >= limit,
            });
            assert!(
                is_fair || fill.filled == 0,
                "worse than the limit, seed {seed}"
            );
        }
        let rest = Case {
            orders: (case.orders.iter().zip(&trades))
                .filter(|(_, (fill, _))| fill.lapsed > 0)
                .map(|(order, (fill, _))| Plain {
                    shares: fill.lapsed,
                    ..*order
                })
                .collect(),
            ..case
        };
        let left = book_of(&rest).indicative();
        assert!(
            matches!(left, Indicative::NoCross { .. }),
            "seed {seed}: {left:?}"
        );
    }
}

#[test]
fn price_and_fills_are_found_without_allocating() {
    for seed in 0..100 {
        let book = book_of(&random_case(&mut Random(seed)));
        let counted = measure(|| {
            let filled = Uncross::of(&book).map(|uncross| uncross.fills(&book).count());
            assert!(filled.is_none_or(|filled| filled == book.len()));
        });
        assert_eq!(counted.count_total, 0);
    }
}

#[test]
fn the_outcome_says_which_prices_had_the_greatest_volume() {
    for seed in seeds(2_000) {
        let case = random_case(&mut Random(seed));
        let Some(uncross) = Uncross::of(&book_of(&case)) else {
            continue;
        };
        let mut greatest: Vec<u64> = case
            .orders
            .iter()
            .filter_map(|order| order.limit)
            .filter(|limit| oracle::volume(&case.orders, *limit) == uncross.cross.volume)
            .collect();
        if uncross.cross.decided_by == LadderStep::Market {
            greatest.clear();
        }
        let price = |ticks: &u64| units(ticks * case.tick);
        let range = greatest
            .iter()
            .min()
            .map(price)
            .zip(greatest.iter().max().map(price));
        assert_eq!(uncross.candidates, range, "seed {seed}: {:?}", case.orders);
    }
}
