//! The oracle's call auctions: everything is computed from the list of steps, and the price by trying every one.

use std::collections::BTreeSet;

use auction_core::limits::{AMOUNT_MAX, PRICE_MAX};
use auction_core::{
    CallTerms, Candidates, Engine, ExtensionCause, Indicative, LadderStep, LotId, NoCrossBecause,
    OrderId, OrderState, Outcome, OwnOrder, Price, Quantity, Quote, Reject, Reply, Side, Terms,
    UserId,
};

use crate::ladder::{self, Found, Plain};
use crate::lot::{Happened, OracleLot, price, time};
use crate::oracle::Oracle;

/// A step that only calls have.
#[derive(Clone, Copy, Debug)]
pub enum CallStep {
    /// An order was placed, or replaced if its number exists.
    Ordered(Order),
    /// A suspended trader's orders were withdrawn.
    TakenBack { user: UserId },
    /// The reference price was fixed; zero: no reference.
    Referred { reference: u64 },
    /// The random end was fixed.
    Drawn { before_close: u64 },
    /// It is extended instead of closed.
    Prolonged {
        closes_at: u64,
        cause: ExtensionCause,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub user: UserId,
    pub order: OrderId,
    pub side: Side,
    pub shares: u64,
    pub limit: Option<u64>,
}

/// A change that a trader requests of their orders.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Place(Side, u64, Option<u64>),
    Replace(OrderId, u64, Option<u64>),
    Cancel(OrderId),
}

impl Oracle {
    pub fn is_call(&self, id: LotId) -> bool {
        let index = (id.0 as usize).checked_sub(1);
        let lot = index.and_then(|index| self.lots.get(index));
        lot.is_some_and(|lot| lot.call().is_some())
    }

    pub fn change_on_call(
        &mut self,
        now: u64,
        user: UserId,
        id: LotId,
        change: Change,
    ) -> Result<Reply, Reject> {
        let lot = self.lot(id)?;
        match (change, lot.stopped(id, now)) {
            (Change::Cancel(_), Some(Reject::LotHalted { .. })) => {
                lot.not_begun(id).map_or(Ok(()), Err)?;
            }
            (_, Some(reject)) => return Err(reject),
            (_, None) => {}
        }
        // A halted call's time stands still.
        let now = lot.halted_since().unwrap_or(now);
        lot.check_before_end(id, now)?;
        let (old, new) = lot.changed(now, user, change)?;
        let symbol = lot.open.symbol;
        let cost = |order: &Option<Order>| order.map_or(0, |order| lot.costs(&order));
        let delivers = |order: &Option<Order>| order.map_or(0, |order| order.delivers());
        let cash = (cost(&new) - cost(&old)).max(0);
        let shares = delivers(&new).saturating_sub(delivers(&old));
        self.can_pay(user, cash)?;
        self.can_deliver(user, symbol, shares)?;
        let lot = self.lot(id)?;
        let Some(new) = new else {
            let order = old.expect("what is cancelled is there").order;
            lot.happened.push(Happened::Cancelled { user, order });
            return Ok(Reply::Done);
        };
        lot.happened.push(Happened::Call(CallStep::Ordered(new)));
        Ok(match old {
            None => Reply::OrderPlaced(new.order),
            Some(_) => Reply::Done,
        })
    }

    /// Withdraws a suspended trader's orders on calls.
    pub fn take_back(&mut self, user: UserId) {
        for lot in &mut self.lots {
            let has_orders = lot.book().iter().any(|order| order.user == user);
            if lot.closed_at.is_none() && has_orders {
                let taken_back = CallStep::TakenBack { user };
                lot.happened.push(Happened::Call(taken_back));
            }
        }
    }

    /// Closes a lot, which then accepts nothing more.
    pub fn close(&mut self, id: LotId, at: u64) {
        let lot = &mut self.lots[id.0 as usize - 1];
        lot.closed_at = Some(at);
        if let Some((price, ..)) = lot.crossed().filter(|_| !lot.cancelled) {
            let symbol = lot.open.symbol;
            self.uncrossed.insert(symbol, price);
        }
    }

    /// Begins a call: the reference is the stock's last uncross, otherwise the base price.
    pub fn refer(&mut self, id: LotId) {
        let lot = &mut self.lots[id.0 as usize - 1];
        let Some(terms) = lot.call() else { return };
        let tick = terms.tick.units();
        let last = self.uncrossed.get(&lot.open.symbol).copied();
        let reference = last.unwrap_or(lot.base) / tick * tick;
        let referred = CallStep::Referred { reference };
        lot.happened.push(Happened::Call(referred));
    }
}

impl OracleLot {
    pub fn call(&self) -> Option<&CallTerms> {
        match &self.open.terms {
            Terms::Call(terms) => Some(terms),
            _ => None,
        }
    }

    /// Returns its orders by place in time.
    pub fn book(&self) -> Vec<Order> {
        self.book_after(self.happened.len())
    }

    pub fn book_after(&self, count: usize) -> Vec<Order> {
        let mut book: Vec<Order> = Vec::new();
        for happened in &self.happened[..count] {
            match *happened {
                Happened::Call(CallStep::Ordered(new)) => {
                    match book.iter().position(|old| old.is(new.user, new.order)) {
                        Some(at)
                            if book[at].limit == new.limit && new.shares <= book[at].shares =>
                        {
                            book[at] = new;
                        }
                        Some(at) => {
                            book.remove(at);
                            book.push(new);
                        }
                        None => book.push(new),
                    }
                }
                Happened::Cancelled { user, order } => book.retain(|old| !old.is(user, order)),
                Happened::Call(CallStep::TakenBack { user }) => book.retain(|old| old.user != user),
                _ => {}
            }
        }
        book
    }

    /// Returns the random end, while it is fixed: the time before the close.
    pub fn drawn(&self) -> Option<u64> {
        self.happened
            .iter()
            .fold(None, |drawn, happened| match happened {
                Happened::Call(CallStep::Drawn { before_close }) => Some(*before_close),
                Happened::Moved { .. } | Happened::Call(CallStep::Prolonged { .. }) => None,
                _ => drawn,
            })
    }

    /// Returns the next deadline of a call that has begun.
    pub fn call_deadline(&self) -> u64 {
        let closes_at = self.view().closes_at;
        let longest = self.call().map_or(0, |terms| terms.random_end.micros());
        closes_at.saturating_sub(self.drawn().unwrap_or(longest))
    }

    /// Returns true if the draw of its random end is due next.
    pub fn is_to_be_drawn(&self) -> bool {
        let has_end = self
            .call()
            .is_some_and(|terms| terms.random_end.micros() > 0);
        has_end && self.drawn().is_none()
    }

    /// Returns the reason for extending it instead of closing it, if there is one.
    pub fn goes_on(&self) -> Option<ExtensionCause> {
        let terms = self.call()?;
        if let Some((price, ..)) = self.found()
            && self.bound(price).is_some()
            && self.view().extensions < terms.extensions_max
        {
            return Some(ExtensionCause::Volatility);
        }
        let traded = self.crossed().map_or(0, |(_, volume, ..)| volume);
        let unfilled = [Side::Buy, Side::Sell].map(|side| self.at_market(side) > traded);
        let before = self.happened.iter().any(|happened| {
            let Happened::Call(CallStep::Prolonged { cause, .. }) = happened else {
                return false;
            };
            *cause == ExtensionCause::MarketOrders
        });
        let extends = terms.market_extension && !before && unfilled.contains(&true);
        extends.then_some(ExtensionCause::MarketOrders)
    }

    /// Returns the reserved cash of a trader on an open call.
    pub fn call_binds(&self, user: UserId) -> i128 {
        let own = self.book().into_iter().filter(|order| order.user == user);
        own.map(|order| self.costs(&order)).sum()
    }

    /// Returns the reserved shares of a trader on an open call.
    pub fn call_binds_shares(&self, user: UserId) -> u64 {
        let own = self.book().into_iter().filter(|order| order.user == user);
        own.map(|order| order.delivers()).sum()
    }

    /// Returns the trades of a trader in a closed call.
    pub fn call_gives(&self, user: UserId) -> Vec<(i128, u64)> {
        let Some((price, ..)) = self.crossed().filter(|_| !self.cancelled) else {
            return Vec::new();
        };
        let all = self.book().into_iter().zip(self.filled());
        let own = all.filter(|(order, _)| order.user == user);
        let signed = |(order, filled): (Order, u64)| match order.side {
            Side::Buy => (i128::from(filled), price),
            Side::Sell => (-i128::from(filled), price),
        };
        own.map(signed).collect()
    }

    pub fn call_outcome(&self) -> Outcome {
        let Some((paid, volume, surplus, by)) = self.crossed() else {
            let market = [Side::Buy, Side::Sell].map(|side| self.at_market(side));
            return Outcome::NoCross {
                because: match self.found() {
                    Some(_) => NoCrossBecause::Collar,
                    None if market[0] > 0 && market[1] > 0 => NoCrossBecause::NoPrice,
                    None => NoCrossBecause::NothingCrosses,
                },
                best_buy: self.best(Side::Buy),
                best_sell: self.best(Side::Sell),
            };
        };
        let all = self.book().into_iter().zip(self.filled());
        let trading = all.filter(|(_, filled)| *filled > 0);
        let traders: BTreeSet<UserId> = trading.map(|(order, _)| order.user).collect();
        Outcome::Crossed {
            price: price(paid),
            volume,
            surplus,
            by,
            candidates: self.candidates(),
            traders: traders.len() as u32,
        }
    }

    /// Checks the engine's state of a call, beyond the state common to all lots.
    pub fn call_stands_as(&self, engine: &Engine, id: LotId, users: u32) {
        if self.call().is_none() {
            return assert_eq!(engine.indicative(id), None);
        }
        let is_open = self.closed_at.is_none() && self.has_begun();
        let indicative = match self.found() {
            Some((paid, volume, surplus, decided_by)) => {
                let Some(Indicative::Cross(cross)) = engine.indicative(id).filter(|_| is_open)
                else {
                    return assert!(!is_open, "{self:?}");
                };
                assert_eq!(
                    (cross.price, cross.volume),
                    (price(paid), volume),
                    "{self:?}"
                );
                assert_eq!((cross.surplus, cross.decided_by), (surplus, decided_by));
                Indicative::Cross(cross)
            }
            None => Indicative::NoCross {
                best_buy: self.best(Side::Buy),
                best_sell: self.best(Side::Sell),
            },
        };
        assert_eq!(engine.indicative(id), is_open.then_some(indicative));
        let (book, crossed) = (self.book(), self.crossed().filter(|_| !self.cancelled));
        let filled = match self.closed_at {
            None => vec![0; book.len()],
            Some(_) => self.filled(),
        };
        let told = |(order, filled): (&Order, &u64)| OwnOrder {
            order: order.order,
            side: order.side,
            quantity: Quantity::new(order.shares).unwrap(),
            limit: order.limit.map(price),
            state: match self.closed_at {
                None => OrderState::Live,
                Some(_) => OrderState::Closed {
                    filled: *filled,
                    price: crossed
                        .filter(|_| *filled > 0)
                        .map(|(paid, ..)| price(paid)),
                },
            },
        };
        for user in (1..=users).map(UserId) {
            let all = book.iter().zip(&filled);
            let own = all.filter(|(order, _)| order.user == user);
            let mut own: Vec<OwnOrder> = own.map(told).collect();
            own.sort_by_key(|order| order.order);
            assert_eq!(engine.orders_of(id, user), Some(own), "{user} {self:?}");
        }
    }

    fn check_before_end(&self, lot: LotId, now: u64) -> Result<(), Reject> {
        let Some(before_close) = self.drawn() else {
            return Ok(());
        };
        let ended_at = self.view().closes_at.saturating_sub(before_close);
        if now < ended_at {
            return Ok(());
        }
        let closed_at = time(ended_at);
        Err(Reject::LotClosed { lot, closed_at })
    }

    /// An order before a change and after it.
    fn changed(
        &self,
        now: u64,
        user: UserId,
        change: Change,
    ) -> Result<(Option<Order>, Option<Order>), Reject> {
        let known = |order: OrderId| {
            let found = self.book().into_iter().find(|old| old.is(user, order));
            found.ok_or(Reject::UnknownOrder { order })
        };
        match change {
            Change::Place(side, shares, limit) => {
                let given = self.happened.iter().filter_map(|happened| match happened {
                    Happened::Call(CallStep::Ordered(order)) if order.user == user => {
                        Some(order.order.0)
                    }
                    _ => None,
                });
                let new = Order {
                    user,
                    order: OrderId(given.max().unwrap_or(0) + 1),
                    side,
                    shares,
                    limit,
                };
                self.check(&new)?;
                Ok((None, Some(new)))
            }
            Change::Replace(order, shares, limit) => {
                let old = known(order)?;
                let new = Order {
                    shares,
                    limit,
                    ..old
                };
                if new == old {
                    return Err(Reject::Unchanged);
                }
                self.check(&new)?;
                let better = match (old.limit, new.limit, old.side) {
                    (None, _, _) => false,
                    (Some(_), None, _) => true,
                    (Some(old), Some(new), Side::Buy) => new > old,
                    (Some(old), Some(new), Side::Sell) => new < old,
                };
                if !better || new.shares < old.shares {
                    self.check_cancels(now)?;
                }
                Ok((Some(old), Some(new)))
            }
            Change::Cancel(order) => {
                let old = known(order)?;
                self.check_cancels(now)?;
                Ok((Some(old), None))
            }
        }
    }

    fn check_cancels(&self, now: u64) -> Result<(), Reject> {
        let terms = self.call().expect("orders are on calls");
        let Some(no_cancel) = terms.no_cancel else {
            return Ok(());
        };
        let windows = terms.random_end.micros() + no_cancel.micros();
        let since = self.view().closes_at.saturating_sub(windows);
        let since = (now >= since).then(|| time(since));
        since.map_or(Ok(()), |since| Err(Reject::NoCancelNow { since }))
    }

    fn check(&self, new: &Order) -> Result<(), Reject> {
        let tick = self.tick();
        if let Some(limit) = new.limit
            && (limit == 0 || limit % tick != 0)
        {
            let above = price((limit / tick + 1) * tick);
            let tick = price(tick);
            return Err(Reject::OffTick { tick, above });
        }
        let round_lot = self.open.quantity;
        if !new.shares.is_multiple_of(round_lot.get()) {
            return Err(Reject::OffRoundLot { round_lot });
        }
        let at = new.limit.unwrap_or_else(|| self.greatest_traded());
        if i128::from(at) * i128::from(new.shares) > i128::from(AMOUNT_MAX) {
            let most = AMOUNT_MAX / at / round_lot.get() * round_lot.get();
            let price = price(at);
            return Err(Reject::AmountTooLarge { price, most });
        }
        let mut own = self.book();
        own.retain(|other| other.user == new.user && other.side != new.side);
        // The most willing of them is named.
        own.sort_by_key(|other| match (other.limit, other.side) {
            (None, _) => 0,
            (Some(limit), Side::Buy) => 1 + PRICE_MAX - limit,
            (Some(limit), Side::Sell) => 1 + limit,
        });
        let meets = |other: &&Order| match (new.limit, other.limit, new.side) {
            (Some(bid), Some(ask), Side::Buy) | (Some(ask), Some(bid), Side::Sell) => bid >= ask,
            _ => true,
        };
        match own.first().filter(meets) {
            Some(other) => Err(Reject::WouldSelfTrade {
                own: other.limit.map(price),
            }),
            None => Ok(()),
        }
    }

    fn tick(&self) -> u64 {
        let terms = self.call().expect("a call has a tick");
        terms.tick.units()
    }

    fn reference(&self) -> Option<u64> {
        let referred = self.happened.iter().find_map(|happened| match happened {
            Happened::Call(CallStep::Referred { reference }) => Some(*reference),
            _ => None,
        });
        referred.filter(|reference| *reference > 0)
    }

    /// Returns the lowest and the highest price on the tick inside the collar.
    fn collar(&self) -> Option<(u64, u64)> {
        let (collar, reference) = (self.call()?.collar?, self.reference()?);
        let share = reference * u64::from(collar.basis_points) / 10_000;
        let (far, tick) = (share.max(collar.absolute.units()), self.tick());
        let lowest = reference.saturating_sub(far).div_ceil(tick).max(1) * tick;
        let highest = (reference + far).min(PRICE_MAX) / tick * tick;
        Some((lowest, highest))
    }

    fn bound(&self, price: u64) -> Option<u64> {
        let (lowest, highest) = self.collar()?;
        Some(price.clamp(lowest, highest)).filter(|bound| *bound != price)
    }

    /// Returns the greatest price at which a market order could trade.
    fn greatest_traded(&self) -> u64 {
        self.collar().map_or(PRICE_MAX, |(_, highest)| highest)
    }

    fn costs(&self, order: &Order) -> i128 {
        match order.side {
            Side::Sell => 0,
            Side::Buy => {
                let at = order.limit.unwrap_or_else(|| self.greatest_traded());
                i128::from(at) * i128::from(order.shares)
            }
        }
    }

    /// Returns the orders with limits in ticks.
    fn plain(&self) -> Vec<Plain> {
        let tick = self.tick();
        let book = self.book().into_iter();
        book.map(|order| Plain {
            side: order.side,
            shares: order.shares,
            limit: order.limit.map(|limit| limit / tick),
        })
        .collect()
    }

    /// Returns price, volume, surplus and step of an uncross, ignoring the collar.
    fn found(&self) -> Option<Found> {
        let tick = self.tick();
        let reference = self.reference().map(|reference| reference / tick);
        let (price, volume, surplus, by) = ladder::uncross(&self.plain(), reference)?;
        Some((price * tick, volume, surplus, by))
    }

    /// Returns the same within the collar, if anything trades.
    pub fn crossed(&self) -> Option<Found> {
        self.call()?;
        let found = self.found()?;
        let Some(bound) = self.bound(found.0) else {
            return Some(found);
        };
        let (plain, at) = (self.plain(), bound / self.tick());
        let (volume, surplus) = (ladder::volume(&plain, at), ladder::surplus(&plain, at));
        (volume > 0).then_some((bound, volume, surplus, LadderStep::Collar))
    }

    fn filled(&self) -> Vec<u64> {
        let plain = self.plain();
        match self.crossed().filter(|_| !self.cancelled) {
            Some((price, volume, surplus, by)) => {
                ladder::fills(&plain, (price / self.tick(), volume, surplus, by))
            }
            None => vec![0; plain.len()],
        }
    }

    fn candidates(&self) -> Option<Candidates> {
        let plain = self.plain();
        let limits: BTreeSet<u64> = plain.iter().filter_map(|order| order.limit).collect();
        let volume = |limit: &u64| ladder::volume(&plain, *limit);
        let greatest = limits.iter().map(volume).max()?;
        let market = self.at_market(Side::Buy).min(self.at_market(Side::Sell));
        let mut best = limits.iter().filter(|limit| volume(limit) == greatest);
        let lowest = *best.next()?;
        let highest = best.next_back().copied().unwrap_or(lowest);
        let in_units = |ticks: u64| price(ticks * self.tick());
        (greatest > market).then(|| Candidates {
            lowest: in_units(lowest),
            highest: in_units(highest),
        })
    }

    fn at_market(&self, side: Side) -> u64 {
        let book = self.book().into_iter();
        let of_side = book.filter(|order| order.side == side && order.limit.is_none());
        of_side.map(|order| order.shares).sum()
    }

    fn best(&self, side: Side) -> Option<Quote> {
        let book = self.book();
        let limits = book.iter().filter(|order| order.side == side);
        let limits = limits.filter_map(|order| order.limit);
        let best = match side {
            Side::Buy => limits.max(),
            Side::Sell => limits.min(),
        }?;
        let there = |order: &&Order| order.side == side && order.limit == Some(best);
        let quantity = book.iter().filter(there).map(|order| order.shares).sum();
        let price: Price = price(best);
        Some(Quote { price, quantity })
    }
}

impl Order {
    fn is(&self, user: UserId, order: OrderId) -> bool {
        (self.user, self.order) == (user, order)
    }

    fn delivers(&self) -> u64 {
        match self.side {
            Side::Buy => 0,
            Side::Sell => self.shares,
        }
    }
}
