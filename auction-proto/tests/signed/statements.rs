//! Signed statements: checked without state, and folded into a market.

use auction_core::{
    Digest, FeedSequence, Market, MarketId, Name, PublicEvent, Role, Sequence, Term, Timestamp,
    UserId,
};
use auction_proto::arbitrary::{
    batch_statement, checkpoint_statement, signing_key, snapshot_statement,
};
use auction_proto::{
    BatchBuilder, BatchError, Checkpoint, FeedEntry, KeyFingerprint, PublicKey, SignedBatch,
    SignedCheckpoint, SignedSnapshot, SigningKey, SnapshotBytes, SnapshotPart, StatementError,
    StatementHead, limits,
};
use proptest::prelude::*;
use proptest::sample::Index;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_is_what_is_read(
        batch in batch_statement(), snapshot in snapshot_statement(), checkpoint in checkpoint_statement(),
    ) {
        let (key, public) = (signing_key(), signing_key().public());
        prop_assert_eq!(SignedBatch::sign(&batch, &key).verify(batch.market, &public), Ok(batch));
        let signed = SignedSnapshot::sign(&snapshot, &key);
        prop_assert_eq!(signed.verify(snapshot.market, &public), Ok(snapshot));
        let signed = SignedCheckpoint::sign(&checkpoint, &key);
        prop_assert_eq!(signed.verify(checkpoint.market, &public), Ok(checkpoint));
    }

    #[test]
    fn no_changed_bit_of_a_statement_or_its_signature_passes(batch in batch_statement(), bit: Index) {
        let signed = SignedBatch::sign(&batch, &signing_key());
        let bits = 8 * (signed.statement.len() + signed.signature.0.len());
        let (place, mask) = (bit.index(bits) / 8, 1 << (bit.index(bits) % 8));
        let mut changed = signed.clone();
        if place < 64 {
            changed.signature.0[place] ^= mask;
        } else {
            let mut statement = changed.statement.into_vec();
            statement[place - 64] ^= mask;
            changed.statement = statement.try_into().unwrap();
        }
        let verified = changed.verify(batch.market, &signing_key().public());
        prop_assert!(matches!(verified, Err(StatementError::Signature(_))));
    }

    #[test]
    fn another_key_or_another_market_is_not_believed(batch in batch_statement(), secret: [u8; 32]) {
        let signed = SignedBatch::sign(&batch, &SigningKey::new(&secret));
        let verified = signed.verify(batch.market, &signing_key().public());
        prop_assert!(matches!(verified, Err(StatementError::Signature(_))));
        let signed = SignedBatch::sign(&batch, &signing_key());
        let mut other = batch.market;
        other.0[0] ^= 1;
        let verified = signed.verify(other, &signing_key().public());
        prop_assert_eq!(verified, Err(StatementError::OtherMarket { found: batch.market, expected: other }));
    }

    /// A statement signed for one purpose is not valid for another, even if its bytes could be read as the other.
    #[test]
    fn a_statement_does_not_pass_for_one_of_another_purpose(checkpoint in checkpoint_statement()) {
        let signed = SignedCheckpoint::sign(&checkpoint, &signing_key());
        let (bytes, signature) = (signed.statement.into_vec(), signed.signature);
        let batch = SignedBatch { statement: bytes.clone().try_into().unwrap(), signature };
        let verified = batch.verify(checkpoint.market, &signing_key().public());
        prop_assert!(matches!(verified, Err(StatementError::Signature(_))));
        let snapshot = SignedSnapshot { statement: bytes.try_into().unwrap(), signature };
        let verified = snapshot.verify(checkpoint.market, &signing_key().public());
        prop_assert!(matches!(verified, Err(StatementError::Signature(_))));
    }

    #[test]
    fn a_batch_that_names_a_wrong_end_is_not_believed(batch in batch_statement(), end: u64) {
        prop_assume!(FeedSequence(end) != batch.through);
        let mut wrong = batch.clone();
        wrong.through = FeedSequence(end);
        let signed = SignedBatch::sign(&wrong, &signing_key());
        let verified = signed.verify(batch.market, &signing_key().public());
        let expected = batch.through;
        prop_assert_eq!(verified, Err(StatementError::WrongEnd { through: FeedSequence(end), expected }));
    }

    #[test]
    fn bytes_of_a_stranger_are_no_statement_and_harm_nothing(statement: Vec<u8>, signature: [u8; 32], key: [u8; 32]) {
        let mut whole = [0; 64];
        whole[..32].copy_from_slice(&signature);
        let signed = SignedBatch {
            statement: statement.try_into().unwrap(),
            signature: auction_proto::Signature(whole),
        };
        prop_assert!(signed.verify(MarketId([0; 16]), &PublicKey(key)).is_err());
    }
}

/// Small-order keys, and alternative forms of a signature: inputs that a lax check would accept.
#[test]
fn a_key_that_signs_everything_signs_nothing() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let signed = SignedBatch {
        statement: b"anything".to_vec().try_into().unwrap(),
        signature: auction_proto::Signature(signature),
    };
    let verified = signed.verify(MarketId([0; 16]), &PublicKey(identity));
    assert!(matches!(verified, Err(StatementError::Signature(_))));
}

#[test]
fn a_secret_key_is_never_shown() {
    assert_eq!(format!("{:?}", signing_key()), "SigningKey(..)");
}

#[test]
fn a_fingerprint_is_read_as_it_is_shown() {
    let fingerprint = signing_key().public().fingerprint();
    let shown = fingerprint.to_string();
    assert_eq!(shown, "8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6");
    assert_eq!(shown.parse::<KeyFingerprint>(), Ok(fingerprint));
    let typed = shown.to_uppercase().replace('-', "");
    assert_eq!(typed.parse::<KeyFingerprint>(), Ok(fingerprint));
    for wrong in ["", "8935", &format!("{shown}0"), &shown.replace('e', "g")] {
        assert!(wrong.parse::<KeyFingerprint>().is_err(), "{wrong}");
    }
}

const MARKET: MarketId = MarketId([7; 16]);

fn entry(user: u32) -> FeedEntry {
    FeedEntry {
        at: Timestamp::from_secs(1_700_000_000 + u64::from(user)),
        event: PublicEvent::UserRegistered {
            user: UserId(user),
            name: Name::parse(&format!("user{user}")).unwrap(),
            role: Role::Trader,
        },
    }
}

fn head() -> StatementHead {
    StatementHead {
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(1_700_000_000),
        checkpoint: Checkpoint {
            sequence: Sequence(0),
            chain: [0; 32],
            root: [0; 32],
        },
    }
}

/// A market with this number of users.
fn market(users: u32) -> Market {
    let mut market = Market::new(MARKET);
    for user in 1..=users {
        let FeedEntry { at, event } = entry(user);
        market.apply(at, &event).unwrap();
    }
    market
}

fn batch(users: std::ops::RangeInclusive<u32>) -> auction_proto::BatchStatement {
    let mut builder = BatchBuilder::new();
    let end = *users.end();
    for user in users {
        builder.push(entry(user)).unwrap();
    }
    builder.statement(head(), FeedSequence(end.into()), market(end).digest())
}

#[test]
fn batches_fold_into_the_market_and_what_it_has_is_passed_over() {
    let mut market_here = market(2);
    let places = |batch: &auction_proto::BatchStatement, market: &mut Market| -> Vec<u64> {
        let new = batch.apply_to(market).unwrap();
        new.map(|(at, _)| at.0).collect()
    };
    // Users 2 to 4 arrive, of which 2 is known; then a batch of known users, and one without events.
    assert_eq!(places(&batch(2..=4), &mut market_here), [3, 4]);
    assert_eq!(places(&batch(1..=3), &mut market_here), [0; 0]);
    let life = BatchBuilder::new().statement(head(), FeedSequence(4), market(4).digest());
    assert_eq!(places(&life, &mut market_here), [0; 0]);
    assert_eq!(market_here, market(4));
}

#[test]
fn a_gap_before_a_batch_differs_from_a_contradiction() {
    let mut here = market(2);
    let (after, at) = (FeedSequence(3), FeedSequence(2));
    let error = batch(4..=4).apply_to(&mut here).err();
    assert_eq!(error, Some(BatchError::Gap { after, at }));
    let mut other = batch(3..=3);
    other.market = MarketId([8; 16]);
    let error = other.apply_to(&mut here).err();
    assert!(matches!(error, Some(BatchError::OtherMarket { .. })));
    assert_eq!(here, market(2), "nothing was taken");

    let mut lie = batch(3..=3);
    lie.digest = Digest([1; 32]);
    let error = lie.apply_to(&mut market(2)).err();
    assert_eq!(
        error,
        Some(BatchError::Digest {
            at: FeedSequence(3)
        })
    );
    let mut twice = batch(3..=3);
    twice.entries = vec![entry(2)].try_into().unwrap();
    let error = twice.apply_to(&mut market(2)).err();
    assert!(matches!(error, Some(BatchError::Contradiction { .. })));
}

#[test]
fn a_batch_takes_what_has_room_and_no_more() {
    let mut builder = BatchBuilder::new();
    let mut taken = 0;
    let left = loop {
        match builder.push(entry(taken + 1)) {
            Ok(()) => taken += 1,
            Err(entry) => break entry,
        }
    };
    assert_eq!(left, entry(taken + 1));
    assert_eq!(taken as usize, limits::FEED_ENTRIES_MAX);
    let statement = builder.statement(head(), FeedSequence(taken.into()), Digest([0; 32]));
    assert_eq!(statement.after, FeedSequence(0));
    assert!(builder.is_empty());
    let signed = SignedBatch::sign(&statement, &signing_key());
    assert!(signed.statement.len() <= limits::BATCH_STATEMENT_BYTES_MAX);
}

#[test]
fn a_part_of_a_snapshot_is_valid_only_where_it_was_signed() {
    let parts: Vec<SnapshotPart> = SnapshotPart::of_market(&market(3)).collect();
    let (bytes, hash) = SnapshotBytes::of(&parts[0]);
    let statement = auction_proto::SnapshotStatement {
        market: MARKET,
        term: Term(1),
        time: head().time,
        checkpoint: head().checkpoint,
        feed_sequence: FeedSequence(3),
        digest: market(3).digest(),
        parts: vec![hash, [0; 32]].try_into().unwrap(),
    };
    assert_eq!(statement.part(&bytes).as_ref(), Ok(&parts[0]));
    for index in [1, 2, u32::MAX] {
        let elsewhere = SnapshotBytes {
            index,
            ..bytes.clone()
        };
        let other = Err(StatementError::OtherPart { index });
        assert_eq!(statement.part(&elsewhere), other);
    }
    let mut changed = bytes.part.into_vec();
    changed[20] ^= 1;
    let part = changed.try_into().unwrap();
    let changed = SnapshotBytes { index: 0, part };
    let other = Err(StatementError::OtherPart { index: 0 });
    assert_eq!(statement.part(&changed), other);
}
