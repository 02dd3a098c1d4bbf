//! Lies about English lots: bids, prices, leaders, the soft close, halts, and a hidden reserve.

use auction_core::audit::{Judged, Wrong};
use auction_core::{
    Actor, Command, EnglishTerms, Event, LotId, Outcome, PublicEvent, Reject, ReserveStatus,
    Sequence, Terms, Timestamp, UnsoldBecause,
};

use super::{
    MARKET, are_found, change, change_bid, change_outcome, close, drop_record, find, let_win,
    nth_bid,
};
use crate::disclosed::{audit, audit_with, opened};
use crate::house::{A, AUCTIONEER, B, C, D, House, LOT, bid, micros, price};

fn maximum(limit: &str) -> Command {
    Command::BidMaximum {
        lot: LOT,
        maximum: price(limit),
    }
}

/// Returns a lot with these bids: A 1.01, B up to 1.50, C 1.20, D up to 3, A 2; then A 2.50 in the last minute.
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
fn every_lie_about_english_bids_is_found() {
    are_found(
        &english(),
        &[
            ("a bid is dropped", |records| {
                let dropped = nth_bid(records, 2).sequence;
                drop_record(records, dropped);
                // The next bid counts one trader more than there are.
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
        ],
    );
}

#[test]
fn every_lie_about_an_english_lots_life_is_found() {
    are_found(
        &english(),
        &[
            ("another wins", |records| let_win(records, A)),
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
fn an_impossible_winner_is_found_when_beaten_maxima_are_opened() {
    let house = english();
    // B's maximum of 1.50 was beaten, and must be opened. A server that does not open it hides something.
    let mut kept = opened(&house.records);
    let beaten = kept.pop_first().unwrap();
    let foul = audit_with(MARKET, &house.records, &kept).unwrap_err();
    assert_eq!(foul.wrong, Wrong::MaximumNotOpened, "{foul}");
    assert!(foul.sequence > beaten, "it is named where it was beaten");
    // While the lot runs nothing must be opened.
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
                    // A's maximum is below the reserve, but the bid says that it reached it.
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
                // A reserve of 1.51 would explain that: only the commitment in the lot's opening shows that it was
                // another.
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

#[test]
fn a_halted_lot_takes_nothing_and_closes_later_by_the_halt() {
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
