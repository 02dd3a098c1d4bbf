use std::time::Duration;

use auction_core::FeedSequence;
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{FrameDecoder, ServerMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::platform::tcp::Line;
use crate::projections::feed::FEED_BEHIND_MAX;
use crate::projections::feed::tests::{hub, listings};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection's side of a stream, and its client's.
struct End {
    line: Line,
    outlet: Arc<Outlet>,
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
        let (line, sides) = Line::new(stream).unwrap();
        let outlet = sides.outlet;
        let client = Client {
            stream: client.unwrap(),
            frames: FrameDecoder::new(FRAME_BYTES_MAX),
            told: FeedSequence(0),
        };
        Self {
            line,
            outlet,
            client,
        }
    }

    /// As a connection that has its feed back: writes what is left, and what is next.
    async fn write_next(&mut self, feed: &mut Following) {
        let next = within(feed.next()).await.unwrap();
        let mut bytes = Vec::new();
        self.outlet.take_pen(&mut bytes);
        bytes.extend_from_slice(next.encoded().for_all(Encoding::Binary));
        within(self.line.write_all(&bytes)).await.unwrap();
        self.outlet.put_pen_down(0);
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

async fn feed_of(hub: &Hub) -> Following {
    hub.watch(None).await.unwrap().feed
}

fn fan_out(hub: &Hub) -> FanOut {
    FanOut::start(hub, &Arc::default())
}

fn lend(fan_out: &FanOut, feed: Following, end: &End) -> Loan {
    let outlet = end.outlet.clone();
    let lent = fan_out.lend(feed, outlet, Encoding::Binary);
    lent.expect("there is room")
}

#[tokio::test]
async fn a_lent_feed_is_written_as_it_comes_and_nothing_of_it_after_it_is_taken_back() {
    let hub = hub();
    let (fan_out, mut end) = (fan_out(&hub), End::new().await);
    let loan = lend(&fan_out, feed_of(&hub).await, &end);
    for number in 1..=20 {
        hub.settled(listings(0, 1), Vec::new());
        end.client.read_to(FeedSequence(number)).await;
    }
    let mut feed = loan.take_back().expect("it was lent");
    assert!(loan.take_back().is_none(), "it was taken");
    let mut other = End::new().await;
    let (other_feed, seen) = (feed_of(&hub).await, FeedSequence(20));
    other.client.told = seen;
    let _other_loan = lend(&fan_out, other_feed, &other);
    let mut dropped = End::new().await;
    drop(lend(&fan_out, feed_of(&hub).await, &dropped));
    for number in 21..=40 {
        hub.settled(listings(0, 1), Vec::new());
        other.client.read_to(FeedSequence(number)).await;
    }
    // What was not written is still to be had from the feed.
    assert!(end.client.stream.try_read(&mut [0; 8]).is_err());
    for _ in 21..=40 {
        end.write_next(&mut feed).await;
    }
    end.client.read_to(FeedSequence(40)).await;
    dropped.line.shutdown().await.unwrap();
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
    let deaf_loan = lend(&fan_out, feed_of(&hub).await, &deaf);
    let _loan = lend(&fan_out, feed_of(&hub).await, &other);
    let mut sent = 0;
    let mut given_back = Box::pin(deaf_loan.given_back());
    let feed = loop {
        hub.settled(listings(0, ENTRIES), Vec::new());
        sent += ENTRIES as u64;
        other.client.read_to(FeedSequence(sent)).await;
        tokio::select! {
            biased;
            feed = &mut given_back => break feed,
            () = std::future::ready(()) => {}
        }
    };
    let mut feed = feed.unwrap();
    hub.settled(listings(0, ENTRIES), Vec::new());
    sent += ENTRIES as u64;
    other.client.read_to(FeedSequence(sent)).await;
    assert!(deaf.outlet.between_messages().is_none(), "a rest is left");
    // It reads now: nothing is missing, and it can be lent again.
    let End {
        line,
        outlet,
        client,
    } = &mut deaf;
    let writing = async {
        let mut bytes = Vec::new();
        outlet.take_pen(&mut bytes);
        let next = feed.next().await.unwrap();
        bytes.extend_from_slice(next.encoded().for_all(Encoding::Binary));
        line.write_all(&bytes).await.unwrap();
        outlet.put_pen_down(0);
    };
    tokio::join!(within(writing), client.read_to(FeedSequence(sent)));
    assert!(feed.is_up_to_date());
    let _again = lend(&fan_out, feed, &deaf);
    hub.settled(listings(0, 1), Vec::new());
    deaf.client.read_to(FeedSequence(sent + 1)).await;
}

#[tokio::test]
async fn a_connection_that_is_writing_has_its_feed_back() {
    let hub = hub();
    let (fan_out, mut end) = (fan_out(&hub), End::new().await);
    let loan = lend(&fan_out, feed_of(&hub).await, &end);
    end.outlet.take_pen(&mut Vec::new());
    hub.settled(listings(0, 1), Vec::new());
    let mut feed = within(loan.given_back()).await.unwrap();
    end.outlet.put_pen_down(0);
    end.write_next(&mut feed).await;
    end.client.read_to(FeedSequence(1)).await;
}

#[tokio::test]
async fn a_feed_that_is_too_far_behind_is_given_back_as_such() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let loan = lend(&fan_out, feed_of(&hub).await, &end);
    let mut seen = feed_of(&hub).await;
    // On this one thread nobody writes meanwhile.
    for _ in 0..FEED_BEHIND_MAX * 2 {
        hub.settled(listings(0, 1), Vec::new());
        while seen.try_next().unwrap().is_none() {
            std::thread::yield_now();
        }
    }
    let given_back = within(loan.given_back()).await;
    assert_eq!(given_back.map(drop), Err(NoNext::Behind));
}

#[tokio::test]
async fn when_the_hub_ends_each_has_its_feed_back_and_hears_of_it() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let loan = lend(&fan_out, feed_of(&hub).await, &end);
    drop(hub);
    let why = match within(loan.given_back()).await {
        Ok(mut feed) => feed.next().await.map(drop),
        Err(why) => Err(why),
    };
    assert_eq!(why, Err(NoNext::Ended));
}

#[tokio::test]
async fn more_than_have_room_are_not_lent() {
    let hub = hub();
    let (fan_out, end) = (fan_out(&hub), End::new().await);
    let mut loans = Vec::new();
    let mut feeds = Vec::new();
    for _ in 0..=LENT_WAITING_MAX {
        feeds.push(feed_of(&hub).await);
    }
    // On this one thread nobody looks at them meanwhile.
    let refused = feeds.into_iter().filter_map(|feed| {
        match fan_out.lend(feed, end.outlet.clone(), Encoding::Binary) {
            Ok(loan) => {
                loans.push(loan);
                None
            }
            Err(feed) => Some(feed),
        }
    });
    assert_eq!(refused.count(), 1);
}
