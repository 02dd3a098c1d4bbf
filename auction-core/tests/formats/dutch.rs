//! The falling price.

use auction_core::clearing::dutch::PriceClockError;
use auction_core::{
    BidReply, Command, DutchTerms, Outcome, PublicEvent, Reject, Reply, SoldBy, Span, Terms,
    TermsError, UnsoldBecause,
};

use crate::house::{A, B, House, LOT, bid, buy, micros, open, price};

fn terms() -> DutchTerms {
    DutchTerms {
        start: price("100"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("50"),
    }
}

fn house() -> House {
    House::with_lot("1", 1, None, Terms::Dutch(terms()))
}

#[test]
fn the_price_falls_each_interval_to_the_floor_but_not_in_a_halt() {
    let mut house = House::new("1");
    let mut long = open(1, None, Terms::Dutch(terms()));
    long.closes_at = micros(5_000_000_000);
    house.open(long).unwrap();
    let at = |house: &House, micros_now| {
        let lot = house.engine.market().lot(LOT).unwrap();
        lot.least_bid_at(micros(micros_now)).unwrap()
    };
    assert_eq!(at(&house, 0), price("100"));
    assert_eq!(at(&house, 9_999_999), price("100"));
    assert_eq!(at(&house, 10_000_000), price("99"));
    house.operate(25, Command::HaltLot { lot: LOT }).unwrap();
    assert_eq!(at(&house, 60_000_000), price("98"));
    house.operate(65, Command::ResumeLot { lot: LOT }).unwrap();
    for (now, expected) in [
        (69_999_999, "98"),
        (70_000_000, "97"),
        (2_000_000_000, "50"),
    ] {
        assert_eq!(at(&house, now), price(expected), "at {now} us");
    }
}

#[test]
fn the_first_to_take_it_wins_at_the_price_of_that_moment() {
    let mut house = house();
    assert_eq!(
        house.user(24, A, bid("97")),
        Err(Reject::PriceStillAbove { price: price("98") })
    );
    let reply = house.user(24, B, bid("120"));
    let won = BidReply {
        lot: LOT,
        leads: true,
        price: Some(price("98")),
        extended_to: None,
        bought: true,
    };
    assert_eq!(reply, Ok(Reply::Bid(won)));
    let public = format!("{:?}", house.last_public());
    assert!(
        !public.contains("120"),
        "what they would have paid is theirs: {public}"
    );
    assert!(matches!(
        house.user(24, A, bid("98")),
        Err(Reject::LotClosed { .. })
    ));
    let sold = Outcome::Sold {
        winner: B,
        price: price("98"),
        by: SoldBy::FirstTake,
        runner_up: None,
    };
    assert_eq!(house.outcome(), sold);
}

#[test]
fn a_lot_that_nobody_takes_is_not_sold() {
    let unsold = Outcome::Unsold {
        because: UnsoldBecause::NoBids,
        highest: None,
    };
    assert_eq!(house().outcome(), unsold);
}

#[test]
fn maxima_and_orders_are_refused_with_what_fits() {
    let mut house = house();
    let maximum = Command::BidMaximum {
        lot: LOT,
        maximum: price("100"),
    };
    let refused = Err(Reject::TakesBids { lot: LOT });
    assert_eq!(house.user(1, A, maximum), refused);
    assert_eq!(house.user(1, A, buy(1, Some("100"))), refused);
}

#[test]
fn terms_without_a_falling_price_are_refused() {
    let mut house = House::new("1");
    let mut refused = |reserve, terms: DutchTerms| {
        let reject = house
            .open(open(1, reserve, Terms::Dutch(terms)))
            .unwrap_err();
        let Reject::Terms(error) = reject else {
            panic!("{reject:?}")
        };
        error
    };
    let clock = TermsError::PriceClock;
    let start = price("100");
    assert_eq!(
        refused(
            None,
            DutchTerms {
                floor: price("101"),
                ..terms()
            }
        ),
        clock(PriceClockError::Floor { start })
    );
    assert_eq!(
        refused(
            None,
            DutchTerms {
                step: price("0"),
                ..terms()
            }
        ),
        clock(PriceClockError::ZeroStep)
    );
    assert_eq!(
        refused(
            None,
            DutchTerms {
                interval: Span::ZERO,
                ..terms()
            }
        ),
        clock(PriceClockError::ZeroInterval)
    );
    assert_eq!(refused(Some("60"), terms()), TermsError::NoReserve);
    // 10^18 / 10^12 shares: the greatest price is 100.
    let mut many = open(1_000_000_000_000, None, Terms::Dutch(terms()));
    many.terms = Terms::Dutch(DutchTerms {
        start: price("100.0001"),
        ..terms()
    });
    let greatest = price("100");
    let start = Reject::Terms(TermsError::Start { greatest });
    assert_eq!(House::new("1").open(many), Err(start));
}

#[test]
fn a_take_shows_as_one_bid_and_one_close() {
    let mut house = house();
    house.user(0, A, bid("100")).unwrap();
    let public = house.last_public();
    assert!(matches!(public[0], PublicEvent::BidAccepted(bid) if bid.amount == Some(price("100"))));
    assert!(matches!(public[1], PublicEvent::LotClosed { .. }));
    assert_eq!(public.len(), 2);
}
