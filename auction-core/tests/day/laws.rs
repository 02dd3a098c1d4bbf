//! Laws of single records, from the public state before each and without the oracle.

use std::collections::BTreeMap;

use auction_core::clearing::call::Collar;
use auction_core::{
    DayBook, DayOrder, DayPhase, DayTerms, Event, FillRole, OrderId, Price, PrivateEvent,
    PublicEvent, Record, TimeInForce, UserId,
};

/// Orders as they came in.
#[derive(Default)]
pub struct Laws {
    entered: BTreeMap<(UserId, OrderId), DayOrder>,
}

impl Laws {
    pub fn check(&mut self, terms: &DayTerms, before: &DayBook, record: &Record) {
        trades_are_inside(terms, before, record);
        for event in record.events.iter() {
            let Event::Private(event) = event else {
                continue;
            };
            match *event {
                PrivateEvent::DayOrderAccepted {
                    trader,
                    order,
                    content,
                    ..
                } => {
                    self.entered.insert((trader, order), content);
                    self.is_executed_to_the_letter((trader, order), content, record);
                }
                PrivateEvent::DayOrderFilled {
                    trader,
                    order,
                    role,
                    ..
                } => {
                    let is_taker = role == FillRole::Taker;
                    let in_continuous = before.phase == Some(DayPhase::Continuous);
                    let rests_only = self.entered[&(trader, order)].post_only;
                    assert!(!(is_taker && rests_only && in_continuous), "{record:?}");
                }
                _ => {}
            }
        }
    }

    /// A fok trades whole or not at all, and an ioc leaves nothing behind.
    fn is_executed_to_the_letter(&self, id: (UserId, OrderId), content: DayOrder, record: &Record) {
        let (mut traded, mut rests, mut others) = (0, false, 0);
        for event in record.events.iter() {
            match *event {
                Event::Private(PrivateEvent::DayOrderFilled {
                    trader,
                    order,
                    quantity,
                    ..
                }) if (trader, order) == id => traded += quantity.get(),
                Event::Private(
                    PrivateEvent::DayOrderRests { trader, order, .. }
                    | PrivateEvent::DayOrderParked { trader, order, .. },
                ) if (trader, order) == id => rests = true,
                Event::Private(PrivateEvent::DayOrderLapsed { trader, order, .. })
                    if (trader, order) != id =>
                {
                    others += 1
                }
                Event::Private(PrivateEvent::DayOrdersDecremented { .. }) => others += 1,
                _ => {}
            }
        }
        match content.time_in_force {
            TimeInForce::FillOrKill => {
                assert!(
                    traded == 0 || traded == content.quantity.get(),
                    "{record:?}"
                );
                assert!(traded > 0 || others == 0, "it changes nothing: {record:?}");
                assert!(!rests, "{record:?}");
            }
            TimeInForce::ImmediateOrCancel => assert!(!rests, "{record:?}"),
            _ => {}
        }
    }
}

/// In continuous trading no trade is outside a corridor, whose references stand still while one order trades.
fn trades_are_inside(terms: &DayTerms, before: &DayBook, record: &Record) {
    if before.phase != Some(DayPhase::Continuous) {
        return;
    }
    let moving = before.statistics.last.or(before.reference);
    for event in record.public_events() {
        if let PublicEvent::Traded { price, .. } = event {
            assert!(
                is_inside(terms.static_corridor, before.reference, *price),
                "{record:?}"
            );
            assert!(
                is_inside(terms.dynamic_corridor, moving, *price),
                "{record:?}"
            );
        }
    }
}

fn is_inside(corridor: Option<Collar>, reference: Option<Price>, price: Price) -> bool {
    let (Some(corridor), Some(reference)) = (corridor, reference) else {
        return true;
    };
    let reference = reference.units();
    let relative = reference * u64::from(corridor.basis_points) / 10_000;
    price.units().abs_diff(reference) <= relative.max(corridor.absolute.units())
}
