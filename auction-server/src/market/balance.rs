//! Balances of traders, and the permission to see them.

use auction_core::{Engine, Reject, Role, Symbol, UserId};
use auction_proto::limits::HOLDINGS_LISTED_MAX;
use auction_proto::{Balance, Follows, GetBalance, List, ListedHolding};

/// Returns the account that a user asks for: traders may see their own, auctioneers every account.
///
/// # Errors
/// [`Reject`] when the user may not see it, or it does not exist.
pub fn balance(engine: &Engine, asker: UserId, asked: &GetBalance) -> Result<Balance, Reject> {
    let user = asked.user.unwrap_or(asker);
    let known = engine.market().user(asker);
    let role = known.ok_or(Reject::UnknownUser { user: asker })?.role;
    if user != asker && role != Role::Auctioneer {
        return Err(Reject::NotPermitted { role });
    }
    let balance = engine.balance(user)?;
    let behind = |symbol: Symbol| asked.after.is_none_or(|after| symbol > after);
    let mut holdings = balance.holdings().filter(|(symbol, _)| behind(*symbol));
    let listed = holdings.by_ref().take(HOLDINGS_LISTED_MAX);
    let listed = listed.map(|(symbol, holding)| ListedHolding {
        symbol,
        shares: holding.shares,
        reserved: holding.reserved,
    });
    Ok(Balance {
        user,
        cash: balance.cash(),
        reserved: balance.reserved(),
        holdings: List::new(listed.collect()).expect("no more were taken"),
        follows: match holdings.next() {
            Some(_) => Follows::More,
            None => Follows::Nothing,
        },
    })
}
