//! The logged-in trader's activity: bids and orders with their results, on every lot since the market began.

use auction_core::{LotId, OrderState, OwnOrder, Price, Symbol, Timestamp};

use crate::encoding::list::List;
use crate::encoding::wire::as_serde;
use crate::limits::ACTIVITY_ENTRIES_MAX;

fields! {
    /// Asks for a page of the user's own activity, newest lot first. Needs a session. Answered by [`Activity`].
    struct GetActivity = GET_ACTIVITY {
        /// Only entries behind this place; nothing: from the newest. JSON can leave it out.
        #[serde(default)]
        before: Option<ActivityPlace>,
        /// Maximum number of entries; more than [`ACTIVITY_ENTRIES_MAX`] count as that, and 0 as 1.
        limit: u32,
    }

    /// Answers [`GetActivity`], for the user who asked alone.
    struct Activity = ACTIVITY {
        /// The entries, by place, the highest first.
        entries: List<ActivityEntry, ACTIVITY_ENTRIES_MAX>,
        /// The `before` of the next page; nothing: this page is the last.
        next: Option<ActivityPlace>,
    }

    /// Place of an entry. It never changes, so that paging loses nothing while the market goes on.
    struct ActivityPlace {
        /// The lot.
        lot: LotId,
        /// The number of the order; 0 for any other entry.
        order: u32,
    }

    /// One bid or order of the user, as it is now or as its lot closed.
    struct ActivityEntry {
        /// The lot.
        lot: LotId,
        /// The stock.
        symbol: Symbol,
        /// Time of the user's last change to it.
        at: Timestamp,
        /// The bid or the order.
        what: ActivityOf,
    }

    /// The user's latest bid on an English or a Dutch lot.
    struct ActivityBid {
        /// The price that was bid, or the maximum.
        price: Price,
        /// `true` for a hidden maximum.
        hidden: bool,
        /// `true` if the user leads, or led when the lot closed.
        leads: bool,
        /// State of the bid.
        state: OrderState,
    }
}

/// Kinds of activity.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ActivityOf {
    /// The latest bid on an English or a Dutch lot.
    Bid(#[serde(with = "crate::encoding::wire")] ActivityBid),
    /// A sealed bid, or an order of a call auction.
    Order(#[serde(with = "crate::encoding::wire")] OwnOrder),
    /// Number of orders on this lot that were cancelled, by the user or for them.
    Cancelled(#[serde(with = "crate::encoding::wire")] u32),
}

crate::encoding::core_types::in_order!(0, 1, 2);
as_serde!(ActivityOf);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(ActivityOf, {
    0 = Bid(ActivityBid),
    1 = Order(OwnOrder),
    2 = Cancelled(u32)
});

impl ActivityEntry {
    /// Place of this entry: the `before` of the page that follows it.
    #[must_use]
    pub fn place(&self) -> ActivityPlace {
        let order = match &self.what {
            ActivityOf::Order(order) => order.order.0,
            ActivityOf::Bid(_) | ActivityOf::Cancelled(_) => 0,
        };
        ActivityPlace {
            lot: self.lot,
            order,
        }
    }

    /// State of the bid or order; `None` for cancelled orders.
    #[must_use]
    pub fn state(&self) -> Option<OrderState> {
        match &self.what {
            ActivityOf::Bid(bid) => Some(bid.state),
            ActivityOf::Order(order) => Some(order.state),
            ActivityOf::Cancelled(_) => None,
        }
    }

    /// Traded shares and the price per share; `None` while the lot is open, or when nothing was traded.
    #[must_use]
    pub fn fill(&self) -> Option<(u64, Price)> {
        match self.state()? {
            OrderState::Closed {
                filled: filled @ 1..,
                price: Some(price),
            } => Some((filled, price)),
            _ => None,
        }
    }
}
