//! Random days: the engine beside the oracle.

use proptest::prelude::*;

use super::oracle::Kind;
use super::pair::Pair;
use super::steps;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_days_go_as_the_oracle_says(
        terms in steps::terms(),
        accounts in steps::accounts(),
        steps in proptest::collection::vec(steps::step(), 1..200),
    ) {
        let mut pair = Pair::new(terms, &accounts);
        for step in steps {
            pair.step(step);
            if pair.day.phase.kind == Kind::Closed {
                break;
            }
        }
        pair.holds_again();
    }
}

fn config() -> ProptestConfig {
    let is_long = std::env::var("AUCTION_LONG").is_ok_and(|value| value == "1");
    let days = std::env::var("AUCTION_DAYS").ok();
    ProptestConfig {
        cases: match days {
            Some(days) => days.parse().expect("AUCTION_DAYS is a number of days"),
            None if cfg!(miri) => 4,
            None if is_long => 150_000,
            None => 120,
        },
        max_shrink_iters: 100_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
