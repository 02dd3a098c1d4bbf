//! Making feed frames of what was decided, and folding them into a market.

use alloc::vec::Vec;

use auction_core::{FeedSequence, FoldError, Market, MarketId, Term};

use crate::encoding::list::List;
use crate::limits::FEED_ENTRIES_MAX;
use crate::message::body::{Feed, FeedEntry};

/// Why a feed frame does not follow what a market has seen. Ask for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It is another market's.
    #[error("the feed is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// Whose it is.
        found: MarketId,
        /// Whose it should be.
        expected: MarketId,
    },
    /// Something is missing before it, or was seen already.
    #[error("the feed follows {after}, and this market stands at {at}")]
    Gap {
        /// The place that the frame follows.
        after: FeedSequence,
        /// Where the market stands.
        at: FeedSequence,
    },
    /// The places it names and the number of its events differ.
    #[error("the feed names {through} as its end, and its events end at {expected}")]
    WrongEnd {
        /// The end it names.
        through: FeedSequence,
        /// The end of its events.
        expected: FeedSequence,
    },
    /// An event contradicts the market. Some before it have been taken: the market is of no more use.
    #[error("the event at {at} contradicts the market: {source}")]
    Contradiction {
        /// The place of the event.
        at: FeedSequence,
        /// How.
        source: FoldError,
    },
}

impl Feed {
    /// The feed of one commit: mostly one frame, several for more than [`FEED_ENTRIES_MAX`] events, none for
    /// none.
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

    /// Folds the events into a market that stands where they follow.
    ///
    /// # Errors
    /// [`FeedError`] when they do not follow. The market is unchanged, save after
    /// [`FeedError::Contradiction`].
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

    /// Whether the events follow where a market stands, as far as can be told without folding them.
    ///
    /// # Errors
    /// [`FeedError`], save [`FeedError::Contradiction`].
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
