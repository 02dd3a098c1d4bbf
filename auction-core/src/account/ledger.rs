//! Cash and shares of the traders, and how much of them is reserved, as a clearing house keeps them.
//!
//! Double-entry: every posting has two sides. Deposits come from outside, and the shares that a lot sells come from the
//! house; both have counter-accounts here, so that all accounts together balance exactly: see [`Ledger::audit`].

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::limits::{CASH_MAX, LOTS_MAX, QUANTITY_MAX, SHARES_DEPOSITED_MAX};
use crate::model::command::Asset;
use crate::{Amount, Price, Quantity, Reject, Side, Symbol, UserId};

// A u64 holds all the shares of a stock that can ever exist.
const _: () = assert!(
    LOTS_MAX as u128 * QUANTITY_MAX as u128 + SHARES_DEPOSITED_MAX as u128 <= u64::MAX as u128
);

/// A trader's cash and shares, and how much of them is reserved for their bids and orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Balance {
    cash: u64,
    reserved: u64,
    /// Without stocks of which no share is left.
    holdings: BTreeMap<Symbol, Holding>,
}

/// A trader's shares of one stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Holding {
    /// Shares that the trader owns.
    pub shares: u64,
    /// Shares of these that are reserved for orders to sell.
    pub reserved: u64,
}

impl Holding {
    /// Returns the number of shares that can be offered or withdrawn.
    #[must_use]
    pub fn free(self) -> u64 {
        self.shares.saturating_sub(self.reserved)
    }
}

impl Balance {
    /// Returns all the trader's cash, reserved cash included.
    #[must_use]
    pub fn cash(&self) -> Amount {
        amount(self.cash)
    }

    /// Returns the greatest cost of the trader's bids and orders.
    #[must_use]
    pub fn reserved(&self) -> Amount {
        amount(self.reserved)
    }

    /// Returns the cash that can be bid with or withdrawn: all cash less the reserved cash.
    #[must_use]
    pub fn free(&self) -> Amount {
        amount(self.cash.saturating_sub(self.reserved))
    }

    /// Returns the trader's shares of a stock.
    #[must_use]
    pub fn holding(&self, symbol: Symbol) -> Holding {
        self.holdings.get(&symbol).copied().unwrap_or_default()
    }

    /// Returns the trader's shares, by stock.
    pub fn holdings(&self) -> impl ExactSizeIterator<Item = (Symbol, Holding)> {
        self.holdings
            .iter()
            .map(|(symbol, holding)| (*symbol, *holding))
    }
}

/// The accounts of all traders, and their counter-accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ledger {
    /// By user; the balances of companies and auctioneers stay empty.
    balances: Vec<Balance>,
    house: House,
}

/// Counter-accounts of the traders' accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct House {
    deposited: u64,
    proceeds: u64,
    stocks: BTreeMap<Symbol, Issue>,
}

/// Sources of a stock's shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Issue {
    /// Shares deposited, less those withdrawn. Below zero when more were withdrawn than deposited: shares that a lot
    /// sold can leave the market too.
    pub deposited: i128,
    /// Shares sold by lots that have one seller.
    pub sold: u64,
}

impl House {
    /// Returns the cash that came from outside: deposits less withdrawals.
    #[must_use]
    pub fn deposited(&self) -> Amount {
        amount(self.deposited)
    }

    /// Returns the cash paid for lots that have one seller.
    #[must_use]
    pub fn proceeds(&self) -> Amount {
        amount(self.proceeds)
    }

    /// Returns the sources of the shares, by stock.
    pub fn stocks(&self) -> impl ExactSizeIterator<Item = (Symbol, Issue)> {
        self.stocks.iter().map(|(symbol, issue)| (*symbol, *issue))
    }
}

/// The most that a trader may have to pay and to deliver on a lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) cash: u64,
    pub(crate) shares: u64,
}

impl Reservation {
    pub(crate) const NOTHING: Self = Self { cash: 0, shares: 0 };

    /// Reserves the price of each share. The amount of an accepted bid is below the ceiling.
    pub(crate) fn to_pay(price: Price, quantity: Quantity) -> Self {
        Self {
            cash: price.units().saturating_mul(quantity.get()),
            shares: 0,
        }
    }

    /// Reserves shares to deliver.
    pub(crate) fn to_deliver(quantity: Quantity) -> Self {
        Self {
            cash: 0,
            shares: quantity.get(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cash: self.cash.saturating_add(other.cash),
            shares: self.shares.saturating_add(other.shares),
        }
    }

    /// Returns the part of this reservation that exceeds an existing one.
    pub(crate) fn beyond(self, bound: Self) -> Self {
        Self {
            cash: self.cash.saturating_sub(bound.cash),
            shares: self.shares.saturating_sub(bound.shares),
        }
    }
}

/// Shares that change hands for cash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) buyer: UserId,
    /// `None`: the house, which issues the shares.
    pub(crate) seller: Option<UserId>,
    pub(crate) shares: u64,
    pub(crate) price: Price,
}

/// Error of an event that an account cannot pay, deliver or release: the event does not follow the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overdrawn;

/// Reason why the books do not balance: a mistake of this crate, or of the source of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Cash was created or lost.
    #[error("traders and house have {held} in cash, and {deposited} was deposited")]
    Cash {
        /// Cash of all accounts together, in ten-thousandths.
        held: u128,
        /// Cash that came from outside, in ten-thousandths.
        deposited: u128,
    },
    /// Shares were created or lost.
    #[error("traders hold {held} shares of {symbol}, and {issued} came from deposits and lots")]
    Shares {
        /// The stock.
        symbol: Symbol,
        /// Shares of all accounts together.
        held: i128,
        /// Shares that came from deposits and lots.
        issued: i128,
    },
    /// More of an account is reserved than it holds.
    #[error("the account of user {0} is overdrawn")]
    Overdrawn(UserId),
    /// The reserved amounts are not those that the open lots require.
    #[error("the reserved amounts differ from the greatest cost of the bids of the open lots")]
    Reserved,
}

impl Ledger {
    /// Creates `count` empty accounts.
    pub(crate) fn of_users(count: usize) -> Self {
        Self {
            balances: vec![Balance::default(); count],
            house: House::default(),
        }
    }

    /// Adds an empty account for a new user.
    pub(crate) fn registered(&mut self) {
        self.balances.push(Balance::default());
    }

    /// Returns the number of users with an account, empty ones included.
    pub(crate) fn count(&self) -> usize {
        self.balances.len()
    }

    /// Returns a user's account.
    pub(crate) fn of(&self, user: UserId) -> Option<&Balance> {
        self.balances.get(user.index()?)
    }

    /// Returns all accounts that are not empty, by user.
    pub fn balances(&self) -> impl Iterator<Item = (UserId, &Balance)> {
        let all = (0..).zip(&self.balances);
        let used = all.filter(|(_, account)| **account != Balance::default());
        used.map(|(index, account)| (UserId::at_index(index), account))
    }

    /// Returns the counter-accounts of the traders' accounts.
    #[must_use]
    pub fn house(&self) -> &House {
        &self.house
    }

    /// Checks that the books balance to the unit: all cash of traders and house is what was deposited, all shares of a
    /// stock are what was deposited and what lots have sold, and nobody has more reserved than they own. Walks all
    /// accounts.
    ///
    /// # Errors
    /// [`AuditError`] names what does not balance.
    pub fn audit(&self) -> Result<(), AuditError> {
        let mut held = u128::from(self.house.proceeds);
        let mut shares: BTreeMap<Symbol, i128> = BTreeMap::new();
        for (index, account) in self.balances.iter().enumerate() {
            let covers = |holding: &Holding| holding.reserved <= holding.shares;
            if account.reserved > account.cash || !account.holdings.values().all(covers) {
                return Err(AuditError::Overdrawn(UserId::at_index(index)));
            }
            held += u128::from(account.cash);
            for (symbol, holding) in &account.holdings {
                *shares.entry(*symbol).or_default() += i128::from(holding.shares);
            }
        }
        let deposited = u128::from(self.house.deposited);
        if held != deposited {
            return Err(AuditError::Cash { held, deposited });
        }
        for symbol in self.house.stocks.keys() {
            shares.entry(*symbol).or_default();
        }
        for (symbol, held) in shares {
            let issue = self.house.stocks.get(&symbol).copied().unwrap_or_default();
            let issued = issue.deposited + i128::from(issue.sold);
            if held != issued {
                return Err(AuditError::Shares {
                    symbol,
                    held,
                    issued,
                });
            }
        }
        Ok(())
    }

    /// Checks that a trader's free cash and shares cover what a command would reserve.
    pub(crate) fn check_covers(
        &self,
        trader: UserId,
        symbol: Symbol,
        needed: Reservation,
    ) -> Result<(), Reject> {
        let account = self.known(trader);
        if needed.cash > account.free().units() {
            return Err(Reject::InsufficientFunds {
                needed: amount(needed.cash),
                available: account.free(),
            });
        }
        let available = account.holding(symbol).free();
        if needed.shares > available {
            return Err(Reject::InsufficientShares {
                symbol,
                needed: needed.shares,
                available,
            });
        }
        Ok(())
    }

    /// Checks that a deposit keeps the market below its ceilings.
    pub(crate) fn check_deposit(&self, asset: Asset) -> Result<(), Reject> {
        match asset {
            Asset::Cash(Amount::ZERO) => Err(Reject::Unchanged),
            Asset::Cash(added) => {
                let most = CASH_MAX - self.house.deposited;
                let fits = added.units() <= most;
                let most = amount(most);
                fits.then_some(()).ok_or(Reject::TooMuchCash { most })
            }
            Asset::Shares { symbol, quantity } => {
                let deposited = self.house.stocks.get(&symbol);
                let deposited = deposited.map_or(0, |issue| issue.deposited.max(0));
                let most = i128::from(SHARES_DEPOSITED_MAX) - deposited;
                let most = u64::try_from(most).unwrap_or(0);
                let fits = quantity.get() <= most;
                fits.then_some(())
                    .ok_or(Reject::TooManyShares { symbol, most })
            }
        }
    }

    /// Checks that this much of an account is free.
    pub(crate) fn check_withdrawal(&self, trader: UserId, asset: Asset) -> Result<(), Reject> {
        match asset {
            Asset::Cash(Amount::ZERO) => Err(Reject::Unchanged),
            Asset::Cash(taken) => {
                let available = self.known(trader).free();
                let needed = taken;
                (needed <= available)
                    .then_some(())
                    .ok_or(Reject::InsufficientFunds { needed, available })
            }
            Asset::Shares { symbol, quantity } => {
                let (needed, available) =
                    (quantity.get(), self.known(trader).holding(symbol).free());
                (needed <= available)
                    .then_some(())
                    .ok_or(Reject::InsufficientShares {
                        symbol,
                        needed,
                        available,
                    })
            }
        }
    }

    pub(crate) fn deposit(&mut self, trader: UserId, asset: Asset) -> Result<(), Overdrawn> {
        match asset {
            Asset::Cash(amount) => {
                // All cash together is below the ceiling, and so is each account's.
                let deposited = self.house.deposited.checked_add(amount.units());
                let deposited = deposited.filter(|deposited| *deposited <= CASH_MAX);
                self.house.deposited = deposited.ok_or(Overdrawn)?;
                let account = self.of_mut(trader)?;
                account.cash = plus(account.cash, amount.units())?;
            }
            Asset::Shares { symbol, quantity } => {
                self.house.stocks.entry(symbol).or_default().deposited +=
                    i128::from(quantity.get());
                self.of_mut(trader)?.receive(symbol, quantity.get())?;
            }
        }
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, trader: UserId, asset: Asset) -> Result<(), Overdrawn> {
        match asset {
            Asset::Cash(amount) => {
                let account = self.of_mut(trader)?;
                account.cash = minus(account.cash, amount.units())?;
                self.house.deposited = minus(self.house.deposited, amount.units())?;
            }
            Asset::Shares { symbol, quantity } => {
                self.of_mut(trader)?.deliver(symbol, quantity.get())?;
                self.house.stocks.entry(symbol).or_default().deposited -=
                    i128::from(quantity.get());
            }
        }
        Ok(())
    }

    pub(crate) fn reserve(
        &mut self,
        trader: UserId,
        symbol: Symbol,
        bound: Reservation,
    ) -> Result<(), Overdrawn> {
        let account = self.of_mut(trader)?;
        account.reserved = plus(account.reserved, bound.cash)?;
        if bound.shares > 0 {
            account.hold(symbol, |holding| {
                holding.reserved = plus(holding.reserved, bound.shares)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    pub(crate) fn release(
        &mut self,
        trader: UserId,
        symbol: Symbol,
        bound: Reservation,
    ) -> Result<(), Overdrawn> {
        let account = self.of_mut(trader)?;
        account.reserved = minus(account.reserved, bound.cash)?;
        if bound.shares > 0 {
            account.hold(symbol, |holding| {
                holding.reserved = minus(holding.reserved, bound.shares)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Exchanges cash and shares, both at once.
    pub(crate) fn settle(&mut self, symbol: Symbol, trade: Trade) -> Result<(), Overdrawn> {
        let Trade {
            buyer,
            seller,
            shares,
            price,
        } = trade;
        let cost = price.units().checked_mul(shares).ok_or(Overdrawn)?;
        let paying = self.of_mut(buyer)?;
        paying.cash = minus(paying.cash, cost)?;
        match seller {
            None => {
                self.house.proceeds = plus(self.house.proceeds, cost)?;
                let issue = self.house.stocks.entry(symbol).or_default();
                issue.sold = plus(issue.sold, shares)?;
            }
            Some(seller) => {
                let selling = self.of_mut(seller)?;
                selling.cash = plus(selling.cash, cost)?;
                selling.deliver(symbol, shares)?;
            }
        }
        self.of_mut(buyer)?.receive(symbol, shares)
    }

    /// Settles one side of a trade between two traders: the other side has its own.
    pub(crate) fn settle_side(
        &mut self,
        symbol: Symbol,
        trader: UserId,
        side: Side,
        shares: u64,
        price: Price,
    ) -> Result<(), Overdrawn> {
        let cost = price.units().checked_mul(shares).ok_or(Overdrawn)?;
        let account = self.of_mut(trader)?;
        match side {
            Side::Buy => {
                account.cash = minus(account.cash, cost)?;
                account.receive(symbol, shares)
            }
            Side::Sell => {
                account.cash = plus(account.cash, cost)?;
                account.deliver(symbol, shares)
            }
        }
    }

    /// Forgets all reservations, before they are rebuilt.
    pub(crate) fn release_all(&mut self) {
        for account in &mut self.balances {
            account.reserved = 0;
            for holding in account.holdings.values_mut() {
                holding.reserved = 0;
            }
        }
    }

    fn known(&self, trader: UserId) -> &Balance {
        self.of(trader).expect("every user has an account")
    }

    fn of_mut(&mut self, trader: UserId) -> Result<&mut Balance, Overdrawn> {
        let index = trader.index().ok_or(Overdrawn)?;
        self.balances.get_mut(index).ok_or(Overdrawn)
    }
}

impl Balance {
    fn receive(&mut self, symbol: Symbol, shares: u64) -> Result<(), Overdrawn> {
        self.hold(symbol, |holding| {
            holding.shares = plus(holding.shares, shares)?;
            Ok(())
        })
    }

    fn deliver(&mut self, symbol: Symbol, shares: u64) -> Result<(), Overdrawn> {
        self.hold(symbol, |holding| {
            holding.shares = minus(holding.shares, shares)?;
            Ok(())
        })
    }

    fn hold(
        &mut self,
        symbol: Symbol,
        change: impl FnOnce(&mut Holding) -> Result<(), Overdrawn>,
    ) -> Result<(), Overdrawn> {
        let holding = self.holdings.entry(symbol).or_default();
        change(holding)?;
        if *holding == Holding::default() {
            self.holdings.remove(&symbol);
        }
        Ok(())
    }
}

fn plus(one: u64, other: u64) -> Result<u64, Overdrawn> {
    one.checked_add(other).ok_or(Overdrawn)
}

fn minus(one: u64, other: u64) -> Result<u64, Overdrawn> {
    one.checked_sub(other).ok_or(Overdrawn)
}

/// Converts units of cash. An account is always below the ceiling; a bid at the buy-now price reserves for a moment
/// more than it costs.
fn amount(units: u64) -> Amount {
    Amount::from_units(units).unwrap_or(Amount::MAX)
}
