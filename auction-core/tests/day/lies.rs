//! A server that lies about trades and shown orders: what everyone sees exposes it.

use auction_core::{Event, Price, PublicEvent, Quantity, Record};

use super::disclosed;
use super::market::MARKET;
use super::steps::TICK;

/// Changes a public event; `false`: not one of these.
type Lie = fn(&mut PublicEvent) -> bool;

const LIES: [(&str, Lie); 6] = [
    ("a trade at another price", |event| match event {
        PublicEvent::Traded { price, .. } => {
            *price = Price::from_units(price.units() + TICK).unwrap();
            true
        }
        _ => false,
    }),
    ("more than the resting order has", |event| match event {
        PublicEvent::Traded { quantity, .. } => {
            *quantity = Quantity::new(quantity.get() + 1_000_000).unwrap();
            true
        }
        _ => false,
    }),
    ("another order", |event| match event {
        PublicEvent::Traded { resting, .. } => {
            *resting += 1;
            true
        }
        _ => false,
    }),
    ("another aggressor", |event| match event {
        PublicEvent::Traded { aggressor, .. } => {
            *aggressor = aggressor.opposite();
            true
        }
        _ => false,
    }),
    ("a trade left out", |event| match event {
        PublicEvent::Traded { number, .. } => {
            *number += 1;
            true
        }
        _ => false,
    }),
    ("a number left out", |event| match event {
        PublicEvent::OrderShown { number, .. } => {
            *number += 1_000_000;
            true
        }
        _ => false,
    }),
];

/// Tells each lie about the last event of its kind.
pub fn are_found(records: &[Record]) {
    for (name, lie) in LIES {
        let mut lying = records.to_vec();
        let mut events = lying
            .iter_mut()
            .rev()
            .flat_map(|record| record.events.iter_mut().rev());
        let told = events.any(|event| match event {
            Event::Public(event) => lie(event),
            Event::Private(_) => false,
        });
        if told {
            assert!(
                disclosed::audit(MARKET, &lying).is_err(),
                "{name}: {records:?}"
            );
        }
    }
}
