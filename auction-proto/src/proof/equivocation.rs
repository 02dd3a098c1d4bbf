//! Proofs of fraud: two statements of one market, both signed, that cannot both be true.

use auction_core::{FeedSequence, MarketId, Sequence};

use crate::message::body::{
    BatchStatement, Checkpoint, CheckpointStatement, SignedBatch, SignedCheckpoint, SignedSnapshot,
    SnapshotStatement,
};
use crate::proof::statement::StatementError;
use crate::signature::PublicKey;

/// Any message that a market signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnySigned {
    /// Events.
    Batch(SignedBatch),
    /// The market at a place.
    Snapshot(SignedSnapshot),
    /// A place of the journal.
    Checkpoint(SignedCheckpoint),
}

/// Any statement of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyStatement {
    /// Events.
    Batch(BatchStatement),
    /// The market at a place.
    Snapshot(SnapshotStatement),
    /// A place of the journal.
    Checkpoint(CheckpointStatement),
}

/// How two statements contradict each other. Who has signed both has lied in one of them, or has taken back what it had
/// told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Two different events at one place.
    #[error("two different events are signed for place {0} of the feed")]
    Event(FeedSequence),
    /// Two different markets at one place.
    #[error("two different digests are signed for place {0} of the feed")]
    Digest(FeedSequence),
    /// Two different journals up to one record.
    #[error("two different journals are signed up to record {0}")]
    Journal(Sequence),
}

/// Two signed messages that contradict each other: anyone who has the market's key can check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquivocationProof {
    /// The one.
    pub first: AnySigned,
    /// The other.
    pub second: AnySigned,
}

/// Why two messages are no proof of fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEquivocation {
    /// One of them is not the market's.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Both can be true.
    #[error("the two statements do not contradict each other")]
    Compatible,
}

impl AnySigned {
    /// Checks the signature, and gives what was signed.
    ///
    /// # Errors
    /// [`StatementError`] when it is not to be believed.
    pub fn verify(
        &self,
        market: MarketId,
        key: &PublicKey,
    ) -> Result<AnyStatement, StatementError> {
        Ok(match self {
            Self::Batch(signed) => AnyStatement::Batch(signed.verify(market, key)?),
            Self::Snapshot(signed) => AnyStatement::Snapshot(signed.verify(market, key)?),
            Self::Checkpoint(signed) => AnyStatement::Checkpoint(signed.verify(market, key)?),
        })
    }
}

impl AnyStatement {
    /// How this contradicts another statement of the same market; `None`: both can be true.
    #[must_use]
    pub fn conflict(&self, other: &Self) -> Option<Conflict> {
        let (one, other) = (self.claims(), other.claims());
        if one.checkpoint.sequence == other.checkpoint.sequence
            && one.checkpoint != other.checkpoint
        {
            return Some(Conflict::Journal(one.checkpoint.sequence));
        }
        if let (Some(one), Some(other)) = (one.batch, other.batch) {
            let start = one.after.max(other.after);
            let pairs = one.from(start).zip(other.from(start));
            for ((at, entry), (_, other)) in pairs {
                if entry != other {
                    return Some(Conflict::Event(at));
                }
            }
        }
        match (one.digest, other.digest) {
            (Some((at, digest)), Some((other_at, other))) if at == other_at && digest != other => {
                Some(Conflict::Digest(at))
            }
            _ => None,
        }
    }

    fn claims(&self) -> Claims<'_> {
        match self {
            Self::Batch(batch) => Claims {
                checkpoint: &batch.checkpoint,
                digest: Some((batch.through, batch.digest)),
                batch: Some(batch),
            },
            Self::Snapshot(snapshot) => Claims {
                checkpoint: &snapshot.checkpoint,
                digest: Some((snapshot.feed_sequence, snapshot.digest)),
                batch: None,
            },
            Self::Checkpoint(checkpoint) => Claims {
                checkpoint: &checkpoint.checkpoint,
                digest: None,
                batch: None,
            },
        }
    }
}

/// What a statement claims that another can contradict.
struct Claims<'a> {
    checkpoint: &'a Checkpoint,
    digest: Option<(FeedSequence, auction_core::Digest)>,
    batch: Option<&'a BatchStatement>,
}

impl EquivocationProof {
    /// Checks that both are the market's, and that they contradict each other.
    ///
    /// # Errors
    /// [`NoEquivocation`] when this proves nothing.
    pub fn verify(&self, market: MarketId, key: &PublicKey) -> Result<Conflict, NoEquivocation> {
        let first = self.first.verify(market, key)?;
        let second = self.second.verify(market, key)?;
        first.conflict(&second).ok_or(NoEquivocation::Compatible)
    }
}
