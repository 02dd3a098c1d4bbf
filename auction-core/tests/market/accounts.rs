//! The oracle's accounts: balances added up from scratch from all payments and all outcomes of lots.

use std::collections::BTreeMap;

use auction_core::limits::{CASH_MAX, SHARES_DEPOSITED_MAX};
use auction_core::{
    AccountMode, Amount, Asset, Engine, Reject, Reply, Role, Symbol, Terms, UserId,
};

use crate::lot::{Kind, OracleLot};
use crate::oracle::Oracle;

/// A deposit or a withdrawal.
#[derive(Clone, Copy, Debug)]
pub struct Payment {
    pub user: UserId,
    pub asset: Asset,
    pub way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

/// Balance of a trader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    pub cash: i128,
    pub reserved: i128,
    pub shares: BTreeMap<Symbol, i128>,
}

impl Oracle {
    pub fn set_accounts(&mut self, mode: AccountMode) -> Result<Reply, Reject> {
        match (self.mode, mode) {
            (now, then) if now == then => Err(Reject::Unchanged),
            (AccountMode::Credit, AccountMode::Funds) if self.lots.is_empty() => {
                self.mode = mode;
                Ok(Reply::Done)
            }
            (mode, _) => Err(Reject::AccountsFixed { mode }),
        }
    }

    pub fn pay(&mut self, payment: Payment) -> Result<Reply, Reject> {
        let Payment { user, asset, way } = payment;
        if self.mode == AccountMode::Credit {
            return Err(Reject::OnCredit);
        }
        match self.user(user) {
            None => return Err(Reject::UnknownUser { user }),
            Some((_, Role::Trader)) => {}
            Some(_) => return Err(Reject::NoAccount { user }),
        }
        if let Asset::Shares { symbol, .. } = asset {
            self.stock(symbol)?;
        }
        match (asset, way) {
            (Asset::Cash(amount), _) if amount.units() == 0 => return Err(Reject::Unchanged),
            (Asset::Cash(needed), Way::Out) => self.can_pay(user, i128::from(needed.units()))?,
            (Asset::Cash(added), Way::In) => {
                let most = i128::from(CASH_MAX) - self.paid_in();
                if i128::from(added.units()) > most {
                    let most = amount(most);
                    return Err(Reject::TooMuchCash { most });
                }
            }
            (Asset::Shares { symbol, quantity }, Way::In) => {
                let most = i128::from(SHARES_DEPOSITED_MAX) - self.shares_in(symbol).max(0);
                if i128::from(quantity.get()) > most {
                    let most = most as u64;
                    return Err(Reject::TooManyShares { symbol, most });
                }
            }
            (Asset::Shares { symbol, quantity }, Way::Out) => {
                self.can_deliver(user, symbol, quantity.get())?;
            }
        }
        self.payments.push(payment);
        Ok(Reply::Done)
    }

    /// Checks that a trader has this much free cash.
    pub fn can_pay(&self, user: UserId, needed: i128) -> Result<(), Reject> {
        let books = self.books(user);
        let available = books.cash - books.reserved;
        if self.mode == AccountMode::Credit || needed <= available {
            return Ok(());
        }
        Err(Reject::InsufficientFunds {
            needed: amount(needed),
            available: amount(available),
        })
    }

    /// Returns a trader's free cash.
    pub fn free(&self, user: UserId) -> u64 {
        let books = self.books(user);
        u64::try_from(books.cash - books.reserved).unwrap()
    }

    pub fn books(&self, user: UserId) -> Books {
        let mut books = Books::default();
        if self.mode == AccountMode::Credit {
            return books;
        }
        for payment in self.payments.iter().filter(|payment| payment.user == user) {
            let sign = payment.sign();
            match payment.asset {
                Asset::Cash(amount) => books.cash += sign * i128::from(amount.units()),
                Asset::Shares { symbol, quantity } => {
                    *books.shares.entry(symbol).or_default() += sign * i128::from(quantity.get());
                }
            }
        }
        for lot in &self.lots {
            if lot.closed_at.is_none() {
                books.reserved += lot.binds(user);
                continue;
            }
            for (shares, price) in lot.gives(user) {
                books.cash -= shares * i128::from(price);
                *books.shares.entry(lot.open.symbol).or_default() += shares;
            }
        }
        books.shares.retain(|_, shares| *shares != 0);
        books
    }

    /// Checks that the engine's accounts equal these.
    pub fn balances_with(&self, engine: &Engine) {
        assert_eq!(engine.audit(), Ok(()));
        assert_eq!(engine.market().accounts(), self.mode);
        let Some(ledger) = engine.ledger() else {
            assert_eq!(self.mode, AccountMode::Credit);
            assert_eq!(engine.balance(UserId(1)), Err(Reject::OnCredit));
            return;
        };
        for (number, (_, role)) in (1..).zip(&self.users) {
            let user = UserId(number);
            let account = match engine.balance(user) {
                Ok(account) => account,
                Err(reject) => {
                    assert_ne!(*role, Role::Trader);
                    assert_eq!(reject, Reject::NoAccount { user });
                    continue;
                }
            };
            let holdings = account.holdings();
            let found = Books {
                cash: i128::from(account.cash().units()),
                reserved: i128::from(account.reserved().units()),
                shares: holdings
                    .map(|(symbol, holding)| (symbol, i128::from(holding.shares)))
                    .collect(),
            };
            assert_eq!(found, self.books(user), "{user}");
            assert!(found.reserved <= found.cash, "nobody is overdrawn");
            assert_eq!(account.free().units(), self.free(user));
        }
        let house = ledger.house();
        assert_eq!(i128::from(house.deposited().units()), self.paid_in());
        let all = (1..=self.users.len() as u32).map(UserId);
        let held: i128 = all.map(|user| self.books(user).cash).sum();
        assert_eq!(
            held + i128::from(house.proceeds().units()),
            self.paid_in(),
            "cash is neither made nor lost"
        );
        for (symbol, issue) in house.stocks() {
            assert_eq!(issue.deposited, self.shares_in(symbol));
        }
    }

    /// Checks that a trader has this many free shares.
    pub fn can_deliver(&self, user: UserId, symbol: Symbol, needed: u64) -> Result<(), Reject> {
        if self.mode == AccountMode::Credit {
            return Ok(());
        }
        let books = self.books(user);
        let shares = books.shares.get(&symbol).copied().unwrap_or(0);
        let open = self.lots.iter().filter(|lot| lot.closed_at.is_none());
        let calls = open.filter(|lot| lot.call().is_some() && lot.open.symbol == symbol);
        let bound: u64 = calls.map(|lot| lot.call_binds_shares(user)).sum();
        let available = u64::try_from(shares).unwrap() - bound;
        if needed <= available {
            return Ok(());
        }
        Err(Reject::InsufficientShares {
            symbol,
            needed,
            available,
        })
    }

    fn paid_in(&self) -> i128 {
        let cash = |payment: &Payment| match payment.asset {
            Asset::Cash(amount) => payment.sign() * i128::from(amount.units()),
            Asset::Shares { .. } => 0,
        };
        self.payments.iter().map(cash).sum()
    }

    fn shares_in(&self, of: Symbol) -> i128 {
        let shares = |payment: &Payment| match payment.asset {
            Asset::Shares { symbol, quantity } if symbol == of => {
                payment.sign() * i128::from(quantity.get())
            }
            _ => 0,
        };
        self.payments.iter().map(shares).sum()
    }
}

impl Payment {
    fn sign(self) -> i128 {
        match self.way {
            Way::In => 1,
            Way::Out => -1,
        }
    }
}

impl OracleLot {
    /// Returns the greatest cost of an open lot for a trader.
    pub fn binds(&self, user: UserId) -> i128 {
        let whole = i128::from(self.open.quantity.get());
        match self.open.terms {
            Terms::English(_) if self.view().leader == Some(user) => {
                let own = self.offers(self.happened.len()).into_iter();
                let own = own.filter(|offer| offer.user == user);
                let most = own.map(|offer| offer.amount).max();
                whole * i128::from(most.unwrap())
            }
            Terms::English(_) | Terms::Dutch(_) => 0,
            Terms::Call(_) => self.call_binds(user),
            Terms::Day(_) => unreachable!("trading days have an oracle of their own"),
            Terms::Sealed(_) | Terms::Uniform(_) => {
                let live = self.live().into_iter();
                let own = live.filter(|bid| bid.user == user);
                own.map(|bid| i128::from(bid.quantity) * i128::from(bid.price))
                    .sum()
            }
        }
    }

    /// Returns the cover that an offer just accepted needs, beyond `bound`.
    pub fn offer_takes(&self, kind: Kind, amount: u64, bound: i128) -> i128 {
        let whole = i128::from(self.open.quantity.get());
        let view = self.view();
        let price = match (&self.open.terms, kind) {
            (Terms::English(_), Kind::Plain) if view.bought => view.price.unwrap(),
            _ => amount,
        };
        (whole * i128::from(price) - bound).max(0)
    }

    /// Returns the shares that a closed lot gave a trader, or took, and the price of each.
    fn gives(&self, user: UserId) -> Vec<(i128, u64)> {
        let outcome = self.outcome();
        if self.call().is_some() {
            return self.call_gives(user);
        }
        if self.orders_each().is_some() {
            let opened = self.opened().into_iter();
            let own = opened.filter(|bid| bid.bidder == user);
            return own
                .filter_map(|bid| Some((bid.filled.into(), bid.pays?.units())))
                .collect();
        }
        match outcome {
            auction_core::Outcome::Sold { winner, price, .. } if winner == user => {
                vec![(self.open.quantity.get().into(), price.units())]
            }
            _ => Vec::new(),
        }
    }
}

fn amount(units: i128) -> Amount {
    Amount::from_units(u64::try_from(units).unwrap()).unwrap()
}
