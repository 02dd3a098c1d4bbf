//! A call: reference, collar, windows, and the uncross.

use auction_core::limits::PRICE_MAX;

use crate::ladder::{self, Found, Plain};

use super::{Collar, Day, Event, Extension, Kind, LadderStep, NoPrice, Order, Side, Tif, Why};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Fixed when the call began; zero: none.
    pub reference: u64,
    pub collar: Option<Collar>,
    /// Time before its end at which it uncrosses, once drawn.
    pub drawn: Option<u64>,
    pub extensions: u32,
    pub market_extended: bool,
}

impl Day {
    /// Reference of a call that begins now: the lot's last trade, before one the stock's last uncross or base price.
    pub fn reference_now(&self) -> u64 {
        let tick = self.terms.tick;
        self.last().unwrap_or(self.terms.reference) / tick * tick
    }

    /// Time at which the random end is to be drawn, if it is not yet.
    pub fn draws_at(&self) -> Option<u64> {
        let call = self.phase.call?;
        let undrawn = call.drawn.is_none() && self.random_end() > 0;
        undrawn.then(|| self.phase.ends_at.saturating_sub(self.random_end()))
    }

    /// The random end falls between the beginning of its window and the end of the call.
    pub fn draw(&mut self) {
        let longest = self.random_end().min(self.phase.ends_at - self.at);
        let number = self.terms.draw.number(self.drawn);
        let before_end = (number % (u128::from(longest) + 1)) as u64;
        self.drawn += 1;
        self.call_mut().drawn = Some(before_end);
    }

    pub fn really_ends_at(&self) -> u64 {
        let drawn = self.phase.call.and_then(|call| call.drawn);
        self.phase.ends_at - drawn.unwrap_or(0)
    }

    /// Beginning of the no-cancel window, if it has come: before that of the random end. A halted call's time stands still. A volatility call
    /// has none.
    pub fn no_cancel_since(&self, at: u64) -> Option<u64> {
        let now = self.stands_since().unwrap_or(at);
        let is_call = self.phase.kind == Kind::Call;
        let window = self.terms.no_cancel.filter(|_| is_call)?;
        let since = self
            .phase
            .ends_at
            .saturating_sub(window + self.random_end());
        (now >= since).then_some(since)
    }

    /// The end of a call: an extension, or the uncross and `true`. Closing early settles without an extension.
    pub fn call_ends(&mut self, early: bool) -> bool {
        if let Some(cause) = self.extension().filter(|_| !early) {
            self.extend(cause);
            return false;
        }
        let fills = self.fills();
        match self.crossed() {
            Some((price, volume, surplus, by)) => {
                let traded = fills.iter().filter(|(_, filled)| *filled > 0);
                let mut traded: Vec<_> =
                    traded.map(|(order, filled)| (order.id, *filled)).collect();
                traded.sort_unstable();
                self.events.push(Event::Uncross {
                    price,
                    volume,
                    surplus,
                    by,
                    fills: traded,
                });
                self.trades.push((price, volume));
                self.call_price = Some(price);
                for (order, filled) in fills {
                    self.fill(&order, filled, price);
                }
            }
            None => self.events.push(Event::NoPrice(self.why_no_price())),
        }
        self.after_uncross(early || self.is_closing_call());
        true
    }

    /// Treats the orders after an uncross, by acceptance: auction orders park until the next call, orders for this call
    /// alone and market orders lapse, and so does what expired while it could not be cancelled.
    fn after_uncross(&mut self, was_last: bool) {
        for order in self.by_acceptance() {
            let gone = match (order.place, order.tif) {
                (None, _) => continue,
                (Some(_), Tif::Auction) if !was_last => {
                    let order = self.take_off(order.id);
                    self.park(order);
                    continue;
                }
                (Some(_), Tif::Auction | Tif::AtOpen | Tif::AtClose) => Some(Why::Uncross),
                (Some(_), _) if order.limit.is_none() => Some(Why::Uncross),
                (Some(_), Tif::Until(until)) if until <= self.at => Some(Why::Until),
                (Some(_), _) => None,
            };
            if let Some(why) = gone {
                self.lapse(order.id, why);
            }
        }
    }

    /// Outside the collar it is extended, up to a limit; then once if market orders would stay unfilled.
    fn extension(&self) -> Option<Extension> {
        let call = self.phase.call.expect("a call ends");
        let outside = self
            .found()
            .is_some_and(|(price, ..)| self.bound(price) != price);
        if outside && call.extensions < self.terms.extensions_max {
            return Some(Extension::Volatility);
        }
        let traded = self.crossed().map_or(0, |(_, volume, ..)| volume);
        let unfilled = |side| self.at_market(side) > traded;
        let extends = self.terms.market_extension && !call.market_extended;
        let extends = extends && (unfilled(Side::Buy) || unfilled(Side::Sell));
        extends.then_some(Extension::MarketOrders)
    }

    /// An extension has a random end and windows of its own.
    fn extend(&mut self, cause: Extension) {
        let ends_at = self.at + self.terms.extend_by;
        self.phase.ends_at = ends_at;
        let call = self.call_mut();
        call.drawn = None;
        match cause {
            Extension::Volatility => call.extensions += 1,
            Extension::MarketOrders => call.market_extended = true,
        }
        self.events.push(Event::Extended(cause, ends_at));
    }

    /// Moves the part of one order in the uncross: at one price it makes no difference who pays whom.
    fn fill(&mut self, order: &Order, filled: u64, price: u64) {
        if filled == 0 {
            return;
        }
        self.reduce(order.id, filled);
        self.settle(order.owner, order.side, price, filled);
    }

    /// Orders in the book, by place, and what each trades.
    fn fills(&self) -> Vec<(Order, u64)> {
        let book = self.by_place();
        let Some((price, volume, surplus, by)) = self.crossed() else {
            return Vec::new();
        };
        let found = (price / self.terms.tick, volume, surplus, by);
        let filled = ladder::fills(&self.plain(), found);
        book.into_iter().zip(filled).collect()
    }

    /// Price, volume, surplus and deciding step, whatever the collar.
    pub fn found(&self) -> Option<Found> {
        let tick = self.terms.tick;
        let reference = self.phase.call?.reference;
        let reference = (reference > 0).then_some(reference / tick);
        let (price, volume, surplus, by) = ladder::uncross(&self.plain(), reference)?;
        Some((price * tick, volume, surplus, by))
    }

    /// The same within the collar: outside it the price is the nearer bound, if anything trades there.
    pub fn crossed(&self) -> Option<Found> {
        let found = self.found()?;
        let bound = self.bound(found.0);
        if bound == found.0 {
            return Some(found);
        }
        let (plain, at) = (self.plain(), bound / self.terms.tick);
        let volume = ladder::volume(&plain, at);
        (volume > 0).then(|| {
            (
                bound,
                volume,
                ladder::surplus(&plain, at),
                LadderStep::Collar,
            )
        })
    }

    fn why_no_price(&self) -> NoPrice {
        let market = [Side::Buy, Side::Sell].map(|side| self.at_market(side));
        match self.found() {
            Some(_) => NoPrice::Collar,
            None if market[0] > 0 && market[1] > 0 => NoPrice::NoReference,
            None => NoPrice::NothingCrosses,
        }
    }

    /// The price, or the nearest on the tick that the collar allows.
    fn bound(&self, price: u64) -> u64 {
        match self.inside() {
            Some((lowest, highest)) => price.clamp(lowest, highest),
            None => price,
        }
    }

    pub fn highest_inside(&self) -> Option<u64> {
        self.inside().map(|(_, highest)| highest)
    }

    /// Lowest and highest price on the tick that the running call's collar allows.
    fn inside(&self) -> Option<(u64, u64)> {
        let call = self.phase.call?;
        let collar = call.collar.filter(|_| call.reference > 0)?;
        let (reach, tick) = (collar.reach(call.reference), self.terms.tick);
        let lowest = call.reference.saturating_sub(reach).div_ceil(tick).max(1) * tick;
        let highest = (call.reference + reach).min(PRICE_MAX) / tick * tick;
        Some((lowest, highest))
    }

    fn at_market(&self, side: Side) -> u64 {
        let of_side = self.plain().into_iter().filter(|order| order.side == side);
        of_side
            .filter(|order| order.limit.is_none())
            .map(|order| order.shares)
            .sum()
    }

    fn by_place(&self) -> Vec<Order> {
        let mut book = self.orders.clone();
        book.retain(|order| order.place.is_some());
        book.sort_by_key(|order| order.place);
        book
    }

    /// The book by place, limits in ticks.
    fn plain(&self) -> Vec<Plain> {
        let plain = |order: Order| Plain {
            side: order.side,
            shares: order.open,
            limit: order.limit.map(|limit| limit / self.terms.tick),
        };
        self.by_place().into_iter().map(plain).collect()
    }

    fn random_end(&self) -> u64 {
        match self.phase.kind {
            Kind::Volatility => self.terms.volatility_random_end,
            _ => self.terms.random_end,
        }
    }

    fn call_mut(&mut self) -> &mut Call {
        self.phase.call.as_mut().expect("a call runs")
    }
}
