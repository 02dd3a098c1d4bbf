//! Records that were changed afterwards are refused.

use auction_core::{
    Actor, Engine, Event, Executed, PublicEvent, Record, RequestId, Sequence, Span,
};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use crate::laws::{MARKET, config};
use crate::lot::{price, time};
use crate::oracle::Oracle;
use crate::steps::{Calls, Step, opening};

proptest! {
    #![proptest_config(config(60, 1))]

    #[test]
    fn verify_refuses_a_changed_record_and_replay_does_not_panic(
        (opened, steps, _) in Oracle::sequential_strategy(if cfg!(miri) { 1..4 } else { 10..60 }),
    ) {
        let records = records_of(&opened, &steps);
        let mut engine = Engine::new(MARKET);
        let mut last_request = None;
        for (index, record) in records.iter().enumerate() {
            let mut changed = changed(record, last_request);
            let others = records.iter().skip(index % 7).step_by(7);
            changed.extend(others.flat_map(|other| mixed(record, other)));
            for other in changed {
                prop_assert_ne!(&other, record);
                prop_assert!(engine.clone().verify(&other).is_err(), "{other:?}\nwas {record:?}");
                let _ = engine.clone().replay(&other);
            }
            engine.verify(record).unwrap();
            last_request = record.request.or(last_request);
        }
    }
}

fn records_of(opened: &Oracle, steps: &[Step]) -> Vec<Record> {
    let mut engine = Engine::new(MARKET);
    let mut records = Vec::new();
    for step in opening(opened.mode, Calls::of(opened)).iter().chain(steps) {
        let (Step::Ask { now, .. } | Step::AskLate { now, .. } | Step::Wait { now }) = step else {
            continue;
        };
        records.extend(std::iter::from_fn(|| engine.advance(*now, || [7; 32])));
        if let Step::Ask {
            caller, command, ..
        }
        | Step::AskLate {
            caller, command, ..
        } = step
        {
            let executed = engine.execute(*now, *caller, command.clone());
            records.extend(executed.ok().and_then(Executed::into_record));
        }
    }
    records
}

/// Returns the record with one part changed.
fn changed(
    record: &Record,
    last_request: Option<(auction_core::SessionId, RequestId)>,
) -> Vec<Record> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Record)| {
        let mut changed = record.clone();
        change(&mut changed);
        all.push(changed);
    };
    add(&|record| record.sequence = Sequence(record.sequence.0 + 1));
    add(&|record| record.sequence = Sequence(record.sequence.0 - 1));
    add(&|record| record.rules += 1);
    add(&|record| record.rules = 0);
    add(&|record| {
        record.events.pop();
    });
    add(&|record| record.events.push(record.events[0].clone()));
    if record.actor == Actor::Clock {
        add(&|record| record.actor = Actor::Operator);
        add(&|record| {
            record.at = record.at.saturating_add(Span::from_micros(1).unwrap());
        });
    } else {
        add(&|record| record.actor = Actor::Clock);
    }
    if record.request.is_some() {
        add(&|record| record.actor = Actor::Operator);
        add(&|record| record.request = last_request.or(Some(unknown_request())));
    } else {
        add(&|record| record.request = Some(unknown_request()));
    }
    for index in 0..record.events.len() {
        if let Event::Public(PublicEvent::BidAccepted(bid)) = &record.events[index] {
            let mut bid = *bid;
            bid.price = price(bid.price.units() - 1);
            add(&|record| record.events[index] = Event::Public(PublicEvent::BidAccepted(bid)));
        }
        if let Event::Public(PublicEvent::LotExtended {
            lot,
            closes_at,
            cause,
        }) = record.events[index]
        {
            let closes_at = time(closes_at.micros() + 1);
            let later = PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            };
            add(&|record| record.events[index] = Event::Public(later.clone()));
        }
    }
    all
}

/// Returns the record with a part of another.
fn mixed(record: &Record, other: &Record) -> Vec<Record> {
    let mut mixed = Vec::new();
    if record.command != other.command {
        mixed.push(Record {
            command: other.command.clone(),
            ..record.clone()
        });
    }
    if record.events != other.events {
        mixed.push(Record {
            events: other.events.clone(),
            ..record.clone()
        });
    }
    mixed
}

fn unknown_request() -> (auction_core::SessionId, RequestId) {
    (auction_core::SessionId(99), RequestId(1))
}
