//! Watching: every gap is reported.

use auction_client::{Client, Code, Gap, Refused, Update, Watch};
use auction_core::{Digest, FeedSequence, LotId, MarketId, PublicEvent, RequestId};
use auction_proto::{ClientMessage, Feed, FeedError, ResumePoint, Resumed, Resync, ResyncBecause};

use crate::script::{
    Line, Listener, MARKET, bid_feed, connected, heartbeat, market, price, welcome,
};

const START: u64 = 3;

async fn watching() -> (Client, Listener, Line, Watch, RequestId) {
    let (client, mut listener, first) = connected().await;
    let script = async {
        let mut line = listener.greeted().await;
        let (number, message) = line.next().await;
        assert_eq!(
            message,
            ClientMessage::Watch(auction_proto::Watch { resume: None })
        );
        line.snapshot(number, &market()).await;
        (line, number)
    };
    let (watch, (line, number)) = tokio::join!(client.watch(), script);
    // The connection for requests stays open only to keep the client.
    std::mem::forget(first);
    (client, listener, line, watch.unwrap(), number)
}

async fn expect_resume(listener: &mut Listener, resume: Option<ResumePoint>) -> (Line, RequestId) {
    let mut line = listener.greeted().await;
    let (number, message) = line.next().await;
    assert_eq!(
        message,
        ClientMessage::Watch(auction_proto::Watch { resume })
    );
    (line, number)
}

fn here(feed_sequence: u64) -> Option<ResumePoint> {
    Some(ResumePoint {
        market: MARKET,
        feed_sequence: FeedSequence(feed_sequence),
    })
}

async fn expect_bid(watch: &mut Watch, place: u64, text: &str) {
    match watch.next().await {
        Update::Event {
            feed_sequence,
            event: PublicEvent::BidAccepted(bid),
            ..
        } => {
            assert_eq!(
                (feed_sequence, bid.price),
                (FeedSequence(place), price(text))
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        watch.market().lot(LotId(1)).unwrap().price(),
        Some(price(text))
    );
    assert_eq!(watch.market().feed_sequence(), FeedSequence(place));
}

#[tokio::test(start_paused = true)]
async fn each_event_of_a_batch_comes_with_the_market_right_after_it() {
    let (_client, _door, mut line, mut watch, _) = watching().await;
    assert_eq!(watch.market(), &market());
    let (one, two) = (
        bid_feed(START + 1, price("1.10")),
        bid_feed(START + 2, price("1.20")),
    );
    let both = [one.entries.into_vec(), two.entries.into_vec()].concat();
    line.say(
        RequestId(0),
        Feed {
            through: two.through,
            entries: both.try_into().unwrap(),
            ..one_head()
        },
    )
    .await;
    expect_bid(&mut watch, START + 1, "1.10").await;
    expect_bid(&mut watch, START + 2, "1.20").await;
}

fn one_head() -> Feed {
    bid_feed(START + 1, price("1.10"))
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_the_feed_resumes() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    line.say(RequestId(0), bid_feed(START + 1, price("1.10")))
        .await;
    expect_bid(&mut watch, START + 1, "1.10").await;
    drop(line);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    let script = async {
        let (mut line, number) = expect_resume(&mut listener, here(START + 1)).await;
        line.say(
            number,
            Resumed {
                feed_sequence: FeedSequence(START + 1),
            },
        )
        .await;
        line.say(RequestId(0), bid_feed(START + 2, price("1.20")))
            .await;
        line
    };
    let (update, _line) = tokio::join!(watch.next(), script);
    assert!(matches!(update, Update::Live), "{update:?}");
    expect_bid(&mut watch, START + 2, "1.20").await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_resume_sends_a_snapshot() {
    let (_client, mut listener, line, mut watch, _) = watching().await;
    drop(line);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    let mut later = market();
    bid_feed(START + 1, price("1.10"))
        .apply_to(&mut later)
        .unwrap();
    let script = async {
        let (mut line, number) = expect_resume(&mut listener, here(START)).await;
        line.snapshot(number, &later).await;
        line
    };
    let (update, _line) = tokio::join!(watch.next(), script);
    assert!(matches!(update, Update::Snapshot), "{update:?}");
    assert_eq!(watch.market(), &later);
}

#[tokio::test(start_paused = true)]
async fn a_lost_journal_end_is_reported_before_the_snapshot() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    line.say(RequestId(0), bid_feed(START + 1, price("1.10")))
        .await;
    expect_bid(&mut watch, START + 1, "1.10").await;
    drop(line);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    let script = async {
        let (mut line, number) = expect_resume(&mut listener, here(START + 1)).await;
        let because = ResyncBecause::JournalLost;
        line.say(number, Resync { because }).await;
        line.snapshot(number, &market()).await;
        line
    };
    let (update, mut line) = tokio::join!(watch.next(), script);
    let seen = FeedSequence(START + 1);
    match update {
        Update::Gap(gap) => assert_eq!(gap, Gap::JournalLost { seen }),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        watch.market().feed_sequence(),
        seen,
        "until the next is told"
    );
    assert!(matches!(watch.next().await, Update::Snapshot));
    assert_eq!(watch.market(), &market());
    // The feed continues from there.
    line.say(RequestId(0), bid_feed(START + 1, price("1.30")))
        .await;
    expect_bid(&mut watch, START + 1, "1.30").await;
}

async fn expect_gap(watch: &mut Watch, listener: &mut Listener, expected: Gap) {
    match watch.next().await {
        Update::Gap(gap) => assert_eq!(gap, expected),
        other => panic!("{other:?}"),
    }
    let script = async {
        let (mut line, number) = expect_resume(listener, None).await;
        line.snapshot(number, &market()).await;
        line
    };
    let (update, _line) = tokio::join!(watch.next(), script);
    assert!(matches!(update, Update::Snapshot), "{update:?}");
    assert_eq!(watch.market(), &market());
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_the_feed_brings_a_snapshot() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    line.say(RequestId(0), bid_feed(START + 2, price("1.10")))
        .await;
    let (after, at) = (FeedSequence(START + 1), FeedSequence(START));
    expect_gap(
        &mut watch,
        &mut listener,
        FeedError::Gap { after, at }.into(),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_feed_of_another_market_brings_a_snapshot() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    let other = MarketId([8; 16]);
    line.say(
        RequestId(0),
        Feed {
            market: other,
            ..one_head()
        },
    )
    .await;
    let error = FeedError::OtherMarket {
        found: other,
        expected: MARKET,
    };
    expect_gap(&mut watch, &mut listener, error.into()).await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_ahead_or_with_another_digest_brings_a_snapshot() {
    let place = FeedSequence(START);
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    line.say(RequestId(0), heartbeat(place, market().digest()))
        .await;
    line.say(
        RequestId(0),
        heartbeat(FeedSequence(START + 1), Digest([0; 32])),
    )
    .await;
    let behind = Gap::Behind {
        server: FeedSequence(START + 1),
        here: place,
    };
    expect_gap(&mut watch, &mut listener, behind).await;

    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    line.say(RequestId(0), heartbeat(place, Digest([0; 32])))
        .await;
    expect_gap(&mut watch, &mut listener, Gap::Digest(place)).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_contradicts_the_market_brings_a_snapshot() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    let mut feed = one_head();
    let mut entries = feed.entries.clone().into_vec();
    let PublicEvent::BidAccepted(bid) = &mut entries[0].event else {
        unreachable!()
    };
    bid.lot = LotId(9);
    feed.entries = entries.try_into().unwrap();
    line.say(RequestId(0), feed).await;
    let at = FeedSequence(START + 1);
    let source = auction_core::FoldError::LotNotOpen(LotId(9));
    expect_gap(
        &mut watch,
        &mut listener,
        FeedError::Contradiction { at, source }.into(),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_a_snapshot_on_the_same_connection() {
    let (_client, _door, mut line, mut watch, number) = watching().await;
    let mut later = market();
    bid_feed(START + 1, price("1.10"))
        .apply_to(&mut later)
        .unwrap();
    line.snapshot(number, &later).await;
    assert!(matches!(watch.next().await, Update::Snapshot));
    line.say(RequestId(0), bid_feed(START + 2, price("1.20")))
        .await;
    expect_bid(&mut watch, START + 2, "1.20").await;
}

#[tokio::test(start_paused = true)]
async fn every_failed_attempt_is_reported_and_attempts_continue() {
    let (_client, mut listener, line, mut watch, _) = watching().await;
    drop(line);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    for _ in 0..10 {
        let cut = async {
            let mut line = listener.accept().await;
            line.next().await;
        };
        let (update, ()) = tokio::join!(watch.next(), cut);
        assert!(matches!(update, Update::Reconnecting { .. }), "{update:?}");
    }
    let script = async {
        let (mut line, number) = expect_resume(&mut listener, here(START)).await;
        line.say(
            number,
            Resumed {
                feed_sequence: FeedSequence(START),
            },
        )
        .await;
        line
    };
    let (update, _line) = tokio::join!(watch.next(), script);
    assert!(matches!(update, Update::Live), "{update:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_to_watch_is_reported_as_the_reason() {
    let (client, mut listener, _first) = connected().await;
    let script = async {
        let mut line = listener.accept().await;
        line.greet(welcome()).await;
        let (number, _) = line.next().await;
        line.say(number, Refused::new(Code::BUSY, "too much is waiting"))
            .await;
        line
    };
    let (watch, _line) = tokio::join!(client.watch(), script);
    let error = watch.err().unwrap().to_string();
    assert_eq!(error, "too much is waiting (busy)");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_for_an_update_loses_nothing() {
    let (_client, mut listener, mut line, mut watch, _) = watching().await;
    let bytes = crate::script::frame(RequestId(0), one_head());
    for byte in bytes {
        line.say_bytes(&[byte]).await;
        let wait = std::time::Duration::from_millis(1);
        if let Ok(update) = tokio::time::timeout(wait, watch.next()).await {
            assert!(matches!(update, Update::Event { .. }), "{update:?}");
            drop(line);
            break;
        }
    }
    assert_eq!(watch.market().feed_sequence(), FeedSequence(START + 1));
    // Also while reconnecting.
    let wait = std::time::Duration::from_millis(1);
    assert!(matches!(watch.next().await, Update::Reconnecting { .. }));
    let mut script = std::pin::pin!(async {
        let (mut line, number) = expect_resume(&mut listener, here(START + 1)).await;
        line.say(
            number,
            Resumed {
                feed_sequence: FeedSequence(START + 1),
            },
        )
        .await;
        line
    });
    let mut done = None;
    let update = loop {
        tokio::select! {
            line = &mut script, if done.is_none() => done = Some(line),
            update = tokio::time::timeout(wait, watch.next()) => if let Ok(update) = update {
                break update;
            }
        }
    };
    assert!(matches!(update, Update::Live), "{update:?}");
}
