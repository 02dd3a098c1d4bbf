//! A market in this process, and a client that speaks lines of JSON to it.

use std::net::SocketAddr;
use std::time::Duration;

use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::config::{Config, OpsListen};
use auction_server::testing::server::{ServeError, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes; who waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A market that runs: `A` and `B` are lots 1 and 2 in some order, at a base price of 1.
pub struct Market {
    pub address: SocketAddr,
    pub ops: Option<SocketAddr>,
    pub opening: String,
    pub data: TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ServeError>>,
}

impl Market {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let stocks = "Security,Symbol,Price,Profit\n01,A,1,0\n02,B,1,0\n";
        std::fs::write(data.path().join("stocks.csv"), stocks).unwrap();
        Self::reopen(data, change).await
    }

    pub async fn reopen(data: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: DataDir::new(data.path()),
            ..Config::default()
        };
        config.network.ops = OpsListen::Off;
        change(&mut config);
        let server = Server::start(&config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let (address, ops) = (server.address(), server.ops_address());
        let opening = server.startup_text().to_owned();
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        Self {
            address,
            ops,
            opening,
            data,
            stop,
            running,
        }
    }

    pub async fn stop(self) -> TempDir {
        let _ = self.stop.send(());
        within(self.running).await.unwrap().unwrap();
        self.data
    }

    pub async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    /// A client that has introduced itself.
    pub async fn lines(&self) -> Lines<TcpStream> {
        Lines::greet(self.connect().await).await
    }

    /// A client that has registered and logged in.
    pub async fn trader(&self, name: &str) -> Lines<TcpStream> {
        let mut lines = self.lines().await;
        let account = json!({"name": name, "password": "a password"});
        assert_kind(&lines.ask("register", &account).await, "accepted");
        assert_kind(&lines.ask("login", &account).await, "logged_in");
        lines
    }
}

/// A client that speaks lines of JSON.
pub struct Lines<S> {
    stream: BufStream<S>,
    request: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    pub fn new(stream: S) -> Self {
        let stream = BufStream::new(stream);
        Self { stream, request: 0 }
    }

    pub async fn greet(stream: S) -> Self {
        let mut lines = Self::new(stream);
        let welcome = lines.ask("hello", &hello()).await;
        assert_kind(&welcome, "welcome");
        lines
    }

    pub async fn send(&mut self, kind: &str, body: &Value) -> u64 {
        self.request += 1;
        let request = self.request;
        self.write(&json!({"request": request.to_string(), kind: body}).to_string())
            .await;
        request
    }

    pub async fn write(&mut self, line: &str) {
        self.stream.write_all(line.as_bytes()).await.unwrap();
        self.stream.write_all(b"\n").await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next message; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = within(self.stream.read_line(&mut line)).await;
        match read {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// The next message that answers this request.
    pub async fn answer(&mut self, request: u64) -> Value {
        loop {
            let message = self.next().await.expect("an answer");
            if message["request"].as_str() == Some(&*request.to_string()) {
                return message;
            }
        }
    }

    /// The next message of a kind.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("a {kind}"));
            if let Some(body) = message.get(kind) {
                return body.clone();
            }
        }
    }

    pub async fn ask(&mut self, kind: &str, body: &Value) -> Value {
        let request = self.send(kind, body).await;
        self.answer(request).await
    }

    pub async fn bid(&mut self, lot: u64, price: &str) -> Value {
        self.ask("bid", &json!({"lot": lot, "price": price})).await
    }
}

pub fn hello() -> Value {
    json!({"version_min": 1, "version_max": 1, "client": "test"})
}

#[track_caller]
pub fn assert_kind(message: &Value, kind: &str) {
    assert!(message.get(kind).is_some(), "expected {kind}: {message}");
}

pub async fn within<F: Future>(future: F) -> F::Output {
    let within = tokio::time::timeout(PATIENCE, future);
    within.await.expect("it takes no longer")
}
