//! Equivocation: two statements that cannot both be true prove it; two statements that can both be true prove
//! nothing.

use auction_core::{Digest, FeedSequence, Sequence};
use auction_proto::arbitrary::{batch_statement, checkpoint_statement, signing_key};
use auction_proto::{
    AnySigned, AnyStatement, BatchStatement, Checkpoint, CheckpointStatement, Conflict,
    EquivocationProof, NoEquivocation, SignedBatch, SignedCheckpoint, SigningKey,
};
use proptest::prelude::*;
use proptest::sample::Index;

fn signed(batch: &BatchStatement) -> AnySigned {
    AnySigned::Batch(SignedBatch::sign(batch, &signing_key()))
}

fn proof(first: &BatchStatement, second: &BatchStatement) -> Result<Conflict, NoEquivocation> {
    let proof = EquivocationProof {
        first: signed(first),
        second: signed(second),
    };
    let backwards = EquivocationProof {
        first: signed(second),
        second: signed(first),
    };
    let (market, key) = (first.market, signing_key().public());
    let found = proof.verify(market, &key);
    assert_eq!(found, backwards.verify(market, &key));
    found
}

/// The events after the first `skipped`, as a separate batch.
fn from(batch: &BatchStatement, skipped: usize) -> BatchStatement {
    let mut later = batch.clone();
    later.after = FeedSequence(batch.after.0 + skipped as u64);
    later.entries = batch.entries[skipped..].to_vec().try_into().unwrap();
    later
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Holds for any division of the feed into batches, and any times of signing.
    #[test]
    fn an_honest_market_never_contradicts_itself(
        batch in batch_statement(), cut: Index, checkpoint in checkpoint_statement(), life: bool,
    ) {
        let skipped = cut.index(batch.entries.len() + 1);
        let mut later = from(&batch, skipped);
        later.time = checkpoint.time;
        if checkpoint.checkpoint.sequence != batch.checkpoint.sequence {
            later.checkpoint = checkpoint.checkpoint.clone();
        }
        if life {
            later.after = later.through;
            later.entries = Vec::new().try_into().unwrap();
        }
        prop_assert_eq!(proof(&batch, &later), Err(NoEquivocation::Compatible));
    }

    #[test]
    fn another_event_at_a_place_is_fraud(batch in batch_statement(), at: Index, skipped: Index) {
        prop_assume!(batch.entries.len() > 1);
        let at = 1 + at.index(batch.entries.len() - 1);
        let mut entries = batch.entries.to_vec();
        prop_assume!(entries[at] != entries[0]);
        entries[at] = entries[0].clone();
        let mut other = batch.clone();
        other.entries = entries.try_into().unwrap();
        let other = from(&other, skipped.index(at + 1));
        let place = FeedSequence(batch.after.0 + 1 + at as u64);
        prop_assert_eq!(proof(&batch, &other), Ok(Conflict::Event(place)));
    }

    #[test]
    fn another_digest_at_a_place_is_fraud(batch in batch_statement(), bit: Index) {
        let mut digest = batch.digest;
        digest.0[bit.index(32)] ^= 1;
        let life = BatchStatement {
            after: batch.through,
            entries: Vec::new().try_into().unwrap(),
            digest,
            ..batch.clone()
        };
        prop_assert_eq!(proof(&batch, &life), Ok(Conflict::Digest(batch.through)));
    }

    #[test]
    fn another_journal_up_to_a_record_is_fraud(checkpoint in checkpoint_statement(), in_chain: bool) {
        let mut other = checkpoint.clone();
        let changed = if in_chain { &mut other.checkpoint.chain } else { &mut other.checkpoint.root };
        changed[0] ^= 1;
        let sign = |statement: &CheckpointStatement| {
            AnySigned::Checkpoint(SignedCheckpoint::sign(statement, &signing_key()))
        };
        let proof = EquivocationProof { first: sign(&checkpoint), second: sign(&other) };
        let at = checkpoint.checkpoint.sequence;
        prop_assert_eq!(proof.verify(checkpoint.market, &signing_key().public()), Ok(Conflict::Journal(at)));
    }

    /// A market cannot be accused with statements that it has not signed.
    #[test]
    fn what_another_has_signed_proves_nothing(batch in batch_statement()) {
        let lie = BatchStatement { digest: Digest([1; 32]), ..batch.clone() };
        prop_assume!(lie != batch);
        let forged = SignedBatch::sign(&lie, &SigningKey::new(&[1; 32]));
        let proof = EquivocationProof { first: signed(&batch), second: AnySigned::Batch(forged) };
        let found = proof.verify(batch.market, &signing_key().public());
        prop_assert!(matches!(found, Err(NoEquivocation::Statement(_))));
    }
}

#[test]
fn checkpoints_of_all_kinds_of_statements_are_compared() {
    let checkpoint = |root| Checkpoint {
        sequence: Sequence(5),
        chain: [0; 32],
        root: [root; 32],
    };
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut batch = batch_statement().new_tree(&mut runner).unwrap().current();
    batch.checkpoint = checkpoint(1);
    let batch = AnyStatement::Batch(batch);
    let mut alone = checkpoint_statement()
        .new_tree(&mut runner)
        .unwrap()
        .current();
    for (root, expected) in [(1, None), (2, Some(Conflict::Journal(Sequence(5))))] {
        alone.checkpoint = checkpoint(root);
        let alone = AnyStatement::Checkpoint(alone.clone());
        assert_eq!(batch.conflict(&alone), expected);
    }
}
