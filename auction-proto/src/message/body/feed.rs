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
        /// Where the client's fold stands; nothing: it has none. JSON can leave it out.
        #[serde(default)]
        resume: Option<ResumePoint>,
    }

    /// Asks for the feed of some stocks on this connection, instead of what it watched before. Answered as
    /// [`Watch`], with [`FilteredFeed`] in place of [`Feed`]: of stocks and lots only those named, and all users,
    /// for they may lead.
    struct WatchSymbols = WATCH_SYMBOLS {
        /// The stocks. One that is not listed yet may be.
        symbols: List<Symbol, SYMBOLS_WATCHED_MAX>,
        /// Where the client stands; nothing: nowhere. JSON can leave it out.
        #[serde(default)]
        resume: Option<ResumePoint>,
    }

    /// Where a fold stands.
    struct ResumePoint {
        /// The market.
        market: MarketId,
        /// The last place of its feed that the client has taken.
        feed_sequence: FeedSequence,
    }

    /// Answers [`Watch`]: what was missed follows as [`Feed`], without a snapshot.
    struct Resumed = RESUMED {
        /// The place from which the feed goes on: the one that the client named.
        feed_sequence: FeedSequence,
    }

    /// Public events of one commit, or a part of them, in order.
    struct Feed = FEED {
        /// The market.
        market: MarketId,
        /// Who leads it.
        term: Term,
        /// The place that these events follow.
        after: FeedSequence,
        /// The place of the last of them: `after` and their number.
        through: FeedSequence,
        /// The events.
        entries: List<FeedEntry, FEED_ENTRIES_MAX>,
    }

    /// Public events of the stocks that were asked for: what is left of one or several [`Feed`]s, in order. One
    /// without events tells how far the feed has come.
    struct FilteredFeed = FILTERED_FEED {
        /// The market.
        market: MarketId,
        /// Who leads it.
        term: Term,
        /// The place that this follows: the end of the one before.
        after: FeedSequence,
        /// The place up to which nothing of these stocks is missing: to resume from.
        through: FeedSequence,
        /// The events.
        entries: List<FeedEntry, FEED_ENTRIES_MAX>,
    }

    /// The feed does not go on where it should: all parts of a snapshot follow, and the fold begins anew. Carries
    /// the number of the request that asked for the feed.
    struct Resync = RESYNC {
        /// Why.
        because: ResyncBecause,
    }

    /// What an uncross of a call auction now would give, its collar aside. It has no place in the feed's sequence, and
    /// no part in the fold: while the feed is watched, the newest of each lot comes as it changes, at most some
    /// tens a second, and the ones between are left out.
    struct Indicative = INDICATIVE {
        /// The lot.
        lot: LotId,
        /// When it stood so.
        at: Timestamp,
        /// Price, volume and surplus; or the best limits, when nothing would trade.
        indicative: auction_core::Indicative,
        /// The best of the book, when the lot's terms let it be published.
        depth: Option<BookDepth>,
    }

    /// One public event.
    struct FeedEntry {
        /// When it happened.
        at: Timestamp,
        /// What happened.
        event: PublicEvent,
    }
}

choice! {
    /// Why a feed cannot go on without a snapshot.
    enum ResyncBecause {
        /// The client did not read fast enough to be given all that was in between.
        0 = TooSlow,
        /// The client was away for too long: what it missed is no longer at hand.
        1 = TooLongAgo,
        /// The client knows another market, or names a place within what was told at once.
        2 = UnknownPlace,
        /// The client has seen more than the server holds: the end of the server's journal was lost.
        3 = JournalLost,
    }
}
