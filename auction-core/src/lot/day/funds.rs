//! Accounts of traders while a decision about a trading day is made: what is free of them changes with each event.

use alloc::collections::BTreeMap;

use super::secret::DaySecret;
use crate::account::ledger::Ledger;
use crate::clearing::call::Side;
use crate::lot::Lot;
use crate::model::event::{Event, PrivateEvent};
use crate::{Amount, Reject, UserId};

/// Free cash and shares of the traders, as the events of a decision change them. Without a ledger everything is free.
#[derive(Clone, Debug)]
pub(crate) struct Funds<'a> {
    ledger: Option<&'a Ledger>,
    /// Changes of the free cash since the decision began.
    cash: BTreeMap<UserId, i128>,
}

impl<'a> Funds<'a> {
    pub(crate) fn of(ledger: Option<&'a Ledger>) -> Self {
        Self {
            ledger,
            cash: BTreeMap::new(),
        }
    }

    /// Free cash of a trader; `None`: it is not counted.
    pub(super) fn cash(&self, trader: UserId) -> Option<u64> {
        let free = self.ledger?.of(trader)?.free().units();
        let changed = self.cash.get(&trader).copied().unwrap_or(0);
        let free = i128::from(free) + changed;
        Some(u64::try_from(free.max(0)).unwrap_or(u64::MAX))
    }

    /// Checks that so much more cash and so many more shares are free.
    pub(super) fn check(
        &self,
        lot: &Lot,
        trader: UserId,
        cash: u64,
        shares: u64,
    ) -> Result<(), Reject> {
        let Some(free) = self.cash(trader) else {
            return Ok(());
        };
        let amount = |units| Amount::from_units(units).unwrap_or(Amount::MAX);
        if cash > free {
            return Err(Reject::InsufficientFunds {
                needed: amount(cash),
                available: amount(free),
            });
        }
        let symbol = lot.symbol;
        let account = self.ledger.and_then(|ledger| ledger.of(trader));
        let available = account.map_or(0, |account| account.holding(symbol).free());
        if shares > available {
            return Err(Reject::InsufficientShares {
                symbol,
                needed: shares,
                available,
            });
        }
        Ok(())
    }

    /// Counts what an event changes, before the lot applies it.
    pub(super) fn apply(&mut self, lot: &Lot, hidden: &DaySecret, event: &Event) {
        if self.ledger.is_none() {
            return;
        }
        let mut add = |trader, cash: i128| *self.cash.entry(trader).or_default() += cash;
        hidden.each_reservation_change(lot, event, &mut |change| {
            let (from, to) = (i128::from(change.from.cash), i128::from(change.to.cash));
            add(change.trader, from - to);
        });
        if let Event::Private(PrivateEvent::DayOrderFilled {
            trader,
            order,
            price,
            quantity,
            ..
        }) = event
            && let Some(entry) = hidden.find(*trader, *order)
        {
            let cost = i128::from(price.units()) * i128::from(quantity.get());
            match entry.content.side {
                Side::Buy => add(*trader, -cost),
                Side::Sell => add(*trader, cost),
            }
        }
    }
}
