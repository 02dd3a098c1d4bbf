//! The end of a call auction, as far as it can be judged without the book: its orders are never opened.

use super::Audit;
use super::case::Case;
use super::verdict::{Held, Judged, UncrossFault, Wrong};
use crate::clearing::call::{LadderStep, Quote};
use crate::lot::{Book, CallBook, Lot};
use crate::model::call_terms::CallTerms;
use crate::model::command::Terms;
use crate::model::event::{Events, ExtensionCause, NoCrossBecause, Outcome, PublicEvent};
use crate::{Actor, LotId, Price, Timestamp};

impl Audit {
    /// Judges the end or extension of a call auction, as far as that is possible without its book.
    pub(super) fn judge_uncross(
        &mut self,
        case: &Case<'_>,
        id: LotId,
        actor: Actor,
    ) -> Result<Judged, Wrong> {
        let (_, command) = case.asked.ok_or(Wrong::NotHidden)?;
        let lot = self.engine.market.lot(id).ok_or(Wrong::NotHidden)?;
        let (Terms::Call(terms), Book::Call(book)) = (&lot.terms, &lot.book) else {
            return Err(Wrong::NotHidden);
        };
        // The rules of who may close it, and when, are those of any lot.
        let mut given = Events::new();
        let decided = self.engine.decide(case.at, actor, command, &mut given);
        decided.map_err(Wrong::Refused)?;
        let events = match case.events {
            [Some(PublicEvent::EndOpened { .. }), rest @ ..] if lot.has_fixed_end() => rest,
            events => events,
        };
        let allowed = Judged::Allowed(Held::Book);
        match events {
            [Some(PublicEvent::LotClosed { outcome, .. })] => {
                if book.traders == 0 {
                    self.decide(case, actor, command)?;
                    return Ok(Judged::Decided);
                }
                judge_outcome(lot, terms, book, outcome).map_err(Wrong::Uncross)?;
                Ok(allowed)
            }
            [
                Some(PublicEvent::LotExtended {
                    closes_at, cause, ..
                }),
            ] if actor == Actor::Clock => {
                judge_extension(lot, terms, book, case.at, *closes_at, *cause)
                    .map_err(Wrong::Uncross)?;
                Ok(allowed)
            }
            _ => Err(Wrong::Uncross(UncrossFault::NoEnd)),
        }
    }
}

/// Checks that an outcome is possible for a call with these terms.
pub(super) fn judge_outcome(
    lot: &Lot,
    terms: &CallTerms,
    book: &CallBook,
    outcome: &Outcome,
) -> Result<(), UncrossFault> {
    let on_tick = |price: Price| price.units().is_multiple_of(terms.tick.units());
    let off_tick = UncrossFault::OffTick { tick: terms.tick };
    let round_lot = lot.quantity.get();
    match *outcome {
        Outcome::Crossed {
            price,
            volume,
            surplus,
            by,
            candidates,
            traders,
        } => {
            let ends = candidates.map(|candidates| [candidates.lowest, candidates.highest]);
            if !on_tick(price) || ends.is_some_and(|ends| !ends.into_iter().all(on_tick)) {
                return Err(off_tick);
            }
            if volume == 0 || volume % round_lot != 0 || surplus.unsigned_abs() % round_lot != 0 {
                return Err(UncrossFault::OffRoundLot);
            }
            // Nobody trades with themselves: at least two traders.
            if traders < 2 || traders > book.traders {
                return Err(UncrossFault::Traders);
            }
            if let Some((collar, reference)) = terms.collar.zip(book.reference)
                && !collar.passes(price, reference)
            {
                return Err(UncrossFault::OutsideCollar {
                    lowest: collar.lower(reference, terms.tick),
                    highest: collar.upper(reference, terms.tick),
                });
            }
            judge_step(terms, book, price, surplus, by, ends)
        }
        Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } => {
            let quotes = [best_buy, best_sell];
            let fits =
                |quote: &Quote| on_tick(quote.price) && quote.quantity.is_multiple_of(round_lot);
            let crosses =
                matches!((best_buy, best_sell), (Some(buy), Some(sell)) if buy.price >= sell.price);
            let can_cross = because == NoCrossBecause::Collar;
            if (crosses && !can_cross) || !quotes.iter().flatten().all(fits) {
                return Err(UncrossFault::Crosses);
            }
            match because {
                NoCrossBecause::Collar if terms.collar.is_none() || book.reference.is_none() => {
                    Err(UncrossFault::OtherStep)
                }
                // With a reference or a limit there would be a price.
                NoCrossBecause::NoPrice
                    if book.reference.is_some() || quotes.iter().any(Option::is_some) =>
                {
                    Err(UncrossFault::OtherStep)
                }
                _ => Ok(()),
            }
        }
        _ => Err(UncrossFault::NoEnd),
    }
}

/// Checks that a step of the ladder can have given this price.
fn judge_step(
    terms: &CallTerms,
    book: &CallBook,
    price: Price,
    surplus: i64,
    by: LadderStep,
    ends: Option<[Price; 2]>,
) -> Result<(), UncrossFault> {
    let inside = |[lowest, highest]: [Price; 2]| lowest <= price && price <= highest;
    let can_be = match (by, ends) {
        (LadderStep::Market, None) => true,
        (LadderStep::Volume, Some([lowest, highest])) => lowest == price && highest == price,
        (LadderStep::Surplus, Some(ends)) => inside(ends) && ends[0] < ends[1],
        (LadderStep::Pressure, Some(ends)) => inside(ends) && ends[0] < ends[1] && surplus != 0,
        (LadderStep::Reference, Some(ends)) => inside(ends) && ends[0] < ends[1],
        (LadderStep::Collar, _) => {
            terms
                .collar
                .zip(book.reference)
                .is_some_and(|(collar, reference)| {
                    let bounds = [
                        collar.lower(reference, terms.tick),
                        collar.upper(reference, terms.tick),
                    ];
                    bounds.contains(&price)
                })
        }
        _ => false,
    };
    can_be.then_some(()).ok_or(UncrossFault::OtherStep)
}

/// Checks that a call can have been extended in this way, at `at`.
fn judge_extension(
    lot: &Lot,
    terms: &CallTerms,
    book: &CallBook,
    at: Timestamp,
    closes_at: Timestamp,
    cause: ExtensionCause,
) -> Result<(), UncrossFault> {
    let allowed = match cause {
        ExtensionCause::Volatility => {
            terms.collar.is_some()
                && book.reference.is_some()
                && lot.extensions < terms.extensions_max
        }
        ExtensionCause::MarketOrders => terms.market_extension && !book.market_extended,
        ExtensionCause::SoftClose | ExtensionCause::Ordered => false,
    };
    if allowed && closes_at == at.saturating_add(terms.extend_by) && book.traders > 0 {
        Ok(())
    } else {
        Err(UncrossFault::Extension)
    }
}
