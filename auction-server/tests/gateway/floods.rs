//! Floods of requests to the real program: its memory stays bounded, and other clients are served.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use auction_proto::limits::REQUEST_BYTES_MAX;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::market::{Lines, assert_kind, hello, within};

/// The real program with a data folder of its own.
struct Program {
    process: Child,
    address: SocketAddr,
    _data: TempDir,
}

impl Program {
    async fn start() -> Self {
        // These clients send no pings, and must not be dropped for it.
        Self::start_with(1, &["--heartbeat=60s"]).await
    }

    async fn start_with(lots: u32, settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let rows = (1..=lots).map(|n| format!("{n:05},S{n},1,0\n"));
        let stocks = std::iter::once("Security,Symbol,Price,Profit\n".to_owned()).chain(rows);
        std::fs::write(data.path().join("stocks.csv"), stocks.collect::<String>()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_auction-server"))
            .args(["--listen=127.0.0.1:0", "--ops-listen=off", "--open-for=1h"])
            .arg(format!("--lots={lots}"))
            .args(settings)
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within(lines.next_line()).await.unwrap().unwrap();
        let address = line.rsplit(' ').next().unwrap().trim_end_matches('.');
        let address = address.parse().unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            process,
            address,
            _data: data,
        }
    }

    async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    /// A connection with a small receive buffer: its unread output soon waits at the server.
    async fn connect_narrowly(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        within(socket.connect(self.address)).await.unwrap()
    }

    /// Returns whether the server admits another client; a refused one gets the reason as a frame.
    async fn lets_in(&self) -> bool {
        let mut stream = self.connect().await;
        let hello = json!({"request": "1", "hello": hello()});
        // The server may have closed it already.
        let _ = within(stream.write_all(format!("{hello}\n").as_bytes())).await;
        within(stream.read_u8())
            .await
            .is_ok_and(|byte| byte == b'{')
    }

    async fn trader(&self, name: &str) -> Lines<TcpStream> {
        let mut trader = Lines::greet(self.connect().await).await;
        let account = json!({"name": name, "password": "a password"});
        assert_kind(&trader.ask("register", &account).await, "accepted");
        assert_kind(&trader.ask("login", &account).await, "logged_in");
        trader
    }

    /// Fails when the memory has grown by more than `most` since `before`.
    #[track_caller]
    fn assert_grown_less(&self, before: Option<u64>, most: u64) {
        if let (Some(before), Some(now)) = (before, self.memory()) {
            assert!(now.saturating_sub(before) < most, "{before} -> {now}");
        }
    }

    /// Returns its memory use in bytes; `None` where the system does not report it.
    fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.process.id()?);
        let status = std::fs::read_to_string(Path::new(&path)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib << 10)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_messages_cost_no_more_than_their_buffers() {
    const CONNECTIONS: usize = 400;
    let program = Program::start().await;
    let mut mia = program.trader("mia").await;
    let before = program.memory();
    let hello = json!({"request": "1", "hello": hello()});
    let mut unfinished = format!("{hello}\n{{");
    unfinished.push_str(&" ".repeat(REQUEST_BYTES_MAX - 1));
    let mut flood = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = program.connect().await;
        within(stream.write_all(unfinished.as_bytes()))
            .await
            .unwrap();
        flood.push(stream);
    }
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    // A buffer that grows by doubling, and some room beside it.
    let most = CONNECTIONS * (2 * REQUEST_BYTES_MAX + 32 * 1_024);
    program.assert_grown_less(before, most as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_is_answered_busy_and_bids_are_served() {
    const CONNECTIONS: usize = 200;
    let program = Program::start().await;
    let mut mia = program.trader("mia").await;
    let before = program.memory();
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let mut lines = Lines::greet(program.connect().await).await;
        flood.spawn(async move {
            // For one name most would be refused without a hash.
            let account = json!({"name": format!("nobody{number}"), "password": "wrong"});
            let answer = lines.ask("login", &account).await;
            answer["refused"]["code"].as_str().unwrap().to_owned()
        });
    }
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    let codes = within(flood.join_all()).await;
    let busy = codes.iter().filter(|code| *code == "busy").count();
    let wrong = codes
        .iter()
        .filter(|code| *code == "bad_credentials")
        .count();
    assert_eq!(busy + wrong, CONNECTIONS);
    assert!(wrong > 0, "some were looked at");
    // Two hashes at a time, 19 MiB each, and the memory of 200 connections.
    program.assert_grown_less(before, 128 << 20);
}

/// This many lots make a market of about 600 kB of JSON.
const MANY_LOTS: u32 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_the_market_are_not_read_from() {
    const READERS: usize = 40;
    const ASKED: usize = 100;
    let program = Program::start_with(MANY_LOTS, &["--heartbeat=60s"]).await;
    let mut mia = program.trader("mia").await;
    let before = program.memory();
    let mut deaf = Vec::new();
    for _ in 0..READERS {
        let mut stream = program.connect_narrowly().await;
        let hello = json!({"request": "1", "hello": hello()});
        let ask = "{\"request\":\"2\",\"get_snapshot\":{}}\n".repeat(ASKED);
        let all = format!("{hello}\n{ask}");
        within(stream.write_all(all.as_bytes())).await.unwrap();
        deaf.push(stream);
    }
    for stream in &deaf {
        within(stream.readable()).await.unwrap();
    }
    for lot in 1..=20 {
        assert_kind(&mia.bid(lot, "2").await, "accepted");
        // This waits in line behind a question of each of them.
        assert_kind(&mia.ask("watch_account", &json!({})).await, "account");
    }
    // Each has a buffer and a part of a shared snapshot, much less than all their answers.
    program.assert_grown_less(before, 128 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_that_never_read_share_their_snapshots() {
    const WATCHERS: u64 = 100;
    // More than the system buffers for a client that does not read.
    let program = Program::start_with(4 * MANY_LOTS, &["--heartbeat=60s"]).await;
    let mut mia = program.trader("mia").await;
    let before = program.memory();
    let mut watchers = Vec::new();
    for number in 1..=WATCHERS {
        let mut stream = program.connect_narrowly().await;
        let hello = json!({"request": "1", "hello": hello()});
        let watch = format!("{hello}\n{{\"request\":\"2\",\"watch\":{{}}}}\n");
        within(stream.write_all(watch.as_bytes())).await.unwrap();
        // More than the welcome has arrived: the watch has begun.
        let mut first = [0; 1_024];
        within(stream.read_exact(&mut first)).await.unwrap();
        watchers.push(stream);
        // Each watch begins at another position.
        assert_kind(&mia.bid(number, "2").await, "accepted");
    }
    // One buffer each; with a snapshot per position, there would be as many as watchers.
    program.assert_grown_less(before, 128 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_come_and_go_leave_nothing_behind() {
    const BEFORE: u32 = 300;
    const CONNECTIONS: u32 = 2_000;
    let program = Program::start().await;
    let mut mia = program.trader("mia").await;
    let come_and_go = async |count: u32| {
        for number in 0..count {
            let mut lines = Lines::new(program.connect().await);
            match number % 3 {
                0 => drop(lines.ask("hello", &hello()).await),
                1 => drop(lines.send("hello", &hello()).await),
                _ => {}
            }
        }
    };
    // One-time allocations are made here.
    come_and_go(BEFORE).await;
    let before = program.memory();
    come_and_go(CONNECTIONS).await;
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    // A leak of about 8 kB per connection would show.
    program.assert_grown_less(before, 16 << 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_peers_are_dropped_and_their_places_given_to_others() {
    const PLACES: usize = 30;
    let places = format!("--connections-per-address={PLACES}");
    let program = Program::start_with(1, &["--heartbeat=2s", &places]).await;
    let mut mia = program.trader("mia").await;
    let mut silent = Vec::new();
    for _ in 1..PLACES {
        // They watch, and then neither send nor close, like a machine that has failed.
        let mut lines = Lines::greet(program.connect().await).await;
        lines.send("watch", &json!({})).await;
        silent.push(lines);
    }
    assert!(!program.lets_in().await, "all places are taken");
    let mut cents = 0;
    while !program.lets_in().await {
        // Clients that send are served meanwhile.
        cents += 1;
        let maximum = format!("{}.{:02}", 2 + cents / 100, cents % 100);
        let raise = json!({"lot": 1, "maximum": maximum});
        assert_kind(&mia.ask("bid_maximum", &raise).await, "accepted");
        assert!(cents < 10_000, "their places stay taken");
        sleep(Duration::from_millis(10)).await;
    }
}
