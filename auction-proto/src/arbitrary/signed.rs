//! Signed messages of a market: statements of any content, under one key that is public.

use alloc::vec::Vec;

use proptest::array::{uniform16, uniform32};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::day::public_event;
use super::record::record;
use super::value::{
    digest, feed_sequence, market_id, number, request_id, sequence, small, term, timestamp,
};
use crate::encoding::list::List;
use crate::journal::record::encode_record;
use crate::message::body::{
    BatchStatement, Checkpoint, CheckpointStatement, FeedEntry, GetCheckpoint, GetMarketKey,
    GetReceipt, MarketKey, Receipt, ReceiptOf, ResumePoint, SignedBatch, SignedCheckpoint,
    SignedSnapshot, SnapshotBytes, SnapshotStatement, WatchSigned,
};
use crate::message::{ClientMessage, ServerMessage};
use crate::signature::{PublicKey, SigningKey};

/// Maximum number of elements of an arbitrary list.
const ELEMENTS_MAX: usize = 4;

/// Key of all arbitrary markets.
#[must_use]
pub fn signing_key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

/// Any checkpoint.
pub fn checkpoint() -> BoxedStrategy<Checkpoint> {
    (sequence(), uniform32(any::<u8>()), uniform32(any::<u8>()))
        .prop_map(|(sequence, chain, root)| Checkpoint {
            sequence,
            chain,
            root,
        })
        .boxed()
}

/// Any statement of a batch whose places match its number of events.
pub fn batch_statement() -> BoxedStrategy<BatchStatement> {
    let entry = (timestamp(), public_event()).prop_map(|(at, event)| FeedEntry { at, event });
    let after = number(u64::MAX - ELEMENTS_MAX as u64).prop_map(auction_core::FeedSequence);
    let head = (market_id(), term(), timestamp(), checkpoint());
    (head, after, digest(), vec(entry, 0..=ELEMENTS_MAX))
        .prop_map(
            |((market, term, time, checkpoint), after, digest, entries)| {
                let through = auction_core::FeedSequence(after.0 + entries.len() as u64);
                BatchStatement {
                    market,
                    term,
                    time,
                    checkpoint,
                    after,
                    through,
                    digest,
                    entries: list(entries),
                }
            },
        )
        .boxed()
}

/// Any statement of a snapshot.
pub fn snapshot_statement() -> BoxedStrategy<SnapshotStatement> {
    let head = (market_id(), term(), timestamp(), checkpoint());
    let parts = vec(uniform32(any::<u8>()), 0..=ELEMENTS_MAX);
    (head, feed_sequence(), digest(), parts)
        .prop_map(
            |((market, term, time, checkpoint), feed_sequence, digest, parts)| SnapshotStatement {
                market,
                term,
                time,
                checkpoint,
                feed_sequence,
                digest,
                parts: list(parts),
            },
        )
        .boxed()
}

/// Any statement of a checkpoint.
pub fn checkpoint_statement() -> BoxedStrategy<CheckpointStatement> {
    (market_id(), term(), timestamp(), checkpoint())
        .prop_map(|(market, term, time, checkpoint)| CheckpointStatement {
            market,
            term,
            time,
            checkpoint,
        })
        .boxed()
}

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    let resume = (market_id(), feed_sequence()).prop_map(|(market, feed_sequence)| ResumePoint {
        market,
        feed_sequence,
    });
    let of = prop_oneof![
        request_id().prop_map(ReceiptOf::Request),
        sequence().prop_map(ReceiptOf::Record),
    ];
    prop_oneof![
        Just(GetMarketKey {}.into()),
        option::of(resume).prop_map(|resume| WatchSigned { resume }.into()),
        option::of(sequence()).prop_map(|since| GetCheckpoint { since }.into()),
        of.prop_map(|of| GetReceipt { of }.into()),
    ]
    .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    let path = || vec(uniform32(any::<u8>()), 0..=ELEMENTS_MAX);
    let key = (market_id(), uniform32(any::<u8>()));
    let checkpoint = (checkpoint_statement(), option::of(path()));
    let receipt = (
        record(),
        uniform16(any::<u8>()),
        checkpoint_statement(),
        path(),
    );
    prop_oneof![
        key.prop_map(|(market, key)| {
            let key = PublicKey(key);
            MarketKey { market, key }.into()
        }),
        batch_statement().prop_map(|batch| SignedBatch::sign(&batch, &signing_key()).into()),
        snapshot_statement()
            .prop_map(|snapshot| SignedSnapshot::sign(&snapshot, &signing_key()).into()),
        (small(), vec(any::<u8>(), 0..=64)).prop_map(|(index, part)| {
            let part = part.try_into().expect("it is short");
            SnapshotBytes { index, part }.into()
        }),
        checkpoint.prop_map(|(checkpoint, consistency)| {
            let signed = SignedCheckpoint::sign(&checkpoint, &signing_key());
            match consistency {
                Some(path) => signed.with_consistency(path).into(),
                None => signed.into(),
            }
        }),
        receipt.prop_map(|(record, salt, checkpoint, path)| {
            let (mut public, mut private) = (Vec::new(), Vec::new());
            encode_record(&record, &salt, &mut public, &mut private);
            let private = (!private.is_empty()).then_some(private);
            let signed = SignedCheckpoint::sign(&checkpoint, &signing_key());
            Receipt {
                record: public.try_into().expect("it is short"),
                private: private.map(|bytes| bytes.try_into().expect("it is short")),
                path: list(path),
                statement: signed.statement,
                signature: signed.signature,
            }
            .into()
        }),
    ]
    .boxed()
}

fn list<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    List::new(elements).expect("few are drawn")
}
