//! The bid with which each trader would have won, after the close.

use auction_core::{
    Command, DutchTerms, EnglishTerms, MarginalPriority, SealedPricing, SealedTerms, Span, Terms,
    UniformPricing, UniformTerms, UserId, WinningThreshold,
};

use crate::house::{A, B, C, D, House, LOT, bid, price};

fn least(house: &House, user: UserId) -> WinningThreshold {
    house
        .engine
        .winning_threshold(LOT, user)
        .expect("the lot has closed")
}

fn exactly(text: &str) -> WinningThreshold {
    WinningThreshold::Bid(price(text))
}

fn maximum(text: &str) -> Command {
    Command::BidMaximum {
        lot: LOT,
        maximum: price(text),
    }
}

#[test]
fn before_the_close_nobody_is_told() {
    let house = House::with_lot("1", 1, None, Terms::English(EnglishTerms::default()));
    assert_eq!(house.engine.winning_threshold(LOT, A), None);
}

#[test]
fn an_english_winner_learns_the_threshold_others_the_next_step() {
    let mut house = House::with_lot("1", 1, None, Terms::English(EnglishTerms::default()));
    house.user(1, A, bid("20")).unwrap();
    house.user(2, B, maximum("777")).unwrap();
    house.user(3, C, maximum("30")).unwrap();
    house.outcome();
    // B's bid came before C's 30, and after A's 20.
    assert_eq!(least(&house, B), exactly("30"));
    let next = WinningThreshold::AtLeast(price("30.02"));
    assert_eq!((least(&house, A), least(&house, D)), (next, next));

    let mut house = House::with_lot("1", 1, None, Terms::English(EnglishTerms::default()));
    house.user(1, A, maximum("20")).unwrap();
    house.user(2, B, maximum("777")).unwrap();
    house.outcome();
    assert_eq!(least(&house, B), exactly("20.0001"));
}

#[test]
fn below_the_reserve_everyone_learns_what_would_have_sold() {
    let terms = Terms::English(EnglishTerms::default());
    let mut house = House::with_lot("1", 1, Some("50"), terms);
    house.user(1, A, bid("20")).unwrap();
    house.outcome();
    assert_eq!(
        (least(&house, A), least(&house, B)),
        (exactly("50"), exactly("50"))
    );
}

#[test]
fn of_sealed_bids_ties_go_to_the_earlier() {
    let pricing = SealedPricing::SecondPrice;
    let terms = Terms::Sealed(SealedTerms { pricing });
    let mut house = House::with_lot("1", 1, Some("50"), terms);
    house.sealed_bid(1, A, "100").unwrap();
    house.sealed_bid(2, B, "80").unwrap();
    house.outcome();
    assert_eq!(least(&house, A), exactly("80"));
    assert_eq!(least(&house, B), exactly("100.0001"));
    assert_eq!(least(&house, C), exactly("100.0001"));
}

#[test]
fn of_a_lot_in_parts_it_is_the_price_of_one_share() {
    let terms = Terms::Uniform(UniformTerms {
        pricing: UniformPricing::Uniform,
        priority: MarginalPriority::Time,
        bids_max: 1,
    });
    let mut house = House::with_lot("1", 100, None, terms);
    house.order(1, A, 60, "12").unwrap();
    house.order(2, B, 60, "10").unwrap();
    house.order(3, C, 10, "9").unwrap();
    house.outcome();
    assert_eq!(least(&house, C), exactly("10.0001"));
    assert_eq!(least(&house, A), exactly("0.0001"));
    assert_eq!(least(&house, D), exactly("10.0001"));
}

#[test]
fn of_a_dutch_lot_it_is_the_price_a_moment_before() {
    let terms = Terms::Dutch(DutchTerms {
        start: price("100"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("50"),
    });
    let mut house = House::with_lot("1", 1, None, terms.clone());
    house.user(25, A, bid("98")).unwrap();
    // The lot would have closed at 300 s, at 71 from 290 s on.
    assert_eq!(
        (least(&house, B), least(&house, A)),
        (exactly("98"), exactly("71"))
    );
    let mut house = House::with_lot("1", 1, None, terms.clone());
    house.user(20, A, bid("98")).unwrap();
    assert_eq!(least(&house, B), exactly("99"));
    let mut house = House::with_lot("1", 1, None, terms.clone());
    house.user(0, A, bid("100")).unwrap();
    assert_eq!(least(&house, B), WinningThreshold::Nothing);
    let mut house = House::with_lot("1", 1, None, terms);
    house.operate(15, Command::HaltLot { lot: LOT }).unwrap();
    house.operate(200, Command::CloseLot { lot: LOT }).unwrap();
    assert_eq!(least(&house, A), exactly("99"));
}

#[test]
fn of_a_lot_taken_back_nothing_would_have_won() {
    let mut house = House::with_lot("1", 1, None, Terms::English(EnglishTerms::default()));
    house.operate(1, Command::CancelLot { lot: LOT }).unwrap();
    assert_eq!(least(&house, A), WinningThreshold::Nothing);
}
