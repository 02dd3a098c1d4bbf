//! Settlement: shares bought and sold, and money owed, by lot and trader.
//!
//! The fold reads whole records, private events included: they alone say whose the fills of calls and trading days are.
//! It keeps the names of the users, the live orders, and the accounts of the lots that are open.

use std::collections::BTreeMap;

use auction_core::{
    AccountEvent, Accounts, Event, Format, LotId, Name, OrderId, Outcome, Price, PublicEvent,
    Record, Side, Symbol, UserId,
};

use crate::journal::VisitError;

/// Shares and money of one party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Shares bought.
    pub bought: u128,
    /// Shares sold.
    pub sold: u128,
    /// Money owed to the market, in ten-thousandths.
    pub pays: u128,
    /// Money that the market owes, in ten-thousandths.
    pub receives: u128,
}

impl Settled {
    fn trade(&mut self, side: Side, shares: u64, price: Price) {
        let shares = u128::from(shares);
        let value = u128::from(price.units()).saturating_mul(shares);
        let (own, money) = match side {
            Side::Buy => (&mut self.bought, &mut self.pays),
            Side::Sell => (&mut self.sold, &mut self.receives),
        };
        *own = own.saturating_add(shares);
        *money = money.saturating_add(value);
    }

    /// Adds what another lot settles.
    pub fn add(&mut self, other: &Self) {
        self.bought = self.bought.saturating_add(other.bought);
        self.sold = self.sold.saturating_add(other.sold);
        self.pays = self.pays.saturating_add(other.pays);
        self.receives = self.receives.saturating_add(other.receives);
    }
}

/// A party to a lot: a trader, or `None` for the house, which sells lots of a single seller.
pub type Party = Option<UserId>;

/// Shares and money of one party to one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// The lot.
    pub lot: LotId,
    /// Stock of the lot.
    pub symbol: Symbol,
    /// Format of the lot.
    pub format: Format,
    /// The party.
    pub party: Party,
    /// Name of the trader; `None`: the house.
    pub name: Option<Name>,
    /// Shares and money.
    pub settled: Settled,
}

/// Settles the lots of a journal, from its first record on.
#[derive(Debug, Default)]
pub struct Settlement {
    users: Vec<Name>,
    accounts: Accounts,
    /// Sides of the live orders of calls and trading days.
    sides: BTreeMap<(LotId, UserId, OrderId), Side>,
    lots_opened: u32,
    open: BTreeMap<LotId, OpenLot>,
}

#[derive(Debug)]
struct OpenLot {
    symbol: Symbol,
    format: Format,
    quantity: u64,
    parties: BTreeMap<Party, Settled>,
}

impl Settlement {
    /// Takes the next record, and passes the rows of the lots that it closes to `found`.
    ///
    /// # Errors
    /// A user, lot or order is unknown or out of order, or a lot does not balance: records are missing or
    /// damaged.
    pub fn take(
        &mut self,
        record: &Record,
        mut found: impl FnMut(SettlementRow),
    ) -> Result<(), VisitError> {
        for event in &record.events {
            let mut closed = None;
            match event {
                Event::Public(PublicEvent::UserRegistered { user, name, .. }) => {
                    self.users.push(*name);
                    if user.0 as usize != self.users.len() {
                        let expected = self.users.len();
                        return Err(format!(
                            "user {user} registered where {expected} was expected"
                        )
                        .into());
                    }
                }
                Event::Public(PublicEvent::LotOpened(opened)) => {
                    self.lots_opened = self.lots_opened.saturating_add(1);
                    if opened.lot.0 != self.lots_opened {
                        let (lot, expected) = (opened.lot, self.lots_opened);
                        return Err(
                            format!("lot {lot} opened where {expected} was expected").into()
                        );
                    }
                    let lot = OpenLot {
                        symbol: opened.symbol,
                        format: opened.terms.kind(),
                        quantity: opened.quantity.get(),
                        parties: BTreeMap::new(),
                    };
                    self.open.insert(opened.lot, lot);
                }
                Event::Public(PublicEvent::LotClosed { lot, outcome }) => {
                    closed = Some((*lot, *outcome));
                }
                _ => {}
            }
            let outcome = closed.map(|(_, outcome)| outcome);
            for (user, event) in self.accounts.apply(event) {
                self.take_own(user, &event, outcome)?;
            }
            if let Some((lot, outcome)) = closed {
                self.close(lot, outcome, &mut found)?;
            }
        }
        Ok(())
    }

    /// Passes the rows of the lots that are still open: the trades of trading days so far.
    ///
    /// # Errors
    /// A lot does not balance.
    pub fn finish(mut self, mut found: impl FnMut(SettlementRow)) -> Result<(), VisitError> {
        while let Some((lot, account)) = self.open.pop_first() {
            self.rows(lot, &account, None, &mut found)?;
        }
        Ok(())
    }

    fn take_own(
        &mut self,
        user: UserId,
        event: &AccountEvent,
        outcome: Option<Outcome>,
    ) -> Result<(), VisitError> {
        match *event {
            AccountEvent::OrderPlaced(order) => {
                let key = (order.lot, user, order.order);
                self.sides.insert(key, order.side);
            }
            AccountEvent::DayOrderAccepted {
                lot,
                order,
                ref content,
            } => {
                self.sides.insert((lot, user, order), content.side);
            }
            AccountEvent::OrderFilled {
                lot,
                order,
                filled,
                pays,
            } => {
                let crossed = match outcome {
                    Some(Outcome::Crossed { price, .. }) => Some(price),
                    _ => None,
                };
                let price = pays.or(crossed);
                let price = price
                    .ok_or_else(|| format!("order {order} on lot {lot} was filled at no price"))?;
                self.fill((lot, user, order), filled, price)?;
                self.sides.remove(&(lot, user, order));
            }
            AccountEvent::DayOrderFilled {
                lot,
                order,
                price,
                quantity,
                left,
                ..
            } => {
                self.fill((lot, user, order), quantity.get(), price)?;
                self.leave((lot, user, order), left);
            }
            AccountEvent::DayOrdersDecremented {
                lot,
                resting,
                incoming,
                resting_left,
                incoming_left,
                ..
            } => {
                self.leave((lot, user, resting), resting_left);
                self.leave((lot, user, incoming), incoming_left);
            }
            AccountEvent::OrderCancelled { lot, order }
            | AccountEvent::OrderLapsed { lot, order }
            | AccountEvent::DayOrderLapsed { lot, order, .. } => self.leave((lot, user, order), 0),
            AccountEvent::Won { lot, price } => {
                let account = self.lot(lot)?;
                // The fills of sealed bids were taken when the bids were opened.
                if matches!(account.format, Format::English | Format::Dutch) {
                    account.trade(user, Side::Buy, account.quantity, price);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, order: (LotId, UserId, OrderId), left: u64) {
        if left == 0 {
            self.sides.remove(&order);
        }
    }

    fn fill(
        &mut self,
        (lot, user, order): (LotId, UserId, OrderId),
        shares: u64,
        price: Price,
    ) -> Result<(), VisitError> {
        let side = self.sides.get(&(lot, user, order)).copied();
        let side =
            side.ok_or_else(|| format!("order {order} on lot {lot} was filled, but never placed"))?;
        self.lot(lot)?.trade(user, side, shares, price);
        Ok(())
    }

    fn lot(&mut self, lot: LotId) -> Result<&mut OpenLot, VisitError> {
        let found = self.open.get_mut(&lot);
        found.ok_or_else(|| format!("lot {lot} is not open").into())
    }

    fn close(
        &mut self,
        lot: LotId,
        outcome: Outcome,
        found: &mut impl FnMut(SettlementRow),
    ) -> Result<(), VisitError> {
        let account = self.open.remove(&lot);
        let account = account.ok_or_else(|| format!("lot {lot} is not open"))?;
        let traded = match outcome {
            Outcome::Sold { .. } => account.quantity.into(),
            Outcome::Allocated { sold, .. } => sold.into(),
            Outcome::Crossed { volume, .. } => volume.into(),
            Outcome::Day { volume, .. } => volume,
            Outcome::Unsold { .. } | Outcome::NoCross { .. } => 0,
        };
        self.rows(lot, &account, Some(traded), found)
    }

    /// Passes the rows of a lot, after a check that they balance and sum to the shares that the lot's outcome says.
    fn rows(
        &self,
        lot: LotId,
        account: &OpenLot,
        traded: Option<u128>,
        found: &mut impl FnMut(SettlementRow),
    ) -> Result<(), VisitError> {
        let mut sum = Settled::default();
        for settled in account.parties.values() {
            sum.add(settled);
        }
        let Settled {
            bought,
            sold,
            pays,
            receives,
        } = sum;
        if bought != sold {
            return Err(format!(
                "lot {lot} does not balance: {bought} shares were bought, and {sold} sold"
            )
            .into());
        }
        if pays != receives {
            return Err(format!(
                "lot {lot} does not balance: {pays} ten-thousandths are paid, and {receives} received"
            )
            .into());
        }
        if let Some(traded) = traded.filter(|traded| *traded != bought) {
            return Err(format!(
                "lot {lot} closed with {traded} shares traded, but its fills are {bought}"
            )
            .into());
        }
        for (party, settled) in &account.parties {
            let name = party.map(|user| self.name(user)).transpose()?;
            found(SettlementRow {
                lot,
                symbol: account.symbol,
                format: account.format,
                party: *party,
                name,
                settled: *settled,
            });
        }
        Ok(())
    }

    fn name(&self, user: UserId) -> Result<Name, VisitError> {
        let index = (user.0 as usize).checked_sub(1);
        let name = index.and_then(|index| self.users.get(index)).copied();
        name.ok_or_else(|| format!("user {user} is not known").into())
    }
}

impl OpenLot {
    fn trade(&mut self, user: UserId, side: Side, shares: u64, price: Price) {
        let own = self.parties.entry(Some(user)).or_default();
        own.trade(side, shares, price);
        if !matches!(self.format, Format::Call | Format::Day) {
            let house = self.parties.entry(None).or_default();
            house.trade(Side::Sell, shares, price);
        }
    }
}
