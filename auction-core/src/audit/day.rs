//! A trading day, whose public feed shows every order without its trader: each trade is checked against the book that
//! everyone sees.
//!
//! What stays hidden: who trades, orders that are parked, and the book of a call. So an audit cannot know whether an order
//! that came in should have traded more, except that orders left in the book must not cross.

use super::Audit;
use super::case::{Case, command_lot, opened_end};
use super::uncross::judge_outcome;
use super::verdict::{DayFault, Held, Judged, UncrossFault, Wrong};
use crate::clearing::book::Corridor;
use crate::clearing::call::{Collar, round_down};
use crate::lot::{Book, CallBook, DayBook, Lot};
use crate::market::Market;
use crate::model::call_terms::CallTerms;
use crate::model::command::{Command, Terms};
use crate::model::day::{CorridorKind, DayHaltCause, DayPhase, DayTerms};
use crate::model::event::{ExtensionCause, Outcome, PhaseBegan, PublicEvent};
use crate::{Actor, LotId, Price, Side, Span, Timestamp};

impl Audit {
    /// Judges a record of a trading day, except for what [`check_day_event`] checks as it is applied; `None`: it is a
    /// record of something else.
    pub(super) fn judge_day(&mut self, case: &Case<'_>) -> Result<Option<Judged>, Wrong> {
        if let Some(Some(PublicEvent::LotOpened(_))) = case.events.first() {
            // A day that opens has no hidden part: it is decided again.
            return Ok(None);
        }
        let of_day = |lot: LotId| {
            let lot = self.market().lot(lot);
            lot.is_some_and(|lot| matches!(lot.terms, Terms::Day(_)))
        };
        let lots = case.events.iter().flatten().filter_map(PublicEvent::lot);
        let asked = case.asked.and_then(|(_, command)| command_lot(command));
        if !lots.chain(asked).any(of_day) {
            return Ok(None);
        }
        if let Some((actor, command)) = case.asked
            && let Some(lot) = command_lot(command)
        {
            match command {
                // They are decided from public data alone, but for the end that they open.
                Command::MovePhase { .. } | Command::ExtendLot { .. } => {
                    self.check_runs_lots(actor)?;
                    self.assume_end(lot, opened_end(case));
                    self.decide(case, actor, command)?;
                    return Ok(Some(Judged::Decided));
                }
                Command::HaltLot { .. } => return Ok(None),
                Command::ResumeLot { .. }
                | Command::CloseLot { .. }
                | Command::CancelLot { .. } => self.check_runs_lots(actor)?,
                Command::OpenDue { .. } => self.check_due(case, lot, command)?,
                Command::CloseDue { .. } if actor != Actor::Clock => {
                    return Err(Wrong::Day(DayFault::Cause));
                }
                _ => {}
            }
        }
        let hides = case.events.iter().any(Option::is_none);
        Ok(Some(match hides || case.asked.is_none() {
            true if case.events.iter().all(Option::is_none) => Judged::Held,
            true => Judged::Allowed(Held::Order),
            false => Judged::Allowed(Held::Book),
        }))
    }

    /// Checks that someone acts who runs lots.
    fn check_runs_lots(&self, actor: Actor) -> Result<(), Wrong> {
        if actor == Actor::Clock {
            return Err(Wrong::NotDue { due: None });
        }
        self.engine.check_runs_lots(actor).map_err(Wrong::Refused)
    }

    /// Checks that an order is shown with a new number, or as the one that had its number before a call.
    pub(super) fn check_number(
        &mut self,
        lot: LotId,
        record: &mut DayRecord,
        event: &PublicEvent,
    ) -> Result<(), Wrong> {
        let Some((_, _, day)) = parts(&self.engine.market, lot) else {
            return Ok(());
        };
        match *event {
            PublicEvent::PhaseBegan(_) if day.shows_orders() => {
                let orders = day.orders.iter().map(|order| (order.number, order));
                self.shown.insert(lot, orders.collect());
            }
            PublicEvent::OrderShown {
                number,
                side,
                price,
                open,
                ..
            } => {
                let wrong = Wrong::Day(DayFault::Number { number });
                if number <= day.last_number {
                    let known = self.shown.get_mut(&lot);
                    let before = known.and_then(|known| known.remove(&number));
                    let is_same = before.is_some_and(|before| {
                        let at_last = day.phase == Some(DayPhase::AtLast);
                        before.side == side
                            && (at_last || before.price == price)
                            && open <= before.open
                    });
                    if !is_same {
                        return Err(wrong);
                    }
                }
                // When continuous trading begins, orders come by side, price and time, as their numbers do.
                let is_first = day.phase == Some(DayPhase::Continuous) && record.began;
                if is_first {
                    let rank = match side {
                        Side::Buy => (0, !price.units(), number),
                        Side::Sell => (1, price.units(), number),
                    };
                    if record.last_shown.replace(rank) >= Some(rank) {
                        return Err(wrong);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Forgets the numbers of orders that left in a call, once its successor shows the others.
    pub(super) fn forget_numbers(&mut self, lot: LotId) {
        let shows = parts(&self.engine.market, lot).is_none_or(|(_, _, day)| day.shows_orders());
        if shows {
            self.shown.remove(&lot);
        }
    }
}

/// State of a lot before a record, and what its events so far have shown.
pub(super) struct DayRecord {
    /// The prices at which orders may trade: both references stay as they are while one order trades.
    corridor: Corridor,
    /// The same by the static corridor alone.
    still: Corridor,
    halt: Option<DayHaltCause>,
    interrupted: bool,
    resumed: bool,
    /// A phase began.
    began: bool,
    /// The random end was opened: the time between it and the end of the call.
    opened: Option<Span>,
    /// Side of an order that traded.
    aggressor: Option<Side>,
    last_shown: Option<(u8, u64, u64)>,
}

impl DayRecord {
    /// The state of a lot that is a trading day.
    pub(super) fn of(market: &Market, lot: LotId) -> Option<Self> {
        let (_, terms, day) = parts(market, lot)?;
        let centre = day.reference.unwrap_or(Price::ZERO);
        let moving = day.statistics.last.unwrap_or(centre);
        let within = |corridor: Corridor, collar: Option<Collar>, reference| match collar {
            Some(collar) if day.phase == Some(DayPhase::Continuous) => {
                corridor.within(&collar, reference)
            }
            _ => corridor,
        };
        let still = within(Corridor::OPEN, terms.static_corridor, centre);
        Some(Self {
            corridor: within(still, terms.dynamic_corridor, moving),
            still,
            halt: day.halt,
            interrupted: false,
            resumed: false,
            began: false,
            opened: None,
            aggressor: None,
            last_shown: None,
        })
    }

    /// Remembers an event that was checked.
    pub(super) fn seen(&mut self, event: &PublicEvent) {
        match *event {
            PublicEvent::Interrupted { .. } => self.interrupted = true,
            PublicEvent::LotResumed { .. } => self.resumed = true,
            PublicEvent::PhaseBegan(_) => self.began = true,
            PublicEvent::EndOpened { end, .. } => self.opened = Some(end.before_close),
            PublicEvent::Traded { aggressor, .. } => self.aggressor = Some(aggressor),
            _ => {}
        }
    }

    /// Returns true if the command of the record can decide such an event.
    fn can_be(&self, case: &Case<'_>, event: &PublicEvent) -> bool {
        let asked = case.asked.map(|(_, command)| command);
        let asked = asked.filter(|command| !command.is_hidden());
        let ends = matches!(
            asked,
            Some(Command::CloseDue { .. } | Command::CloseLot { .. })
        );
        match event {
            PublicEvent::Traded { .. }
            | PublicEvent::OrderReduced { .. }
            | PublicEvent::Interrupted { .. }
            | PublicEvent::EndCommitted { .. } => asked.is_none(),
            PublicEvent::OrderShown { .. } => asked.is_none() || self.began,
            PublicEvent::OrderGone { .. } => {
                matches!(asked, None | Some(Command::CloseDue { .. }))
            }
            PublicEvent::DayHalted { cause, .. } => match cause {
                DayHaltCause::CrossedAtCollar => asked.is_some() && self.began,
                DayHaltCause::Interruptions => asked.is_none() && self.interrupted,
            },
            PublicEvent::PhaseBegan(began) if began.phase == DayPhase::Volatility => {
                let by_order = asked.is_none() && self.interrupted;
                let by_clock = matches!(asked, Some(Command::CloseDue { .. }));
                by_order || by_clock || self.resumed
            }
            PublicEvent::PhaseBegan(_) => matches!(
                asked,
                Some(Command::CloseDue { .. } | Command::OpenDue { .. } | Command::OpenLot(_))
            ),
            PublicEvent::PhaseExtended { .. } => matches!(asked, Some(Command::CloseDue { .. })),
            PublicEvent::CallUncrossed { .. } => ends,
            PublicEvent::LotClosed { outcome, .. } if outcome.is_cancelled() => {
                matches!(asked, Some(Command::CancelLot { .. }))
            }
            PublicEvent::LotClosed { .. } => ends,
            PublicEvent::PhaseMoved { .. } => matches!(
                asked,
                Some(Command::MovePhase { .. } | Command::ExtendLot { .. })
            ),
            PublicEvent::LotResumed { .. } => matches!(asked, Some(Command::ResumeLot { .. })),
            _ => true,
        }
    }
}

/// Checks an event of a trading day against the market before it; `last` is the time of the record before.
pub(super) fn check_day_event(
    market: &Market,
    record: &DayRecord,
    case: &Case<'_>,
    last: Timestamp,
    event: &PublicEvent,
) -> Result<(), Wrong> {
    let Some((lot, terms, day)) = event.lot().and_then(|lot| parts(market, lot)) else {
        return Ok(());
    };
    if !record.can_be(case, event) {
        return Err(Wrong::Day(DayFault::Cause));
    }
    check_time(market, lot, day, record, case, last, event)?;
    check_book_event(market, lot, terms, day, record, event).map_err(Wrong::Day)?;
    check_phase_event(market, lot, terms, day, record, case.at, event)
}

/// Checks an event of the book that everyone sees.
fn check_book_event(
    market: &Market,
    lot: &Lot,
    terms: &DayTerms,
    day: &DayBook,
    record: &DayRecord,
    event: &PublicEvent,
) -> Result<(), DayFault> {
    let corridor = &record.corridor;
    let fits = |fits: bool, fault| fits.then_some(()).ok_or(fault);
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
            fits(
                lot.halted_since.is_none() && market.halted_since().is_none(),
                DayFault::Phase,
            )?;
            fits(
                record.aggressor.is_none_or(|side| side == aggressor),
                DayFault::Side,
            )?;
            fits(corridor.passes(price), DayFault::Corridor { price })?;
            fits(
                quantity.get().is_multiple_of(lot.quantity.get()),
                DayFault::Grid,
            )
        }
        PublicEvent::OrderReduced { open, .. } => fits(
            open.get().is_multiple_of(lot.quantity.get()),
            DayFault::Grid,
        ),
        PublicEvent::OrderShown {
            side, price, open, ..
        } => {
            let is_rest = record.began || record.aggressor.is_none_or(|traded| traded == side);
            fits(is_rest, DayFault::Side)?;
            let on_tick = price.units().is_multiple_of(terms.call.tick.units());
            let whole = open.get().is_multiple_of(lot.quantity.get());
            fits(on_tick && whole, DayFault::Grid)
        }
        PublicEvent::Interrupted {
            price,
            corridor: kind,
            ..
        } => {
            let is_static = !record.still.passes(price);
            fits(
                is_static == (kind == CorridorKind::Static),
                DayFault::Corridor { price },
            )?;
            let best = [Side::Buy, Side::Sell].map(|side| day.orders.side(side).next());
            let is_next = best.iter().flatten().any(|order| order.price == price);
            let outside = !corridor.passes(price);
            fits(is_next && outside, DayFault::Corridor { price })
        }
        _ => Ok(()),
    }
}

/// Checks an event of a phase, a call or the whole lot.
fn check_phase_event(
    market: &Market,
    lot: &Lot,
    terms: &DayTerms,
    day: &DayBook,
    record: &DayRecord,
    at: Timestamp,
    event: &PublicEvent,
) -> Result<(), Wrong> {
    let fits = |fits: bool, fault| fits.then_some(()).ok_or(Wrong::Day(fault));
    match *event {
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
        PublicEvent::PhaseBegan(ref began) => fits(
            begins(market, lot, terms, day, record, at, began),
            DayFault::Phase,
        ),
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
        PublicEvent::LotClosed { .. } => fits(day.statistics.trades == 0, DayFault::Statistics),
        PublicEvent::PhaseMoved { phase, .. } => {
            let runs = phase == day.phase_index && day.phase != Some(DayPhase::Volatility);
            let is_opened = day.end.is_none() || !runs;
            let fault = Wrong::Uncross(UncrossFault::EndNotOpened);
            is_opened.then_some(()).ok_or(fault)
        }
        PublicEvent::EndOpened { end, .. } => {
            fits(end.before_close <= random_end(terms, day), DayFault::Time)
        }
        PublicEvent::BiddersCounted { bidders, .. } => {
            let is_call = day.phase.is_some_and(DayPhase::is_call);
            // One trader comes or goes, but when a call begins.
            let is_next = match record.began {
                true => bidders > 0,
                false => bidders.abs_diff(day.traders) == 1,
            };
            fits(is_call && is_next, DayFault::Traders)
        }
        PublicEvent::LotResumed {
            opened_at,
            closes_at,
            ..
        } => {
            let halt = lot.halted_since.map(|since| at.since(since));
            let moved = |time: Timestamp| halt.map(|halt| time.saturating_add(halt));
            let times = [Some(opened_at), Some(closes_at)];
            fits(
                times == [moved(lot.opened_at), moved(lot.closes_at)],
                DayFault::Time,
            )
        }
        _ => Ok(()),
    }
}

/// Checks the time of an event that the clock decides: no sooner and no later than it is due.
fn check_time(
    market: &Market,
    lot: &Lot,
    day: &DayBook,
    record: &DayRecord,
    case: &Case<'_>,
    last: Timestamp,
    event: &PublicEvent,
) -> Result<(), Wrong> {
    let Terms::Day(terms) = &lot.terms else {
        return Ok(());
    };
    let by_clock = matches!(case.asked, Some((Actor::Clock, Command::CloseDue { .. })));
    let random_end = random_end(terms, day);
    let due = match event {
        // The first event of the end of a phase; the others come with it.
        PublicEvent::PhaseBegan(_)
        | PublicEvent::PhaseExtended { .. }
        | PublicEvent::CallUncrossed { .. }
        | PublicEvent::LotClosed { .. }
            if by_clock && !record.began =>
        {
            if day.resumes_by_call {
                Timestamp::default()
            } else {
                let is_random = random_end > Span::ZERO;
                if is_random && record.opened.is_none() {
                    return Err(Wrong::Uncross(UncrossFault::EndNotOpened));
                }
                let before = record.opened.unwrap_or_default();
                day.phase_ends_at.saturating_sub(before)
            }
        }
        PublicEvent::EndCommitted { .. } if random_end > Span::ZERO => {
            day.phase_ends_at.saturating_sub(random_end)
        }
        PublicEvent::EndCommitted { .. } => return Err(Wrong::Day(DayFault::Time)),
        _ => return Ok(()),
    };
    let runs = lot.halted_since.is_none() && market.halted_since().is_none();
    (runs && case.at == due.max(last))
        .then_some(())
        .ok_or(Wrong::Day(DayFault::Time))
}

/// Random end of the running call.
fn random_end(terms: &DayTerms, day: &DayBook) -> Span {
    match day.phase {
        Some(DayPhase::Call) => terms.call.random_end,
        Some(DayPhase::Volatility) => terms.volatility_random_end,
        _ => Span::ZERO,
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
    record: &DayRecord,
    at: Timestamp,
    began: &PhaseBegan,
) -> bool {
    let index = usize::from(began.index);
    let Some(scheduled) = terms.phases.get(index).map(|scheduled| scheduled.phase) else {
        return false;
    };
    // A day that has not begun has no ends: a hostile journal begins a phase of one.
    let (Some(&end), Some(&length)) = (day.ends.get(index), day.lengths.get(index)) else {
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
    let (fits, ends_at, reference, collar) = match began.phase {
        DayPhase::Volatility => {
            let resumes = day.phase == Some(DayPhase::Continuous) && began.index == day.phase_index;
            let ends_at = at.saturating_add(terms.volatility_length);
            // What crossed at a collar trades without one.
            let had_crossed = record.halt == Some(DayHaltCause::CrossedAtCollar);
            let collar = terms.call.collar.map(crate::lot::doubled);
            (
                resumes && scheduled == DayPhase::Continuous,
                ends_at,
                reference,
                collar.filter(|_| !had_crossed),
            )
        }
        DayPhase::Call => {
            let ends_at = at.saturating_add(length);
            let collar = terms.call.collar;
            (
                moves_on && scheduled == DayPhase::Call,
                ends_at,
                reference,
                collar,
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
            (fits, end, reference, None)
        }
    };
    fits && began.ends_at == ends_at
        && began.ends_at > at
        && began.reference == reference
        && began.collar == collar
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
