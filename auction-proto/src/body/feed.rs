//! The feed: public events in their own dense sequence.

use auction_core::{FeedSequence, MarketId, PublicEvent, Term, Timestamp};

use crate::limits::FEED_ENTRIES_MAX;
use crate::list::List;

fields! {
    /// Asks for the feed on this connection, from a place that the client knows or from the beginning. Needs
    /// no session. Answered by [`Resumed`], or by [`SnapshotPart`](super::SnapshotPart)s that carry the number
    /// of this request; from there on [`Feed`] follows [`Feed`] without a gap.
    struct Watch = WATCH {
        /// Where the client's fold stands; nothing: it has none. JSON can leave it out.
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

    /// One public event.
    struct FeedEntry {
        /// When it happened.
        at: Timestamp,
        /// What happened.
        event: PublicEvent,
    }
}
