//! Sealed first-price and second-price.

use auction_core::clearing::sealed::{
    BelowMinimum, SealedBids, SealedOutcome, SealedPricing, SealedRule, SealedSale, SealedTerms,
};
use auction_core::{Price, UserId};

use super::random::{Random, seeds};
use super::{price, units};

const A: UserId = UserId(1);
const B: UserId = UserId(2);

fn vickrey(base: &str, reserve: Option<&str>) -> SealedTerms {
    SealedTerms {
        pricing: SealedPricing::SecondPrice,
        base_price: price(base),
        reserve: reserve.map(price),
    }
}

fn outcome(terms: &SealedTerms, offers: &[(UserId, &str)]) -> SealedOutcome {
    let mut bids = SealedBids::default();
    for (bidder, offer) in offers {
        bids.place(terms, *bidder, price(offer)).unwrap();
    }
    bids.outcome(terms)
}

fn sold(
    winner: UserId,
    at: &str,
    decided_by: SealedRule,
    runner_up: Option<&str>,
) -> SealedOutcome {
    let runner_up = runner_up.map(price);
    SealedOutcome::Sold(SealedSale {
        winner,
        price: price(at),
        decided_by,
        runner_up,
    })
}

#[test]
fn the_second_price_is_the_highest_of_bid_reserve_and_minimum() {
    let terms = vickrey("1", Some("50"));
    let cases = [
        (
            &[(A, "100"), (B, "20")][..],
            sold(A, "50", SealedRule::Reserve, Some("20")),
        ),
        (
            &[(A, "100"), (B, "100")],
            sold(A, "100", SealedRule::SecondHighest, Some("100")),
        ),
        (
            &[(A, "100"), (B, "100"), (A, "100")],
            sold(B, "100", SealedRule::SecondHighest, Some("100")),
        ),
        (
            &[(A, "100"), (B, "50")],
            sold(A, "50", SealedRule::SecondHighest, Some("50")),
        ),
        (&[(A, "50")], sold(A, "50", SealedRule::Reserve, None)),
        (
            &[(A, "49")],
            SealedOutcome::ReserveNotMet {
                highest: price("49"),
            },
        ),
        (&[], SealedOutcome::NoBids),
    ];
    for (offers, expected) in cases {
        assert_eq!(outcome(&terms, offers), expected, "{offers:?}");
    }
    let free = vickrey("0", None);
    assert_eq!(
        outcome(&free, &[(A, "7")]),
        sold(A, "0.0001", SealedRule::Minimum, None)
    );
    let based = vickrey("5", Some("3"));
    assert_eq!(
        outcome(&based, &[(A, "7")]),
        sold(A, "5", SealedRule::Minimum, None)
    );
}

#[test]
fn a_first_price_winner_pays_their_bid() {
    let terms = SealedTerms {
        pricing: SealedPricing::FirstPrice,
        ..vickrey("1", Some("50"))
    };
    let sale = sold(B, "101", SealedRule::OwnBid, Some("100"));
    assert_eq!(outcome(&terms, &[(A, "100"), (B, "101")]), sale);
    let highest = price("49");
    assert_eq!(
        outcome(&terms, &[(A, "49")]),
        SealedOutcome::ReserveNotMet { highest }
    );
}

#[test]
fn a_bid_below_the_minimum_is_refused_and_a_withdrawn_one_gone() {
    let terms = vickrey("0", None);
    let mut bids = SealedBids::default();
    let least = Price::UNIT;
    assert_eq!(
        bids.place(&terms, A, Price::ZERO),
        Err(BelowMinimum { least })
    );
    assert_eq!(bids.bidders(), 0);
    bids.place(&terms, A, price("3")).unwrap();
    bids.place(&terms, B, price("2")).unwrap();
    assert_eq!((bids.bid_of(A), bids.bidders()), (Some(price("3")), 2));
    assert_eq!(bids.withdraw(A), Some(price("3")));
    assert_eq!(bids.withdraw(A), None);
    assert_eq!(
        bids.outcome(&terms),
        sold(B, "0.0001", SealedRule::Minimum, None)
    );
}

fn random_auction(random: &mut Random, pricing: SealedPricing) -> (SealedTerms, SealedBids) {
    let terms = SealedTerms {
        pricing,
        base_price: units(random.below(5)),
        reserve: random.one_in(2).then(|| units(random.between(1, 12))),
    };
    let mut bids = SealedBids::default();
    for _ in 0..random.below(6) {
        let bidder = UserId(random.between(2, 5) as u32);
        let _ = bids.place(&terms, bidder, units(random.below(15)));
    }
    (terms, bids)
}

#[test]
fn in_a_vickrey_auction_bidding_the_true_value_is_best() {
    for seed in seeds(4_000) {
        let mut random = Random(seed);
        let (terms, others) = random_auction(&mut random, SealedPricing::SecondPrice);
        let value = random.below(17);
        let gain = |offer: u64| {
            let mut bids = others.clone();
            // A bid below the minimum is refused: the trader does not take part.
            let _ = bids.place(&terms, A, units(offer));
            match bids.outcome(&terms) {
                SealedOutcome::Sold(sale) if sale.winner == A => {
                    value as i64 - sale.price.units() as i64
                }
                _ => 0,
            }
        };
        let truthful = gain(value);
        assert!(truthful >= 0, "seed {seed}");
        for offer in 0..20 {
            assert!(
                gain(offer) <= truthful,
                "seed {seed}: {offer} for a value of {value}"
            );
        }
    }
}

#[test]
fn the_least_winning_bid_wins_and_one_unit_less_does_not() {
    for seed in seeds(3_000) {
        let mut random = Random(seed);
        let (terms, bids) = random_auction(&mut random, SealedPricing::FirstPrice);
        let wins = |offer: Price| {
            let mut bids = bids.clone();
            bids.place(&terms, A, offer).is_ok()
                && matches!(bids.outcome(&terms), SealedOutcome::Sold(sale) if sale.winner == A)
        };
        let first_winning = (0..30).map(units).find(|offer| wins(*offer));
        assert_eq!(
            bids.winning_threshold(&terms, A),
            first_winning,
            "seed {seed}"
        );
    }
}

#[test]
fn in_an_earlier_place_the_same_price_would_have_won() {
    let terms = vickrey("1", None);
    let mut bids = SealedBids::default();
    bids.place(&terms, A, price("3")).unwrap();
    bids.place(&terms, B, price("8")).unwrap();
    assert_eq!(bids.winning_threshold(&terms, A), Some(price("8")));
    assert_eq!(bids.winning_threshold(&terms, B), Some(price("3.0001")));
    bids.place(&terms, B, Price::MAX).unwrap();
    assert_eq!(bids.winning_threshold(&terms, UserId(3)), None);
}
