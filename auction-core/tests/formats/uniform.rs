//! Sealed bids for parts of the lot.

use auction_core::limits::{BIDS_OPENED_MAX, BIDS_PER_TRADER_MAX};
use auction_core::{
    AllocatedBy, MarginalPriority, OrderId, Outcome, PublicEvent, Reject, Reply, Terms, TermsError,
    UniformPricing, UniformTerms, UnsoldBecause, UserId,
};

use crate::house::{A, B, C, D, House, LOT, buy, cancel, open, price, replace};

fn terms(pricing: UniformPricing, priority: MarginalPriority) -> Terms {
    Terms::Uniform(UniformTerms {
        pricing,
        priority,
        bids_max: 2,
    })
}

fn by_time() -> Terms {
    terms(UniformPricing::Uniform, MarginalPriority::Time)
}

/// Returns the outcome, and for each bid its fill and the price of a share.
fn sale(
    quantity: u64,
    reserve: Option<&str>,
    terms: Terms,
    bids: &[(UserId, u64, &str)],
) -> (Outcome, Vec<(u64, Option<String>)>) {
    let mut house = House::with_lot("0", quantity, reserve, terms);
    for (user, quantity, limit) in bids {
        house.order(1, *user, *quantity, limit).unwrap();
    }
    let outcome = house.outcome();
    let opened = house.opened();
    let fill = |bid: &auction_core::OpenedBid| (bid.filled, bid.pays.map(|pays| pays.to_string()));
    (outcome, opened.iter().map(fill).collect())
}

fn units(fills: &[(u64, Option<String>)]) -> Vec<u64> {
    fills.iter().map(|(units, _)| *units).collect()
}

#[test]
fn the_highest_prices_fill_first_all_pay_the_lowest_accepted() {
    let bids = [
        (A, 500_000, "0.0010"),
        (B, 300_000, "0.0008"),
        (C, 400_000, "0.0006"),
    ];
    let (outcome, fills) = sale(1_000_000, None, by_time(), &bids);
    let expected = Outcome::Allocated {
        sold: 1_000_000,
        buyers: 3,
        lowest: price("0.0006"),
        by: AllocatedBy::Time,
        highest_rejected: None,
    };
    assert_eq!(outcome, expected);
    assert_eq!(units(&fills), [500_000, 300_000, 200_000]);
    assert!(
        fills
            .iter()
            .all(|(_, pays)| pays.as_deref() == Some("0.0006"))
    );
}

#[test]
fn bids_below_the_reserve_stay_unfilled_even_with_shares_left() {
    let bids = [(A, 30, "12"), (B, 50, "9"), (C, 20, "15")];
    let (outcome, fills) = sale(100, Some("10"), by_time(), &bids);
    let expected = Outcome::Allocated {
        sold: 50,
        buyers: 2,
        lowest: price("12"),
        by: AllocatedBy::EnoughForAll,
        highest_rejected: Some(price("9")),
    };
    assert_eq!(outcome, expected);
    assert_eq!(units(&fills), [30, 0, 20]);
    let (outcome, _) = sale(100, Some("20"), by_time(), &bids);
    let unsold = Outcome::Unsold {
        because: UnsoldBecause::ReserveNotMet,
        highest: Some(price("15")),
    };
    assert_eq!(outcome, unsold);
    let (outcome, _) = sale(100, None, by_time(), &[]);
    let unsold = Outcome::Unsold {
        because: UnsoldBecause::NoBids,
        highest: None,
    };
    assert_eq!(outcome, unsold);
}

#[test]
fn pro_rata_shares_the_margin_by_largest_remainder() {
    let pro_rata = terms(UniformPricing::Uniform, MarginalPriority::ProRata);
    let bids = [(A, 10, "20"), (B, 3, "10"), (C, 3, "10"), (D, 4, "10")];
    let (outcome, fills) = sale(15, None, pro_rata.clone(), &bids);
    assert_eq!(units(&fills), [10, 2, 1, 2]);
    let Outcome::Allocated { by, buyers, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((by, buyers), (AllocatedBy::ProRata, 4));
    let bids = [(A, 1, "10"), (B, 1, "10"), (C, 998, "10")];
    let (_, fills) = sale(100, None, pro_rata, &bids);
    assert_eq!(units(&fills), [0, 0, 100]);
}

#[test]
fn pay_as_bid_each_pays_their_own() {
    let own = terms(UniformPricing::PayAsBid, MarginalPriority::Time);
    let bids = [(A, 60, "12"), (B, 60, "15")];
    let (_, fills) = sale(100, None, own, &bids);
    let pays = |text: &str| Some(text.to_owned());
    assert_eq!(fills, [(40, pays("12.00")), (60, pays("15.00"))]);
}

#[test]
fn a_trader_has_as_many_bids_as_the_terms_allow_and_counts_once() {
    let mut house = House::with_lot("0", 100, None, by_time());
    house.order(1, A, 10, "5").unwrap();
    assert_eq!(
        house.order(1, A, 10, "4"),
        Ok(Reply::OrderPlaced(OrderId(2)))
    );
    assert_eq!(
        house.last_public(),
        [],
        "a second bid of one trader is no news"
    );
    assert_eq!(
        house.order(1, A, 10, "3"),
        Err(Reject::TooManyOrders { most: 2 })
    );
    house.user(1, A, cancel(1)).unwrap();
    assert_eq!(house.bidders(), 1);
    house.user(1, A, replace(2, 20, "7")).unwrap();
    house.user(1, A, cancel(2)).unwrap();
    let counted = PublicEvent::BiddersCounted {
        lot: LOT,
        bidders: 0,
    };
    assert_eq!(house.last_public(), [counted]);
    assert_eq!(
        house.user(1, A, buy(1, Some("0"))),
        Err(Reject::BidTooLow {
            least: price("0.0001")
        })
    );
    // 10^18 / 10^12 shares: a bid for this quantity offers at most 100.
    assert_eq!(
        house.order(1, A, 1_000_000_000_000, "100.0001"),
        Err(Reject::PriceTooHigh {
            greatest: price("100")
        })
    );
}

#[test]
fn the_opening_of_many_bids_takes_events_of_bounded_size() {
    let many = Terms::Uniform(UniformTerms {
        pricing: UniformPricing::Uniform,
        priority: MarginalPriority::Time,
        bids_max: 100,
    });
    let mut house = House::with_lot("0", 1_000, None, many);
    for number in 0..100 {
        house.order(1, A, 10, &format!("{}", 1 + number)).unwrap();
    }
    house.outcome();
    let public = house.last_public();
    let lengths: Vec<_> = public
        .iter()
        .map(|event| match event {
            PublicEvent::BidsOpened { bids, .. } => bids.len(),
            _ => 0,
        })
        .collect();
    let (last, full) = (100 % BIDS_OPENED_MAX, BIDS_OPENED_MAX);
    assert_eq!(lengths, [full, full, full, full, last, 0]);
    assert_eq!(house.opened().len(), 100);
}

#[test]
fn terms_of_no_bids_or_too_many_are_refused() {
    for bids_max in [0, BIDS_PER_TRADER_MAX + 1] {
        let terms = Terms::Uniform(UniformTerms {
            pricing: UniformPricing::Uniform,
            priority: MarginalPriority::Time,
            bids_max,
        });
        let refused = House::new("0").open(open(1, None, terms));
        assert_eq!(refused, Err(Reject::Terms(TermsError::BidsEach)));
    }
}
