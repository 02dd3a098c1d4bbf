//! Floods, at the real program: its memory stays bounded, and others are served.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use auction_proto::limits::REQUEST_BYTES_MAX;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::market::{Lines, assert_kind, hello, within};

/// The real program on a folder of its own.
struct Program {
    process: Child,
    address: SocketAddr,
    _data: TempDir,
}

impl Program {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let stocks = "Security,Symbol,Price,Profit\n01,A,1,0\n";
        std::fs::write(data.path().join("stocks.csv"), stocks).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_auction-server"))
            .args(["--listen", "127.0.0.1:0", "--ops-listen", "off", "--data"])
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

    async fn trader(&self, name: &str) -> Lines<TcpStream> {
        let mut trader = Lines::greet(self.connect().await).await;
        let account = json!({"name": name, "password": "a password"});
        assert_kind(&trader.ask("register", &account).await, "accepted");
        assert_kind(&trader.ask("login", &account).await, "logged_in");
        trader
    }

    /// What it has in memory, in bytes; `None` where the system does not tell.
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
async fn connections_that_never_end_what_they_began_cost_no_more_than_their_buffers() {
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
    if let (Some(before), Some(now)) = (before, program.memory()) {
        // A buffer that grows by doubling, and a little beside it.
        let most = CONNECTIONS * (2 * REQUEST_BYTES_MAX + 32 * 1_024);
        let grown = now.saturating_sub(before);
        assert!(grown < most as u64, "{grown} bytes for {CONNECTIONS}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_is_told_that_the_server_is_busy_and_bids_go_on() {
    const CONNECTIONS: usize = 200;
    let program = Program::start().await;
    let mut mia = program.trader("mia").await;
    let before = program.memory();
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut lines = Lines::greet(program.connect().await).await;
        flood.spawn(async move {
            let account = json!({"name": "mia", "password": "wrong"});
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
    if let (Some(before), Some(now)) = (before, program.memory()) {
        // Two hashes at a time, 19 MiB each, and what 200 connections take.
        assert!(now.saturating_sub(before) < 128 << 20, "{before} -> {now}");
    }
}
