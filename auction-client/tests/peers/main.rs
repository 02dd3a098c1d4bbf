//! `auction watch --p2p` with the real server: one peer is connected to it, the others are not.

#![cfg(all(unix, feature = "p2p", feature = "cli"))]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Generous limit: it only ends tests that would hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// Returns the path of the server, built beside the program: building the tests of this crate builds no programs of
/// another crate.
fn server_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_auction")).parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--package", "auction-server"])
            .args(["--bin", "auction-server", "--profile", profile])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        folder.join("auction-server")
    })
}

/// A program that runs until this value is dropped, and its output lines.
struct Running {
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AUCTION_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap());
        let (told, lines) = channel();
        thread::spawn(move || {
            // Fails once the test has ended.
            let lines = printed.lines().map_while(Result::ok);
            lines.map_while(|line| told.send(line).ok()).for_each(drop);
        });
        Self { process, lines }
    }

    fn next(&self) -> String {
        let line = self.lines.recv_timeout(DEADLINE);
        line.expect("the program runs, and prints a line in time")
    }

    /// Waits for the next event that satisfies `holds`.
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.next();
            let event: Value = serde_json::from_str(&line).unwrap();
            assert!(
                event["event"] != "fraud" && event["event"] != "gap",
                "{event}"
            );
            if holds(&event) {
                return event;
            }
            assert!(!line.is_empty(), "the program ended before: {what}");
        }
    }

    fn is_standing(&self, status: &str) {
        self.until(status, |event| {
            event["event"] == "standing" && event["standing"] == status
        });
    }

    fn sees_bid(&self, amount: &str) {
        self.until(amount, |event| {
            event["event"] == "bid" && event["amount"] == amount
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ignore errors: it may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct House {
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stocks = "Security,Symbol,Price,Profit\n00001,S1,1.00,1\n";
        std::fs::write(folder.path().join("stocks.csv"), stocks).unwrap();
        Self { folder }
    }

    /// Starts the server, and returns its address.
    fn open(&self, listen: &str) -> (Running, String) {
        let mut server = Command::new(server_program());
        server
            .args(["--ops-listen=off", "--lots=1", "--open-for=1h"])
            .args(["--on-outage=extend", "--listen", listen, "--data"])
            .arg(self.folder.path())
            .stderr(Stdio::null());
        let server = Running::start(&mut server);
        let line = server.next();
        let address = line.trim_end_matches('.').rsplit(' ').next().unwrap();
        let address = address.to_owned();
        (server, address)
    }
}

/// A user with a separate state folder.
struct Person {
    home: TempDir,
    server: String,
}

impl Person {
    fn at(server: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = server.to_owned();
        Self { home, server }
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auction"));
        command
            .args(["--json", "--server", &self.server, "--home"])
            .arg(self.home.path())
            .args(line);
        command
    }

    fn does(&self, line: &[&str]) {
        let mut command = self.command(line);
        command.env("AUCTION_PASSWORD", "correct-horse");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line:?}: {said}");
    }

    fn watches(&self, line: &[&str]) -> Running {
        let here = [
            "watch",
            "--p2p",
            "--forever",
            "--listen",
            "/ip4/127.0.0.1/tcp/0",
        ];
        Running::start(self.command(&here).args(line))
    }
}

/// Includes a crash of the server: every peer reports that nothing new comes, and then continues.
#[test]
fn peers_without_a_server_connection_see_what_the_others_see() {
    let house = House::new();
    let (server, address) = house.open("127.0.0.1:0");
    let mia = Person::at(&address);
    mia.does(&["register", "mia"]);
    mia.does(&["login", "mia"]);

    let with_line = Person::at(&address).watches(&["--offer"]);
    let joining = with_line.until("it joins", |event| event["event"] == "joining");
    let (key, at) = (
        joining["market_key"].as_str(),
        joining["addresses"][0].as_str(),
    );
    with_line.is_standing("live");
    // One is given a peer and the key, and never asks the server: nothing listens at its server address.
    let nowhere = Person::at("127.0.0.1:9");
    let told = nowhere.watches(&["--peer", at.unwrap(), "--market-key", key.unwrap()]);
    // Another asks the server for both.
    let asking = Person::at(&address).watches(&[]);
    told.is_standing("live");
    asking.is_standing("live");

    mia.does(&["bid", "S1", "5", "--yes"]);
    let everyone = [&with_line, &told, &asking];
    everyone.iter().for_each(|one| one.sees_bid("5.00"));

    // Killed, not ended: dropping kills.
    drop(server);
    everyone.iter().for_each(|one| one.is_standing("stale"));
    let (_server, again) = house.open(&address);
    assert_eq!(again, address);
    everyone.iter().for_each(|one| one.is_standing("live"));
    let tom = Person::at(&address);
    tom.does(&["register", "tom"]);
    tom.does(&["login", "tom"]);
    tom.does(&["bid", "S1", "6", "--yes"]);
    everyone.iter().for_each(|one| one.sees_bid("6.00"));
}

#[test]
fn a_market_with_another_key_than_the_one_named_is_refused() {
    let house = House::new();
    let (_server, address) = house.open("127.0.0.1:0");
    let other = "8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6";
    let watching = Person::at(&address)
        .command(&["watch", "--p2p", "--market-key", other])
        .output();
    let output = watching.unwrap();
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("market_key_changed") && said.contains(other),
        "{said}"
    );
}
