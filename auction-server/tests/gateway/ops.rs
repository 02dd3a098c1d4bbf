//! The operators' port.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use auction_server::testing::config::OpsListen;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::market::{Market, assert_kind, within};

async fn market() -> Market {
    Market::start_with(|config| {
        config.network.ops = OpsListen::At("127.0.0.1:0".parse().unwrap());
    })
    .await
}

pub async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1"),
        &[&format!("Host: {address}")],
    )
    .await
}

/// Sends a request line and some fields.
async fn ask(address: SocketAddr, line: &str, fields: &[&str]) -> (u16, String) {
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let request = format!("{line}\r\n{fields}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// Returns the value of a metric with these labels.
pub fn value(metrics: &str, name: &str) -> f64 {
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {metrics}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn what_the_server_does_is_counted_and_measured() {
    let market = market().await;
    let ops = market.ops.unwrap();
    assert_eq!(get(ops, "/livez").await, (200, "alive\n".to_owned()));
    assert_eq!(get(ops, "/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(get(ops, "/").await.0, 404);

    let mut mia = market.trader("mia").await;
    let _watcher = market.lines().await;
    assert_kind(&mia.bid(1, "1.40").await, "accepted");
    assert_kind(&mia.bid(1, "1.40").await, "refused");
    assert_kind(&mia.bid(99, "1.40").await, "refused");
    assert_kind(&mia.ask("ping", &json!({"client_time": "0"})).await, "pong");
    // A reply is measured when its write has returned: the client can have read it before.
    let metrics = within(async {
        loop {
            let (status, metrics) = get(ops, "/metrics").await;
            assert_eq!(status, 200);
            if value(&metrics, "auction_command_seconds_count{stage=\"told\"}") >= 3.0 {
                break metrics;
            }
        }
    })
    .await;
    for (name, expected) in [
        ("auction_bids_accepted_total", 1.0),
        ("auction_refused_total{code=\"already_leading\"}", 1.0),
        ("auction_refused_total{code=\"unknown_lot\"}", 1.0),
        ("auction_connections{encoding=\"json\"}", 2.0),
        ("auction_connections{encoding=\"binary\"}", 0.0),
        ("auction_sessions", 1.0),
        ("auction_queue_depth{queue=\"passwords\"}", 0.0),
        ("auction_command_seconds_count{stage=\"told\"}", 3.0),
        ("auction_hello_seconds_count", 2.0),
    ] {
        assert_eq!(value(&metrics, name), expected, "{name}");
    }
    // Registration and login pass the sequencer too.
    for stage in ["queued", "decided", "synced"] {
        let name = format!("auction_command_seconds_count{{stage=\"{stage}\"}}");
        assert!(value(&metrics, &name) >= 5.0, "{name}");
    }
    assert_eq!(
        value(&metrics, "auction_batch_records_count"),
        value(&metrics, "auction_sync_seconds_count")
    );
    drop(mia);
    market.stop().await;
}

#[tokio::test]
async fn a_server_starts_though_the_usual_port_is_taken() {
    // Taken by this test or already by another server.
    let _taken = TcpListener::bind(OpsListen::USUAL);
    let market = Market::start_with(|config| config.network.ops = OpsListen::Auto).await;
    assert_eq!(market.ops, None);
    market.lines().await;
    market.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_ready_ends_with_0_only_while_clients_are_let_in() {
    let market = market().await;
    let ask = |ops: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auction-server"));
        command
            .args(["is-ready", "--ops-listen", ops])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.output()
    };
    let ops = market.ops.unwrap().to_string();
    let output = within(ask(&ops)).await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"ready\n");
    market.stop().await;
    let output = within(ask(&ops)).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be asked"));
    let output = within(ask("off")).await.unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// A page elsewhere reads this port by DNS rebinding, with its own name as the host, or by its origin.
#[tokio::test]
async fn pages_of_other_sites_do_not_read_the_operators_port() {
    let market = Market::start_with(|config| {
        config.network.ops = OpsListen::At("127.0.0.1:0".parse().unwrap());
        config.network.public_hosts = vec!["metrics.test".to_owned()];
    })
    .await;
    let ops = market.ops.unwrap();
    let host = format!("Host: {ops}");
    let own = format!("Origin: http://{ops}");
    let elsewhere = format!("Host: {ops}@evil.test");
    let (get, absolute) = (
        "GET /metrics HTTP/1.1",
        "GET http://evil.test/metrics HTTP/1.1",
    );
    for (line, fields) in [
        (get, vec![host.as_str()]),
        (get, vec!["Host: localhost"]),
        (get, vec!["Host: metrics.test:2023"]),
        (get, vec![&host, &own]),
        ("GET /metrics HTTP/1.0", vec![]),
    ] {
        assert_eq!(ask(ops, line, &fields).await.0, 200, "{line} {fields:?}");
    }
    for (line, fields) in [
        (get, vec!["Host: evil.test"]),
        (get, vec!["Host: evil.test", "Origin: http://evil.test"]),
        (get, vec![&host, "Origin: http://evil.test"]),
        (get, vec![&host, "Origin: null"]),
        (get, vec![&elsewhere]),
        (get, vec![&host, "Host: evil.test"]),
        (get, vec![]),
        (absolute, vec![host.as_str()]),
        ("GET /metrics HTTP/1.0", vec!["Host: evil.test"]),
        ("GET /metrics HTTP/1.0", vec!["Origin: http://evil.test"]),
    ] {
        let (status, said) = ask(ops, line, &fields).await;
        assert_eq!(status, 403, "{line} {fields:?}");
        assert!(!said.contains("auction_"), "{said}");
    }
    market.stop().await;
}

#[tokio::test]
async fn a_probe_gets_through_when_the_operators_port_is_full() {
    let market = market().await;
    let ops = market.ops.unwrap();
    // They send nothing, and hold their connections.
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(within(TcpStream::connect(ops)).await.unwrap());
    }
    for _ in 0..100 {
        assert_eq!(get(ops, "/readyz").await, (200, "ready\n".to_owned()));
    }
    // The oldest made room.
    let mut byte = [0; 1];
    let read = within(idle[0].read(&mut byte)).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    market.stop().await;
}

#[tokio::test]
async fn build_process_disk_and_failed_logins_are_measured() {
    let market = market().await;
    let ops = market.ops.unwrap();
    let mut mia = market.trader("mia").await;
    assert_kind(&mia.ask("logout", &json!({})).await, "accepted");
    let wrong = json!({"name": "mia", "password": "another"});
    for _ in 0..2 {
        assert_kind(&mia.ask("login", &wrong).await, "refused");
    }
    let (_, metrics) = get(ops, "/metrics").await;
    assert_eq!(value(&metrics, "auction_logins_failed_total"), 2.0);
    let build = concat!(
        "auction_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"}"
    );
    assert_eq!(value(&metrics, build), 1.0);
    let journal = market.data.path().join("journal");
    let files = std::fs::read_dir(journal).unwrap().flatten();
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    // The next segment may have been made meanwhile.
    let measured = value(&metrics, "auction_journal_bytes");
    assert!(
        measured > 0.0 && measured <= bytes as f64,
        "{measured} of {bytes}"
    );
    assert!(value(&metrics, "auction_disk_free_bytes") > 0.0);
    if cfg!(target_os = "linux") {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let started = value(&metrics, "process_start_time_seconds");
        assert!(started <= now.as_secs_f64() + 2.0 && started > now.as_secs_f64() - 86_400.0);
        assert!(value(&metrics, "process_resident_memory_bytes") > f64::from(1 << 20));
        assert!(value(&metrics, "process_cpu_seconds_total") >= 0.0);
        let (open, most) = ("process_open_fds", "process_max_fds");
        assert!(value(&metrics, open) < value(&metrics, most));
        assert!(value(&metrics, "process_threads") > 1.0);
    }
    market.stop().await;
}
