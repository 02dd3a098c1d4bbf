//! Lies that the public book of a trading day exposes.

use auction_core::clearing::call::Collar;
use auction_core::{
    Command, DayPhase, Event, OpenLot, Outcome, PublicEvent, Record, Sequence, Side, Span,
    Timestamp,
};

use super::{are_found, change, find};
use crate::day::{day, limit, terms};
use crate::house::{A, B, C, House, price, quantity};

fn morning() -> House {
    let mut terms = terms();
    terms.static_corridor = Some(Collar {
        absolute: price("1"),
        basis_points: 0,
    });
    let mut house = day(terms);
    house.user(1, A, limit(Side::Sell, 5, "10")).unwrap();
    house.user(2, B, limit(Side::Buy, 3, "10")).unwrap();
    house.user(60, A, limit(Side::Sell, 5, "10")).unwrap();
    house.user(61, C, limit(Side::Sell, 5, "10.50")).unwrap();
    house.user(62, B, limit(Side::Buy, 4, "10")).unwrap();
    house.user(63, C, limit(Side::Sell, 5, "11.50")).unwrap();
    house.user(64, B, limit(Side::Buy, 20, "12")).unwrap();
    house.outcome();
    house
}

fn is_trade(event: &PublicEvent) -> bool {
    matches!(event, PublicEvent::Traded { .. })
}

fn change_first(
    records: &mut [Record],
    is: fn(&PublicEvent) -> bool,
    mut to: impl FnMut(&mut PublicEvent),
) -> Sequence {
    let mut done = false;
    change(find(records, is), |event| {
        if is(event) && !std::mem::replace(&mut done, true) {
            to(event);
        }
    })
}

fn is_shown(event: &PublicEvent) -> bool {
    matches!(event, PublicEvent::OrderShown { .. })
}

/// Changes the first such event of the last record that has one.
fn change_last(
    records: &mut [Record],
    is: fn(&PublicEvent) -> bool,
    to: impl FnMut(&mut PublicEvent),
) -> Sequence {
    let last = records
        .iter_mut()
        .rfind(|record| record.public_events().any(is));
    let last = last.expect("there is such a record");
    change_first(std::slice::from_mut(last), is, to)
}

/// Changes the number of an order that is shown again after the call.
fn change_first_again(records: &mut [Record], to: fn(&mut u64)) -> Sequence {
    change_last(records, is_shown, |event| {
        if let PublicEvent::OrderShown { number, .. } = event {
            to(number);
        }
    })
}

#[test]
fn every_lie_about_a_trade_is_found() {
    are_found(
        &morning(),
        &[
            ("the second in time trades first", |records| {
                change_first(records, is_trade, |event| {
                    if let PublicEvent::Traded { resting, .. } = event {
                        *resting = 2;
                    }
                })
            }),
            ("the price is not the order's", |records| {
                change_first(records, is_trade, |event| {
                    if let PublicEvent::Traded { price: at, .. } = event {
                        *at = price("10.01");
                    }
                })
            }),
            ("it trades more than it has", |records| {
                change_first(records, is_trade, |event| {
                    if let PublicEvent::Traded { quantity: of, .. } = event {
                        *of = quantity(6);
                    }
                })
            }),
            ("a trade has no number of its own", |records| {
                change_first(records, is_trade, |event| {
                    if let PublicEvent::Traded { number, .. } = event {
                        *number += 1;
                    }
                })
            }),
            ("an order rests where it would trade", |records| {
                let is_buy = |event: &PublicEvent| {
                    matches!(event, PublicEvent::OrderShown { side: Side::Sell, price, .. }
                        if *price == crate::house::price("10.50"))
                };
                change_first(records, is_buy, |event| {
                    if let PublicEvent::OrderShown { side, .. } = event {
                        *side = Side::Buy;
                    }
                })
            }),
            ("an interruption inside the corridor", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::Interrupted { .. });
                change_first(records, is, |event| {
                    if let PublicEvent::Interrupted { price: at, .. } = event {
                        *at = price("10.50");
                    }
                })
            }),
            ("a volatility call is too short", |records| {
                let is = |event: &PublicEvent| {
                    matches!(event, PublicEvent::PhaseBegan(began)
                        if began.phase == DayPhase::Volatility)
                };
                change_first(records, is, |event| {
                    if let PublicEvent::PhaseBegan(began) = event {
                        began.ends_at = began.ends_at.saturating_sub(Span::from_micros(1).unwrap());
                    }
                })
            }),
            ("a phase is left out", |records| {
                let is = |event: &PublicEvent| {
                    matches!(event, PublicEvent::PhaseBegan(began)
                        if began.phase == DayPhase::Continuous)
                };
                change_first(records, is, |event| {
                    if let PublicEvent::PhaseBegan(began) = event {
                        began.ends_at = Timestamp::from_secs(199);
                    }
                })
            }),
            ("the closing price is another", |records| {
                let is = |event: &PublicEvent| matches!(event, PublicEvent::LotClosed { .. });
                change_first(records, is, |event| {
                    if let PublicEvent::LotClosed {
                        outcome: Outcome::Day { close, .. },
                        ..
                    } = event
                    {
                        *close = Some(price("10.01"));
                    }
                })
            }),
        ],
    );
}

#[test]
fn every_lie_about_an_order_shown_again_is_found() {
    are_found(
        &morning(),
        &[
            ("an order shown again has no number", |records| {
                change_first_again(records, |number| *number = 0)
            }),
            ("an order shown again has a new number", |records| {
                change_first_again(records, |number| *number += 1_000)
            }),
            ("an order shown again has one that left", |records| {
                change_first_again(records, |number| *number -= 1)
            }),
            ("an order shown again has gained", |records| {
                change_last(records, is_shown, |event| {
                    if let PublicEvent::OrderShown { open, .. } = event {
                        *open = quantity(open.get() + 1);
                    }
                })
            }),
            ("an order shown again is on the other side", |records| {
                change_last(records, is_shown, |event| {
                    if let PublicEvent::OrderShown { side, .. } = event {
                        *side = side.opposite();
                    }
                })
            }),
            ("two traders came at once", |records| {
                let is = |event: &PublicEvent| {
                    matches!(event, PublicEvent::BiddersCounted { bidders: 2, .. })
                };
                change_first(records, is, |event| {
                    if let PublicEvent::BiddersCounted { bidders, .. } = event {
                        *bidders = 3;
                    }
                })
            }),
        ],
    );
}

/// A hostile journal must not make the one who verifies it panic.
#[test]
fn a_phase_of_a_day_that_has_not_begun_is_found() {
    let mut house = House::new("10");
    let open = OpenLot {
        opens_at: Some(Timestamp::from_secs(10)),
        closes_at: Timestamp::from_secs(310),
        ..crate::house::open(1, None, terms().into())
    };
    house.open(open).unwrap();
    house.outcome();
    fn is_first(event: &PublicEvent) -> bool {
        matches!(event, PublicEvent::LotBegan { .. })
    }
    are_found(
        &house,
        &[
            ("the day does not begin", |records| {
                let record = find(records, is_first);
                let begins =
                    |event: &Event| matches!(event, Event::Public(event) if is_first(event));
                record.events.retain(|event| !begins(event));
                record.sequence
            }),
            ("the phase begins with the record before", |records| {
                let at = records[records
                    .iter()
                    .position(|r| r.public_events().any(is_first))
                    .unwrap()
                    - 1]
                .at;
                let record = find(records, is_first);
                let begins =
                    |event: &Event| matches!(event, Event::Public(event) if is_first(event));
                record.events.retain(|event| !begins(event));
                record.command = Command::CloseDue {
                    lot: crate::house::LOT,
                };
                record.at = at;
                record.sequence
            }),
        ],
    );
}
