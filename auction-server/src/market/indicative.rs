//! Indicative results of call auctions, computed from durable state only: for all calls at a start, and for those that
//! a batch has changed.

use std::collections::BTreeMap;

use auction_core::{Engine, Event, LotId, PhaseBegan, PrivateEvent, PublicEvent, Timestamp};
use auction_proto::Indicative;

/// All open call auctions of an engine. The whole state of the engine must be durable.
#[must_use]
pub fn all(engine: &Engine) -> Vec<Indicative> {
    let lots = engine.market().lots().iter();
    lots.filter_map(|lot| of_lot(engine, lot.id, engine.at()))
        .collect()
}

/// The call auctions that these events have changed and that are still open, each once, with the time of its last
/// event. The whole state of the engine must be durable, including the events.
#[must_use]
pub fn touched(engine: &Engine, events: &[(Timestamp, Event)]) -> Vec<Indicative> {
    let mut lots = BTreeMap::new();
    for (at, event) in events {
        if let Some(lot) = touched_by(event) {
            lots.insert(lot, *at);
        }
    }
    lots.into_iter()
        .filter_map(|(lot, at)| of_lot(engine, lot, at))
        .collect()
}

/// The lot whose orders an event changes; it may be no call auction.
fn touched_by(event: &Event) -> Option<LotId> {
    match event {
        Event::Private(
            PrivateEvent::OrderPlaced { lot, .. }
            | PrivateEvent::OrderReplaced { lot, .. }
            | PrivateEvent::OrderCancelled { lot, .. }
            | PrivateEvent::OrdersWithdrawn { lot, .. }
            | PrivateEvent::DayOrderReplaced { lot, .. }
            | PrivateEvent::DayOrderRests { lot, .. }
            | PrivateEvent::DayOrderLapsed { lot, .. },
        )
        | Event::Public(
            PublicEvent::ReferenceFixed { lot, .. }
            | PublicEvent::PhaseBegan(PhaseBegan { lot, .. }),
        ) => Some(*lot),
        Event::Private(_) | Event::Public(_) => None,
    }
}

fn of_lot(engine: &Engine, lot: LotId, at: Timestamp) -> Option<Indicative> {
    Some(Indicative {
        lot,
        at,
        indicative: engine.indicative(lot)?,
        depth: engine.depth(lot),
    })
}
