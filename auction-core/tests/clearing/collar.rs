//! The collar's bounds.

use auction_core::Price;
use auction_core::clearing::call::Collar;

use super::random::{Random, seeds};
use super::{price, units};

#[test]
fn the_wider_bound_counts_and_basis_points_are_rounded_down() {
    let collar = |absolute, basis_points| Collar {
        absolute: price(absolute),
        basis_points,
    };
    assert_eq!(collar("0", 1_000).distance(price("100")), price("10"));
    assert_eq!(collar("12", 1_000).distance(price("100")), price("12"));
    assert_eq!(collar("0", 333).distance(price("0.0100")), price("0.0003"));
    assert!(collar("0", 1_000).passes(price("110"), price("100")));
    assert!(!collar("0", 1_000).passes(price("110.0001"), price("100")));
    assert!(!collar("0", 1_000).passes(price("89.9999"), price("100")));
    assert_eq!(collar("0", u32::MAX).distance(Price::MAX), Price::MAX);
}

#[test]
fn a_bound_is_the_last_price_on_the_tick_that_passes() {
    for seed in seeds(2_000) {
        let mut random = Random(seed);
        let tick = random.between(1, 7);
        let reference = units(random.between(1, 40) * tick);
        let collar = Collar {
            absolute: units(random.below(30)),
            basis_points: random.below(12_000) as u32,
        };
        let passing = (1..=1_000).map(|ticks| units(ticks * tick));
        let passing: Vec<Price> = passing
            .filter(|price| collar.passes(*price, reference))
            .collect();
        let (tick_price, lowest) = (units(tick), passing[0]);
        assert_eq!(collar.lower(reference, tick_price), lowest, "seed {seed}");
        assert_eq!(
            collar.upper(reference, tick_price),
            passing[passing.len() - 1],
            "seed {seed}"
        );
        assert_eq!(collar.bound(reference, reference, tick_price), None);
        let beyond = units(reference.units() + collar.distance(reference).units() + 1);
        let upper = collar.upper(reference, tick_price);
        assert_eq!(collar.bound(beyond, reference, tick_price), Some(upper));
    }
}
