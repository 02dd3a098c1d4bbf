//! Snapshot of the market at one place of the feed, as everyone sees it, in parts of bounded size.

use auction_core::{
    AccountMode, FeedSequence, Lot, MarketId, Name, Role, Stock, Timestamp, UserId,
};

use crate::encoding::list::List;
use crate::encoding::wire::as_serde;
use crate::limits::{PART_LOTS_MAX, PART_STOCKS_MAX, PART_USERS_MAX};

fields! {
    /// Asks for the current state of the market, once. Needs no session. Answered by [`SnapshotPart`]s.
    struct GetSnapshot = GET_SNAPSHOT {}

    /// A part of the state of the market at one place of the feed. All parts of a snapshot carry the number of the
    /// request that they answer.
    struct SnapshotPart = SNAPSHOT_PART {
        /// The market.
        market: MarketId,
        /// The place of this part among the parts, from 0.
        index: u32,
        /// `More` if another part follows.
        follows: Follows,
        /// The place of the last public event that is in.
        feed_sequence: FeedSequence,
        /// Time of that event.
        at: Timestamp,
        /// Way in which traders pay.
        accounts: AccountMode,
        /// Users, in the order of their numbers.
        users: List<SnapshotUser, PART_USERS_MAX>,
        /// Stocks, in the order of their symbols.
        stocks: List<Stock, PART_STOCKS_MAX>,
        /// Lots, in the order of their numbers.
        lots: List<Lot, PART_LOTS_MAX>,
    }

    /// A user of the market.
    struct SnapshotUser {
        /// Their number.
        user: UserId,
        /// Their name.
        name: Name,
        /// Their role.
        role: Role,
    }
}

/// Presence of another part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Follows {
    /// This was the last part.
    Nothing,
    /// Another part follows.
    More,
    /// This was the last part of a snapshot, and the whole market is halted since this time.
    Halted(#[serde(with = "crate::encoding::wire")] Timestamp),
}

crate::encoding::core_types::in_order!(0, 1, 2);
as_serde!(Follows);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(Follows, {
    0 = Nothing,
    1 = More,
    2 = Halted(Timestamp)
});

impl Follows {
    /// Returns true if another part follows.
    #[must_use]
    pub fn is_more(self) -> bool {
        self == Self::More
    }
}
