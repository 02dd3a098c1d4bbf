//! Snapshot of the market at one place of the feed, as everyone sees it, in parts of bounded size.

use auction_core::{
    AccountMode, FeedSequence, Lot, MarketId, Name, Role, Stock, Timestamp, UserId,
};

use crate::encoding::list::List;
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

choice! {
    /// Presence of another part.
    enum Follows {
        /// This was the last part.
        0 = Nothing,
        /// Another part follows.
        1 = More,
    }
}
