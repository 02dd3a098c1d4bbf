//! A trading day, whose public feed shows every order without its trader: each trade is checked against the book that
//! everyone sees.
//!
//! What stays hidden: who trades, orders that are parked, and the book of a call. So an audit cannot know whether an order
//! that came in should have traded more, except that orders left in the book must not cross.

use super::Audit;
use super::case::{Case, command_lot};
use super::uncross::judge_outcome;
use super::verdict::{DayFault, Held, Judged, UncrossFault, Wrong};
use crate::clearing::book::Corridor;
use crate::clearing::call::{Collar, round_down};
use crate::lot::{Book, CallBook, DayBook, Lot};
use crate::market::Market;
use crate::model::call_terms::CallTerms;
use crate::model::command::{Command, Terms};
use crate::model::day::{DayHaltCause, DayPhase, DayTerms};
use crate::model::event::{ExtensionCause, Outcome, PhaseBegan, PublicEvent};
use crate::{LotId, Price, Side, Timestamp};

impl Audit {
    /// Judges a record of a trading day, except for what [`check_day_event`] checks as it is applied; `None`: it is a
    /// record of something else.
    pub(super) fn judge_day(&self, case: &Case<'_>) -> Option<Judged> {
        if let Some(Some(PublicEvent::LotOpened(_))) = case.events.first() {
            // A day that opens has no hidden part: it is decided again.
            return None;
        }
        let of_day = |lot: LotId| {
            let lot = self.market().lot(lot);
            lot.is_some_and(|lot| matches!(lot.terms, Terms::Day(_)))
        };
        let asked = case.asked.and_then(|(_, command)| match command {
            // It is decided from public data alone.
            Command::HaltLot { .. } => None,
            command => command_lot(command),
        });
        let told = case.events.iter().flatten().filter_map(PublicEvent::lot);
        if !told.chain(asked).any(of_day)
            || matches!(case.asked, Some((_, Command::HaltLot { .. })))
        {
            return None;
        }
        let hides = case.events.iter().any(Option::is_none);
        Some(match hides || case.asked.is_none() {
            true if case.events.iter().all(Option::is_none) => Judged::Held,
            true => Judged::Allowed(Held::Order),
            false => Judged::Allowed(Held::Book),
        })
    }
}

impl Audit {
    /// Checks that an order is shown with a new number, or with the one that it had before a call.
    pub(super) fn check_number(&mut self, lot: LotId, event: &PublicEvent) -> Result<(), Wrong> {
        let Some((_, _, day)) = parts(&self.engine.market, lot) else {
            return Ok(());
        };
        match *event {
            PublicEvent::PhaseBegan(_) if day.shows_orders() => {
                let numbers = day.orders.iter().map(|order| order.number);
                self.shown.insert(lot, numbers.collect());
            }
            PublicEvent::OrderShown { number, .. } if number <= day.last_number => {
                let known = self.shown.get_mut(&lot);
                if !known.is_some_and(|known| known.remove(&number)) {
                    return Err(Wrong::Day(DayFault::Number { number }));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The prices at which the orders of a record may trade: both references stand still while one order trades.
pub(super) fn corridor_of(market: &Market, lot: LotId) -> Option<Corridor> {
    let (_, terms, day) = parts(market, lot)?;
    let still = day.reference.unwrap_or(Price::ZERO);
    let moving = day.statistics.last.unwrap_or(still);
    let mut corridor = Corridor::OPEN;
    if day.phase == Some(DayPhase::Continuous) {
        for (collar, reference) in [
            (terms.static_corridor, still),
            (terms.dynamic_corridor, moving),
        ] {
            corridor = collar.map_or(corridor, |collar| corridor.within(&collar, reference));
        }
    }
    Some(corridor)
}

/// Checks an event of a trading day against the market before it.
pub(super) fn check_day_event(
    market: &Market,
    corridor: &Corridor,
    at: Timestamp,
    event: &PublicEvent,
) -> Result<(), Wrong> {
    let Some((lot, terms, day)) = event.lot().and_then(|lot| parts(market, lot)) else {
        return Ok(());
    };
    let fits = |fits: bool, fault| fits.then_some(()).ok_or(Wrong::Day(fault));
    match *event {
        PublicEvent::Traded {
            price,
            resting,
            aggressor,
            quantity,
            ..
        } => {
            let first = day.orders.side(aggressor.opposite()).next();
            let first = first.map(|order| order.number);
            fits(first == Some(resting), DayFault::Priority { first })?;
            fits(lot.halted_since.is_none(), DayFault::Phase)?;
            fits(corridor.passes(price), DayFault::Corridor { price })?;
            fits(
                quantity.get().is_multiple_of(lot.quantity.get()),
                DayFault::Grid,
            )
        }
        PublicEvent::OrderShown { price, open, .. } => {
            let on_tick = price.units().is_multiple_of(terms.call.tick.units());
            let whole = open.get().is_multiple_of(lot.quantity.get());
            fits(on_tick && whole, DayFault::Grid)
        }
        PublicEvent::Interrupted { price, .. } => {
            let best = [Side::Buy, Side::Sell].map(|side| day.orders.side(side).next());
            let is_next = best.iter().flatten().any(|order| order.price == price);
            let outside = !corridor.passes(price);
            fits(is_next && outside, DayFault::Corridor { price })
        }
        PublicEvent::CallUncrossed { outcome, .. } => {
            let terms = CallTerms {
                collar: day.collar,
                ..terms.call
            };
            let book = CallBook {
                traders: day.traders,
                reference: day.reference,
                ..CallBook::default()
            };
            if day.end.is_some() {
                return Err(Wrong::Uncross(UncrossFault::EndNotOpened));
            }
            judge_outcome(lot, &terms, &book, &outcome).map_err(Wrong::Uncross)
        }
        PublicEvent::PhaseExtended { ends_at, cause, .. } => {
            let allowed = match cause {
                ExtensionCause::Volatility => {
                    day.collar.is_some()
                        && day.reference.is_some()
                        && day.extensions < terms.call.extensions_max
                }
                ExtensionCause::MarketOrders => terms.call.market_extension && !day.market_extended,
                ExtensionCause::SoftClose | ExtensionCause::Ordered => false,
            };
            let on_time = ends_at == at.saturating_add(terms.call.extend_by);
            let fault = Wrong::Uncross(UncrossFault::Extension);
            (allowed && on_time).then_some(()).ok_or(fault)
        }
        PublicEvent::PhaseBegan(ref began) => {
            fits(begins(market, lot, terms, day, at, began), DayFault::Phase)
        }
        PublicEvent::DayHalted { cause, .. } => match cause {
            DayHaltCause::CrossedAtCollar => fits(is_crossed(day), DayFault::Phase),
            DayHaltCause::Interruptions => {
                fits(day.interruptions > terms.interruptions_max, DayFault::Phase)
            }
        },
        PublicEvent::LotClosed { outcome, .. } if !outcome.is_cancelled() => {
            let of = &day.statistics;
            let expected = Outcome::Day {
                close: of.last,
                average: of.average(),
                volume: of.volume,
                trades: of.trades,
            };
            fits(outcome == expected, DayFault::Statistics)
        }
        _ => Ok(()),
    }
}

/// Checks the book that a record leaves: in continuous trading nothing in it could trade.
pub(super) fn check_book(market: &Market, lot: LotId) -> Result<(), Wrong> {
    let Some((lot, _, day)) = parts(market, lot) else {
        return Ok(());
    };
    let trades = day.phase == Some(DayPhase::Continuous) && lot.halted_since.is_none();
    let crosses = trades && is_crossed(day);
    (!crosses)
        .then_some(())
        .ok_or(Wrong::Day(DayFault::Crossed))
}

/// Returns true if a phase can begin like this.
fn begins(
    market: &Market,
    lot: &Lot,
    terms: &DayTerms,
    day: &DayBook,
    at: Timestamp,
    began: &PhaseBegan,
) -> bool {
    let index = usize::from(began.index);
    let Some(scheduled) = terms.phases.get(index).map(|scheduled| scheduled.phase) else {
        return false;
    };
    let reference = {
        let stock = market.stock(lot.symbol);
        let last_uncross = stock.and_then(|stock| stock.last_uncross);
        let stock_price = last_uncross.unwrap_or(lot.base_price);
        round_down(day.statistics.last.unwrap_or(stock_price), terms.call.tick)
    };
    let still = day.last_call.or(day.reference).unwrap_or(Price::ZERO);
    let moves_on = began.index > day.phase_index || day.phase.is_none();
    let (kind, ends_at, reference, collars) = match began.phase {
        DayPhase::Volatility => {
            let resumes = day.phase == Some(DayPhase::Continuous) && began.index == day.phase_index;
            let ends_at = at.saturating_add(terms.volatility_length);
            let collar = terms.call.collar.map(doubled);
            (
                resumes && scheduled == DayPhase::Continuous,
                ends_at,
                reference,
                [collar, None],
            )
        }
        DayPhase::Call => {
            let ends_at = at.saturating_add(day.lengths[index]);
            let collar = terms.call.collar;
            (
                moves_on && scheduled == DayPhase::Call,
                ends_at,
                reference,
                [collar, collar],
            )
        }
        phase => {
            let goes_on = day.phase == Some(DayPhase::Volatility)
                && phase == DayPhase::Continuous
                && began.index == day.phase_index;
            let reference = match phase {
                DayPhase::Continuous => still,
                DayPhase::AtLast => day.statistics.last.unwrap_or(Price::ZERO),
                _ => Price::ZERO,
            };
            let fits = (moves_on || goes_on) && scheduled == phase;
            (fits, day.ends[index], reference, [None, None])
        }
    };
    kind && began.ends_at == ends_at
        && began.ends_at > at
        && began.reference == reference
        && collars.contains(&began.collar)
}

fn doubled(collar: Collar) -> Collar {
    crate::lot::doubled(collar)
}

fn is_crossed(day: &DayBook) -> bool {
    let [buy, sell] = [Side::Buy, Side::Sell].map(|side| day.orders.side(side).next());
    buy.zip(sell)
        .is_some_and(|(buy, sell)| buy.price >= sell.price)
}

fn parts(market: &Market, lot: LotId) -> Option<(&Lot, &DayTerms, &DayBook)> {
    let lot = market.lot(lot)?;
    match (&lot.terms, &lot.book) {
        (Terms::Day(terms), Book::Day(day)) => Some((lot, terms, day)),
        _ => None,
    }
}
