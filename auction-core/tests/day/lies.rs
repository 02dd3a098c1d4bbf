//! A server that lies about a day: what everyone sees exposes it, field by field.
//!
//! Not here is what a call hides, and what only a later record contradicts.

use auction_core::clearing::call::Collar;
use auction_core::{
    Actor, Command, CorridorKind, DayHaltCause, DayPhase, Event, ExtensionCause, LotId, Outcome,
    Price, PublicEvent, Quantity, Record, Span, Timestamp,
};

use super::disclosed;
use super::market::{MARKET, user};
use super::steps::TICK;

/// Changes a public event; `None`: not one of these.
type Lie = fn(&mut PublicEvent) -> Option<()>;

/// Changes a record; `None`: not one of these.
type RecordLie = fn(&mut Record) -> Option<()>;

/// A lie about one field of one public event.
macro_rules! lie {
    ($name:literal, $event:pat => $lie:expr) => {
        ($name, |event| match event {
            $event => {
                $lie;
                Some(())
            }
            _ => None,
        })
    };
}

const LIES: &[(&str, Lie)] = &[
    lie!("another phase", PublicEvent::PhaseBegan(began) => began.phase = match began.phase {
        DayPhase::Call => DayPhase::Continuous,
        _ => DayPhase::Call,
    }),
    lie!("a phase that is not next", PublicEvent::PhaseBegan(began) => began.index += 1),
    lie!("a phase that is too long", PublicEvent::PhaseBegan(began) => later(&mut began.ends_at)),
    lie!("another reference", PublicEvent::PhaseBegan(began) => higher(&mut began.reference, TICK)),
    lie!("another collar", PublicEvent::PhaseBegan(began) => began.collar = match began.collar {
        Some(_) => None,
        None => Some(Collar { absolute: Price::UNIT, basis_points: 0 }),
    }),
    lie!("a long extension", PublicEvent::PhaseExtended { ends_at, .. } => later(ends_at)),
    lie!("an extension for a bid", PublicEvent::PhaseExtended { cause, .. } => {
        *cause = ExtensionCause::SoftClose;
    }),
    lie!("another phase moved", PublicEvent::PhaseMoved { phase, .. } => *phase += 1),
    lie!("it moved to another time", PublicEvent::PhaseMoved { ends_at, .. } => later(ends_at)),
    lie!("an uncross without its number", PublicEvent::CallUncrossed { trade, .. } => {
        *trade = match trade {
            Some(trade) => Some(*trade + 1),
            None => Some(1),
        };
    }),
    lie!(
        "an uncross off the tick",
        PublicEvent::CallUncrossed { outcome: Outcome::Crossed { price, .. }, .. } =>
            higher(price, 1)
    ),
    lie!(
        "an uncross of nothing",
        PublicEvent::CallUncrossed { outcome: Outcome::Crossed { volume, .. }, .. } => *volume = 0
    ),
    lie!(
        "more traders than there were",
        PublicEvent::CallUncrossed { outcome: Outcome::Crossed { traders, .. }, .. } =>
            *traders += 1_000_000
    ),
    lie!("an uncross that is none", PublicEvent::CallUncrossed { outcome, .. } => {
        *outcome = Outcome::Day { close: None, average: None, volume: 0, trades: 0 };
    }),
    lie!("no number", PublicEvent::OrderShown { number, .. } => *number = 0),
    lie!("a number left out", PublicEvent::OrderShown { number, .. } => *number += 1_000_000),
    lie!("an order off the tick", PublicEvent::OrderShown { price, .. } => higher(price, 1)),
    lie!("an unknown order reduced", PublicEvent::OrderReduced { number, .. } => *number += 1_000_000),
    lie!("an order gained", PublicEvent::OrderReduced { open, .. } => more(open)),
    lie!("an unknown order gone", PublicEvent::OrderGone { number, .. } => *number += 1_000_000),
    lie!("a trade left out", PublicEvent::Traded { number, .. } => *number += 1),
    lie!("a trade at another price", PublicEvent::Traded { price, .. } => higher(price, TICK)),
    lie!("more than the resting order has", PublicEvent::Traded { quantity, .. } => more(quantity)),
    lie!("another order", PublicEvent::Traded { resting, .. } => *resting += 1),
    lie!("another aggressor", PublicEvent::Traded { aggressor, .. } => {
        *aggressor = aggressor.opposite();
    }),
    lie!("an interruption elsewhere", PublicEvent::Interrupted { price, .. } => higher(price, 1)),
    lie!("by another corridor", PublicEvent::Interrupted { corridor, .. } => {
        *corridor = match corridor {
            CorridorKind::Static => CorridorKind::Dynamic,
            CorridorKind::Dynamic => CorridorKind::Static,
        };
    }),
    lie!("halted for another reason", PublicEvent::DayHalted { cause, .. } => *cause = match cause {
        DayHaltCause::CrossedAtCollar => DayHaltCause::Interruptions,
        DayHaltCause::Interruptions => DayHaltCause::CrossedAtCollar,
    }),
    lie!("another end opened", PublicEvent::EndOpened { end, .. } => {
        let micros = end.before_close.micros() + 1;
        end.before_close = Span::from_micros(micros).unwrap();
    }),
    lie!("another opening after a halt", PublicEvent::LotResumed { opened_at, .. } => {
        later(opened_at);
    }),
    lie!("another close after a halt", PublicEvent::LotResumed { closes_at, .. } => {
        later(closes_at);
    }),
    lie!(
        "another closing price",
        PublicEvent::LotClosed { outcome: Outcome::Day { close, .. }, .. } =>
            *close = close.map_or(Some(Price::UNIT), |_| None)
    ),
    lie!(
        "another average",
        PublicEvent::LotClosed { outcome: Outcome::Day { average, .. }, .. } =>
            *average = average.map_or(Some(Price::UNIT), |_| None)
    ),
    lie!(
        "another volume",
        PublicEvent::LotClosed { outcome: Outcome::Day { volume, .. }, .. } => *volume += 1
    ),
    lie!(
        "another number of trades",
        PublicEvent::LotClosed { outcome: Outcome::Day { trades, .. }, .. } => *trades += 1
    ),
    ("an unknown lot", |event| {
        let unknown = LotId(99);
        match event {
            PublicEvent::PhaseBegan(began) => began.lot = unknown,
            PublicEvent::PhaseExtended { lot, .. }
            | PublicEvent::PhaseMoved { lot, .. }
            | PublicEvent::CallUncrossed { lot, .. }
            | PublicEvent::OrderShown { lot, .. }
            | PublicEvent::OrderReduced { lot, .. }
            | PublicEvent::OrderGone { lot, .. }
            | PublicEvent::Traded { lot, .. }
            | PublicEvent::Interrupted { lot, .. }
            | PublicEvent::DayHalted { lot, .. }
            | PublicEvent::EndCommitted { lot, .. }
            | PublicEvent::EndOpened { lot, .. }
            | PublicEvent::BiddersCounted { lot, .. }
            | PublicEvent::LotResumed { lot, .. }
            | PublicEvent::LotClosed { lot, .. } => *lot = unknown,
            _ => return None,
        }
        Some(())
    }),
];

const RECORD_LIES: &[(&str, RecordLie)] = &[
    ("a trader moves a phase", |record| {
        let moves = matches!(record.command, Command::MovePhase { .. });
        moves.then(|| record.actor = Actor::User(user(0)))
    }),
    ("the clock moves a phase", |record| {
        let moves = matches!(record.command, Command::MovePhase { .. });
        moves.then(|| record.actor = Actor::Clock)
    }),
    ("a trader resumes a day", |record| {
        let resumes = matches!(record.command, Command::ResumeLot { .. });
        resumes.then(|| record.actor = Actor::User(user(0)))
    }),
    ("a trader closes a day", |record| {
        let closes = matches!(record.command, Command::CloseLot { .. });
        closes.then(|| record.actor = Actor::User(user(0)))
    }),
    ("a phase ends late", |record| {
        let ends = |event: &PublicEvent| matches!(event, PublicEvent::PhaseBegan(_));
        let by_clock = matches!(record.command, Command::CloseDue { .. });
        (by_clock && record.public_events().any(ends)).then(|| later(&mut record.at))
    }),
    ("an end drawn late", |record| {
        let draws = matches!(record.command, Command::DrawEnd { .. });
        draws.then(|| later(&mut record.at))
    }),
];

fn later(time: &mut Timestamp) {
    *time = time.saturating_add(Span::from_micros(1).unwrap());
}

fn higher(price: &mut Price, units: u64) {
    *price = Price::from_units(price.units() + units).unwrap();
}

fn more(quantity: &mut Quantity) {
    *quantity = Quantity::new(quantity.get() + 1_000_000).unwrap();
}

/// Tells each lie about the last event or record of its kind.
pub fn are_found(records: &[Record]) {
    for (name, lie) in LIES {
        let mut lying = records.to_vec();
        let mut events = lying
            .iter_mut()
            .rev()
            .flat_map(|record| record.events.iter_mut().rev());
        let told = events.find_map(|event| match event {
            Event::Public(event) => lie(event),
            Event::Private(_) => None,
        });
        is_found(name, told, &lying);
    }
    for (name, lie) in RECORD_LIES {
        let mut lying = records.to_vec();
        let told = lying.iter_mut().rev().find_map(lie);
        is_found(name, told, &lying);
    }
}

fn is_found(name: &str, told: Option<()>, lying: &[Record]) {
    if told.is_some() {
        let audited = disclosed::audit(MARKET, lying);
        assert!(audited.is_err(), "{name}: {lying:?}");
    }
}
