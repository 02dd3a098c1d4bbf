//! The lots of one stock, for programs that name a stock and bid on its lot.

use auction_core::{AccountMode, FeedSequence, Lot, LotId, Symbol};

use crate::encoding::list::List;
use crate::encoding::wire::as_serde;
use crate::limits::LOTS_MAX;

fields! {
    /// Asks for the lots of a stock, or for one lot. Needs no session. Answered by [`Lots`].
    struct GetLots = GET_LOTS {
        /// The stock or the lot.
        of: LotsOf,
    }

    /// Answers [`GetLots`]: the lots as everyone sees them, at one place of the feed.
    struct Lots = LOTS {
        /// The place of the last public event that is in.
        feed_sequence: FeedSequence,
        /// Way in which traders pay.
        accounts: AccountMode,
        /// Number of lots that the stock has had, open and closed.
        total: u32,
        /// Lots that have not closed, and the newest that has; in the order of their numbers, the newest
        /// [`LOTS_MAX`] of them. Of one lot by its number: that lot.
        lots: List<Lot, LOTS_MAX>,
    }
}

/// Subject of [`GetLots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LotsOf {
    /// The lots of a stock.
    Symbol(#[serde(with = "crate::encoding::wire")] Symbol),
    /// One lot.
    Lot(#[serde(with = "crate::encoding::wire")] LotId),
}

crate::encoding::core_types::in_order!(0, 1);
as_serde!(LotsOf);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(LotsOf, {
    0 = Symbol(Symbol),
    1 = Lot(LotId)
});
