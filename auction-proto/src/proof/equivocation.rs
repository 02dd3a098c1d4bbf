//! Proofs of equivocation: two signed statements of one market that cannot both be true.

use auction_core::{FeedSequence, MarketId, Sequence};

use crate::message::body::{
    BatchStatement, Checkpoint, CheckpointStatement, SignedBatch, SignedCheckpoint, SignedSnapshot,
    SnapshotStatement,
};
use crate::proof::statement::StatementError;
use crate::signature::PublicKey;

/// A signed message of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnySigned {
    /// Events.
    Batch(SignedBatch),
    /// The market at one place of the feed.
    Snapshot(SignedSnapshot),
    /// The journal up to one record.
    Checkpoint(SignedCheckpoint),
}

/// A statement of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyStatement {
    /// Events.
    Batch(BatchStatement),
    /// The market at one place of the feed.
    Snapshot(SnapshotStatement),
    /// The journal up to one record.
    Checkpoint(CheckpointStatement),
}

/// Kind of contradiction between two statements. The market that signed both has lied in one of them, or has revoked
/// what it had published.
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

/// Two signed messages that contradict each other. Anyone who has the market's key can check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquivocationProof {
    /// One of the two.
    pub first: AnySigned,
    /// The other one.
    pub second: AnySigned,
}

/// Reason why two messages do not prove equivocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEquivocation {
    /// One of the messages is not a valid statement of the market.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Both statements can be true.
    #[error("the two statements do not contradict each other")]
    Compatible,
}

impl AnySigned {
    /// Checks the signature, and returns the statement.
    ///
    /// # Errors
    /// [`StatementError`] when the message is not a valid statement of the market.
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
    /// Returns the contradiction to another statement of the same market; `None` if both can be true.
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

/// Claims of a statement that another statement can contradict.
struct Claims<'a> {
    checkpoint: &'a Checkpoint,
    digest: Option<(FeedSequence, auction_core::Digest)>,
    batch: Option<&'a BatchStatement>,
}

impl EquivocationProof {
    /// Checks that both messages are the market's, and that they contradict each other.
    ///
    /// # Errors
    /// [`NoEquivocation`] when they prove nothing.
    pub fn verify(&self, market: MarketId, key: &PublicKey) -> Result<Conflict, NoEquivocation> {
        let first = self.first.verify(market, key)?;
        let second = self.second.verify(market, key)?;
        first.conflict(&second).ok_or(NoEquivocation::Compatible)
    }
}
