//! Feed frames of a commit, and the folding of them into a market.

use alloc::vec::Vec;

use auction_core::{FeedSequence, FoldError, Market, MarketId, Term};

use crate::encoding::list::List;
use crate::limits::FEED_ENTRIES_MAX;
use crate::message::body::{Feed, FeedEntry};

/// Reason why a feed frame does not continue a market. Ask for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The frame is of another market.
    #[error("the feed is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// The frame's market.
        found: MarketId,
        /// The expected market.
        expected: MarketId,
    },
    /// Events before the frame are missing, or its events were already applied.
    #[error("the feed follows {after}, and this market stands at {at}")]
    Gap {
        /// Place after which the frame begins.
        after: FeedSequence,
        /// Place of the market.
        at: FeedSequence,
    },
    /// The places in the frame and its number of events do not match.
    #[error("the feed names {through} as its end, and its events end at {expected}")]
    WrongEnd {
        /// The end that the frame names.
        through: FeedSequence,
        /// The end according to its number of events.
        expected: FeedSequence,
    },
    /// An event contradicts the market. Events before it have been applied: the market cannot be used any more.
    #[error("the event at {at} contradicts the market: {source}")]
    Contradiction {
        /// Place of the event.
        at: FeedSequence,
        /// Cause.
        source: FoldError,
    },
}

impl Feed {
    /// Returns the feed of one commit: usually one frame, several for more than [`FEED_ENTRIES_MAX`] events, none for
    /// a commit without public events.
    #[must_use]
    pub fn of_commit(
        market: MarketId,
        term: Term,
        mut after: FeedSequence,
        entries: impl IntoIterator<Item = FeedEntry>,
    ) -> Vec<Self> {
        let mut frames = Vec::new();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let taken: Vec<_> = entries.by_ref().take(FEED_ENTRIES_MAX).collect();
            let through = end_of(after, taken.len());
            frames.push(Self {
                market,
                term,
                after,
                through,
                entries: List::new(taken).expect("no more were taken"),
            });
            after = through;
        }
        frames
    }

    /// Folds the events into the market, whose place must be the one that they follow.
    ///
    /// # Errors
    /// [`FeedError`] when they do not follow it. The market is unchanged, except after [`FeedError::Contradiction`].
    pub fn apply_to(&self, market: &mut Market) -> Result<(), FeedError> {
        self.check_follows(market)?;
        for entry in &self.entries {
            let at = market.feed_sequence().next();
            market
                .apply(entry.at, &entry.event)
                .map_err(|source| FeedError::Contradiction { at, source })?;
        }
        Ok(())
    }

    /// Checks that the events follow the market's place, as far as possible without folding them.
    ///
    /// # Errors
    /// [`FeedError`], except [`FeedError::Contradiction`].
    pub fn check_follows(&self, market: &Market) -> Result<(), FeedError> {
        let Self { after, through, .. } = *self;
        if self.market != market.id() {
            return Err(FeedError::OtherMarket {
                found: self.market,
                expected: market.id(),
            });
        }
        let at = market.feed_sequence();
        if after != at {
            return Err(FeedError::Gap { after, at });
        }
        let expected = end_of(after, self.entries.len());
        if through != expected {
            return Err(FeedError::WrongEnd { through, expected });
        }
        Ok(())
    }
}

fn end_of(after: FeedSequence, count: usize) -> FeedSequence {
    FeedSequence(after.0.saturating_add(count as u64))
}
