//! What the market has signed of single places, to be compared with what it signs later.

use std::collections::BTreeMap;

use auction_core::{FeedSequence, Sequence};
use auction_proto::{AnySigned, AnyStatement, BatchStatement, Checkpoint, Conflict, FraudProof};

use super::fetch::Snapshot;
use super::kept::Checked;
use super::limits::CLAIMS_KEPT_MAX;

/// What was signed of single places, to be compared with what is signed later.
#[derive(Debug, Default)]
pub(super) struct Claims {
    checkpoints: BTreeMap<Sequence, Checked>,
    digests: BTreeMap<FeedSequence, Checked>,
}

impl Claims {
    pub(super) fn keep(&mut self, checked: &Checked) {
        let statement = &checked.statement;
        let checkpoint = statement.checkpoint.sequence;
        self.checkpoints
            .entry(checkpoint)
            .or_insert_with(|| checked.clone());
        self.digests
            .entry(statement.through)
            .or_insert_with(|| checked.clone());
        while self.checkpoints.len() > CLAIMS_KEPT_MAX {
            self.checkpoints.pop_first();
        }
        while self.digests.len() > CLAIMS_KEPT_MAX {
            self.digests.pop_first();
        }
    }

    /// Those that say another thing of the same place.
    pub(super) fn of<'a>(
        &'a self,
        statement: &'a BatchStatement,
    ) -> impl Iterator<Item = &'a Checked> {
        let digest = self.digests.get(&statement.through);
        let digest = digest.filter(|other| other.statement.digest != statement.digest);
        let checkpoint = self.other_checkpoint(&statement.checkpoint);
        digest.into_iter().chain(checkpoint)
    }

    pub(super) fn other_checkpoint(&self, checkpoint: &Checkpoint) -> Option<&Checked> {
        let other = self.checkpoints.get(&checkpoint.sequence)?;
        (other.statement.checkpoint != *checkpoint).then_some(other)
    }

    pub(super) fn against_snapshot(&self, snapshot: &Snapshot) -> Option<(FraudProof, Conflict)> {
        let statement = &snapshot.statement;
        let digest = self.digests.get(&statement.feed_sequence);
        let checkpoint = self.other_checkpoint(&statement.checkpoint);
        let claims = digest.into_iter().chain(checkpoint);
        let second = AnyStatement::Snapshot(statement.clone());
        let (other, conflict) = claims.into_iter().find_map(|other| {
            let first = AnyStatement::Batch((*other.statement).clone());
            Some((other, first.conflict(&second)?))
        })?;
        let proof = FraudProof {
            first: AnySigned::Batch(other.letter.batch.clone()),
            second: AnySigned::Snapshot(snapshot.signed.clone()),
        };
        Some((proof, conflict))
    }
}
