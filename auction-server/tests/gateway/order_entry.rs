//! The sequencer itself reads connections that send nothing but bids. Clients see no difference: other requests are
//! answered, faults are refused, and silent clients are dropped.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use auction_core::{LotId, Name, Price, RequestId, Timestamp};
use auction_proto::{
    Bid, Body, Code, Done, FrameDecoder, Hello, Login, Logout, PREFACE, Ping, Register, Secret,
    ServerMessage, Text, VERSION, Watch, encode_frame, limits,
};
use auction_server::testing::config::{Config, OpsListen, Rate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::market::{Market, within};
use crate::ops::{get, value};

/// Enough bids in a row for the sequencer to read a connection itself.
const MANY: u32 = 20;
const LOTS: u32 = 200;

async fn market(change: impl FnOnce(&mut Config)) -> Market {
    let data = tempfile::tempdir().unwrap();
    let rows = (1..=LOTS).map(|lot| format!("{lot},S{lot},1,0\n"));
    let stocks = std::iter::once("Security,Symbol,Price,Profit\n".to_owned());
    let stocks: String = stocks.chain(rows).collect();
    std::fs::write(data.path().join("stocks.csv"), stocks).unwrap();
    Market::reopen(data, |config| {
        config.lots = LOTS as usize;
        config.network.ops = OpsListen::At("127.0.0.1:0".parse().unwrap());
        change(config);
    })
    .await
}

/// Waits until the sequencer reads this many connections.
async fn until_read_by_the_sequencer(ops: SocketAddr, count: f64) {
    let begun = Instant::now();
    loop {
        let (_, metrics) = get(ops, "/metrics").await;
        if value(&metrics, "auction_order_entry_connections") == count {
            return;
        }
        assert!(begun.elapsed() < crate::market::PATIENCE, "{metrics}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A client that speaks frames.
struct Frames {
    stream: TcpStream,
    decoder: FrameDecoder,
    request: u64,
    /// Lot of its next bid: it bids once on each.
    lot: u32,
}

impl Frames {
    async fn trader(market: &Market, name: &str) -> Self {
        let mut frames = Self {
            stream: market.connect().await,
            decoder: FrameDecoder::new(limits::FRAME_BYTES_MAX),
            request: 0,
            lot: 0,
        };
        frames.stream.write_all(&PREFACE).await.unwrap();
        let (version_min, version_max) = (VERSION, VERSION);
        let client = Text::of("test");
        let hello = Hello {
            version_min,
            version_max,
            client,
        };
        assert!(matches!(
            frames.ask(&hello).await,
            ServerMessage::Welcome(_)
        ));
        let name = Name::parse(name).unwrap();
        let password = Secret::new("a password".to_owned()).unwrap();
        let register = Register {
            name,
            password: password.clone(),
        };
        assert_eq!(done(&frames.ask(&register).await), Done::Now);
        let login = Login { name, password };
        let answer = frames.ask(&login).await;
        assert!(matches!(answer, ServerMessage::LoggedIn(_)), "{answer:?}");
        frames
    }

    fn put<B: Body>(&mut self, body: &B, out: &mut Vec<u8>) -> RequestId {
        self.request += 1;
        encode_frame(RequestId(self.request), body, out);
        RequestId(self.request)
    }

    fn put_bid(&mut self, out: &mut Vec<u8>) -> RequestId {
        self.lot += 1;
        let price = Price::parse("1.50").unwrap();
        let lot = LotId(self.lot);
        self.put(&Bid { lot, price }, out)
    }

    async fn write(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
    }

    async fn ask<B: Body>(&mut self, body: &B) -> ServerMessage {
        let mut bytes = Vec::new();
        let request = self.put(body, &mut bytes);
        self.write(&bytes).await;
        self.answer(request).await
    }

    async fn bid(&mut self) -> ServerMessage {
        let mut bytes = Vec::new();
        let request = self.put_bid(&mut bytes);
        self.write(&bytes).await;
        self.answer(request).await
    }

    /// Bids until the sequencer reads the connection.
    async fn bid_often(&mut self) {
        for _ in 0..MANY {
            assert_eq!(done(&self.bid().await), Done::Now);
        }
    }

    async fn answer(&mut self, to: RequestId) -> ServerMessage {
        loop {
            match self.next().await {
                Some((request, message)) if request == to => return message,
                Some(_) => {}
                None => panic!("the connection ended before the answer to {to}"),
            }
        }
    }

    async fn next(&mut self) -> Option<(RequestId, ServerMessage)> {
        loop {
            // Byte by byte: later input is not lost, and there is little of it.
            let mut byte = [0];
            if let Ok(0) | Err(_) = within(self.stream.read(&mut byte)).await {
                return None;
            }
            if let Some(frame) = self.decoder.next_frame(&mut &byte[..]).unwrap() {
                let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
                return Some((frame.request, message));
            }
        }
    }

    /// Returns the code of the last message.
    async fn goodbye(&mut self) -> Code {
        loop {
            match self.next().await {
                Some((_, ServerMessage::Goodbye(goodbye))) => return goodbye.code,
                Some(_) => {}
                None => panic!("the connection ended without a goodbye"),
            }
        }
    }
}

fn done(answer: &ServerMessage) -> Done {
    match answer {
        ServerMessage::Accepted(accepted) => accepted.done,
        other => panic!("{other:?}"),
    }
}

fn refused(answer: &ServerMessage) -> Code {
    match answer {
        ServerMessage::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

fn ping() -> Ping {
    let client_time = Timestamp::default();
    Ping { client_time }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_among_bids_are_answered_and_none_is_lost() {
    let market = market(|_| {}).await;
    let ops = market.ops.unwrap();
    let mut mia = Frames::trader(&market, "mia").await;
    mia.bid_often().await;
    until_read_by_the_sequencer(ops, 1.0).await;

    // Bids, another request, and bids, in one write and in pieces that end anywhere.
    for piece in [usize::MAX, 7, 30] {
        let mut bytes = Vec::new();
        let mut bids: Vec<_> = (0..3).map(|_| mia.put_bid(&mut bytes)).collect();
        let pinged = mia.put(&ping(), &mut bytes);
        bids.extend((0..MANY).map(|_| mia.put_bid(&mut bytes)));
        for piece in bytes.chunks(piece.min(bytes.len())) {
            mia.write(piece).await;
            sleep(Duration::from_millis(1)).await;
        }
        let mut answered = Vec::new();
        while answered.len() < bids.len() + 1 {
            let (request, message) = mia.next().await.unwrap();
            match message {
                ServerMessage::Pong(_) => assert_eq!(request, pinged),
                ServerMessage::Heartbeat(_) => continue,
                answer => assert_eq!(done(&answer), Done::Now),
            }
            answered.push(request);
        }
        // Answers from other parts than the sequencer may come earlier.
        answered.retain(|&request| request != pinged);
        assert_eq!(answered, bids, "in order");
        until_read_by_the_sequencer(ops, 1.0).await;
    }

    // A repeated request has the same outcome, and a missing lot is refused here too.
    let mut bytes = Vec::new();
    let (again, lot) = (RequestId(mia.request), LotId(mia.lot));
    let price = Price::parse("1.50").unwrap();
    encode_frame(again, &Bid { lot, price }, &mut bytes);
    mia.write(&bytes).await;
    assert_eq!(done(&mia.answer(again).await), Done::Before);
    let lot = LotId(LOTS + 1);
    assert_eq!(
        refused(&mia.ask(&Bid { lot, price }).await),
        Code::UNKNOWN_LOT
    );
    until_read_by_the_sequencer(ops, 1.0).await;

    // A watcher bids as before, and receives the feed.
    let watch = mia.ask(&Watch { resume: None }).await;
    assert!(matches!(watch, ServerMessage::SnapshotPart(_)), "{watch:?}");
    mia.bid_often().await;
    until_read_by_the_sequencer(ops, 1.0).await;

    // After a logout bids are refused.
    assert_eq!(done(&mia.ask(&Logout {}).await), Done::Now);
    assert_eq!(refused(&mia.bid().await), Code::NOT_LOGGED_IN);
    until_read_by_the_sequencer(ops, 0.0).await;
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_frames_end_only_their_own_direct_read_connection() {
    let market = market(|_| {}).await;
    let ops = market.ops.unwrap();
    let mut mia = Frames::trader(&market, "mia").await;
    let mut tom = Frames::trader(&market, "tom").await;
    tom.lot = LOTS / 2;
    mia.bid_often().await;
    tom.bid_often().await;
    until_read_by_the_sequencer(ops, 2.0).await;
    mia.write(&[0xff; 64]).await;
    assert_eq!(mia.goodbye().await, Code::FRAME_TOO_LARGE);
    assert_eq!(done(&tom.bid().await), Done::Now);
    until_read_by_the_sequencer(ops, 1.0).await;

    // Half of a bid, and then the end.
    let mut half = Vec::new();
    tom.put_bid(&mut half);
    half.pop();
    tom.write(&half).await;
    drop(tom);
    until_read_by_the_sequencer(ops, 0.0).await;
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_bids_lives_and_a_silent_one_is_dropped() {
    // Long enough that a slow machine does not look like a silent client.
    let heartbeat = Duration::from_secs(2);
    let market = market(|config| config.network.heartbeat = heartbeat).await;
    let mut mia = Frames::trader(&market, "mia").await;
    let begun = Instant::now();
    mia.bid_often().await;
    // Bids alone are signs of life, for longer than the limit of silence.
    while begun.elapsed() < 3 * heartbeat {
        assert_eq!(done(&mia.bid().await), Done::Now);
        sleep(heartbeat / 10).await;
    }
    assert_eq!(mia.goodbye().await, Code::TIMED_OUT);
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_bids_has_the_usual_rate_limit() {
    let count = NonZeroU32::new(MANY + 5).unwrap();
    let period = Duration::from_secs(3_600);
    let rate = Rate { count, period };
    let market = market(|config| config.network.rate_commands = Some(rate)).await;
    let mut mia = Frames::trader(&market, "mia").await;
    for _ in 0..count.get() {
        assert_eq!(done(&mia.bid().await), Done::Now);
    }
    for _ in 0..MANY {
        assert_eq!(refused(&mia.bid().await), Code::SLOW_DOWN);
    }
    assert!(matches!(mia.ask(&ping()).await, ServerMessage::Pong(_)));
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_a_client_that_only_bids_gets_a_goodbye() {
    let market = market(|_| {}).await;
    let mut mia = Frames::trader(&market, "mia").await;
    mia.bid_often().await;
    until_read_by_the_sequencer(market.ops.unwrap(), 1.0).await;
    let told = tokio::spawn(async move { mia.goodbye().await });
    market.stop().await;
    assert_eq!(told.await.unwrap(), Code::SHUTTING_DOWN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bid_with_the_number_of_the_server_is_not_executed() {
    let market = market(|_| {}).await;
    let ops = market.ops.unwrap();
    let mut mia = Frames::trader(&market, "mia").await;
    mia.bid_often().await;
    until_read_by_the_sequencer(ops, 1.0).await;
    let bid = Bid {
        lot: LotId(LOTS),
        price: Price::parse("1.50").unwrap(),
    };
    let mut bytes = Vec::new();
    encode_frame(RequestId(0), &bid, &mut bytes);
    mia.write(&bytes).await;
    let refused = loop {
        if let Some((RequestId(0), ServerMessage::Refused(refused))) = mia.next().await {
            break refused;
        }
    };
    assert_eq!(refused.code, Code::MALFORMED);
    assert_eq!(done(&mia.bid().await), Done::Now);
    let (_, metrics) = get(ops, "/metrics").await;
    let accepted = value(&metrics, "auction_bids_accepted_total");
    assert_eq!(
        accepted,
        f64::from(MANY + 1),
        "not the one without a number"
    );
    market.stop().await;
}
