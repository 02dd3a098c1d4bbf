//! No acknowledgement before its sync: checks the order of the real server's system calls with strace.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use auction_core::{LotId, Price, PublicEvent, RequestId};
use auction_proto::{Bid, Code, FrameDecoder, GetHistory, GetSnapshot, ServerMessage, limits};

use crate::line::{Line, Watcher};
use crate::test_market::{Server, TestMarket, until, without_settings};

const BIDDERS: u16 = 3;
const ROUNDS: u64 = 12;
const LOTS: u32 = 8;
/// Minimum increment of a bid: 0.01.
const STEP_UNITS: u64 = 100;

#[test]
#[ignore = "needs strace"]
fn no_price_is_told_to_anyone_before_the_sync_that_covers_it() {
    assert!(
        can_trace(),
        "strace has to be installed and allowed to trace"
    );
    let test_market = TestMarket::with_lots(LOTS);
    let trace = test_market.path().join("trace");
    let server = Server::start(traced(&test_market));
    let address = server.address();
    // The requests of each connection, by its port: replies don't contain the price.
    let mut asked = BTreeMap::new();
    let mut watcher = Watcher::begin(address);
    thread::scope(|scope| {
        let bidders: Vec<_> = (1..=BIDDERS)
            .map(|n| {
                scope.spawn(move || {
                    bid_against_others(Line::trader(address, &format!("trader-{n}")))
                })
            })
            .collect();
        asked.extend(bidders.into_iter().map(|bidder| bidder.join().unwrap()));
    });
    let end = Line::open(address).snapshot().feed_sequence();
    watcher.until_some(|market| (market.feed_sequence() >= end).then_some(()));
    server.end();
    let text = until("the trace is whole", || {
        let text = fs::read_to_string(&trace).unwrap();
        text.ends_with("+++ exited with 0 +++\n").then_some(text)
    });

    let calls = calls(&text);
    let told = told(&calls, &asked);
    let kinds: BTreeMap<&str, usize> = told.iter().fold(BTreeMap::new(), |mut kinds, told| {
        *kinds.entry(told.by).or_default() += 1;
        kinds
    });
    for kind in ["accepted", "bid_too_low", "feed", "snapshot", "history"] {
        assert!(
            kinds.contains_key(kind),
            "nothing was told by {kind}: {kinds:?}"
        );
    }
    let mut durable = BTreeMap::new();
    for told in told {
        let durable = durable
            .entry(told.price)
            .or_insert_with(|| durable_at(&calls, told.price));
        assert!(
            durable.is_some_and(|line| line < told.line),
            "{} was told by {} in line {} of the trace, and is durable after line {durable:?}",
            told.price,
            told.by,
            told.line
        );
    }
}

/// Returns whether strace is installed and permitted.
fn can_trace() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-D", "-f", "-yy", "-o", "/dev/null", "true"]);
    let status = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The server under strace. The tracer is a separate process, so that the child is the server itself.
fn traced(test_market: &TestMarket) -> Command {
    let server = test_market.server();
    let mut strace = Command::new("strace");
    strace
        .args(["-D", "-f", "-yy", "-xx", "-s", "1000000", "-o"])
        .arg(test_market.path().join("trace"))
        .args([
            "-e",
            "trace=pwrite64,fdatasync,fsync,sendto,sendmsg,write,writev",
        ])
        .arg(server.get_program())
        .args(server.get_args());
    without_settings(&mut strace);
    strace
}

/// A unique price, which takes five bytes in the journal that occur nowhere else there.
fn price(round: u64, lot: u32) -> Price {
    let whole = 30_000 + round * u64::from(LOTS) + u64::from(lot);
    Price::from_units(whole * 10_000).unwrap()
}

/// All bidders bid the same prices at once, so that one is accepted and the others learn the price: from a refusal, a
/// snapshot, or the history. Returns the port and the requests.
fn bid_against_others(mut line: Line) -> (u16, BTreeMap<RequestId, Price>) {
    let mut asked = BTreeMap::new();
    for round in 1..=ROUNDS {
        let mut last = RequestId(0);
        for lot in 1..=LOTS {
            let price = price(round, lot);
            last = line.send(&Bid {
                lot: LotId(lot),
                price,
            });
            asked.insert(last, price);
        }
        line.send(&GetHistory {
            lot: LotId(1),
            limit: 3,
        });
        line.send(&GetSnapshot {});
        line.flush().unwrap();
        let mut open = LOTS;
        while open > 0 {
            let (request, _) = line.next().unwrap().expect("the server runs");
            open -= u32::from(
                request <= last
                    && asked.contains_key(&request)
                    && request.0 + u64::from(LOTS) > last.0,
            );
        }
    }
    (line.local_port(), asked)
}

/// A price that was revealed, and the line of the trace that begins to reveal it.
struct Told {
    price: Price,
    by: &'static str,
    line: usize,
}

fn told(calls: &[Call], asked: &BTreeMap<u16, BTreeMap<RequestId, Price>>) -> Vec<Told> {
    let mut decoders = BTreeMap::new();
    let mut told = Vec::new();
    for call in calls
        .iter()
        .filter(|call| call.name == "sendto" || call.name == "write")
    {
        let Some(port) = port_of_client(&call.file) else {
            continue;
        };
        let decoder = decoders
            .entry(port)
            .or_insert_with(|| FrameDecoder::new(limits::FRAME_BYTES_MAX));
        let mut rest = &call.bytes[..usize::try_from(call.returned).unwrap_or(0)];
        while let Some(frame) = decoder.next_frame(&mut rest).unwrap() {
            let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
            let asked = asked.get(&port).and_then(|asked| asked.get(&frame.request));
            let (by, prices) = prices_in(message, asked.copied());
            let line = call.begins;
            told.extend(prices.into_iter().map(|price| Told { price, by, line }));
        }
    }
    told
}

/// The prices that a message reveals.
fn prices_in(message: ServerMessage, asked: Option<Price>) -> (&'static str, Vec<Price>) {
    match message {
        ServerMessage::Accepted(_) => ("accepted", asked.into_iter().collect()),
        ServerMessage::Refused(refused) if refused.code == Code::BID_TOO_LOW => {
            let least = refused.price.unwrap().units();
            (
                "bid_too_low",
                vec![Price::from_units(least - STEP_UNITS).unwrap()],
            )
        }
        ServerMessage::Feed(feed) => {
            let prices = feed.entries.iter().filter_map(|entry| match &entry.event {
                PublicEvent::BidAccepted(bid) => Some(bid.price),
                _ => None,
            });
            ("feed", prices.collect())
        }
        ServerMessage::SnapshotPart(part) => (
            "snapshot",
            part.lots.iter().filter_map(|lot| lot.price()).collect(),
        ),
        ServerMessage::History(history) => (
            "history",
            history.bids.iter().map(|bid| bid.price).collect(),
        ),
        _ => ("nothing", Vec::new()),
    }
}

/// The line of the trace at which the sync of the journal write with this price has returned.
fn durable_at(calls: &[Call<'_>], price: Price) -> Option<usize> {
    let spelled = varint(price.units());
    let holds = |call: &&Call<'_>| {
        call.name == "pwrite64"
            && call.file.ends_with(".seg>")
            && call
                .bytes
                .windows(spelled.len())
                .any(|bytes| bytes == spelled)
    };
    let write = calls.iter().find(holds)?;
    let covers = |call: &&Call<'_>| {
        matches!(call.name, "fdatasync" | "fsync")
            && call.file == write.file
            && call.begins > write.ends
            && call.returned == 0
    };
    calls.iter().find(covers).map(|sync| sync.ends)
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A system call that has returned.
struct Call<'a> {
    name: &'a str,
    /// The file, as strace shows it: `13</a/path>`, `15<TCP:[127.0.0.1:2022->127.0.0.1:40000]>`.
    file: String,
    bytes: Vec<u8>,
    returned: i64,
    /// The lines of the trace at which it begins and has returned: the same if nothing happened in between.
    begins: usize,
    ends: usize,
}

fn calls(trace: &str) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    let mut unfinished = BTreeMap::new();
    for (line, text) in trace.lines().enumerate() {
        let (process, text) = text.split_once(' ').unwrap();
        let text = text.trim_start();
        if text.starts_with("+++") || text.starts_with("---") {
            continue;
        }
        let returned = || {
            let (_, returned) = text.rsplit_once(" = ")?;
            returned.split(' ').next()?.parse().ok()
        };
        if text.starts_with("<... ") {
            if let (Some(call), Some(returned)) = (unfinished.remove(process), returned()) {
                calls.push(Call {
                    returned,
                    ends: line,
                    ..call
                });
            }
            continue;
        }
        let (name, arguments) = text.split_once('(').unwrap();
        let (file, arguments) = arguments.split_at(arguments.find(">").map_or(0, |end| end + 1));
        // The arrow within the name of a connection is not its end.
        let (file, arguments) = match arguments.split_once(">") {
            Some((rest, arguments)) if file.ends_with("->") => {
                (format!("{file}{rest}>"), arguments)
            }
            _ => (unescaped_text(file), arguments),
        };
        let bytes = arguments
            .split('"')
            .nth(1)
            .map(unescaped)
            .unwrap_or_default();
        let call = Call {
            name,
            file,
            bytes,
            returned: -1,
            begins: line,
            ends: line,
        };
        if text.ends_with("<unfinished ...>") {
            unfinished.insert(process, call);
        } else if let Some(returned) = returned() {
            calls.push(Call { returned, ..call });
        }
    }
    // In the order in which they began, so that the bytes of each connection are in order.
    calls.sort_by_key(|call| call.begins);
    calls
}

/// Decodes `\x2f\x74` to bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|digits| u8::from_str_radix(digits, 16).unwrap())
        .collect()
}

/// Decodes `13<\x2f\x74>` to `13</t>`.
fn unescaped_text(file: &str) -> String {
    match file.trim_end_matches('>').split_once('<') {
        Some((number, path)) if path.starts_with("\\x") => {
            format!("{number}<{}>", String::from_utf8_lossy(&unescaped(path)))
        }
        _ => file.to_owned(),
    }
}

fn port_of_client(file: &str) -> Option<u16> {
    let (_, client) = file.strip_suffix("]>")?.split_once("->")?;
    client.rsplit(':').next()?.parse().ok()
}
