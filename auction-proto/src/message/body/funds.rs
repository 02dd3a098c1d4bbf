//! Holdings of traders, in a market that runs on funds.

use auction_core::{Amount, Asset, Command, Symbol, UserId};

use super::Follows;
use crate::encoding::list::List;
use crate::limits::HOLDINGS_LISTED_MAX;

fields! {
    /// Pays into a trader's account, from outside the market. For auctioneers.
    struct Deposit = DEPOSIT {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    }

    /// Pays out of the free part of a trader's account. For auctioneers.
    struct Withdraw = WITHDRAW {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    }

    /// Asks for the holdings of a trader: a trader for their own, an auctioneer for any trader's. Answered by
    /// [`Balance`].
    struct GetBalance = GET_BALANCE {
        /// The trader; nothing: the user who asks. JSON can leave it out.
        #[serde(default)]
        user: Option<UserId>,
        /// Only holdings of stocks behind this symbol; nothing: from the first on. JSON can leave it out.
        #[serde(default)]
        after: Option<Symbol>,
    }

    /// Answers [`GetBalance`], for the user who asked alone.
    struct Balance = BALANCE {
        /// The trader.
        user: UserId,
        /// All of their cash.
        cash: Amount,
        /// The part of it that is reserved for their bids and orders.
        reserved: Amount,
        /// Their shares, by symbol.
        holdings: List<ListedHolding, HOLDINGS_LISTED_MAX>,
        /// `More` if there are holdings behind these.
        follows: Follows,
    }

    /// A trader's shares of one stock.
    struct ListedHolding {
        /// The stock.
        symbol: Symbol,
        /// Number of shares that they own.
        shares: u64,
        /// Number of these shares that are reserved for orders to sell.
        reserved: u64,
    }
}

impl Balance {
    /// Cash that can be bid or withdrawn: the cash less the reserved part.
    #[must_use]
    pub fn free(&self) -> Amount {
        let free = self.cash.units().saturating_sub(self.reserved.units());
        Amount::from_units(free).expect("no more than the cash")
    }
}

impl From<Deposit> for Command {
    fn from(body: Deposit) -> Self {
        let Deposit { user, asset } = body;
        Self::Deposit { user, asset }
    }
}

impl From<Withdraw> for Command {
    fn from(body: Withdraw) -> Self {
        let Withdraw { user, asset } = body;
        Self::Withdraw { user, asset }
    }
}
