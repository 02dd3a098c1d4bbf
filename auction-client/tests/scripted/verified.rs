//! Watching the signed feed: unsigned data is rejected, and contradictions are reported with their proof.

use auction_client::{Client, ConnectionError, Gap, Update, Watch};
use auction_core::{FeedSequence, RequestId};
use auction_proto::{
    AnySigned, ClientMessage, Conflict, EquivocationProof, FeedEntry, Indicative, ResumePoint,
    Resumed, Resync, ResyncBecause, SignedBatch, WatchSigned,
};

use crate::script::{Line, Listener, MARKET, bid_feed, connected, market, price};
use crate::signer::{self, NO_DIGEST, after, batch, key_of, snapshot, statement};

const KEY: u8 = 0x42;
const START: u64 = 3;

fn bid(place: u64, amount: &str) -> FeedEntry {
    let feed = bid_feed(place, price(amount));
    feed.entries.into_vec().remove(0)
}

async fn serve_snapshot(line: &mut Line, number: RequestId, market: &auction_core::Market) {
    let (signed, parts) = snapshot(market, &key_of(KEY));
    line.say(number, signed).await;
    for part in parts {
        line.say(number, part).await;
    }
}

async fn expect_watch(listener: &mut Listener, resume: Option<u64>) -> (Line, RequestId) {
    let mut line = listener.greeted().await;
    let (number, message) = line.next().await;
    let resume = resume.map(|place| ResumePoint {
        market: MARKET,
        feed_sequence: FeedSequence(place),
    });
    assert_eq!(message, ClientMessage::WatchSigned(WatchSigned { resume }));
    (line, number)
}

async fn watching() -> (Client, Listener, Line, Watch, RequestId) {
    let (client, mut listener, first) = connected().await;
    let script = async {
        let (mut line, number) = expect_watch(&mut listener, None).await;
        serve_snapshot(&mut line, number, &market()).await;
        (line, number)
    };
    let public = key_of(KEY).public();
    let (watch, (line, number)) = tokio::join!(client.watch_verified(&public), script);
    // The connection for requests stays open only to keep the client.
    std::mem::forget(first);
    (client, listener, line, watch.unwrap(), number)
}

async fn say(line: &mut Line, signed: &SignedBatch) {
    line.say(RequestId(0), signed.clone()).await;
}

async fn expect_event(watch: &mut Watch, place: u64) {
    match watch.next().await {
        Update::Event { feed_sequence, .. } => assert_eq!(feed_sequence, FeedSequence(place)),
        other => panic!("{other:?}"),
    }
    assert_eq!(watch.market().feed_sequence(), FeedSequence(place));
}

#[tokio::test(start_paused = true)]
async fn overlapping_signed_batches_are_reported_event_by_event() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    assert_eq!(watch.market(), &market());
    let entries = [bid(4, "1.10"), bid(5, "1.20"), bid(6, "1.30")];
    let at = |count: usize| after(&market(), &entries[..count]);
    let key = key_of(KEY);
    say(&mut line, &batch(&at(2), entries[..2].to_vec(), &key)).await;
    expect_event(&mut watch, START + 1).await;
    expect_event(&mut watch, START + 2).await;
    // A heartbeat, a known batch, and a partly known batch.
    say(&mut line, &batch(&at(2), vec![], &key)).await;
    say(&mut line, &batch(&at(1), entries[..1].to_vec(), &key)).await;
    say(&mut line, &batch(&at(3), entries[1..].to_vec(), &key)).await;
    expect_event(&mut watch, START + 3).await;
    let indicative = Indicative {
        lot: auction_core::LotId(1),
        at: auction_core::Timestamp::from_secs(2_000),
        indicative: auction_core::Indicative::NoCross {
            best_buy: None,
            best_sell: None,
        },
        depth: None,
    };
    line.say(RequestId(0), indicative.clone()).await;
    match watch.next().await {
        Update::Indicative(told) => assert_eq!(told, indicative),
        other => panic!("{other:?}"),
    }
    // After a lost connection the feed resumes.
    drop(line);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    let script = async {
        let (mut line, number) = expect_watch(&mut listener, Some(START + 3)).await;
        let feed_sequence = FeedSequence(START + 3);
        line.say(number, Resumed { feed_sequence }).await;
        line
    };
    let (update, _line) = tokio::join!(watch.next(), script);
    assert!(matches!(update, Update::Live), "{update:?}");
}

#[tokio::test(start_paused = true)]
async fn data_signed_with_another_key_ends_the_connection_unreported() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    let entries = vec![bid(4, "1.10")];
    let next = after(&market(), &entries);
    say(&mut line, &batch(&next, entries.clone(), &key_of(0x43))).await;
    match watch.next().await {
        Update::Reconnecting {
            because: ConnectionError::NotSigned(_),
            ..
        } => {}
        other => panic!("{other:?}"),
    }
    // Neither a snapshot signed with another key, nor one with other parts.
    let script = async {
        for lie in 0..2 {
            let (mut line, number) = expect_watch(&mut listener, Some(START)).await;
            let because = ResyncBecause::TooLongAgo;
            line.say(number, Resync { because }).await;
            let (signed, _) = snapshot(&next, &key_of(0x43 - lie));
            line.say(number, signed).await;
            let (_, parts) = snapshot(&market(), &key_of(KEY));
            for part in parts {
                line.say(number, part).await;
            }
        }
    };
    let told = async {
        for _ in 0..2 {
            match watch.next().await {
                Update::Reconnecting {
                    because: ConnectionError::NotSigned(_),
                    ..
                } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::join!(told, script);
    assert_eq!(watch.market(), &market());
}

#[tokio::test(start_paused = true)]
async fn two_different_signed_batches_are_reported_once_with_a_proof() {
    let (_client, _door, mut line, mut watch, _) = watching().await;
    let key = key_of(KEY);
    let (one, other) = (vec![bid(4, "1.10")], vec![bid(4, "1.20")]);
    let first = batch(&after(&market(), &one), one.clone(), &key);
    let second = batch(&after(&market(), &other), other, &key);
    say(&mut line, &first).await;
    expect_event(&mut watch, START + 1).await;
    say(&mut line, &second).await;
    let Update::Equivocation(fraud) = watch.next().await else {
        panic!("the second contradicts the first");
    };
    let expected = EquivocationProof {
        first: AnySigned::Batch(first),
        second: AnySigned::Batch(second.clone()),
    };
    assert_eq!(fraud.proof, expected);
    assert!(matches!(
        fraud.proof.verify(MARKET, &key.public()),
        Ok(Conflict::Event(_) | Conflict::Digest(_))
    ));
    // Reported only once; batches that continue the first are still shown.
    say(&mut line, &second).await;
    let two = [one, vec![bid(5, "1.30")]].concat();
    let next = batch(&after(&market(), &two), two[1..].to_vec(), &key);
    say(&mut line, &next).await;
    expect_event(&mut watch, START + 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_digest_and_a_batch_that_does_not_follow_are_gaps() {
    let key = key_of(KEY);
    for (lie, expected) in [
        (0, Gap::Digest(FeedSequence(START + 1))),
        (
            1,
            Gap::Behind {
                server: FeedSequence(START + 1),
                here: FeedSequence(START),
            },
        ),
    ] {
        let (_client, _door, mut line, mut watch, _) = watching().await;
        let entries = vec![bid(4, "1.10"), bid(5, "1.20")];
        let told = match lie {
            0 => {
                let first = entries[..1].to_vec();
                let mut wrong = statement(&after(&market(), &first), first);
                wrong.digest = NO_DIGEST;
                wrong
            }
            _ => statement(&after(&market(), &entries), entries[1..].to_vec()),
        };
        say(&mut line, &SignedBatch::sign(&told, &key)).await;
        match watch.next().await {
            Update::Gap(gap) => assert_eq!(gap, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_journal_at_the_same_record_is_fraud_too() {
    let (_client, _door, mut line, mut watch, number) = watching().await;
    let key = key_of(KEY);
    let mut lie = statement(&market(), vec![]);
    lie.checkpoint = signer::checkpoint(1);
    lie.checkpoint.chain = [9; 32];
    say(&mut line, &SignedBatch::sign(&lie, &key)).await;
    let Update::Equivocation(fraud) = watch.next().await else {
        panic!("the snapshot named another journal");
    };
    assert!(matches!(fraud.conflict, Conflict::Journal(_)));
    assert!(matches!(fraud.proof.first, AnySigned::Snapshot(_)));
    // A reader that was too slow gets a snapshot.
    let because = ResyncBecause::TooSlow;
    line.say(number, Resync { because }).await;
    let entries = [bid(4, "1.10")];
    serve_snapshot(&mut line, number, &after(&market(), &entries)).await;
    assert!(matches!(watch.next().await, Update::Snapshot));
    assert_eq!(watch.market().feed_sequence(), FeedSequence(START + 1));
}
