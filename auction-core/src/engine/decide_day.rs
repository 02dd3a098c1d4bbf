//! Decisions about trading days, and about the whole market: reads the state, changes nothing.

use super::Engine;
use super::permission::Permission;
use crate::limits::{CALLS_PER_TRADER_MAX, CANCEL_ALL_MAX};
use crate::lot::{Entering, Funds, Lot, Replacing, halt_of};
use crate::model::command::{Actor, Role};
use crate::model::day::{DayOrder, TraderLimits};
use crate::model::event::{Event, Events, PrivateEvent, PublicEvent};
use crate::model::reject::{Countable, Reject};
use crate::{LotId, Price, Timestamp, UserId};

impl Engine {
    pub(super) fn decide_day_order(
        &self,
        now: Timestamp,
        actor: Actor,
        lot: LotId,
        content: DayOrder,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let trader = self.require_trader(actor)?;
        self.check_market_runs()?;
        let lot = self.lot(lot)?;
        lot.check_open(now)?;
        let day = self.secret_of(lot.id).day(lot);
        let day = day.ok_or_else(|| wrong_order(lot))?;
        self.limits.check_rate(now, trader)?;
        let is_first = self.secret_of(lot.id).call_orders_of(trader) == Some(0);
        if is_first && self.calls.count(trader) >= CALLS_PER_TRADER_MAX {
            return Err(Reject::full(Countable::CallsOfTrader, CALLS_PER_TRADER_MAX));
        }
        day.decide_place(&self.entering(now, trader, lot), content, events)
    }

    pub(super) fn decide_day_replacement(
        &self,
        now: Timestamp,
        actor: Actor,
        lot: LotId,
        replacing: Replacing,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let trader = self.require_trader(actor)?;
        self.check_market_runs()?;
        let lot = self.lot(lot)?;
        lot.check_open(now)?;
        let day = self.secret_of(lot.id).day(lot);
        let day = day.ok_or_else(|| wrong_order(lot))?;
        self.limits.check_rate(now, trader)?;
        day.decide_replace(&self.entering(now, trader, lot), replacing, events)
    }

    pub(super) fn decide_cancel_all(
        &self,
        now: Timestamp,
        actor: Actor,
        trader: Option<UserId>,
        of_lot: Option<LotId>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let trader = match trader {
            Some(trader) if actor != Actor::User(trader) => {
                self.require(actor, Permission::RunLots)?;
                let known = self.market.user(trader);
                let known = known.ok_or(Reject::UnknownUser { user: trader })?;
                if known.role != Role::Trader {
                    return Err(Reject::NoAccount { user: trader });
                }
                trader
            }
            _ => self.require_trader(actor)?,
        };
        if let Some(lot) = of_lot {
            // The clock of a halted market stands still.
            let then = self.market.halted_since().unwrap_or(now);
            self.lot(lot)?.check_takes_cancels(then)?;
        }
        let (mut cancelled, mut kept, mut more) = (0, 0, false);
        let lots = self.calls.of(trader);
        for lot in lots.filter(|lot| of_lot.is_none_or(|of| of == *lot)) {
            if (cancelled + kept) as usize >= CANCEL_ALL_MAX {
                more = true;
                break;
            }
            let lot = self.lot(lot)?;
            let hidden = self.secret_of(lot.id);
            let then = halt_of(lot, self.market.halted_since()).unwrap_or(now);
            let (gone, left) = match hidden.day(lot) {
                Some(day) => day.decide_cancel_all(then, trader, events),
                None => hidden.decide_cancel_all(lot, then, trader, events),
            };
            (cancelled, kept) = (cancelled + gone, kept + left);
        }
        events.push(Event::Private(PrivateEvent::AllCancelled {
            trader,
            lot: of_lot,
            cancelled,
            kept,
            more,
        }));
        Ok(())
    }

    pub(super) fn decide_phase_move(
        &self,
        now: Timestamp,
        lot: LotId,
        phase: u8,
        ends_at: Timestamp,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let moved = self.lot(lot)?;
        moved.check_not_closed()?;
        moved.check_begun()?;
        let day = self.secret_of(lot).day(moved);
        let day = day.ok_or_else(|| wrong_order(moved))?;
        day.decide_move(now, phase, ends_at, events)
    }

    pub(super) fn decide_limits(
        &self,
        trader: Option<UserId>,
        limits: Option<TraderLimits>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        if let Some(user) = trader {
            let known = self.market.user(user).ok_or(Reject::UnknownUser { user })?;
            if known.role != Role::Trader {
                return Err(Reject::NoAccount { user });
            }
        }
        if self.limits.set_for(trader) == limits {
            return Err(Reject::Unchanged);
        }
        events.push(Event::Private(PrivateEvent::LimitsSet { trader, limits }));
        Ok(())
    }

    pub(super) fn decide_market_halt(&self, events: &mut Events) -> Result<(), Reject> {
        self.check_market_runs().map_err(|_| Reject::Unchanged)?;
        events.push(Event::Public(PublicEvent::MarketHalted));
        Ok(())
    }

    pub(super) fn decide_market_resumption(&self, events: &mut Events) -> Result<(), Reject> {
        self.market.halted_since().ok_or(Reject::Unchanged)?;
        events.push(Event::Public(PublicEvent::MarketResumed));
        Ok(())
    }

    /// Checks that the whole market is not halted.
    #[inline]
    pub(super) fn check_market_runs(&self) -> Result<(), Reject> {
        match self.market.halted_since() {
            Some(since) => Err(Reject::MarketHalted { since }),
            None => Ok(()),
        }
    }

    /// Accounts as a decision about a trading day begins.
    pub(super) fn funds(&self) -> Funds<'_> {
        Funds::of(self.ledger.as_ref())
    }

    /// The stock's last uncross price, otherwise the lot's base price.
    pub(super) fn stock_price(&self, lot: &Lot) -> Price {
        let stock = self.market.stock(lot.symbol);
        let last_uncross = stock.and_then(|stock| stock.last_uncross);
        last_uncross.unwrap_or(lot.base_price)
    }

    fn entering(&self, now: Timestamp, trader: UserId, lot: &Lot) -> Entering<'_> {
        Entering {
            now,
            trader,
            funds: self.funds(),
            limits: self.limits.of(trader),
            stock_price: self.stock_price(lot),
        }
    }
}

/// The kind of order that a lot takes which is no trading day.
fn wrong_order(lot: &Lot) -> Reject {
    let id = lot.id;
    match lot.terms {
        crate::Terms::English(_) | crate::Terms::Dutch(_) => Reject::TakesBids { lot: id },
        _ => Reject::TakesOrders { lot: id },
    }
}
