//! What is told of what a trader owns, and to whom.

use auction_core::{Engine, Reject, Role, Symbol, UserId};
use auction_proto::limits::HOLDINGS_LISTED_MAX;
use auction_proto::{Balance, Follows, GetBalance, List, ListedHolding};

/// The account that a user asks for: a trader their own, an auctioneer anyone's.
///
/// # Errors
/// [`Reject`] when it is not theirs to see, or there is none.
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
