use std::sync::Arc;
use std::time::Duration;

use auction_core::{
    Engine, Event, Listing, MarketId, Price, Profit, PublicEvent, SecurityCode, Symbol, Term,
    Timestamp,
};

use super::*;
use crate::platform::metrics::Metrics;

mod calls;

const ID: MarketId = MarketId([7; 16]);

#[derive(Debug)]
struct NoTime;

impl Clock for NoTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1)
    }
}

pub(crate) fn hub() -> Hub {
    hub_of(&Engine::new(ID))
}

fn hub_of(engine: &Engine) -> Hub {
    let metrics = Arc::new(Metrics::default());
    let hour = Duration::from_secs(3_600);
    Hub::start(engine, Term(1), Arc::new(NoTime), hour, metrics).unwrap()
}

/// A batch that lists so many stocks, with numbers from `from` on.
pub(crate) fn listings(from: usize, count: usize) -> Vec<(Timestamp, Event)> {
    let list = |number: usize| {
        PublicEvent::StockListed(Listing {
            symbol: Symbol::parse(&format!("S{number}")).unwrap(),
            security: SecurityCode::parse("1").unwrap(),
            price: Price::from_units(number as u64).unwrap(),
            profit: Profit::from_units(0).unwrap(),
        })
    };
    let events = (from..from + count).map(list).map(Event::Public);
    events
        .map(|event| (Timestamp::from_secs(1), event))
        .collect()
}

/// Takes all there is, and gives the place it ends at; `None` when it was too slow.
fn drained(watching: &mut Subscribed, mut at: FeedSequence) -> Option<FeedSequence> {
    loop {
        match watching.feed.try_next() {
            Ok(None) => return Some(at),
            Err(_) => return None,
            Ok(Some(published)) => {
                if let FeedMessage::Batch(batch) = &*published {
                    assert_eq!(batch.feed.after, at, "nothing is missing");
                    at = batch.feed.through;
                }
            }
        }
    }
}

fn begun_at(watching: &Subscribed) -> FeedSequence {
    match &watching.start {
        Start::Snapshot(snapshot, _) => snapshot.feed_sequence,
        Start::Resumed => panic!("it begins with a snapshot"),
    }
}

#[tokio::test]
async fn a_storm_of_watchers_shares_one_snapshot_though_others_go_on_bidding() {
    let hub = hub();
    hub.publish_and_wake(listings(0, 10_000), Vec::new());
    let mut watchers = Vec::new();
    for number in 0..100 {
        hub.publish_and_wake(listings(number, 1), Vec::new());
        watchers.push(hub.watch(None).await.unwrap());
    }
    hub.ping().await.unwrap();
    let mut snapshots = Vec::new();
    for watching in &mut watchers {
        let at = begun_at(watching);
        assert_eq!(drained(watching, at), Some(FeedSequence(10_100)));
        snapshots.push(at);
    }
    snapshots.dedup();
    assert_eq!(snapshots.len(), 1, "{snapshots:?}");
}

#[tokio::test]
async fn a_small_market_is_taken_anew_at_each_sequence_and_shared_within_one() {
    let hub = hub();
    for number in 0..10 {
        hub.publish_and_wake(listings(number, 1), Vec::new());
        let [register, other] = [hub.watch(None).await, hub.watch(None).await].map(Result::unwrap);
        let (Start::Snapshot(register, _), Start::Snapshot(other, _)) =
            (register.start, other.start)
        else {
            panic!("both begin anew");
        };
        assert!(Arc::ptr_eq(&register, &other));
        assert_eq!(register.feed_sequence, FeedSequence(number as u64 + 1));
    }
}

#[tokio::test]
async fn a_watcher_that_is_behind_keeps_no_batch_alive_and_is_told() {
    let hub = hub();
    hub.publish_and_wake(listings(0, 1), Vec::new());
    let mut slow = hub.watch(None).await.unwrap();
    let seen = (ID, begun_at(&slow));
    let mut resuming = hub.watch(Some(seen)).await.unwrap();
    // More than is kept, in fewer batches than a watcher can be behind.
    let batch_bytes = {
        hub.publish_and_wake(listings(0, 1_000), Vec::new());
        let mut register = hub.watch(Some(seen)).await.unwrap();
        assert!(matches!(register.start, Start::Resumed));
        let published = register.feed.try_next().unwrap().unwrap();
        published.bytes()
    };
    let batches = replay_buffer::REPLAY_BYTES_MAX / batch_bytes + 2;
    assert!(batches < FEED_LAG_MAX, "{batches}");
    for _ in 0..batches {
        hub.publish_and_wake(listings(0, 1_000), Vec::new());
    }
    hub.ping().await.unwrap();
    for watching in [&mut slow, &mut resuming] {
        assert_eq!(drained(watching, seen.1), None);
    }
    let anew = hub.watch(Some(seen)).await.unwrap();
    assert!(matches!(
        anew.start,
        Start::Snapshot(_, Some(ResyncBecause::TooLongAgo))
    ));
}

#[tokio::test]
async fn what_is_kept_is_bounded_by_bytes_and_by_batches() {
    let hub = hub();
    hub.publish_and_wake(listings(0, 5), Vec::new());
    let mut watching = hub.watch(Some((ID, FeedSequence(0)))).await.unwrap();
    let register = watching.feed.try_next().unwrap().unwrap();
    for (bounds, kept) in [
        (
            replay_buffer::Bounds {
                batches: 3,
                bytes: usize::MAX,
            },
            3,
        ),
        (
            replay_buffer::Bounds {
                batches: usize::MAX,
                bytes: 4 * register.bytes(),
            },
            4,
        ),
        (
            replay_buffer::Bounds {
                batches: 3,
                bytes: 0,
            },
            1,
        ),
    ] {
        let mut replay_buffer = ReplayBuffer::with_bounds(bounds);
        let copies: Vec<_> = (0..9)
            .map(|_| match &*register {
                FeedMessage::Batch(batch) => Arc::new(FeedMessage::Batch(FeedBatch {
                    feed: batch.feed.clone(),
                    symbols: batch.symbols.clone(),
                    encoded: Encoded::new(&batch.feed),
                })),
                _ => panic!("a batch was published"),
            })
            .collect();
        for copy in &copies {
            replay_buffer.keep(copy.clone());
        }
        let alive = copies.iter().filter(|copy| Arc::strong_count(copy) > 1);
        assert_eq!(alive.count(), kept, "{bounds:?}");
    }
}

#[tokio::test]
async fn many_more_than_have_room_in_the_inbox_are_all_answered() {
    let hub = hub();
    hub.publish_and_wake(listings(0, 1_000), Vec::new());
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 * HUB_QUESTIONS {
        let hub = hub.clone();
        asking.spawn(async move { hub.watch(None).await.is_ok() });
    }
    let all = tokio::time::timeout(Duration::from_secs(60), asking.join_all());
    assert!(all.await.unwrap().into_iter().all(|answered| answered));
}
