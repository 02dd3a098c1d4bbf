//! Lies that the terms of a call and its random end expose.

use auction_core::{
    CallTerms, Collar, Command, Event, Outcome, PrivateEvent, PublicEvent, Side, SoldBy, Span,
    Terms, Timestamp,
};

use super::{are_found, change, change_outcome, close, find};
use crate::house::{A, B, C, House, LOT, price, quantity};

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
fn every_lie_that_the_terms_of_a_call_expose_is_found() {
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
