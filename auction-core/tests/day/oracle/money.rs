//! Accounts on funds: what is reserved is computed from the orders that are alive.

use auction_core::limits::PRICE_MAX;

use super::{Day, Kind, Order, Owner, Refusal, Side};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub cash: u64,
    pub shares: u64,
}

impl Day {
    pub fn account(&self, owner: Owner) -> Account {
        self.accounts.get(&owner).copied().unwrap_or_default()
    }

    /// Returns cash and shares that orders of the trader reserve.
    pub fn reserved(&self, owner: Owner) -> Account {
        let own = || self.orders.iter().filter(|order| order.owner == owner);
        Account {
            cash: own().map(|order| self.costs(order)).sum(),
            shares: own().map(delivers).sum(),
        }
    }

    pub fn free(&self, owner: Owner) -> Account {
        let (account, reserved) = (self.account(owner), self.reserved(owner));
        Account {
            cash: account.cash - reserved.cash,
            shares: account.shares - reserved.shares,
        }
    }

    /// A buy reserves its limit for each share. At market it reserves nothing while it is parked, the greatest price it
    /// could trade at in a call, and the closing price at last.
    pub fn costs(&self, order: &Order) -> u64 {
        let greatest = match (order.side, order.limit) {
            (Side::Sell, _) => 0,
            (Side::Buy, Some(limit)) => limit,
            (Side::Buy, None) if order.place.is_none() => 0,
            (Side::Buy, None) => self.greatest_price(),
        };
        greatest.saturating_mul(order.open)
    }

    /// Greatest price at which a market order in the book can trade.
    fn greatest_price(&self) -> u64 {
        match (self.phase.kind, self.highest_inside()) {
            (Kind::AtLast, _) => self.last().expect("at-last has a price"),
            (_, Some(highest)) => highest,
            (_, None) => PRICE_MAX,
        }
    }

    /// Checks that an order which is not yet in the list can be paid. `before` is what it replaces.
    pub fn check_funds(&self, order: &Order, before: Option<&Order>) -> Result<(), Refusal> {
        if !self.terms.funds {
            return Ok(());
        }
        let reserved = |order: &Order| (self.costs(order), delivers(order));
        let (cash, shares) = reserved(order);
        let (cash_before, shares_before) = before.map_or((0, 0), reserved);
        let free = self.free(order.owner);
        if cash > free.cash {
            return Err(Refusal::Funds(cash - cash_before, free.cash - cash_before));
        }
        if shares > free.shares {
            return Err(Refusal::Shares(
                shares - shares_before,
                free.shares - shares_before,
            ));
        }
        Ok(())
    }

    /// Greatest multiple of the round lot that the trader's free cash pays for at this price.
    pub fn affordable(&self, owner: Owner, price: u64) -> u64 {
        let lot = self.terms.round_lot;
        self.free(owner).cash / price / lot * lot
    }

    /// Settles one side of a trade at once.
    pub fn settle(&mut self, owner: Owner, side: Side, price: u64, quantity: u64) {
        let position = self.positions.entry(owner).or_default();
        *position += match side {
            Side::Buy => quantity as i64,
            Side::Sell => -(quantity as i64),
        };
        if self.terms.funds {
            let account = self.accounts.entry(owner).or_default();
            match side {
                Side::Buy => {
                    account.cash -= price * quantity;
                    account.shares += quantity;
                }
                Side::Sell => {
                    account.cash += price * quantity;
                    account.shares -= quantity;
                }
            }
        }
    }
}

fn delivers(order: &Order) -> u64 {
    match order.side {
        Side::Buy => 0,
        Side::Sell => order.open,
    }
}
