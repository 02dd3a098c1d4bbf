//! Entry and replacement of orders.

use super::State;
use super::funds::Funds;
use super::live::{Entry, Id, Owned, Place};
use crate::account::ledger::Reservation;
use crate::clearing::book::{Budget, Corridor, Event as Effect, Fate, LapsedBecause, Refused};
use crate::clearing::call::{self, OrderError, Side};
use crate::limits::{BOOK_ORDERS_PER_TRADER_MAX, DAY_ORDERS_MAX};
use crate::lot::call::refused;
use crate::model::day::{
    DayOrder, DayPhase, FillRole, LapseReason, OrderKind, OrderKinds, TimeInForce, TraderLimit,
    TraderLimits,
};
use crate::model::event::{Event, Events, PrivateEvent, PublicEvent};
use crate::model::reject::Countable;
use crate::{OrderId, Price, Quantity, Reject, Timestamp, UserId};

/// Circumstances of an order or a replacement.
pub(crate) struct Entering<'a> {
    pub(crate) now: Timestamp,
    pub(crate) trader: UserId,
    pub(crate) funds: Funds<'a>,
    pub(crate) limits: TraderLimits,
    /// The stock's last uncross price, otherwise its base price.
    pub(crate) stock_price: Price,
}

/// Content of a replacement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacing {
    pub(crate) order: OrderId,
    pub(crate) quantity: Quantity,
    pub(crate) limit: Option<Price>,
    pub(crate) believed: Option<Quantity>,
}

impl State<'_> {
    /// Decides a new order.
    pub(crate) fn decide_place(
        &self,
        entering: &Entering<'_>,
        content: DayOrder,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let &Entering { now, trader, .. } = entering;
        self.check_content(entering, &content)?;
        self.check_phase(&content)?;
        if let TimeInForce::Until(until) = content.time_in_force
            && until <= now
        {
            return Err(Reject::UntilPassed { until });
        }
        let own = self.hidden.owned(trader);
        self.check_limits(entering, &content, own, own.count.saturating_add(1))?;
        if own.count as usize >= BOOK_ORDERS_PER_TRADER_MAX {
            let most = BOOK_ORDERS_PER_TRADER_MAX as u32;
            return Err(Reject::TooManyOrders { most });
        }
        if self.hidden.len() >= DAY_ORDERS_MAX {
            return Err(Reject::full(Countable::DayOrders, DAY_ORDERS_MAX));
        }
        let most = u32::MAX;
        let order = own.next_order();
        let order = order.ok_or(Reject::TooManyOrders { most })?;
        let lot = self.lot.id;
        events.push(Event::Private(PrivateEvent::DayOrderAccepted {
            lot,
            trader,
            order,
            content,
        }));
        self.admit(entering, order, &content, None, events)
    }

    /// Decides a replacement.
    pub(crate) fn decide_replace(
        &self,
        entering: &Entering<'_>,
        replacing: Replacing,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let &Entering { now, trader, .. } = entering;
        let Replacing {
            order,
            quantity,
            limit,
            believed,
        } = replacing;
        let known = self.hidden.find(trader, order);
        let old = *known.ok_or(Reject::UnknownOrder { order })?;
        let open = old.content.quantity;
        if believed.is_some_and(|believed| believed != open) {
            return Err(Reject::OpenDiffers { open });
        }
        if (quantity, limit) == (open, old.content.limit) {
            return Err(Reject::Unchanged);
        }
        if let Some(since) = self.no_cancel_since(now, &old)
            && !old.is_improved_by(trader, limit, quantity)
        {
            return Err(Reject::NoCancelNow { since });
        }
        let keeps_place = limit == old.content.limit && quantity < open;
        let lot = self.lot.id;
        let replaced = Event::Private(PrivateEvent::DayOrderReplaced {
            lot,
            trader,
            order,
            quantity,
            limit,
            keeps_place,
        });
        let number = self.hidden.shown_number(&old);
        if keeps_place {
            let round_lot = self.lot.quantity;
            if !quantity.get().is_multiple_of(round_lot.get()) {
                return Err(Reject::OffRoundLot { round_lot });
            }
            events.push(replaced);
            if let Some(number) = number {
                events.push(Event::Public(PublicEvent::OrderReduced {
                    lot,
                    number,
                    open: quantity,
                }));
            }
            return Ok(());
        }
        let content = DayOrder {
            quantity,
            limit,
            ..old.content
        };
        self.check_content(entering, &content)?;
        if let TimeInForce::Until(until) = content.time_in_force
            && until <= now
        {
            return Err(Reject::UntilPassed { until });
        }
        let mut others = self.hidden.owned(trader);
        others.open[content.side as usize] -= open.get();
        self.check_limits(entering, &content, others, 0)?;
        events.push(replaced);
        if let Some(number) = number {
            events.push(Event::Public(PublicEvent::OrderGone { lot, number }));
        }
        self.admit(entering, order, &content, Some(&old), events)
    }

    /// Parks, rests or trades an order that was checked; `old` is what it replaces.
    fn admit(
        &self,
        entering: &Entering<'_>,
        order: OrderId,
        content: &DayOrder,
        old: Option<&Entry>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let trader = entering.trader;
        let (lot, open) = (self.lot.id, content.quantity);
        let phase = self.day.phase.ok_or(Reject::LotNotBegun {
            lot,
            opens_at: self.lot.opened_at,
        })?;
        if self.parks(phase, content) {
            self.check_covers(entering, content, old, Place::Parked)?;
            events.push(Event::Private(PrivateEvent::DayOrderParked {
                lot,
                trader,
                order,
                open,
            }));
            return Ok(());
        }
        match phase {
            DayPhase::PreOpen => unreachable!("before the opening all orders are parked"),
            DayPhase::Call | DayPhase::Volatility => {
                let call = self.hidden.call().expect("a call runs");
                let checked = match old.map(|old| old.place) {
                    Some(Place::InCall(place)) => {
                        let place = call::OrderId(place);
                        let checked = call.check_replace(place, trader, content.limit, open);
                        checked.map(|_| ())
                    }
                    _ => call.check_add(trader, &content.entry()),
                };
                checked.map_err(|error| refused(error, order))?;
                self.check_covers(entering, content, old, Place::InCall(0))?;
                events.push(Event::Private(PrivateEvent::DayOrderRests {
                    lot,
                    trader,
                    order,
                    open,
                }));
                if call.count_of(trader) == 0 {
                    events.push(self.counted(call.trader_count() + 1));
                }
                Ok(())
            }
            DayPhase::AtLast => {
                let book = self.hidden.book();
                let price = book.and_then(|book| book.closing_price());
                if let Some(price) = price.filter(|price| !content.takes(*price)) {
                    return Err(Reject::NotAtClose { price });
                }
                self.trade(entering, order, content, old, events)?;
                self.check_covers(entering, content, old, Place::InCall(0))
            }
            DayPhase::Continuous => {
                self.trade(entering, order, content, old, events)?;
                self.check_covers(entering, content, old, Place::Incoming)
            }
        }
    }

    /// Trades an order at once; its rest rests, lapses or interrupts.
    fn trade(
        &self,
        entering: &Entering<'_>,
        order: OrderId,
        content: &DayOrder,
        old: Option<&Entry>,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let (lot, trader) = (self.lot.id, entering.trader);
        let book = self.hidden.book().expect("a book trades");
        let corridor = match self.day.phase {
            Some(DayPhase::Continuous) => self.corridor(),
            _ => Corridor::OPEN,
        };
        let mut left = content.quantity.get();
        let mut trade = self.day.statistics.trades;
        let fate = book.preview(
            &content.incoming(trader),
            &corridor,
            self.budget(entering, content, old),
            |effect| {
                self.tell(
                    effect,
                    (trader, order),
                    content.side,
                    &mut left,
                    &mut trade,
                    events,
                )
            },
        );
        let fate = fate.map_err(|error| not_entered(error, order))?;
        let rests = |open| PrivateEvent::DayOrderRests {
            lot,
            trader,
            order,
            open,
        };
        let lapsed = |quantity, because| PrivateEvent::DayOrderLapsed {
            lot,
            trader,
            order,
            quantity,
            because,
        };
        match fate {
            Fate::Done => {}
            Fate::Rests(open) => {
                events.push(Event::Private(rests(open)));
                let price = book.closing_price().or(content.limit);
                events.push(Event::Public(PublicEvent::OrderShown {
                    lot,
                    number: self.day.last_number + 1,
                    side: content.side,
                    price: price.expect("a market order does not rest"),
                    open,
                }));
            }
            Fate::Lapsed(quantity, because) => {
                let because = match because {
                    LapsedBecause::Rest => LapseReason::Rest,
                    LapsedBecause::FillOrKill => LapseReason::FillOrKill,
                    LapsedBecause::SelfTrade => LapseReason::SelfTrade,
                };
                events.push(Event::Private(lapsed(quantity, because)));
            }
            Fate::Spent(quantity) => {
                events.push(Event::Private(lapsed(quantity, LapseReason::Funds)));
            }
            Fate::Interrupted(_, price) => {
                let funds = entering.funds.clone();
                let mut draft = self.draft(funds, entering.now, entering.stock_price, events);
                draft.interrupt((trader, order), price);
            }
        }
        Ok(())
    }

    /// Tells of an effect on a resting order.
    fn tell(
        &self,
        effect: Effect,
        incoming: Id,
        side: Side,
        left: &mut u64,
        trade: &mut u64,
        events: &mut Events,
    ) {
        let lot = self.lot.id;
        match effect {
            Effect::Trade {
                resting,
                price,
                quantity,
                left: resting_left,
                ..
            } => {
                let (maker, entry) = self.hidden.in_slot(resting);
                *left -= quantity.get();
                *trade += 1;
                let fill = |(trader, order): Id, role, left| {
                    Event::Private(PrivateEvent::DayOrderFilled {
                        lot,
                        trader,
                        order,
                        trade: *trade,
                        price,
                        quantity,
                        role,
                        left,
                    })
                };
                events.push(fill(maker, FillRole::Maker, resting_left));
                events.push(fill(incoming, FillRole::Taker, *left));
                events.push(Event::Public(PublicEvent::Traded {
                    lot,
                    number: *trade,
                    price,
                    quantity,
                    resting: entry.number,
                    aggressor: side,
                }));
            }
            Effect::Decremented {
                resting,
                quantity,
                left: resting_left,
            } => {
                let ((trader, order), entry) = self.hidden.in_slot(resting);
                *left -= quantity.get();
                events.push(Event::Private(PrivateEvent::DayOrdersDecremented {
                    lot,
                    trader,
                    resting: order,
                    incoming: incoming.1,
                    quantity,
                    resting_left,
                    incoming_left: *left,
                }));
                let number = entry.number;
                events.push(Event::Public(match Quantity::new(resting_left) {
                    Some(open) => PublicEvent::OrderReduced { lot, number, open },
                    None => PublicEvent::OrderGone { lot, number },
                }));
            }
            Effect::Lapsed { resting, quantity } => {
                let ((trader, order), entry) = self.hidden.in_slot(resting);
                events.push(Event::Private(PrivateEvent::DayOrderLapsed {
                    lot,
                    trader,
                    order,
                    quantity,
                    because: LapseReason::SelfTrade,
                }));
                let number = entry.number;
                events.push(Event::Public(PublicEvent::OrderGone { lot, number }));
            }
            Effect::Replaced { .. } | Effect::Cancelled { .. } => {
                unreachable!("an order that comes in does neither")
            }
        }
    }

    /// Prices at which an incoming order may trade.
    fn corridor(&self) -> Corridor {
        let still = self.day.reference.unwrap_or(Price::ZERO);
        let moving = self.day.statistics.last.unwrap_or(still);
        let mut corridor = Corridor::OPEN;
        if let Some(collar) = &self.terms.static_corridor {
            corridor = corridor.within(collar, still);
        }
        if let Some(collar) = &self.terms.dynamic_corridor {
            corridor = corridor.within(collar, moving);
        }
        corridor
    }

    /// Cash that a market buy can spend in continuous trading.
    fn budget(
        &self,
        entering: &Entering<'_>,
        content: &DayOrder,
        old: Option<&Entry>,
    ) -> Option<Budget> {
        let is_bounded = self.day.phase == Some(DayPhase::Continuous)
            && content.side == Side::Buy
            && content.limit.is_none();
        let cash = entering
            .funds
            .cash(entering.trader)
            .filter(|_| is_bounded)?;
        Some(Budget {
            cash: cash.saturating_add(self.reserved(old).cash),
            round_lot: self.lot.quantity,
        })
    }

    fn reserved(&self, old: Option<&Entry>) -> Reservation {
        old.map_or(Reservation::NOTHING, |old| {
            let DayOrder {
                side,
                limit,
                quantity,
                ..
            } = old.content;
            super::DaySecret::reserves(self.lot, old.place, side, limit, quantity.get())
        })
    }

    /// Checks that the trader can pay what the order reserves at a place, beyond what it replaces.
    fn check_covers(
        &self,
        entering: &Entering<'_>,
        content: &DayOrder,
        old: Option<&Entry>,
        place: Place,
    ) -> Result<(), Reject> {
        let DayOrder {
            side,
            limit,
            quantity,
            ..
        } = *content;
        let needed = super::DaySecret::reserves(self.lot, place, side, limit, quantity.get());
        let needed = needed.beyond(self.reserved(old));
        let Reservation { cash, shares } = needed;
        let funds = &entering.funds;
        funds.check(self.lot, entering.trader, cash, shares)
    }

    /// Checks what does not depend on the phase.
    fn check_content(&self, entering: &Entering<'_>, content: &DayOrder) -> Result<(), Reject> {
        let terms = call::BookTerms {
            tick: self.terms.call.tick,
            round_lot: self.lot.quantity,
            reference: self.reference(entering),
            collar: self.terms.call.collar,
        };
        let checked = terms.check(&content.entry());
        checked.map_err(|error| refused(error, OrderId(0)))?;
        let may_rest = matches!(
            content.time_in_force,
            TimeInForce::Day | TimeInForce::Until(_)
        );
        if content.post_only && !(may_rest && content.limit.is_some()) {
            return Err(Reject::PostOnlyMustRest);
        }
        Ok(())
    }

    /// Checks that the running phase takes a new order of this kind.
    fn check_phase(&self, content: &DayOrder) -> Result<(), Reject> {
        let lot = self.lot.id;
        let phase = self.day.phase.ok_or(Reject::LotNotBegun {
            lot,
            opens_at: self.lot.opened_at,
        })?;
        let accepted = self.accepted(phase);
        let fits = accepted.contains(content.time_in_force.kind())
            && (!content.post_only || accepted.contains(OrderKind::PostOnly));
        fits.then_some(())
            .ok_or(Reject::NotInPhase { phase, accepted })
    }

    fn accepted(&self, phase: DayPhase) -> OrderKinds {
        use OrderKind::{
            AtClose, AtOpen, Auction, Day, FillOrKill, ImmediateOrCancel, PostOnly, Until,
        };
        OrderKinds::of(match phase {
            DayPhase::PreOpen => &[Day, Until, AtOpen, AtClose, Auction],
            DayPhase::Call if self.day.is_opening_call(self.terms) => {
                &[Day, Until, AtOpen, AtClose, Auction]
            }
            DayPhase::Call | DayPhase::Volatility => &[Day, Until, AtClose, Auction],
            DayPhase::Continuous => &[
                Day,
                Until,
                ImmediateOrCancel,
                FillOrKill,
                AtClose,
                Auction,
                PostOnly,
            ],
            DayPhase::AtLast => &[Day, Until],
        })
    }

    /// Returns true if an order waits for its call.
    fn parks(&self, phase: DayPhase, content: &DayOrder) -> bool {
        let kind = content.time_in_force;
        match phase {
            DayPhase::PreOpen => true,
            DayPhase::Call | DayPhase::Volatility => {
                kind == TimeInForce::AtClose && !self.day.is_closing_call(self.terms)
            }
            DayPhase::Continuous => {
                matches!(kind, TimeInForce::AtClose | TimeInForce::Auction)
            }
            DayPhase::AtLast => false,
        }
    }

    /// Reference of a call that would begin now; zero: none.
    fn reference(&self, entering: &Entering<'_>) -> Price {
        let last = self.day.statistics.last;
        let price = last.unwrap_or(entering.stock_price);
        call::round_down(price, self.terms.call.tick)
    }

    /// Checks the trader's limits; `others` are their other orders, `count` of orders there would be.
    fn check_limits(
        &self,
        entering: &Entering<'_>,
        content: &DayOrder,
        others: Owned,
        count: u32,
    ) -> Result<(), Reject> {
        let limits = &entering.limits;
        let quantity = content.quantity.get();
        let price = content.limit.unwrap_or_else(|| self.reference(entering));
        let value = i128::from(price.units()) * i128::from(quantity);
        let exposed = i128::from(others.open[content.side as usize]) + i128::from(quantity);
        let position = others.position();
        let (side, most, held) = match content.side {
            Side::Buy => (TraderLimit::Long, limits.long, position),
            Side::Sell => (TraderLimit::Short, limits.short, -position),
        };
        let checks = [
            (
                TraderLimit::OrderQuantity,
                limits.order_quantity.map(Quantity::get),
                i128::from(quantity),
            ),
            (
                TraderLimit::OrderValue,
                limits.order_value.map(crate::Amount::units),
                value,
            ),
            (
                TraderLimit::OpenOrders,
                limits.open_orders.map(u64::from),
                i128::from(count),
            ),
            (side, most, held + exposed),
        ];
        for (limit, most, is) in checks {
            if let Some(most) = most.filter(|most| is > i128::from(*most)) {
                return Err(Reject::OverLimit { limit, most });
            }
        }
        Ok(())
    }
}

impl Entry {
    /// Returns true if a replacement only improves the order, as a no-cancel window allows.
    fn is_improved_by(&self, trader: UserId, limit: Option<Price>, quantity: Quantity) -> bool {
        let order = call::Order {
            id: call::OrderId(0),
            trader,
            entry: self.content.entry(),
        };
        order.is_improved_by(limit, quantity)
    }
}

fn not_entered(error: Refused, order: OrderId) -> Reject {
    match error {
        Refused::Order(error) => refused(error, order),
        Refused::UnknownOrder { .. } => Reject::UnknownOrder { order },
        Refused::WouldTrade { price } => Reject::WouldTrade { price },
        Refused::PostOnlyMustRest => Reject::PostOnlyMustRest,
        Refused::OpenDiffers { open } => Reject::OpenDiffers { open },
        Refused::NotAtClose { price } => Reject::NotAtClose { price },
        Refused::NoPlaceLeft => refused(
            OrderError::BookFull {
                most: DAY_ORDERS_MAX as u32,
            },
            order,
        ),
    }
}
