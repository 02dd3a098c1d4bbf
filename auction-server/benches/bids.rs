//! Cost of a durable bid over a socket, compared with the cost of the disk write alone.
//!
//! `cargo bench -p auction-server --bench bids`
//!
//! Three measurements, of the server as it ships, on this machine's disk, in turns within one run, so that the
//! ratios hold where the figures do not:
//!
//! - **a lone bid**: one connection, one bid at a time, from the write of the request to the read of its
//!   acknowledgement; beside a bare `write_at` and `fdatasync` of as many bytes into a file of zeros.
//! - **50 connections, 16 bids in flight each**: accepted bids a second.
//! - **both again, with a watcher**: one market signs what it sends to its watcher, the other does not. Signing is not
//!   on the path of a bid.
//!
//! Only accepted bids count. Traders walk over 20,000 lots at a distance from each other, each bidding above the
//! one before, so that no trader outbids itself.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use auction_core::{LotId, Name, Price, RequestId};
use auction_proto::{
    Bid, FrameDecoder, Hello, Login, PREFACE, Register, Secret, ServerMessage, Text, VERSION,
    Watch, WatchSigned, encode_frame, limits,
};

const ROUNDS: usize = 5;
const LONE_BIDS: usize = 1_000;
const LOTS: u32 = 20_000;
const CONNECTIONS: u32 = 50;
const IN_FLIGHT: u32 = 16;
const BIDS_PER_CONNECTION: u32 = 2_000;
/// Bytes that a lone bid takes in the journal: a frame header and a record, rounded up.
const FRAME_BYTES: usize = 192;

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-bids");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the market");
    let server = Server::start(&folder);
    let mut traders: Vec<Trader> = (0..CONNECTIONS)
        .map(|n| Trader::log_in(&server, n))
        .collect();

    let (mut lone, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(bare_syncs(&folder));
        lone.push(lone_bids(&mut traders, round));
    }
    println!(
        "{:<42} {:>10} {:>10} {:>10}",
        "median of one run of each round, us", "median", "least", "most"
    );
    let bare = row("write + fdatasync of a bare file", bare);
    let lone = row("a lone durable bid over a socket", lone);
    println!(
        "{:<42} {:>9.2}x",
        "a lone bid beside the bare sync",
        lone / bare
    );

    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let (next, rate) = crowd(traders, u32::try_from(round).expect("few rounds"));
        traders = next;
        rates.push(rate);
    }
    println!();
    println!(
        "{:<42} {:>10} {:>10} {:>10}",
        "accepted bids a second", "median", "least", "most"
    );
    row("50 connections, 16 in flight", rates);
    drop(server);
    beside_signing(&folder);
}

/// Sends the same bids to two markets in turns: both are watched, and one signs what it sends to its watcher.
fn beside_signing(folder: &Path) {
    let mut plain = Watched::start(&folder.join("plain"), &Watch { resume: None });
    let mut signed = Watched::start(&folder.join("signed"), &WatchSigned { resume: None });
    for round in 0..ROUNDS {
        plain.round(round);
        signed.round(round);
    }
    for watched in [&plain, &signed] {
        let heard = watched.heard.load(Ordering::Relaxed);
        assert!(heard > 0, "who watches is told of the bids");
    }
    println!();
    let lone_plain = row("a lone bid, us, one watches", plain.lone);
    let lone_signed = row("a lone bid, us, one watches, signed", signed.lone);
    let rate_plain = row("bids a second, one watches", plain.rates);
    let rate_signed = row("bids a second, one watches, signed", signed.rates);
    println!(
        "{:<42} {:>9.2}x",
        "a lone bid, signed beside not",
        lone_signed / lone_plain
    );
    println!(
        "{:<42} {:>9.2}x",
        "bids a second, signed beside not",
        rate_signed / rate_plain
    );
}

/// A watched market and its measurements.
struct Watched {
    _server: Server,
    traders: Vec<Trader>,
    /// Number of messages that the watcher received.
    heard: Arc<AtomicU64>,
    lone: Vec<f64>,
    rates: Vec<f64>,
}

impl Watched {
    fn start<B: auction_proto::Body>(folder: &Path, watch: &B) -> Self {
        fs::create_dir_all(folder).expect("a folder for the market");
        let server = Server::start(folder);
        let traders = (0..CONNECTIONS).map(|n| Trader::log_in(&server, n));
        let traders = traders.collect();
        let mut watcher = Trader::log_in(&server, CONNECTIONS);
        watcher.send(watch);
        watcher.flush();
        let heard = Arc::new(AtomicU64::new(0));
        let counting = heard.clone();
        // The thread ends with the server.
        std::thread::spawn(move || {
            while let Ok(1..) = watcher.stream.read(&mut watcher.input) {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            _server: server,
            traders,
            heard,
            lone: Vec::new(),
            rates: Vec::new(),
        }
    }

    fn round(&mut self, round: usize) {
        self.lone.push(lone_bids(&mut self.traders, round));
        let traders = std::mem::take(&mut self.traders);
        let (traders, rate) = crowd(traders, u32::try_from(round).expect("few rounds"));
        self.traders = traders;
        self.rates.push(rate);
    }
}

/// Prints a row and returns its median.
fn row(what: &str, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    let (least, most) = (values[0], values[values.len() - 1]);
    println!("{what:<42} {median:>10.0} {least:>10.0} {most:>10.0}");
    median
}

fn median_micros(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn bare_syncs(folder: &Path) -> f64 {
    let path = folder.join("bare");
    let mut file = File::create(&path).expect("a file");
    file.write_all(&vec![0; LONE_BIDS * FRAME_BYTES])
        .expect("zeros");
    file.sync_all().expect("a sync");
    let bytes = [7; FRAME_BYTES];
    let times = (0..LONE_BIDS).map(|n| {
        let start = Instant::now();
        file.write_all_at(&bytes, (n * FRAME_BYTES) as u64)
            .expect("a write");
        file.sync_data().expect("a sync");
        start.elapsed()
    });
    median_micros(times.collect())
}

/// Two traders outbid each other on the last lot, one bid at a time.
fn lone_bids(traders: &mut [Trader], round: usize) -> f64 {
    let times = (0..LONE_BIDS).map(|n| {
        let cents = (round * LONE_BIDS + n + 1) as u64;
        let trader = &mut traders[n % 2];
        let start = Instant::now();
        trader.bid(LOTS, cents);
        trader.flush();
        assert_eq!(trader.accepted_of(1), 1, "a lone bid is accepted");
        start.elapsed()
    });
    median_micros(times.collect())
}

/// Lets all traders bid at once. Returns the traders and the number of accepted bids per second.
fn crowd(traders: Vec<Trader>, round: u32) -> (Vec<Trader>, f64) {
    let start = Instant::now();
    let threads: Vec<_> = traders
        .into_iter()
        .enumerate()
        .map(|(number, mut trader)| {
            let number = u32::try_from(number).expect("few traders");
            std::thread::spawn(move || {
                let accepted = trader.walk(number, round);
                (trader, accepted)
            })
        })
        .collect();
    let joined: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"))
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    let accepted: u32 = joined.iter().map(|(_, accepted)| accepted).sum();
    let sent = CONNECTIONS * BIDS_PER_CONNECTION;
    assert!(
        accepted * 10 >= sent * 9,
        "{accepted} of {sent} bids were accepted: too few"
    );
    (
        joined.into_iter().map(|(trader, _)| trader).collect(),
        f64::from(accepted) / seconds,
    )
}

/// The server as it ships, in its own folder.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut stocks = String::from("Security,Symbol,Price,Profit\n");
        for n in 1..=LOTS {
            stocks.push_str(&format!("{n:05},S{n},0.00,0\n"));
        }
        fs::write(folder.join("stocks.csv"), stocks).expect("stocks");
        let mut process = Command::new(env!("CARGO_BIN_EXE_auction-server"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--ops-listen",
                "off",
                // Keeps silent connections open while others are measured.
                "--heartbeat",
                "60s",
                "--open-for",
                "6h",
                "--lots",
                &LOTS.to_string(),
            ])
            .arg("--data")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut output = process.stdout.take().expect("its output is piped");
        let mut text = String::new();
        let address = loop {
            let mut bytes = [0; 4_096];
            let count = output.read(&mut bytes).expect("its output can be read");
            assert!(count > 0, "the server ended: {text}");
            text.push_str(&String::from_utf8_lossy(&bytes[..count]));
            if let Some((line, _)) = text.split_once(".\n") {
                break line.rsplit(' ').next().expect("an address").to_owned();
            }
        };
        // Keeps reading, so that the server's output is consumed, as at a terminal.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Trader {
    stream: TcpStream,
    decoder: FrameDecoder,
    input: Vec<u8>,
    output: Vec<u8>,
    request: u64,
}

impl Trader {
    fn log_in(server: &Server, number: u32) -> Self {
        let stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
        let (input, output) = (vec![0; 16 * 1_024], PREFACE.to_vec());
        let mut trader = Self {
            stream,
            decoder,
            input,
            output,
            request: 0,
        };
        let name = Name::parse(&format!("trader-{number}")).expect("a name");
        let password = Secret::new("a password".to_owned()).expect("a password");
        let client = Text::of("bench");
        trader.send(&Hello {
            version_min: VERSION,
            version_max: VERSION,
            client,
        });
        trader.send(&Register {
            name,
            password: password.clone(),
        });
        trader.send(&Login { name, password });
        trader.flush();
        let mut answers = 0;
        while answers < 3 {
            trader.read(|message| {
                assert!(!matches!(message, ServerMessage::Refused(_)), "{message:?}");
                answers += 1;
            });
        }
        trader
    }

    fn send<B: auction_proto::Body>(&mut self, body: &B) {
        self.request += 1;
        encode_frame(RequestId(self.request), body, &mut self.output);
    }

    fn bid(&mut self, lot: u32, cents: u64) {
        let price = Price::from_units(cents * 100).expect("a price");
        self.send(&Bid {
            lot: LotId(lot),
            price,
        });
    }

    fn flush(&mut self) {
        self.stream.write_all(&self.output).expect("a write");
        self.output.clear();
    }

    fn read(&mut self, mut each: impl FnMut(&ServerMessage)) {
        let count = self.stream.read(&mut self.input).expect("a read");
        assert!(count > 0, "the server closed the connection");
        let mut rest = &self.input[..count];
        while let Some(frame) = self.decoder.next_frame(&mut rest).expect("frames") {
            // Unsolicited messages are not replies.
            if frame.request != RequestId(0) {
                each(&ServerMessage::decode(frame.kind, frame.body).expect("a message"));
            }
        }
    }

    /// Reads at least this many replies and returns the number of accepted bids.
    fn accepted_of(&mut self, answers: u32) -> u32 {
        let (mut seen, mut accepted) = (0, 0);
        while seen < answers {
            self.read(|message| {
                seen += 1;
                accepted += u32::from(matches!(message, ServerMessage::Accepted(_)));
            });
        }
        accepted
    }

    /// Walks over a part of the lots, with as many bids in flight as allowed.
    fn walk(&mut self, number: u32, round: u32) -> u32 {
        let apart = (LOTS - 1) / CONNECTIONS;
        let (mut sent, mut answered, mut accepted) = (0, 0, 0);
        while answered < BIDS_PER_CONNECTION {
            while sent < BIDS_PER_CONNECTION && sent - answered < IN_FLIGHT {
                let step = round * BIDS_PER_CONNECTION + sent;
                let lot = (number * apart + step) % (apart * CONNECTIONS) + 1;
                self.bid(lot, u64::from(step / apart) + 1);
                sent += 1;
            }
            self.flush();
            self.read(|message| {
                answered += 1;
                accepted += u32::from(matches!(message, ServerMessage::Accepted(_)));
            });
        }
        accepted
    }
}
