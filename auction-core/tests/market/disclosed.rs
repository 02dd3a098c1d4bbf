//! Public records: those that the rules have opened are complete, the others have no private part.

use std::collections::BTreeSet;

use auction_core::audit::{Audit, ClosedRecord, Foul, Judged, Opened};
use auction_core::{Event, MarketId, Record, Sequence};

/// Judges the public part of these records.
pub fn audit(market: MarketId, records: &[Record]) -> Result<(Audit, Vec<Judged>), Foul> {
    audit_with(market, records, &opened(records))
}

/// Does the same, with these records opened.
pub fn audit_with(
    market: MarketId,
    records: &[Record],
    opened: &BTreeSet<Sequence>,
) -> Result<(Audit, Vec<Judged>), Foul> {
    let mut audit = Audit::new(market);
    let mut judged = Vec::new();
    for record in records {
        let is_hidden = record.command.is_hidden();
        let is_private = |event: &Event| matches!(event, Event::Private(_));
        let has_private_part = is_hidden || record.events.iter().any(is_private);
        let whole = !has_private_part || opened.contains(&record.sequence);
        judged.push(if whole {
            audit.check_record(record)?
        } else {
            let asked = (record.actor, record.command.clone());
            audit.check_closed(&ClosedRecord {
                sequence: record.sequence,
                at: record.at,
                rules: record.rules,
                asked: (!is_hidden).then_some(asked),
                events: record
                    .events
                    .iter()
                    .map(|event| match event {
                        Event::Public(event) => Some(event.clone()),
                        Event::Private(_) => None,
                    })
                    .collect(),
            })?
        });
    }
    Ok((audit, judged))
}

/// Returns the records that the rules have opened.
pub fn opened(records: &[Record]) -> BTreeSet<Sequence> {
    let mut opened = BTreeSet::new();
    let mut opens = Opened::default();
    for record in records {
        opens.apply(record, |sequence| assert!(opened.insert(sequence)));
    }
    opened
}
