//! A server that lies and computes its chain honestly after the lie: only the rules can tell. Each lie is named at its
//! record, by someone who sees no more than everyone.

use auction_core::audit::{Judged, Wrong};
use auction_core::{
    Actor, AllocatedBy, CallTerms, Collar, Command, DutchTerms, EnglishTerms, Event, LotId,
    MarginalPriority, MarketId, OrderId, Outcome, PrivateEvent, PublicEvent, Record, Reject,
    ReserveStatus, SealedPricing, SealedTerms, Sequence, Side, SoldBy, Span, Terms, Timestamp,
    UniformPricing, UniformTerms, UnsoldBecause,
};

use crate::disclosed::{audit, audit_with, opened};
use crate::house::{A, AUCTIONEER, B, C, D, House, LOT, bid, micros, price, quantity};

const MARKET: MarketId = MarketId([7; 16]);

/// What a server does to its records; it gives the record that is wrong then.
type Lie = fn(&mut Vec<Record>) -> Sequence;

/// Each lie is found, at its record and at none before.
fn are_found(house: &House, lies: &[(&str, Lie)]) {
    audit(MARKET, &house.records).unwrap();
    for (name, lie) in lies {
        let mut records = house.records.clone();
        let sequence = lie(&mut records);
        let foul = match audit(MARKET, &records) {
            Ok(_) => panic!("{name}: nothing was found"),
            Err(foul) => foul,
        };
        assert_eq!(foul.sequence, sequence, "{name}: {foul}");
    }
}

/// Changes each public event of a record.
fn change(record: &mut Record, mut change: impl FnMut(&mut PublicEvent)) -> Sequence {
    for event in &mut record.events {
        if let Event::Public(event) = event {
            change(event);
        }
    }
    record.sequence
}

/// The record that shows such an event.
fn find(records: &mut [Record], is: impl Fn(&PublicEvent) -> bool) -> &mut Record {
    let found = records
        .iter_mut()
        .find(|record| record.public_events().any(&is));
    found.expect("there is such a record")
}

fn nth_bid(records: &mut [Record], nth: usize) -> &mut Record {
    let is_bid = |event: &PublicEvent| matches!(event, PublicEvent::BidAccepted(_));
    let bids = records
        .iter_mut()
        .filter(|record| record.public_events().any(is_bid));
    bids.into_iter().nth(nth).expect("there are so many bids")
}

fn close(records: &mut [Record]) -> &mut Record {
    find(records, |event| {
        matches!(event, PublicEvent::LotClosed { .. })
    })
}

fn change_outcome(records: &mut [Record], mut to: impl FnMut(&mut Outcome)) -> Sequence {
    change(close(records), |event| {
        if let PublicEvent::LotClosed { outcome, .. } = event {
            to(outcome);
        }
    })
}

fn change_bid(
    records: &mut [Record],
    nth: usize,
    mut to: impl FnMut(&mut auction_core::BidAccepted),
) -> Sequence {
    change(nth_bid(records, nth), |event| {
        if let PublicEvent::BidAccepted(bid) = event {
            to(bid);
        }
    })
}

fn change_opened(
    records: &mut [Record],
    mut to: impl FnMut(&mut Vec<auction_core::OpenedBid>),
) -> Sequence {
    change(close(records), |event| {
        if let PublicEvent::BidsOpened { bids, .. } = event {
            to(bids);
        }
    })
}

/// Leaves a record out, and numbers those behind it anew.
fn drop_record(records: &mut Vec<Record>, at: Sequence) {
    records.retain(|record| record.sequence != at);
    for (number, record) in (1..).zip(records) {
        record.sequence = Sequence(number);
    }
}

fn maximum(limit: &str) -> Command {
    Command::BidMaximum {
        lot: LOT,
        maximum: price(limit),
    }
}

/// A 1.01, B up to 1.50, C 1.20, D up to 3, A 2; then A 2.50 in the last minute.
fn english() -> House {
    let mut house = House::with_lot("1", 10, None, Terms::English(EnglishTerms::default()));
    house.user(1, A, bid("1.01")).unwrap();
    house.user(2, B, maximum("1.50")).unwrap();
    house.user(3, C, bid("1.20")).unwrap();
    house.user(4, D, maximum("3")).unwrap();
    house.user(5, A, bid("2")).unwrap();
    house.user(250, A, bid("2.50")).unwrap();
    house.outcome();
    house
}

#[test]
fn every_lie_about_an_english_lot_is_named_at_its_record() {
    are_found(
        &english(),
        &[
            ("a bid is dropped", |records| {
                let dropped = nth_bid(records, 2).sequence;
                drop_record(records, dropped);
                // One trader less has bid than the next bid says.
                dropped
            }),
            ("a bid is invented below the least", |records| {
                let second = nth_bid(records, 1).sequence;
                let mut invented = nth_bid(records, 0).clone();
                invented.actor = Actor::User(C);
                let at = usize::try_from(second.0 - 1).unwrap();
                records.insert(at, invented);
                for (number, record) in (1..).zip(records) {
                    record.sequence = Sequence(number);
                }
                second
            }),
            ("two bids change places", |records| {
                let first = nth_bid(records, 2).sequence;
                let at = usize::try_from(first.0 - 1).unwrap();
                records.swap(at, at + 1);
                let times = [records[at].at, records[at + 1].at];
                (records[at].at, records[at + 1].at) = (times[1], times[0]);
                records[at].sequence = first;
                records[at + 1].sequence = first.next();
                first
            }),
            ("a price is raised", |records| {
                change_bid(records, 2, |bid| bid.price = price("1.30"))
            }),
            ("a price is raised, and the least bid with it", |records| {
                change_bid(records, 2, |bid| {
                    bid.price = price("1.30");
                    bid.least = Some(price("1.31"));
                })
            }),
            ("a price is lowered", |records| {
                change_bid(records, 4, |bid| {
                    bid.price = price("1.90");
                    bid.least = Some(price("1.91"));
                })
            }),
            ("the least bid is another", |records| {
                change_bid(records, 0, |bid| bid.least = Some(price("1.50")))
            }),
            ("another leads", |records| {
                change_bid(records, 2, |bid| bid.leader = C)
            }),
            ("the leader stays who was outbid", |records| {
                change_bid(records, 3, |bid| bid.leader = B)
            }),
            ("another bidder is told than who asked", |records| {
                change_bid(records, 2, |bid| bid.bidder = A)
            }),
            ("a reserve is met that is none", |records| {
                change_bid(records, 0, |bid| bid.reserve = ReserveStatus::Met)
            }),
            ("an auctioneer bids", |records| {
                let record = nth_bid(records, 0);
                record.actor = Actor::User(AUCTIONEER);
                change(record, |event| {
                    if let PublicEvent::BidAccepted(bid) = event {
                        (bid.bidder, bid.leader) = (AUCTIONEER, AUCTIONEER);
                    }
                })
            }),
            ("the soft close is left out", |records| {
                let record = nth_bid(records, 5);
                record.events.retain(|event| {
                    !matches!(event, Event::Public(PublicEvent::LotExtended { .. }))
                });
                record.sequence
            }),
            ("the soft close is longer", |records| {
                change(nth_bid(records, 5), |event| {
                    if let PublicEvent::LotExtended { closes_at, .. } = event {
                        *closes_at = Timestamp::from_secs(600);
                    }
                })
            }),
            ("another wins", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { winner, .. } = outcome {
                        *winner = A;
                    }
                })
            }),
            ("the winner pays more", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { price: paid, .. } = outcome {
                        *paid = price("3");
                    }
                })
            }),
            ("another was second", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { runner_up, .. } = outcome {
                        *runner_up = Some(price("2.60"));
                    }
                })
            }),
            ("it is said to be unsold", |records| {
                change_outcome(records, |outcome| {
                    *outcome = Outcome::Unsold {
                        because: UnsoldBecause::NoBids,
                        highest: None,
                    };
                })
            }),
            ("the clock closes it early", |records| {
                let record = close(records);
                record.at = Timestamp::from_secs(300);
                record.sequence
            }),
            ("the clock closes it late", |records| {
                let record = close(records);
                record.at = Timestamp::from_secs(361);
                record.sequence
            }),
            ("a trader closes it", |records| {
                let record = close(records);
                record.actor = Actor::User(D);
                record.command = Command::CloseLot { lot: LOT };
                record.sequence
            }),
            ("a bid comes after the close", |records| {
                let mut late = nth_bid(records, 5).clone();
                late.at = Timestamp::from_secs(400);
                late.sequence = Sequence(records.len() as u64 + 1);
                let sequence = late.sequence;
                records.push(late);
                sequence
            }),
            ("time goes back", |records| {
                let record = nth_bid(records, 3);
                record.at = Timestamp::from_secs(2);
                record.sequence
            }),
            ("the base price is another", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::LotOpened(_));
                change(find(records, is), |event| {
                    if let PublicEvent::LotOpened(opened) = event {
                        opened.base_price = price("1.50");
                    }
                })
            }),
            ("a name is given twice", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::UserRegistered { user, .. } if *user == B);
                change(find(records, is), |event| {
                    if let PublicEvent::UserRegistered { name, .. } = event {
                        *name = auction_core::Name::parse("user-0").unwrap();
                    }
                })
            }),
        ],
    );
}

#[test]
fn a_winner_without_a_maximum_that_can_have_won_is_found_when_the_beaten_are_opened() {
    let house = english();
    // B's maximum of 1.50 was beaten, and is opened. A server that keeps it back has something to hide.
    let mut kept = opened(&house.records);
    let beaten = kept.pop_first().unwrap();
    let foul = audit_with(MARKET, &house.records, &kept).unwrap_err();
    assert_eq!(foul.wrong, Wrong::MaximumNotOpened, "{foul}");
    assert!(foul.sequence > beaten, "it is named where it was beaten");
    // While the lot runs nothing has to be opened.
    let running = &house.records[..house.records.len() - 1];
    audit(MARKET, running).unwrap();
}

#[test]
fn a_hidden_reserve_is_one_and_stays_where_it_was() {
    let mut house = House::with_lot("1", 1, Some("2"), Terms::English(EnglishTerms::default()));
    house.user(1, A, maximum("1.50")).unwrap();
    house.user(2, B, bid("1.40")).unwrap();
    house.user(3, B, maximum("2.50")).unwrap();
    house.outcome();
    are_found(
        &house,
        &[
            (
                "the reserve lifts the price where it cannot be",
                |records| {
                    // A's maximum, below the reserve, would have reached it.
                    change_bid(records, 1, |bid| bid.reserve = ReserveStatus::Met);
                    nth_bid(records, 1).sequence
                },
            ),
            ("a reserve that was met is said not to be", |records| {
                change_bid(records, 2, |bid| {
                    bid.price = price("1.51");
                    bid.least = Some(price("1.52"));
                });
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { price: paid, .. } = outcome {
                        *paid = price("1.51");
                    }
                });
                // A reserve of 1.51 would give that: only what the lot's opening commits to tells of another.
                let record = close(records);
                let Event::Public(PublicEvent::LotClosed { outcome, .. }) = &mut record.events[0]
                else {
                    panic!()
                };
                *outcome = Outcome::Unsold {
                    because: UnsoldBecause::ReserveNotMet,
                    highest: Some(price("1.51")),
                };
                record.sequence
            }),
        ],
    );
}

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
            ("another wins", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { winner, .. } = outcome {
                        *winner = C;
                    }
                })
            }),
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

#[test]
fn every_lie_about_a_dutch_lot_is_named_at_its_record() {
    let terms = Terms::Dutch(DutchTerms {
        start: price("100"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("50"),
    });
    let mut house = House::with_lot("10", 1, None, terms);
    house.user(35, B, bid("100")).unwrap();
    house.outcome();
    are_found(
        &house,
        &[
            ("the clock's price is another", |records| {
                change_bid(records, 0, |bid| {
                    (bid.price, bid.amount) = (price("96"), Some(price("96")));
                })
            }),
            ("it was taken at another moment", |records| {
                let record = nth_bid(records, 0);
                record.at = Timestamp::from_secs(45);
                record.sequence
            }),
            ("another wins than who took it", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Sold { winner, .. } = outcome {
                        *winner = A;
                    }
                })
            }),
            ("the taker accepted less", |records| {
                let record = nth_bid(records, 0);
                record.command = bid("96");
                record.sequence
            }),
        ],
    );
}

fn call() -> House {
    let terms = CallTerms {
        collar: Some(Collar {
            absolute: price("2"),
            basis_points: 0,
        }),
        extensions_max: 0,
        random_end: Span::from_secs(20),
        ..CallTerms::default()
    };
    let mut house = House::with_lot("10", 5, None, Terms::Call(terms));
    let order = |side, shares, limit| Command::PlaceOrder {
        lot: LOT,
        side,
        quantity: quantity(shares),
        limit: Some(price(limit)),
    };
    house.user(1, A, order(Side::Buy, 20, "11")).unwrap();
    house.user(2, B, order(Side::Sell, 15, "10")).unwrap();
    house.user(3, C, order(Side::Sell, 5, "10.50")).unwrap();
    house.outcome();
    house
}

#[test]
fn every_lie_that_the_terms_of_a_call_tell_is_named_at_its_record() {
    are_found(
        &call(),
        &[
            ("the price is outside the collar", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Crossed { price: at, .. } = outcome {
                        *at = price("12.01");
                    }
                })
            }),
            ("the price is off the tick", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Crossed { price: at, .. } = outcome {
                        *at = price("10.5001");
                    }
                })
            }),
            ("the volume is no multiple of the round lot", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Crossed { volume, .. } = outcome {
                        *volume += 1;
                    }
                })
            }),
            ("more traded than had orders", |records| {
                change_outcome(records, |outcome| {
                    if let Outcome::Crossed { traders, .. } = outcome {
                        *traders = 4;
                    }
                })
            }),
            ("it is sold to one", |records| {
                change_outcome(records, |outcome| {
                    *outcome = Outcome::Sold {
                        winner: A,
                        price: price("11"),
                        by: SoldBy::HighestBid,
                        runner_up: None,
                    };
                })
            }),
            (
                "the uncross comes at another moment than was fixed",
                |records| {
                    let record = close(records);
                    record.at = record.at.saturating_add(Span::from_secs(1));
                    record.sequence
                },
            ),
            ("the end is drawn before its window", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::EndCommitted { .. });
                let record = find(records, is);
                record.at = Timestamp::from_secs(270);
                record.sequence
            }),
            ("the end is not the one that was fixed", |records| {
                change(close(records), |event| {
                    if let PublicEvent::EndOpened { end, .. } = event {
                        end.salt[0] ^= 1;
                    }
                })
            }),
            ("the end is not opened", |records| {
                let record = close(records);
                record.events.remove(0);
                record.sequence
            }),
            ("the end is not the one that was drawn", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::EndCommitted { .. });
                let record = find(records, is);
                for event in &mut record.events {
                    if let Event::Private(PrivateEvent::EndDrawn { end, .. }) = event {
                        end.before_close = Span::ZERO;
                    }
                }
                record.sequence
            }),
            ("the reference is another", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::ReferenceFixed { .. });
                change(find(records, is), |event| {
                    if let PublicEvent::ReferenceFixed { reference, .. } = event {
                        *reference = price("12");
                    }
                })
            }),
        ],
    );
}

#[test]
fn a_halted_lot_takes_nothing_and_goes_on_as_late_as_it_was_halted() {
    let mut house = House::with_lot("1", 10, None, Terms::English(EnglishTerms::default()));
    house.user(1, A, bid("1.01")).unwrap();
    house
        .user(10, AUCTIONEER, Command::HaltLot { lot: LOT })
        .unwrap();
    house
        .user(40, AUCTIONEER, Command::ResumeLot { lot: LOT })
        .unwrap();
    house.user(50, B, bid("1.02")).unwrap();
    house.outcome();
    are_found(
        &house,
        &[
            ("a bid while it was halted", |records| {
                let resumed = |event: &PublicEvent| matches!(event, PublicEvent::LotResumed { .. });
                let resumed = find(records, resumed).sequence;
                let at = usize::try_from(resumed.0 - 1).unwrap();
                records.swap(at, at + 1);
                records[at].at = Timestamp::from_secs(20);
                records[at].sequence = resumed;
                records[at + 1].sequence = resumed.next();
                resumed
            }),
            ("it goes on for longer", |records| {
                let resumed = |event: &PublicEvent| matches!(event, PublicEvent::LotResumed { .. });
                change(find(records, resumed), |event| {
                    if let PublicEvent::LotResumed { closes_at, .. } = event {
                        *closes_at = Timestamp::from_secs(340);
                    }
                })
            }),
        ],
    );
}

#[test]
fn what_is_hidden_is_told_and_what_is_not_is_decided() {
    let (_, judged) = audit(MARKET, &english().records).unwrap();
    let count = |is: fn(&Judged) -> bool| judged.iter().filter(|judged| is(judged)).count();
    assert_eq!(count(|judged| matches!(judged, Judged::Held)), 0);
    assert!(
        count(|judged| matches!(judged, Judged::Decided)) >= 5,
        "{judged:?}"
    );
    let foul = {
        let mut records = english().records.clone();
        let bid = nth_bid(&mut records, 0);
        bid.actor = Actor::User(AUCTIONEER);
        audit(MARKET, &records).unwrap_err()
    };
    assert!(
        matches!(foul.wrong, Wrong::Refused(Reject::NotPermitted { .. })),
        "{foul:?}"
    );
    assert_eq!(foul.lot, Some(LotId(1)));
    assert_eq!(foul.at, micros(1_000_000));
}
