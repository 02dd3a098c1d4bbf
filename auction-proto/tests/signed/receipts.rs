//! Receipts: the facts that they prove, and that a receipt with any bit changed proves nothing.

use auction_core::{MarketId, Record, Sequence, Term, Timestamp};
use auction_proto::arbitrary::{self, signing_key};
use auction_proto::merkle::{self, leaf_hash, node_hash};
use auction_proto::{
    Checkpoint, CheckpointStatement, List, Receipt, ReceiptError, RecordError, SignedCheckpoint,
    StatementError, encode_record,
};
use proptest::prelude::*;

const MARKET: MarketId = MarketId([7; 16]);

/// Receipt of a record that is the second of three.
fn receipt(mut record: Record) -> (Record, Receipt) {
    record.sequence = Sequence(2);
    let (mut public, mut private) = (Vec::new(), Vec::new());
    encode_record(&record, &[0x5a; 16], &mut public, &mut private);
    let (first, third) = (leaf_hash(b"first"), leaf_hash(b"third"));
    let root = node_hash(&node_hash(&first, &leaf_hash(&public)), &third);
    let statement = CheckpointStatement {
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(1_700_000_000),
        checkpoint: Checkpoint {
            sequence: Sequence(3),
            chain: [0; 32],
            root,
        },
    };
    let signed = SignedCheckpoint::sign(&statement, &signing_key());
    let receipt = Receipt {
        record: public.try_into().unwrap(),
        private: (!private.is_empty()).then(|| private.try_into().unwrap()),
        path: List::new(vec![first, third]).unwrap(),
        statement: signed.statement,
        signature: signed.signature,
    };
    (record, receipt)
}

fn verify(receipt: &Receipt) -> Result<auction_proto::Proven, ReceiptError> {
    receipt.verify(MARKET, &signing_key().public())
}

/// The bytes with each bit changed in turn.
fn every_bit(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..8 * bytes.len()).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_receipt_proves_who_asked_for_what_and_where_it_stands(record in arbitrary::record()) {
        let (record, receipt) = receipt(record);
        let proven = verify(&receipt).unwrap();
        prop_assert_eq!(proven.record.sequence, Sequence(2));
        prop_assert_eq!(proven.checkpoint.checkpoint.sequence, Sequence(3));
        let asked = proven.asked.unwrap();
        prop_assert_eq!(asked.actor, record.actor);
        prop_assert_eq!(asked.request, record.request);
        prop_assert_eq!(&asked.command, &record.command);

        // Without the private part, the hidden command is unknown, and the rest is still proved.
        let closed = Receipt { private: None, ..receipt };
        let proven = verify(&closed).unwrap();
        prop_assert_eq!(proven.asked.is_some(), !record.command.is_hidden());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn every_changed_bit_of_a_receipt_fails(record in arbitrary::record()) {
        let (_, whole) = receipt(record);
        for record in every_bit(&whole.record) {
            let changed = Receipt { record: record.try_into().unwrap(), ..whole.clone() };
            prop_assert!(verify(&changed).is_err());
        }
        for private in whole.private.iter().flat_map(|private| every_bit(private)) {
            let private = Some(private.try_into().unwrap());
            let changed = Receipt { private, ..whole.clone() };
            prop_assert!(verify(&changed).is_err());
        }
        for path in every_bit(&whole.path.concat()) {
            let path = path.as_chunks().0.to_vec().try_into().unwrap();
            let changed = Receipt { path, ..whole.clone() };
            prop_assert!(verify(&changed).is_err());
        }
    }
}

#[test]
fn every_changed_bit_of_a_receipts_checkpoint_fails() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let record = arbitrary::record().new_tree(&mut runner).unwrap().current();
    let (_, whole) = receipt(record);
    for statement in every_bit(&whole.statement) {
        let changed = Receipt {
            statement: statement.try_into().unwrap(),
            ..whole.clone()
        };
        let signature = StatementError::Signature(auction_proto::SignatureError);
        assert_eq!(verify(&changed), Err(signature.into()));
    }
    for signature in every_bit(&whole.signature.0) {
        let signature = auction_proto::Signature(signature.try_into().unwrap());
        let changed = Receipt {
            signature,
            ..whole.clone()
        };
        assert!(verify(&changed).is_err());
    }
}

#[test]
fn what_is_no_one_record_proves_nothing() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let record = arbitrary::record().new_tree(&mut runner).unwrap().current();
    let (_, whole) = receipt(record);
    let none = Receipt {
        record: Vec::new().try_into().unwrap(),
        ..whole.clone()
    };
    assert_eq!(verify(&none), Err(ReceiptError::NotOne { found: 0 }));
    let mut twice = whole.record.to_vec();
    twice.extend_from_slice(&whole.record[1..]);
    let two = Receipt {
        record: twice.try_into().unwrap(),
        ..whole.clone()
    };
    assert_eq!(verify(&two), Err(ReceiptError::NotOne { found: 2 }));
    let more = Receipt {
        private: Some(vec![1, 0, 0, 0, 0].try_into().unwrap()),
        ..whole
    };
    assert!(matches!(
        verify(&more),
        Err(ReceiptError::Record(
            RecordError::PrivateLeft { .. } | RecordError::PrivateMissing { .. }
        ))
    ));
}

#[test]
fn a_record_of_another_place_is_not_proved() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut record = arbitrary::record().new_tree(&mut runner).unwrap().current();
    for sequence in [0, 1, 3, 4, u64::MAX] {
        let (_, whole) = receipt(record.clone());
        record.sequence = Sequence(sequence);
        let (mut public, mut private) = (Vec::new(), Vec::new());
        encode_record(&record, &[0x5a; 16], &mut public, &mut private);
        let elsewhere = Receipt {
            record: public.try_into().unwrap(),
            private: None,
            ..whole
        };
        let proved = verify(&elsewhere);
        let outside = matches!(
            proved,
            Err(ReceiptError::Proof(merkle::ProofError::OutOfTree { .. }))
        );
        assert_eq!(outside, !(1..=3).contains(&sequence), "{proved:?}");
        assert!(matches!(proved, Err(ReceiptError::Proof(_))));
    }
}
