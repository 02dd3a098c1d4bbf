//! One sealed bid per trader for the whole lot.

use auction_core::{
    Command, OrderId, Outcome, PublicEvent, Reject, Reply, SealedPricing, SealedTerms, Side,
    SoldBy, Terms, TermsError, UnsoldBecause, UserId,
};

use crate::house::{A, B, C, House, LOT, bid, buy, cancel, open, price, quantity, replace};

fn house(pricing: SealedPricing, reserve: Option<&str>) -> House {
    House::with_lot("1", 1, reserve, Terms::Sealed(SealedTerms { pricing }))
}

fn vickrey(reserve: Option<&str>) -> House {
    house(SealedPricing::SecondPrice, reserve)
}

fn sold(winner: UserId, paid: &str, by: SoldBy, runner_up: Option<&str>) -> Outcome {
    Outcome::Sold {
        winner,
        price: price(paid),
        by,
        runner_up: runner_up.map(price),
    }
}

#[test]
fn the_second_price_is_the_highest_of_bid_reserve_and_least_bid() {
    type Bids<'a> = &'a [(UserId, &'a str)];
    let cases: [(Option<&str>, Bids, Outcome); 6] = [
        (
            Some("50"),
            &[(A, "100"), (B, "20")],
            sold(A, "50", SoldBy::Reserve, Some("20")),
        ),
        (
            Some("50"),
            &[(A, "100"), (B, "100")],
            sold(A, "100", SoldBy::SecondHighestBid, Some("100")),
        ),
        (
            Some("50"),
            &[(A, "49")],
            Outcome::Unsold {
                because: UnsoldBecause::ReserveNotMet,
                highest: Some(price("49")),
            },
        ),
        (
            None,
            &[(A, "100"), (B, "120"), (C, "110")],
            sold(B, "110", SoldBy::SecondHighestBid, Some("110")),
        ),
        (None, &[(A, "100")], sold(A, "1", SoldBy::LeastBid, None)),
        (
            None,
            &[],
            Outcome::Unsold {
                because: UnsoldBecause::NoBids,
                highest: None,
            },
        ),
    ];
    for (reserve, bids, expected) in cases {
        let mut house = vickrey(reserve);
        for (user, limit) in bids {
            house.sealed_bid(1, *user, limit).unwrap();
        }
        assert_eq!(house.outcome(), expected, "{bids:?}");
    }
}

#[test]
fn a_replacement_gets_a_new_place_in_time_even_at_its_old_price() {
    let mut house = vickrey(Some("50"));
    house.sealed_bid(1, A, "100").unwrap();
    house.sealed_bid(1, B, "100").unwrap();
    house.user(2, A, replace(1, 1, "100")).unwrap();
    assert_eq!(
        house.outcome(),
        sold(B, "100", SoldBy::SecondHighestBid, Some("100"))
    );
}

#[test]
fn at_the_first_price_the_highest_pays_their_bid() {
    let mut house = house(SealedPricing::FirstPrice, Some("50"));
    house.sealed_bid(1, A, "60").unwrap();
    house.sealed_bid(2, B, "80").unwrap();
    house.sealed_bid(3, C, "80").unwrap();
    assert_eq!(
        house.outcome(),
        sold(B, "80", SoldBy::HighestBid, Some("80"))
    );
}

#[test]
fn before_the_close_others_see_how_many_bid_and_nothing_else() {
    let mut house = vickrey(None);
    let feed = |house: &House| house.engine.market().feed_sequence();
    let counted = |bidders| vec![PublicEvent::BiddersCounted { lot: LOT, bidders }];
    assert_eq!(
        house.sealed_bid(1, A, "100"),
        Ok(Reply::OrderPlaced(OrderId(1)))
    );
    assert_eq!(house.last_public(), counted(1));
    house.sealed_bid(1, B, "200").unwrap();
    assert_eq!(house.last_public(), counted(2));
    let before = feed(&house);
    house.user(2, A, replace(1, 1, "300")).unwrap();
    assert_eq!(house.last_public(), []);
    assert_eq!(feed(&house), before, "no gap tells of a replacement");
    house.user(3, A, cancel(1)).unwrap();
    assert_eq!(house.last_public(), counted(1));
    // Numbers count the trader's own orders: they reveal nothing about others.
    assert_eq!(
        house.sealed_bid(4, A, "90"),
        Ok(Reply::OrderPlaced(OrderId(2)))
    );
    assert_eq!(house.bidders(), 2);
    let lot = house.engine.market().lot(LOT).unwrap();
    assert_eq!((lot.price(), lot.leader()), (None, None));
}

#[test]
fn all_live_bids_are_opened_at_the_close_in_the_order_of_time() {
    let mut house = vickrey(Some("50"));
    house.sealed_bid(1, A, "100").unwrap();
    house.sealed_bid(1, B, "80").unwrap();
    house.sealed_bid(1, C, "90").unwrap();
    house.user(2, B, replace(1, 1, "70")).unwrap();
    house.user(2, C, cancel(1)).unwrap();
    house.outcome();
    let opened = house.opened();
    let seen: Vec<_> = opened
        .iter()
        .map(|bid| (bid.bidder, bid.order, bid.price, bid.filled, bid.pays))
        .collect();
    let expected = [
        (A, OrderId(1), price("100"), 1, Some(price("70"))),
        (B, OrderId(1), price("70"), 0, None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_is_no_sealed_bid_is_refused_with_what_would_be() {
    let terms = Terms::Sealed(SealedTerms {
        pricing: SealedPricing::FirstPrice,
    });
    let mut house = House::with_lot("2", 10, None, terms);
    let takes_orders = Err(Reject::TakesOrders { lot: LOT });
    assert_eq!(house.user(1, A, bid("5")), takes_orders);
    let maximum = Command::BidMaximum {
        lot: LOT,
        maximum: price("5"),
    };
    assert_eq!(house.user(1, A, maximum), takes_orders);
    let sell = Command::PlaceOrder {
        lot: LOT,
        side: Side::Sell,
        quantity: quantity(10),
        limit: Some(price("5")),
    };
    assert_eq!(house.user(1, A, sell), Err(Reject::BuysOnly));
    assert_eq!(house.user(1, A, buy(10, None)), Err(Reject::LimitNeeded));
    assert_eq!(
        house.user(1, A, buy(9, Some("5"))),
        Err(Reject::WholeLotOnly {
            quantity: quantity(10)
        })
    );
    assert_eq!(
        house.order(1, A, 10, "1.9999"),
        Err(Reject::BidTooLow { least: price("2") })
    );
    let greatest = price("999999999.9999");
    let wide = Terms::Sealed(SealedTerms {
        pricing: SealedPricing::FirstPrice,
    });
    assert_eq!(house.user(1, A, replace(1, 10, "5")), unknown(1));
    assert_eq!(house.user(1, A, cancel(1)), unknown(1));
    house.order(1, A, 10, "5").unwrap();
    assert_eq!(
        house.order(1, A, 10, "6"),
        Err(Reject::TooManyOrders { most: 1 })
    );
    assert_eq!(house.user(1, B, cancel(1)), unknown(1));
    assert_eq!(
        house.user(1, A, replace(1, 10, "1")),
        Err(Reject::BidTooLow { least: price("2") })
    );
    let mut house = House::with_lot("2", 1_000_000_000_000, None, wide);
    assert!(matches!(
        house.order(1, A, 1_000_000_000_000, "100.0001"),
        Err(Reject::PriceTooHigh { greatest }) if greatest == price("100")
    ));
    let below = open(
        1,
        Some("1.99"),
        Terms::Sealed(SealedTerms {
            pricing: SealedPricing::FirstPrice,
        }),
    );
    let least = price("2");
    let reserve = Reject::Terms(TermsError::Reserve { least, greatest });
    assert_eq!(House::new("2").open(below), Err(reserve));
}

fn unknown(order: u32) -> Result<Reply, Reject> {
    Err(Reject::UnknownOrder {
        order: OrderId(order),
    })
}
