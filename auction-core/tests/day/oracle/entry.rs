//! Entry, replacement and cancellation of orders.

use super::{Answer, Day, Event, Id, Kind, NewOrder, Order, Owner, Refusal, Side, Tif};

impl Day {
    pub fn enter(&mut self, owner: Owner, new: NewOrder) -> Answer {
        let mut order = Order {
            id: self.accepted,
            owner,
            side: new.side,
            open: new.quantity,
            limit: new.limit,
            tif: new.tif,
            own: new.own,
            post_only: new.post_only,
            accepted: 0,
            place: None,
        };
        let mut reasons = self.malformed(&order);
        let kind = self.phase.kind;
        if !self.is_taken(&order) {
            reasons.push(Refusal::NotInPhase(kind));
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let over = self.over_limits(&order, true);
        if !over.is_empty() {
            return Err(over);
        }
        self.accepted += 1;
        order.accepted = self.rank();
        self.admit(order, None)
    }

    /// Keeps its place only if the price is unchanged and the quantity not raised.
    pub fn replace(
        &mut self,
        owner: Owner,
        id: Id,
        quantity: u64,
        limit: Option<u64>,
        believed: Option<u64>,
    ) -> Answer {
        let old = self.own_order(owner, id)?;
        let mut reasons = Vec::new();
        if believed.is_some_and(|believed| believed != old.open) {
            reasons.push(Refusal::OpenDiffers(old.open));
        }
        if (limit, quantity) == (old.limit, old.open) {
            reasons.push(Refusal::Unchanged);
        }
        // Improving is a better price, or a limit become market, for no lower quantity.
        let improves = match (old.limit, limit, old.side) {
            (Some(_), None, _) => true,
            (None, _, _) => false,
            (Some(old), Some(new), Side::Buy) => new > old,
            (Some(old), Some(new), Side::Sell) => new < old,
        };
        let improves = improves && quantity >= old.open;
        if !improves {
            reasons.extend(self.check_cancels(&old).err());
        }
        let mut new = Order {
            open: quantity,
            limit,
            ..old
        };
        let keeps = limit == old.limit && quantity <= old.open;
        let malformed = self.malformed(&new).into_iter();
        // What keeps its place is not entered again.
        reasons.extend(malformed.filter(|reason| !keeps || *reason == Refusal::OffRoundLot));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let replaced = Event::Replaced {
            id,
            quantity,
            kept: keeps,
        };
        self.events.push(replaced);
        self.take_off(id);
        if keeps {
            self.orders.push(new);
            return Ok(());
        }
        let over = self.over_limits(&new, false);
        if !over.is_empty() {
            return Err(over);
        }
        new.accepted = self.rank();
        new.place = None;
        self.admit(new, Some(&old))
    }

    pub fn cancel(&mut self, owner: Owner, id: Id) -> Answer {
        let order = self.own_order(owner, id)?;
        self.check_cancels(&order).map_err(|no| vec![no])?;
        self.take_off(id);
        self.events.push(Event::Cancelled(id, order.open));
        Ok(())
    }

    /// Orders that may not be cancelled are named, the others go.
    pub fn cancel_all(&mut self, owner: Owner) {
        for order in self.of_owner(owner) {
            if self.can_be_cancelled(&order, self.at) {
                self.take_off(order.id);
                self.events.push(Event::Cancelled(order.id, order.open));
            } else {
                self.events.push(Event::Kept(order.id));
            }
        }
    }

    fn check_cancels(&self, order: &Order) -> Result<(), Refusal> {
        match self.no_cancel_since(self.at) {
            Some(since) if !self.can_be_cancelled(order, self.at) => {
                Err(Refusal::NoCancelNow(since))
            }
            _ => Ok(()),
        }
    }

    fn own_order(&self, owner: Owner, id: Id) -> Result<Order, Vec<Refusal>> {
        let own = self.order(id).filter(|order| order.owner == owner);
        own.ok_or_else(|| vec![Refusal::UnknownOrder])
    }

    /// Enters an order that was checked, and is in no list; `old` is what it replaces.
    fn admit(&mut self, order: Order, old: Option<&Order>) -> Answer {
        let kind = self.phase.kind;
        if self.parks(&order) {
            self.check_funds(&order, old).map_err(|no| vec![no])?;
            self.park(order);
            return Ok(());
        }
        // In the book, where a market order has a price to reserve.
        let in_book = Order {
            place: Some(0),
            ..order
        };
        let mut reasons = Vec::new();
        match kind {
            Kind::Call | Kind::Volatility => {
                let own = self.own_met(&order);
                reasons.extend(own.map(|own| Refusal::WouldSelfTrade(own.limit)));
                reasons.extend(self.check_funds(&in_book, old).err());
            }
            Kind::AtLast => {
                let price = self.last().expect("at-last has a price");
                if !order.takes(price) {
                    reasons.push(Refusal::NotAtClose(price));
                }
                reasons.extend(self.check_funds(&in_book, old).err());
            }
            // Post-only is refused by any order that it crosses, own ones and outside a corridor too.
            Kind::Continuous => {
                if let Some(price) = self.first_met(&order).filter(|_| order.post_only) {
                    reasons.push(Refusal::WouldTrade(price));
                }
                reasons.extend(self.check_funds(&order, old).err());
            }
            Kind::PreOpen | Kind::Closed => unreachable!("it was parked or refused"),
        }
        let does_not_trade =
            |reason: &Refusal| matches!(reason, Refusal::NotAtClose(_) | Refusal::WouldTrade(_));
        if reasons.iter().any(does_not_trade) {
            return Err(reasons);
        }
        if kind == Kind::Continuous || kind == Kind::AtLast {
            let mut tried = self.clone();
            // What cannot be paid may be refused for an own order instead.
            tried.terms.funds &= reasons.is_empty();
            match tried.trade_at_once(order) {
                Ok(()) if reasons.is_empty() => *self = tried,
                Ok(()) => {}
                Err(refusal) => reasons.push(refusal),
            }
        } else if reasons.is_empty() {
            self.rest(order);
        }
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons)
        }
    }

    /// Faults of an order, whatever the phase.
    fn malformed(&self, order: &Order) -> Vec<Refusal> {
        let mut faults = Vec::new();
        let tick = self.terms.tick;
        if let Some(limit) = order.limit.filter(|limit| *limit == 0 || limit % tick != 0) {
            faults.push(Refusal::OffTick((limit / tick + 1) * tick));
        }
        if !order.open.is_multiple_of(self.terms.round_lot) {
            faults.push(Refusal::OffRoundLot);
        }
        if let Tif::Until(until) = order.tif
            && until <= self.at
        {
            faults.push(Refusal::UntilPassed(until));
        }
        let must_rest = matches!(order.tif, Tif::Day | Tif::Until(_)) && order.limit.is_some();
        if order.post_only && !must_rest {
            faults.push(Refusal::PostOnlyMustRest);
        }
        faults
    }

    /// Returns true if the running phase takes a new order of this kind.
    fn is_taken(&self, order: &Order) -> bool {
        self.takes(order.tif) && (!order.post_only || self.takes_post_only())
    }

    pub fn takes(&self, tif: Tif) -> bool {
        let kind = self.phase.kind;
        match tif {
            Tif::Day | Tif::Until(_) => true,
            Tif::Ioc | Tif::Fok => kind == Kind::Continuous,
            Tif::AtOpen => kind == Kind::PreOpen || self.is_opening_call(),
            // Until the closing call's uncross, after which there is only at-last.
            Tif::AtClose | Tif::Auction => kind != Kind::AtLast,
        }
    }

    pub fn takes_post_only(&self) -> bool {
        self.phase.kind == Kind::Continuous
    }

    /// Returns true if an order waits for its call.
    fn parks(&self, order: &Order) -> bool {
        match self.phase.kind {
            Kind::PreOpen => true,
            Kind::Call | Kind::Volatility => order.tif == Tif::AtClose && !self.is_closing_call(),
            Kind::Continuous => matches!(order.tif, Tif::AtClose | Tif::Auction),
            Kind::AtLast | Kind::Closed => false,
        }
    }
}
