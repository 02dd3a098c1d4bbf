//! A server that lies, with an honest hash chain after the lie: only the rules expose it. Each lie is found at its
//! record, from public data alone.

mod english;
mod dutch;
mod sealed;
mod call;
mod day;

use auction_core::{Event, MarketId, Outcome, PublicEvent, Record, Sequence, UserId};

use crate::disclosed::audit;
use crate::house::House;

const MARKET: MarketId = MarketId([7; 16]);

/// Changes a server's records, and returns the record that is wrong then.
type Lie = fn(&mut Vec<Record>) -> Sequence;

/// Checks that each lie is found, at its record and at none before.
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

/// Returns the record with such an event.
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

fn let_win(records: &mut [Record], another: UserId) -> Sequence {
    change_outcome(records, |outcome| {
        if let Outcome::Sold { winner, .. } = outcome {
            *winner = another;
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

/// Removes a record, and renumbers those after it.
fn drop_record(records: &mut Vec<Record>, at: Sequence) {
    records.retain(|record| record.sequence != at);
    for (number, record) in (1..).zip(records) {
        record.sequence = Sequence(number);
    }
}
