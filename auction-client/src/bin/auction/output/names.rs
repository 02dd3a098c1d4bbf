//! Names for numbers: the market as one user sees it.

use std::collections::BTreeMap;

use auction_client::Indicative;
use auction_core::{LotId, Market, Name, Role, Timestamp, UserId};

/// The newest of each call auction that is open, as far as it was told.
pub type Indicatives = BTreeMap<LotId, Indicative>;

/// A market through someone's eyes.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub market: &'a Market,
    /// Who looks, when they are logged in.
    pub own: Option<Name>,
    /// The server's time.
    pub now: Timestamp,
}

impl View<'_> {
    /// A user's name.
    pub fn name(&self, user: UserId) -> String {
        match self.market.user(user) {
            Some(user) => user.name.to_string(),
            None => format!("user {user}"),
        }
    }

    /// A user's name; one's own is marked.
    pub fn who(&self, user: UserId) -> String {
        let name = self.name(user);
        if self.is_own(user) {
            format!("{name} (you)")
        } else {
            name
        }
    }

    /// Whether it is who looks.
    pub fn is_own(&self, user: UserId) -> bool {
        let name = self.market.user(user).map(|user| user.name);
        name.is_some() && name == self.own
    }

    /// Whether the house plays in the market: its first user is the house's auctioneer, whose name nobody else can have.
    pub fn is_demo(&self) -> bool {
        let first = self.market.users().first();
        first.is_some_and(|first| {
            first.name.as_str() == "house-auctioneer" && first.role == Role::Auctioneer
        })
    }

    /// `AAPL #1`.
    pub fn title(&self, lot: LotId) -> String {
        match self.market.lot(lot) {
            Some(found) => format!("{} #{lot}", found.symbol),
            None => format!("#{lot}"),
        }
    }
}
