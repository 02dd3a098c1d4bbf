//! The feed: public events, numbered without gaps.

use auction_core::{
    BookDepth, FeedSequence, LotId, MarketId, PublicEvent, Symbol, Term, Timestamp,
};

use crate::encoding::list::List;
use crate::limits::{FEED_ENTRIES_MAX, SYMBOLS_WATCHED_MAX};

fields! {
    /// Asks for the feed on this connection, from a place that the client knows or from the beginning. Needs
    /// no session. Answered by [`Resumed`], or by [`SnapshotPart`](super::SnapshotPart)s that carry the number
    /// of this request; from there on [`Feed`] follows [`Feed`] without a gap.
    struct Watch = WATCH {
        /// Place of the client's fold; nothing: it has none. JSON can leave it out.
        #[serde(default)]
        resume: Option<ResumePoint>,
    }

    /// Asks for the feed of some stocks on this connection, instead of what it watched before. Answered as
    /// [`Watch`], with [`FilteredFeed`] in place of [`Feed`]: of stocks and lots only those named, and all users,
    /// for they may lead.
    struct WatchSymbols = WATCH_SYMBOLS {
        /// The stocks. One that is not listed yet may be.
        symbols: List<Symbol, SYMBOLS_WATCHED_MAX>,
        /// Place of the client's fold; nothing: it has none. JSON can leave it out.
        #[serde(default)]
        resume: Option<ResumePoint>,
    }

    /// Place of a fold.
    struct ResumePoint {
        /// The market.
        market: MarketId,
        /// The last place of its feed that the client has applied.
        feed_sequence: FeedSequence,
    }

    /// Answers [`Watch`]: the missed events follow as [`Feed`], without a snapshot.
    struct Resumed = RESUMED {
        /// The place from which the feed goes on: the one that the client named.
        feed_sequence: FeedSequence,
    }

    /// Public events of one commit, or a part of them, in order.
    struct Feed = FEED {
        /// The market.
        market: MarketId,
        /// Term of its leader.
        term: Term,
        /// The place that these events follow.
        after: FeedSequence,
        /// The place of the last of them: `after` and their number.
        through: FeedSequence,
        /// The events.
        entries: List<FeedEntry, FEED_ENTRIES_MAX>,
    }

    /// Public events of the watched stocks: a selection from one or several [`Feed`]s, in order. One without events
    /// shows the progress of the feed.
    struct FilteredFeed = FILTERED_FEED {
        /// The market.
        market: MarketId,
        /// Term of its leader.
        term: Term,
        /// The place that this follows: the end of the one before.
        after: FeedSequence,
        /// The place up to which nothing of these stocks is missing: to resume from.
        through: FeedSequence,
        /// The events.
        entries: List<FeedEntry, FEED_ENTRIES_MAX>,
    }

    /// The feed has a gap: all parts of a snapshot follow, and the client begins a new fold. Carries the number of the
    /// request that asked for the feed.
    struct Resync = RESYNC {
        /// The reason.
        because: ResyncBecause,
    }

    /// Result that an uncross of a call auction would have now, without its collar. It has no place in the feed's
    /// sequence, and no part in the fold: while the client watches, the server sends the newest of each lot when
    /// it changes, at most some tens a second, and leaves out the ones between.
    struct Indicative = INDICATIVE {
        /// The lot.
        lot: LotId,
        /// Time of this result.
        at: Timestamp,
        /// Price, volume and surplus; or the best limits, when nothing would trade.
        indicative: auction_core::Indicative,
        /// The best of the book, when the lot's terms let it be published.
        depth: Option<BookDepth>,
    }

    /// One public event.
    struct FeedEntry {
        /// Time of the event.
        at: Timestamp,
        /// The event.
        event: PublicEvent,
    }
}

choice! {
    /// Reasons why a feed cannot go on without a snapshot.
    enum ResyncBecause {
        /// The client did not read fast enough to get every event.
        0 = TooSlow,
        /// The client was away for too long: the server no longer has the missed events.
        1 = TooLongAgo,
        /// The client knows another market, or names a place within events that were sent together.
        2 = UnknownPlace,
        /// The client has seen more than the server has: the end of the server's journal was lost.
        3 = JournalLost,
    }
}
