//! Lies about sealed bids when they are opened.

use auction_core::audit::Wrong;
use auction_core::{
    AllocatedBy, MarginalPriority, OrderId, Outcome, PublicEvent, SealedPricing, SealedTerms,
    Sequence, SoldBy, Terms, Timestamp, UniformPricing, UniformTerms,
};

use super::{MARKET, are_found, change, change_opened, change_outcome, find, let_win};
use crate::disclosed::{audit_with, opened};
use crate::house::{A, B, C, D, House, price};

fn sealed() -> House {
    let terms = Terms::Sealed(SealedTerms {
        pricing: SealedPricing::SecondPrice,
    });
    let mut house = House::with_lot("10", 5, Some("50"), terms);
    house.sealed_bid(1, A, "100").unwrap();
    house.sealed_bid(2, B, "20").unwrap();
    house.sealed_bid(3, C, "60").unwrap();
    house.user(4, C, crate::house::replace(1, 5, "80")).unwrap();
    house.sealed_bid(5, D, "70").unwrap();
    house.user(6, D, crate::house::cancel(1)).unwrap();
    house.outcome();
    house
}

#[test]
fn every_lie_about_sealed_bids_is_named_at_its_record() {
    are_found(
        &sealed(),
        &[
            ("another wins", |records| let_win(records, C)),
            ("the winner pays more", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold {
                        price: paid,
                        runner_up,
                        ..
                    } = outcome
                    {
                        (*paid, *runner_up) = (price("95"), Some(price("95")));
                    }
                })
            }),
            ("a reserve is made up after the bids", |records| {
                change_opened(records, |bids| bids[0].pays = Some(price("99")));
                change_outcome(records, |outcome| {
                    if let Outcome::Sold {
                        price: paid, by, ..
                    } = outcome
                    {
                        (*paid, *by) = (price("101"), SoldBy::Reserve);
                    }
                })
            }),
            ("a bid is opened higher than it was", |records| {
                change_opened(records, |bids| bids[1].price = price("40"))
            }),
            ("a bid is left out", |records| {
                change_opened(records, |bids| bids.retain(|bid| bid.bidder != B))
            }),
            ("a bid is invented", |records| {
                change_opened(records, |bids| {
                    let mut invented = bids[0];
                    (invented.bidder, invented.price) = (D, price("99"));
                    (invented.filled, invented.pays) = (0, None);
                    bids.push(invented);
                })
            }),
            ("bids are opened in another order", |records| {
                change_opened(records, |bids| bids.swap(0, 1))
            }),
            ("a trader more is counted than bids", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::BiddersCounted { .. });
                change(find(records, is), |event| {
                    if let PublicEvent::BiddersCounted { bidders, .. } = event {
                        *bidders = 2;
                    }
                })
            }),
            ("a bid comes after the close", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::BiddersCounted { .. });
                let mut late = find(records, is).clone();
                late.at = Timestamp::from_secs(301);
                late.sequence = Sequence(records.len() as u64 + 1);
                let sequence = late.sequence;
                records.push(late);
                sequence
            }),
        ],
    );
}

#[test]
fn sealed_bids_that_are_kept_closed_are_missed() {
    let house = sealed();
    let mut kept = opened(&house.records);
    kept.pop_first();
    let foul = audit_with(MARKET, &house.records, &kept).unwrap_err();
    let (bidder, order) = (A, OrderId(1));
    assert_eq!(foul.wrong, Wrong::NotCommitted { bidder, order });
    assert_eq!(foul.sequence, house.records.last().unwrap().sequence);
}

#[test]
fn every_lie_about_shares_is_named_at_the_close() {
    for pricing in [UniformPricing::Uniform, UniformPricing::PayAsBid] {
        let terms = Terms::Uniform(UniformTerms {
            pricing,
            priority: MarginalPriority::ProRata,
            bids_max: 2,
        });
        let mut house = House::with_lot("0", 15, Some("5"), terms);
        for (user, quantity, limit) in [(A, 10, "20"), (B, 3, "10"), (C, 3, "10"), (D, 4, "10")] {
            house.order(1, user, quantity, limit).unwrap();
        }
        house.order(2, A, 5, "1").unwrap();
        house.outcome();
        are_found(
            &house,
            &[
                ("shares move from one to another", |records| {
                    change_opened(records, |bids| {
                        bids[0].filled -= 1;
                        bids[2].filled += 1;
                    })
                }),
                ("one pays less", |records| {
                    change_opened(records, |bids| bids[0].pays = Some(price("9")))
                }),
                ("more is sold than there is", |records| {
                    change_outcome(records, |outcome| {
                        if let Outcome::Allocated { sold, .. } = outcome {
                            *sold += 1;
                        }
                    })
                }),
                ("the lowest price is another", |records| {
                    change_outcome(records, |outcome| {
                        if let Outcome::Allocated { lowest, .. } = outcome {
                            *lowest = price("11");
                        }
                    })
                }),
                ("another rule is said to have decided", |records| {
                    change_outcome(records, |outcome| {
                        if let Outcome::Allocated { by, .. } = outcome {
                            *by = AllocatedBy::Time;
                        }
                    })
                }),
                ("a bid of someone with two is left out", |records| {
                    change_opened(records, |bids| bids.retain(|bid| bid.price != price("1")))
                }),
            ],
        );
    }
}
