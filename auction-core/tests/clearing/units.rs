//! Allocation at the margin, and lots of many units.

use allocation_counter::measure;
use auction_core::clearing::allocation::{Demand, MarginalPriority, allocate};
use auction_core::clearing::uniform::{
    UniformBid, UniformPricing, UniformTerms, clear, winning_threshold,
};
use auction_core::limits::QUANTITY_MAX;
use auction_core::{Price, Sequence};

use super::random::{Random, seeds};
use super::{price, quantity, units};

fn demands(bids: &[(u64, &str)]) -> Vec<Demand> {
    let demand = |(shares, text): &(u64, &str)| Demand {
        price: price(text),
        quantity: quantity(*shares),
    };
    bids.iter().map(demand).collect()
}

#[test]
fn at_the_margin_units_go_by_largest_remainder_and_ties_by_time() {
    let bids = demands(&[(10, "20"), (3, "10"), (3, "10"), (4, "10")]);
    assert_eq!(
        allocate(15, &bids, MarginalPriority::ProRata),
        [10, 2, 1, 2]
    );
    let bids = demands(&[(1, "5"), (1, "5"), (998, "5")]);
    assert_eq!(allocate(100, &bids, MarginalPriority::ProRata), [0, 0, 100]);
    let most = QUANTITY_MAX;
    let bids = demands(&[(most, "5"), (most, "5"), (most, "5")]);
    assert_eq!(allocate(2, &bids, MarginalPriority::ProRata), [1, 1, 0]);
    let left = 3 * most - 1;
    assert_eq!(
        allocate(left, &bids, MarginalPriority::ProRata),
        [most, most, most - 1]
    );
}

#[test]
fn allocation_adds_up_to_the_unit_and_fills_higher_prices_first() {
    for seed in seeds(4_000) {
        let mut random = Random(seed);
        let most = [3, 50, QUANTITY_MAX][random.below(3) as usize];
        let count = random.below(12);
        let mut bids: Vec<Demand> = (0..count)
            .map(|_| Demand {
                price: units(random.between(1, 4)),
                quantity: quantity(random.between(1, most)),
            })
            .collect();
        bids.sort_by_key(|bid| std::cmp::Reverse(bid.price));
        let wanted: u64 = bids.iter().map(|bid| bid.quantity.get()).sum();
        let available = random.below(wanted + wanted / 4 + 2);
        for priority in [MarginalPriority::Time, MarginalPriority::ProRata] {
            let filled = allocate(available, &bids, priority);
            assert_eq!(
                filled.iter().sum::<u64>(),
                available.min(wanted),
                "seed {seed}"
            );
            let expected = slow_allocation(available, &bids, priority);
            assert_eq!(
                filled, expected,
                "seed {seed}, {available} {priority:?}: {bids:?}"
            );
        }
    }
}

#[test]
fn an_allocation_allocates_its_result_and_nothing_else() {
    let bids: Vec<Demand> = (1..=999)
        .map(|shares| Demand {
            price: Price::UNIT,
            quantity: quantity(shares),
        })
        .collect();
    for priority in [MarginalPriority::Time, MarginalPriority::ProRata] {
        let counted = measure(|| drop(allocate(1_000, &bids, priority)));
        assert_eq!(counted.count_total, 1, "{priority:?}");
    }
}

/// Allocates in the textbook way, sorting by remainder.
fn slow_allocation(available: u64, bids: &[Demand], priority: MarginalPriority) -> Vec<u64> {
    let mut filled = vec![0; bids.len()];
    let mut left = available;
    let mut prices: Vec<Price> = bids.iter().map(|bid| bid.price).collect();
    prices.dedup();
    for at in prices {
        let level: Vec<usize> = (0..bids.len())
            .filter(|index| bids[*index].price == at)
            .collect();
        let wanted: u64 = level.iter().map(|index| bids[*index].quantity.get()).sum();
        let given = left.min(wanted);
        left -= given;
        if priority == MarginalPriority::Time || given == wanted {
            let mut rest = given;
            for index in level {
                filled[index] = rest.min(bids[index].quantity.get());
                rest -= filled[index];
            }
            continue;
        }
        let exact = |index: usize| u128::from(bids[index].quantity.get()) * u128::from(given);
        let mut rest = given;
        for index in &level {
            filled[*index] = (exact(*index) / u128::from(wanted)) as u64;
            rest -= filled[*index];
        }
        let mut by_remainder = level.clone();
        by_remainder.sort_by_key(|index| std::cmp::Reverse(exact(*index) % u128::from(wanted)));
        for index in by_remainder.into_iter().take(rest as usize) {
            filled[index] += 1;
        }
    }
    filled
}

fn terms(shares: u64, reserve: Option<&str>) -> UniformTerms {
    UniformTerms {
        quantity: quantity(shares),
        reserve: reserve.map(price),
        pricing: UniformPricing::Uniform,
        priority: MarginalPriority::Time,
    }
}

fn bids(bids: &[(u64, &str)]) -> Vec<UniformBid> {
    let bid = |(sequence, (shares, text)): (u64, &(u64, &str))| UniformBid {
        sequence: Sequence(sequence),
        price: price(text),
        quantity: quantity(*shares),
    };
    (1..).zip(bids).map(bid).collect()
}

#[test]
fn all_pay_the_lowest_price_and_the_marginal_bid_gets_a_part() {
    let three = bids(&[
        (500_000, "0.0010"),
        (300_000, "0.0008"),
        (400_000, "0.0006"),
    ]);
    let outcome = clear(&terms(1_000_000, None), &three);
    let filled: Vec<u64> = outcome.fills.iter().map(|fill| fill.units).collect();
    assert_eq!(filled, [500_000, 300_000, 200_000]);
    assert!(
        outcome
            .fills
            .iter()
            .all(|fill| fill.price == Some(price("0.0006")))
    );
    assert_eq!((outcome.sold, outcome.highest_rejected), (1_000_000, None));

    let outcome = clear(
        &terms(100, Some("10")),
        &bids(&[(30, "12"), (50, "9"), (20, "15")]),
    );
    let filled: Vec<u64> = outcome.fills.iter().map(|fill| fill.units).collect();
    assert_eq!(filled, [30, 0, 20]);
    assert_eq!(outcome.clearing_price, Some(price("12")));
    assert_eq!(outcome.marginal, Some(Sequence(1)));
    assert_eq!(outcome.highest_rejected, Some(price("9")));
    assert_eq!(outcome.fills[1].price, None);

    let pay_as_bid = UniformTerms {
        pricing: UniformPricing::PayAsBid,
        ..terms(1_000_000, None)
    };
    let prices: Vec<_> = clear(&pay_as_bid, &three)
        .fills
        .iter()
        .map(|fill| fill.price)
        .collect();
    assert_eq!(
        prices,
        three.iter().map(|bid| Some(bid.price)).collect::<Vec<_>>()
    );

    let nothing = clear(&terms(5, Some("10")), &bids(&[(5, "9.99")]));
    assert_eq!(
        (nothing.sold, nothing.clearing_price, nothing.marginal),
        (0, None, None)
    );
}

#[test]
fn the_least_winning_price_wins_and_one_unit_less_does_not() {
    for seed in seeds(3_000) {
        let mut random = Random(seed);
        let terms = UniformTerms {
            quantity: quantity(random.between(1, 12)),
            reserve: random.one_in(2).then(|| units(random.between(1, 4))),
            pricing: UniformPricing::Uniform,
            priority: [MarginalPriority::Time, MarginalPriority::ProRata][random.below(2) as usize],
        };
        let mut bids: Vec<UniformBid> = (1..=random.between(1, 6))
            .map(|sequence| UniformBid {
                sequence: Sequence(sequence),
                price: units(random.between(1, 6)),
                quantity: quantity(random.between(1, 5)),
            })
            .collect();
        let asking = random.below(bids.len() as u64) as usize;
        let UniformBid {
            sequence, quantity, ..
        } = bids[asking];
        let least = winning_threshold(&terms, &bids, sequence, quantity).unwrap();
        let first_winning = (1..).map(units).find(|price| {
            bids[asking].price = *price;
            clear(&terms, &bids).fills[asking].units > 0
        });
        assert_eq!(
            Some(least),
            first_winning,
            "seed {seed}: {terms:?} {bids:?}, {sequence}"
        );
    }
}

#[test]
fn above_the_greatest_price_nobody_could_have_won() {
    let full = [UniformBid {
        sequence: Sequence(1),
        price: Price::MAX,
        quantity: quantity(1),
    }];
    assert_eq!(
        winning_threshold(&terms(1, None), &full, Sequence(2), quantity(1)),
        None
    );
    assert_eq!(
        winning_threshold(&terms(1, None), &full, Sequence(0), quantity(1)),
        Some(Price::MAX)
    );
}
