//! The bids of a lot.

use auction_core::{FeedSequence, LotId, OpenedBid, Price, Timestamp, UserId};

use crate::encoding::list::List;
use crate::limits::HISTORY_BIDS_MAX;

fields! {
    /// Asks for the newest bids of a lot. Needs no session. Answered by [`History`].
    struct GetHistory = GET_HISTORY {
        /// The lot.
        lot: LotId,
        /// Maximum number of bids; more than [`HISTORY_BIDS_MAX`] count as that.
        limit: u32,
    }

    /// Answers [`GetHistory`].
    struct History = HISTORY {
        /// The lot.
        lot: LotId,
        /// Number of the lot's bids that others have seen: open ones, or sealed ones that were opened.
        total: u32,
        /// The newest of the open ones, the newest last.
        bids: List<HistoryBid, HISTORY_BIDS_MAX>,
        /// The newest of those that were sealed until the lot closed, in the order of their time.
        opened: List<OpenedBid, HISTORY_BIDS_MAX>,
    }

    /// A bid as it was accepted.
    struct HistoryBid {
        /// Its place in the feed.
        feed_sequence: FeedSequence,
        /// Time of its acceptance.
        at: Timestamp,
        /// The bidder.
        bidder: UserId,
        /// The price that they bid, when they bid openly.
        amount: Option<Price>,
        /// The price after it.
        price: Price,
        /// The leader after it.
        leader: UserId,
    }
}
