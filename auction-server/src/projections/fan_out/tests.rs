use std::time::Duration;

use auction_core::FeedSequence;
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{FrameDecoder, ServerMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::platform::tcp::SharedStream;
use crate::projections::feed::FEED_LAG_MAX;
use crate::projections::feed::SubscriptionError;
use crate::projections::feed::tests::{hub, listings};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection's side of a stream, and its client's.
struct End {
    stream: SharedStream,
    write_half: Arc<WriteHalf>,
    client: Client,
}

struct Client {
    stream: TcpStream,
    frames: FrameDecoder,
    /// The place up to which it was told everything.
    told: FeedSequence,
}

impl End {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (stream, _) = listener.accept().await.unwrap();
        stream.writable().await.unwrap();
        let (stream, halves) = SharedStream::new(stream).unwrap();
        let write_half = halves.write_half;
        let client = Client {
            stream: client.unwrap(),
            frames: FrameDecoder::new(FRAME_BYTES_MAX),
            told: FeedSequence(0),
        };
        Self {
            stream,
            write_half,
            client,
        }
    }

    /// As a connection that has its feed back: writes what is left, and what is next.
    async fn write_next(&mut self, feed: &mut Subscription) {
        let next = within(feed.next()).await.unwrap();
        let mut bytes = Vec::new();
        self.write_half.lock_for_write(&mut bytes);
        bytes.extend_from_slice(next.encoded().for_all(Encoding::Binary));
        within(self.stream.write_all(&bytes)).await.unwrap();
        self.write_half.release_write(0);
    }
}

impl Client {
    /// Reads until it was told so much, every batch once and in order.
    async fn read_to(&mut self, place: FeedSequence) {
        while self.told < place {
            let mut input = [0; 65_536];
            let count = within(self.stream.read(&mut input)).await.unwrap();
            assert!(count > 0, "the feed goes on");
            let mut rest = &input[..count];
            while let Some(frame) = self.frames.next_frame(&mut rest).unwrap() {
                match ServerMessage::decode(frame.kind, frame.body).unwrap() {
                    ServerMessage::Feed(feed) => {
                        assert_eq!(feed.after, self.told, "nothing is left out");
                        self.told = feed.through;
                    }
                    other => panic!("nothing else was written: {other:?}"),
                }
            }
        }
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it takes no longer")
}

async fn feed_of(hub: &Hub) -> Subscription {
    hub.watch(None).await.unwrap().feed
}

fn fan_out(hub: &Hub) -> FanOut {
    FanOut::start(hub, &Arc::default())
}

fn hand_off(fan_out: &FanOut, feed: Subscription, end: &End) -> Lease {
    let write_half = end.write_half.clone();
    let leased = fan_out.hand_off(feed, write_half, Encoding::Binary);
    leased.expect("there is room")
}

#[tokio::test]
async fn a_lent_feed_is_written_as_it_comes_and_nothing_of_it_after_it_is_taken_back() {
    let hub = hub();
    let (fan_out, mut end) = (fan_out(&hub), End::new().await);
    let loan = hand_off(&fan_out, feed_of(&hub).await, &end);
    for number in 1..=20 {
        hub.publish_and_wake(listings(0, 1), Vec::new());
        end.client.read_to(FeedSequence(number)).await;
    }
    let mut feed = loan.reclaim().expect("it was lent");
    assert!(loan.reclaim().is_none(), "it was taken");
    let mut other = End::new().await;
    let (other_feed, seen) = (feed_of(&hub).await, FeedSequence(20));
    other.client.told = seen;
    let _other_loan = hand_off(&fan_out, other_feed, &other);
    let mut dropped = End::new().await;
    drop(hand_off(&fan_out, feed_of(&hub).await, &dropped));
    for number in 21..=40 {
        hub.publish_and_wake(listings(0, 1), Vec::new());
        other.client.read_to(FeedSequence(number)).await;
    }
    // What was not written is still to be had from the feed.
    assert!(end.client.stream.try_read(&mut [0; 8]).is_err());
    for _ in 21..=40 {
        end.write_next(&mut feed).await;
    }
    end.client.read_to(FeedSequence(40)).await;
    dropped.stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    within(dropped.client.stream.read_to_end(&mut all))
        .await
        .unwrap();
    assert!(all.is_empty(), "nobody was told");
}

#[tokio::test]
async fn who_does_not_read_has_their_feed_back_and_keeps_nobody_waiting() {
    const ENTRIES: usize = 1_000;
    let hub = hub();
    let (fan_out, mut deaf, mut other) = (fan_out(&hub), End::new().await, End::new().await);
    let deaf_loan = hand_off(&fan_out, feed_of(&hub).await, &deaf);
    let _loan = hand_off(&fan_out, feed_of(&hub).await, &other);
    let mut sent = 0;
    let mut returned = Box::pin(deaf_loan.returned());
    let feed = loop {
        hub.publish_and_wake(listings(0, ENTRIES), Vec::new());
        sent += ENTRIES as u64;
        other.client.read_to(FeedSequence(sent)).await;
        tokio::select! {
            biased;
            feed = &mut returned => break feed,
            () = std::future::ready(()) => {}
        }
    };
    let mut feed = feed.unwrap();
    hub.publish_and_wake(listings(0, ENTRIES), Vec::new());
    sent += ENTRIES as u64;
    other.client.read_to(FeedSequence(sent)).await;
    assert!(
        deaf.write_half.between_messages().is_none(),
        "a rest is left"
    );
    // It reads now: nothing is missing, and it can be lent again.
    let End {
        stream,
        write_half,
        client,
    } = &mut deaf;
    let writing = async {
        let mut bytes = Vec::new();
        write_half.lock_for_write(&mut bytes);
        let next = feed.next().await.unwrap();
        bytes.extend_from_slice(next.encoded().for_all(Encoding::Binary));
        stream.write_all(&bytes).await.unwrap();
        write_half.release_write(0);
    };
    tokio::join!(within(writing), client.read_to(FeedSequence(sent)));
    assert!(feed.is_up_to_date());
    let _again = hand_off(&fan_out, feed, &deaf);
    hub.publish_and_wake(listings(0, 1), Vec::new());
    deaf.client.read_to(FeedSequence(sent + 1)).await;
}

#[tokio::test]
async fn a_connection_that_is_writing_has_its_feed_back() {
    let hub = hub();
    let (fan_out, mut end) = (fan_out(&hub), End::new().await);
    let loan = hand_off(&fan_out, feed_of(&hub).await, &end);
    end.write_half.lock_for_write(&mut Vec::new());
    hub.publish_and_wake(listings(0, 1), Vec::new());
    let mut feed = within(loan.returned()).await.unwrap();
    end.write_half.release_write(0);
    end.write_next(&mut feed).await;
    end.client.read_to(FeedSequence(1)).await;
}

#[tokio::test]
async fn a_feed_that_is_too_far_behind_is_given_back_as_such() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let loan = hand_off(&fan_out, feed_of(&hub).await, &end);
    let mut seen = feed_of(&hub).await;
    // On this one thread nobody writes meanwhile.
    for _ in 0..FEED_LAG_MAX * 2 {
        hub.publish_and_wake(listings(0, 1), Vec::new());
        while seen.try_next().unwrap().is_none() {
            std::thread::yield_now();
        }
    }
    let returned = within(loan.returned()).await;
    assert_eq!(returned.map(drop), Err(SubscriptionError::Lagged));
}

#[tokio::test]
async fn when_the_hub_ends_each_has_its_feed_back_and_hears_of_it() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let loan = hand_off(&fan_out, feed_of(&hub).await, &end);
    drop(hub);
    let why = match within(loan.returned()).await {
        Ok(mut feed) => feed.next().await.map(drop),
        Err(why) => Err(why),
    };
    assert_eq!(why, Err(SubscriptionError::Ended));
}

#[tokio::test]
async fn more_than_have_room_are_not_lent() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let mut loans = Vec::new();
    let mut feeds = Vec::new();
    for _ in 0..=LEASES_WAITING_MAX {
        feeds.push(feed_of(&hub).await);
    }
    // On this one thread nobody looks at them meanwhile.
    let refused = feeds.into_iter().filter_map(|feed| {
        match fan_out.hand_off(feed, end.write_half.clone(), Encoding::Binary) {
            Ok(loan) => {
                loans.push(loan);
                None
            }
            Err(feed) => Some(feed),
        }
    });
    assert_eq!(refused.count(), 1);
}
