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
    ProptestConfig {
        cases: match (cfg!(miri), is_long) {
            (true, _) => 4,
            (false, false) => 120,
            (false, true) => 150_000,
        },
        max_shrink_iters: 100_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
