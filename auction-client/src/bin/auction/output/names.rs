//! Names for numbers: the market from one user's point of view.

use std::collections::BTreeMap;

use auction_client::Indicative;
use auction_core::{LotId, Market, Name, Role, Timestamp, UserId};

/// The newest indicative result of each open call auction, if received.
pub type Indicatives = BTreeMap<LotId, Indicative>;

/// A market from a user's point of view.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub market: &'a Market,
    /// The user, if logged in.
    pub own: Option<Name>,
    /// The server's time.
    pub now: Timestamp,
}

impl View<'_> {
    /// Returns a user's name.
    pub fn name(&self, user: UserId) -> String {
        match self.market.user(user) {
            Some(user) => user.name.to_string(),
            None => format!("user {user}"),
        }
    }

    /// Returns a user's name, marked if it is the viewing user's own.
    pub fn who(&self, user: UserId) -> String {
        let name = self.name(user);
        if self.is_own(user) {
            format!("{name} (you)")
        } else {
            name
        }
    }

    /// Returns true if it is the viewing user.
    pub fn is_own(&self, user: UserId) -> bool {
        let name = self.market.user(user).map(|user| user.name);
        name.is_some() && name == self.own
    }

    /// Returns true for a demo market: its first user is the demo's auctioneer, whose name no other user can have.
    pub fn is_demo(&self) -> bool {
        let first = self.market.users().first();
        first.is_some_and(|first| {
            first.name.as_str() == "house-auctioneer" && first.role == Role::Auctioneer
        })
    }

    /// Returns the title of a lot, such as `AAPL #1`.
    pub fn title(&self, lot: LotId) -> String {
        match self.market.lot(lot) {
            Some(found) => format!("{} #{lot}", found.symbol),
            None => format!("#{lot}"),
        }
    }
}
