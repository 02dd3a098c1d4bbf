//! The public state of the lot beside the oracle's.

use auction_core::clearing::call::{self, Cross};
use auction_core::{
    Book, DayBook, DayHaltCause, Indicative, Outcome, Price, Quote, Side, UnsoldBecause,
};

use super::market::{LOT, Market, OPENS_AT, phase, price, time};
use super::oracle::{Day, HaltedBy, Kind};

pub fn agrees(market: &Market, day: &Day) {
    let lot = market.engine.market().lot(LOT).unwrap();
    let Book::Day(book) = &lot.book else {
        panic!("the lot is a trading day");
    };
    has_statistics(book, day);
    let last_call = book.last_call.map(Price::units);
    assert_eq!(last_call, day.call_price);
    assert_eq!(book.interruptions, day.interruptions);
    if day.phase.kind == Kind::Closed {
        return assert_eq!(lot.outcome(), Some(outcome(day)));
    }
    let halted_since = lot.halted_since.map(|since| since.micros() - OPENS_AT);
    assert_eq!(halted_since, day.halted.map(|(since, _)| since));
    assert_eq!(book.phase, Some(phase(day.phase.kind)));
    assert_eq!(usize::from(book.phase_index), day.phase.index);
    assert_eq!(book.phase_ends_at, time(day.phase.ends_at), "{day:?}");
    let ends = day.times[1..].iter().map(|end| time(*end));
    assert_eq!(book.ends, ends.collect::<Vec<_>>(), "{day:?}");
    let halt = day.halted.and_then(|(_, by)| match by {
        HaltedBy::Auctioneer => None,
        HaltedBy::CrossedAtCollar => Some(DayHaltCause::CrossedAtCollar),
        HaltedBy::Interruptions => Some(DayHaltCause::Interruptions),
    });
    assert_eq!(book.halt, halt);
    has_references(book, day);
    assert_eq!(lot.closes_at, time(day.closes_at()), "{day:?}");
    assert_eq!(market.engine.indicative(LOT), indicative(day), "{day:?}");
}

/// Result that an uncross now would give, whatever the collar.
fn indicative(day: &Day) -> Option<Indicative> {
    day.phase.call?;
    let quote = |side| {
        let (price, open) = day.best(side)?;
        Some(Quote {
            price: self::price(price),
            quantity: open,
        })
    };
    Some(match day.found() {
        Some((price, volume, surplus, decided_by)) => Indicative::Cross(Cross {
            price: self::price(price),
            volume,
            surplus,
            decided_by,
        }),
        None => Indicative::NoCross {
            best_buy: quote(Side::Buy),
            best_sell: quote(Side::Sell),
        },
    })
}

fn has_references(book: &DayBook, day: &Day) {
    let reference = match day.phase.kind {
        Kind::Call | Kind::Volatility => day.call_reference,
        Kind::Continuous => day.static_reference(),
        Kind::AtLast => day.last().unwrap(),
        Kind::PreOpen | Kind::Closed => 0,
    };
    let reference = (reference > 0).then(|| price(reference));
    assert_eq!(book.reference, reference, "{day:?}");
    let Some(running) = day.phase.call else {
        return assert_eq!(book.collar, None);
    };
    let collar = running.collar.map(|collar| call::Collar {
        absolute: price(collar.absolute),
        basis_points: collar.basis_points as u32,
    });
    assert_eq!(book.collar, collar);
    let extended = (book.extensions, book.market_extended);
    assert_eq!(extended, (running.extensions, running.market_extended));
    assert_eq!(book.end.is_some(), running.drawn.is_some());
}

fn has_statistics(book: &DayBook, day: &Day) {
    let (found, expected) = (&book.statistics, day.statistics());
    let prices = [found.open, found.high, found.low, found.last].map(|of| of.map(Price::units));
    let expected_prices = [expected.open, expected.high, expected.low, expected.last];
    assert_eq!(prices, expected_prices);
    assert_eq!(found.volume, u128::from(expected.volume));
    assert_eq!(
        (found.value, found.trades),
        (expected.value, expected.trades as u64)
    );
    assert_eq!(found.average().map(Price::units), expected.average);
}

fn outcome(day: &Day) -> Outcome {
    if day.is_cancelled {
        return Outcome::Unsold {
            because: UnsoldBecause::Cancelled,
            highest: None,
        };
    }
    let statistics = day.statistics();
    Outcome::Day {
        close: statistics.last.map(price),
        average: statistics.average.map(price),
        volume: statistics.volume.into(),
        trades: statistics.trades as u64,
    }
}
