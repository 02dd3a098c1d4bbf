//! An honest market is never accused, however it cuts its feed; a lying one is, as long as its statements are kept.

use auction_core::{LotId, PublicEvent, Term, Timestamp};
use auction_proto::{BatchStatement, FeedEntry, SignedBatch, SigningKey};
use proptest::prelude::*;

use super::*;

const MARKET: MarketId = MarketId([7; 16]);
/// Number of events in the feed.
const EVENTS: u64 = 40;

fn key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

fn detector() -> EquivocationDetector {
    EquivocationDetector::new(MARKET, key().public())
}

fn entry(place: u64, lot: u32) -> FeedEntry {
    FeedEntry {
        at: Timestamp::from_secs(1_000 + place),
        event: PublicEvent::LotBegan { lot: LotId(lot) },
    }
}

/// The batch of the places after `after` up to `through`. The event at place `lie` is replaced by another.
fn batch(after: u64, through: u64, lie: Option<u64>) -> AnySigned {
    AnySigned::Batch(SignedBatch::sign(&statement(after, through, lie), &key()))
}

fn statement(after: u64, through: u64, lie: Option<u64>) -> BatchStatement {
    let told = |place| if Some(place) == lie { 2 } else { 1 };
    let entries: Vec<_> = (after + 1..=through)
        .map(|place| entry(place, told(place)))
        .collect();
    BatchStatement {
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(9_000),
        checkpoint: Checkpoint {
            sequence: Sequence(through),
            chain: [through as u8; 32],
            root: [through as u8; 32],
        },
        after: FeedSequence(after),
        through: FeedSequence(through),
        digest: Digest([through as u8; 32]),
        entries: entries.try_into().unwrap(),
    }
}

/// Batches as they may arrive: cut anywhere, repeated, in any order, with heartbeats in between.
fn cuts() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let cut = (0..EVENTS, 0..6_u64).prop_map(|(after, count)| (after, (after + count).min(EVENTS)));
    proptest::collection::vec(cut, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_honest_market_is_never_accused(cuts in cuts()) {
        let mut detector = detector();
        for (after, through) in cuts {
            let heard = detector.check(&batch(after, through, None)).unwrap();
            prop_assert_eq!(heard.1, None);
        }
    }

    #[test]
    fn another_event_at_a_place_that_was_heard_is_fraud(
        cuts in cuts(), after in 0..EVENTS, count in 1..6_u64, lie in 1..=EVENTS,
    ) {
        let mut detector = detector();
        for (after, through) in &cuts {
            detector.check(&batch(*after, *through, None)).unwrap();
        }
        let through = (after + count).min(EVENTS);
        prop_assume!(after < lie && lie <= through);
        let was_heard = cuts.iter().any(|(after, through)| *after < lie && lie <= *through);
        let (_, equivocation) = detector.check(&batch(after, through, Some(lie))).unwrap();
        prop_assert_eq!(equivocation.is_some(), was_heard);
        if let Some(Equivocation { proof, conflict }) = equivocation {
            prop_assert_eq!(conflict, Conflict::Event(FeedSequence(lie)));
            prop_assert_eq!(proof.verify(MARKET, &key().public()), Ok(conflict));
            // Later batches are still compared with the first.
            let again = detector.check(&batch(after, through, None)).unwrap();
            prop_assert_eq!(again.1, None);
        }
    }
}

#[test]
fn what_is_not_signed_by_the_market_accuses_nobody() {
    let mut detector = detector();
    detector.check(&batch(0, 3, None)).unwrap();
    let AnySigned::Batch(mut forged) = batch(0, 3, Some(2)) else {
        unreachable!()
    };
    forged.signature.0[5] ^= 1;
    assert!(detector.check(&AnySigned::Batch(forged)).is_err());
    assert_eq!(detector.check(&batch(0, 3, None)).unwrap().1, None);
}

#[test]
fn what_is_kept_does_not_grow_without_end() {
    let mut detector = detector();
    for place in 0..EQUIVOCATION_STATEMENTS_MAX as u64 + 50 {
        let signed = batch(place, place + 1, None);
        let statement = AnyStatement::Batch(statement(place, place + 1, None));
        assert!(detector.compare(&signed, &statement).is_none());
    }
    assert_eq!(detector.kept.len(), EQUIVOCATION_STATEMENTS_MAX);
    let indexes = [
        detector.batches.len(),
        detector.digests.len(),
        detector.checkpoints.len(),
    ];
    assert_eq!(indexes, [EQUIVOCATION_STATEMENTS_MAX; 3]);
    let held: usize = detector.batches.values().map(|signed| size(signed)).sum();
    assert_eq!(detector.bytes, held);
}

/// Without a common event, each lie must be noticed alone.
#[test]
fn a_second_digest_or_checkpoint_for_one_place_is_fraud() {
    let lies: [fn(&mut BatchStatement); 3] = [
        |lie| lie.digest = Digest([99; 32]),
        |lie| lie.checkpoint.chain = [99; 32],
        |lie| lie.checkpoint.root = [99; 32],
    ];
    for tell in lies {
        let mut detector = detector();
        detector.check(&batch(3, 5, None)).unwrap();
        let mut lie = statement(5, 5, None);
        tell(&mut lie);
        let lie = AnySigned::Batch(SignedBatch::sign(&lie, &key()));
        let (_, equivocation) = detector.check(&lie).unwrap();
        let Equivocation { proof, conflict } = equivocation.expect("it contradicts what was heard");
        assert_eq!(proof.verify(MARKET, &key().public()), Ok(conflict));
    }
}
