//! What an uncross of a call auction would give, worked out of what is durable alone: for all calls at a start, and
//! for those that a batch has touched.

use std::collections::BTreeMap;

use auction_core::{Engine, Event, LotId, PrivateEvent, PublicEvent, Timestamp};
use auction_proto::Indicative;

/// All call auctions of an engine that are open. Everything the engine knows must be durable.
#[must_use]
pub fn all(engine: &Engine) -> Vec<Indicative> {
    let lots = engine.market().lots().iter();
    lots.filter_map(|lot| of_lot(engine, lot.id, engine.at()))
        .collect()
}

/// Those that these events have touched and that are open still, each once, with the time of its last event.
/// Everything the engine knows must be durable, the events with it.
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

/// A lot whose orders an event changes; it may be no call auction.
fn touched_by(event: &Event) -> Option<LotId> {
    match event {
        Event::Private(
            PrivateEvent::OrderPlaced { lot, .. }
            | PrivateEvent::OrderReplaced { lot, .. }
            | PrivateEvent::OrderCancelled { lot, .. }
            | PrivateEvent::OrdersWithdrawn { lot, .. },
        )
        | Event::Public(PublicEvent::ReferenceFixed { lot, .. }) => Some(*lot),
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
