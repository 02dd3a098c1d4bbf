//! Accounts: the cover that a bid needs, its reservation, and the settlement of a close. A market on credit has no
//! accounts, and skips all this with one check.

use super::Engine;
use crate::account::ledger::{AuditError, Balance, Ledger, Overdrawn, Trade};
use crate::lot::{Lot, LotSecret};
use crate::market::{FoldError, Market};
use crate::model::command::{AccountMode, Asset, Role};
use crate::model::event::{Event, Events, Outcome, PrivateEvent, PublicEvent};
use crate::model::reject::Reject;
use crate::{LotId, UserId};

impl Engine {
    /// Returns the accounts of all traders; `None` in a market on credit.
    #[must_use]
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// Returns a trader's cash and shares. Show it only to that trader and to those who run the lots.
    ///
    /// # Errors
    /// [`Reject`] gives the reason why the trader has no account.
    pub fn balance(&self, user: UserId) -> Result<&Balance, Reject> {
        let ledger = self.ledger.as_ref().ok_or(Reject::OnCredit)?;
        let known = self.market.user(user).ok_or(Reject::UnknownUser { user })?;
        let account = ledger.of(user).filter(|_| known.role == Role::Trader);
        account.ok_or(Reject::NoAccount { user })
    }

    /// Checks that the books balance: see [`Ledger::audit`]. The reserved amounts must also be the greatest cost of the
    /// bids of the open lots. Walks all balances and lots; a market on credit always balances.
    ///
    /// # Errors
    /// [`AuditError`] names what does not balance.
    pub fn audit(&self) -> Result<(), AuditError> {
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        ledger.audit()?;
        let again = reserved_again(ledger, &self.market, &self.hidden);
        match again {
            Ok(again) if again == *ledger => Ok(()),
            _ => Err(AuditError::Reserved),
        }
    }

    pub(super) fn decide_accounts(
        &self,
        mode: AccountMode,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let now = self.market.accounts();
        if mode == now {
            return Err(Reject::Unchanged);
        }
        if now == AccountMode::Funds || !self.market.lots().is_empty() {
            return Err(Reject::AccountsFixed { mode: now });
        }
        events.push(Event::Public(PublicEvent::AccountsSet { mode }));
        Ok(())
    }

    pub(super) fn decide_deposit(
        &self,
        user: UserId,
        asset: Asset,
        events: &mut Events,
    ) -> Result<(), Reject> {
        self.accounts_for(user, asset)?.check_deposit(asset)?;
        let deposited = PrivateEvent::Deposited { user, asset };
        events.push(Event::Private(deposited));
        Ok(())
    }

    pub(super) fn decide_withdrawal(
        &self,
        user: UserId,
        asset: Asset,
        events: &mut Events,
    ) -> Result<(), Reject> {
        self.accounts_for(user, asset)?
            .check_withdrawal(user, asset)?;
        let withdrawn = PrivateEvent::Withdrawn { user, asset };
        events.push(Event::Private(withdrawn));
        Ok(())
    }

    /// Returns the ledger, if this user has an account, and the asset exists.
    fn accounts_for(&self, user: UserId, asset: Asset) -> Result<&Ledger, Reject> {
        self.balance(user)?;
        if let Asset::Shares { symbol, .. } = asset {
            let listed = self.market.stock(symbol);
            listed.ok_or(Reject::UnknownSymbol { symbol })?;
        }
        self.ledger.as_ref().ok_or(Reject::OnCredit)
    }

    /// Checks that a trader can pay for the events decided on their command.
    #[inline]
    pub(super) fn check_covers(
        &self,
        lot: &Lot,
        trader: UserId,
        events: &Events,
    ) -> Result<(), Reject> {
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        let demand = self.secret_of(lot.id).demand(lot, trader, events);
        ledger.check_covers(trader, lot.symbol, demand)
    }

    /// Applies an event to the ledger, before the lot applies the event.
    #[inline]
    pub(super) fn settle_event(&mut self, event: &Event) -> Result<(), FoldError> {
        if self.ledger.is_some() {
            return self.settle_in_ledger(event);
        }
        if let Event::Public(PublicEvent::AccountsSet { mode }) = event
            && *mode == AccountMode::Funds
        {
            self.ledger = Some(Ledger::of_users(self.market.users().len()));
        }
        Ok(())
    }

    fn settle_in_ledger(&mut self, event: &Event) -> Result<(), FoldError> {
        let Some(ledger) = &mut self.ledger else {
            return Ok(());
        };
        let account_of = |user| move |Overdrawn| FoldError::AccountContradicted(user);
        match event {
            Event::Public(PublicEvent::UserRegistered { .. }) => ledger.registered(),
            Event::Private(PrivateEvent::Deposited { user, asset }) => {
                return ledger.deposit(*user, *asset).map_err(account_of(*user));
            }
            Event::Private(PrivateEvent::Withdrawn { user, asset }) => {
                return ledger.withdraw(*user, *asset).map_err(account_of(*user));
            }
            _ => {}
        }
        let Some((lot, hidden)) = event
            .lot()
            .and_then(|lot| halves(&self.market, &self.hidden, lot))
        else {
            return Ok(());
        };
        let mut taken = Ok(());
        let symbol = lot.symbol;
        let mut post = |user, posted: Result<(), Overdrawn>| {
            if posted.is_err() && taken.is_ok() {
                taken = Err(FoldError::AccountContradicted(user));
            }
        };
        match event {
            Event::Public(PublicEvent::BidsOpened { bids, .. }) => {
                for bid in bids {
                    if let Some(price) = bid.pays {
                        let trade = Trade {
                            buyer: bid.bidder,
                            seller: None,
                            shares: bid.filled,
                            price,
                        };
                        post(bid.bidder, ledger.settle(symbol, trade));
                    }
                }
            }
            Event::Public(PublicEvent::LotClosed { outcome, .. }) => {
                hidden.each_reservation(lot, &mut |trader, bound| {
                    post(trader, ledger.release(trader, symbol, bound));
                });
                if let Outcome::Crossed { price, .. } = *outcome {
                    for (buyer, seller, shares) in hidden.call_trades() {
                        let trade = Trade {
                            buyer,
                            seller: Some(seller),
                            shares,
                            price,
                        };
                        post(buyer, ledger.settle(symbol, trade));
                    }
                }
                // The fills of sealed bids were settled when the bids were opened.
                if let Outcome::Sold { winner, price, .. } = *outcome
                    && !lot.book.opens_bids()
                {
                    let shares = lot.quantity.get();
                    let trade = Trade {
                        buyer: winner,
                        seller: None,
                        shares,
                        price,
                    };
                    post(winner, ledger.settle(symbol, trade));
                }
            }
            Event::Private(PrivateEvent::DayOrderFilled {
                trader,
                order,
                price,
                quantity,
                ..
            }) => {
                let side = hidden.day(lot).and_then(|day| day.side_of(*trader, *order));
                let side = side.ok_or(FoldError::LotContradicted(lot.id))?;
                hidden.each_reservation_change(lot, event, &mut |bound| {
                    post(*trader, ledger.release(*trader, symbol, bound.from));
                    post(*trader, ledger.reserve(*trader, symbol, bound.to));
                });
                let shares = quantity.get();
                let settled = ledger.settle_side(symbol, *trader, side, shares, *price);
                post(*trader, settled);
            }
            event => hidden.each_reservation_change(lot, event, &mut |bound| {
                let trader = bound.trader;
                post(trader, ledger.release(trader, symbol, bound.from));
                post(trader, ledger.reserve(trader, symbol, bound.to));
            }),
        }
        taken
    }
}

/// Returns the ledger with all reservations rebuilt from the lots.
pub(crate) fn reserved_again(
    ledger: &Ledger,
    market: &Market,
    hidden: &[LotSecret],
) -> Result<Ledger, FoldError> {
    let mut ledger = ledger.clone();
    ledger.release_all();
    for (lot, hidden) in market.lots().iter().zip(hidden) {
        if lot.is_closed() {
            continue;
        }
        let mut taken = Ok(());
        hidden.each_reservation(lot, &mut |trader, bound| {
            if ledger.reserve(trader, lot.symbol, bound).is_err() {
                taken = Err(FoldError::AccountContradicted(trader));
            }
        });
        taken?;
    }
    Ok(ledger)
}

fn halves<'a>(
    market: &'a Market,
    hidden: &'a [LotSecret],
    lot: LotId,
) -> Option<(&'a Lot, &'a LotSecret)> {
    market.lot(lot).zip(hidden.get(lot.index()?))
}
