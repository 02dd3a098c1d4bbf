//! How cost grows: with lots, with watchers, and with the length of the journal.

use std::io;
use std::time::{Duration, Instant};

use crate::fan::{self, Amount};
use crate::report::Section;
use crate::stage::{Others, Stage};
use crate::systems::auction_feed::AuctionFeed;

const LOTS: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const WATCHERS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Records of bids; ten million only when it is asked for.
const RECORDS: [u64; 3] = [10_000, 100_000, 1_000_000];
/// How many of each are measured in a short run.
const QUICK: usize = 2;
/// All watchers come from one address; the other markets here are started with the defaults.
const MORE_PER_ADDRESS: [&str; 2] = ["--connections-per-address", "20000"];
/// Bids one after another, each with its delivery.
const ONE_BY_ONE: u64 = 200;
/// How many messages are sent to a crowd of any size, at most, and how many deliveries they come to.
const MESSAGES_MAX: u64 = 20_000;
const DELIVERIES: u64 = 10_000_000;
const WINDOW: u64 = 8_192;
/// The market whose watchers and journal grow.
const LOTS_USUAL: u32 = 20_000;

pub fn ask(stage: &Stage) -> io::Result<Section> {
    let few = |all: usize| match stage.others {
        Others::LeftOut => QUICK,
        Others::Measured => all,
    };
    let tables = vec![
        by_lots(stage, &LOTS[..few(LOTS.len())])?,
        by_journal(stage, &RECORDS[..few(RECORDS.len())])?,
        by_watchers(stage, &WATCHERS[..few(WATCHERS.len())])?,
    ];
    Ok(Section {
        title: "How cost grows".to_owned(),
        text: vec![
            "One market each, measured once: this shows how cost grows, not how it varies. A bid that is made alone counts \
             from its send until it is durable and whoever watches has it. After a crash: killed while idle and started \
             again, until it listens."
                .to_owned(),
        ],
        tables,
        ..Section::default()
    })
}

fn header(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

fn millis(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        few if few < 10.0 => format!("{few:.2} ms"),
        many => format!("{many:.0} ms"),
    }
}

/// The mean of bids one after another, each delivered to so many.
fn one_by_one(feed: &mut AuctionFeed, listeners: usize) -> io::Result<Duration> {
    let amount = Amount {
        listeners,
        messages: ONE_BY_ONE,
        window: 1,
    };
    Ok(fan::run(feed, amount)? / ONE_BY_ONE as u32)
}

fn by_lots(stage: &Stage, sizes: &[u32]) -> io::Result<Vec<Vec<String>>> {
    let names = [
        "lots",
        "a new market opens",
        "snapshot, received and folded",
        "a bid, alone",
        "start after a crash",
    ];
    let mut table = header(&names);
    for &lots in sizes {
        stage.say(&format!("growth: {lots} lots"));
        let folder = stage.folder.within("growth")?;
        let mut feed = AuctionFeed::start(&stage.server, &folder, lots)?;
        let begun = Instant::now();
        feed.snapshot()?;
        let snapshot = begun.elapsed();
        let bid = one_by_one(&mut feed, 1)?;
        let again = feed.crash()?;
        table.push(vec![
            lots.to_string(),
            millis(feed.server().started_in()),
            millis(snapshot),
            millis(bid),
            millis(again),
        ]);
    }
    Ok(table)
}

fn by_watchers(stage: &Stage, sizes: &[usize]) -> io::Result<Vec<Vec<String>>> {
    let names = ["watchers", "a bid, alone, at all of them", "deliveries"];
    let mut table = header(&names);
    let folder = stage.folder.within("growth")?;
    let mut feed = AuctionFeed::start_with(&stage.server, &folder, LOTS_USUAL, &MORE_PER_ADDRESS)?;
    for &listeners in sizes {
        stage.say(&format!("growth: {listeners} watchers"));
        let row = match to_watchers(&mut feed, listeners) {
            Ok((bid, rate)) => [millis(bid), format!("{:.2} million/s", rate / 1e6)],
            // What the system does not let one have ends the curve, and not the report.
            Err(error) => {
                let why = format!("not measured: {error}");
                table.push(vec![listeners.to_string(), why, "-".to_owned()]);
                break;
            }
        };
        table.push([vec![listeners.to_string()], row.to_vec()].concat());
    }
    Ok(table)
}

/// A bid alone at all of them, and deliveries a second.
fn to_watchers(feed: &mut AuctionFeed, listeners: usize) -> io::Result<(Duration, f64)> {
    let bid = one_by_one(feed, listeners)?;
    let messages = MESSAGES_MAX.min(DELIVERIES / listeners as u64);
    let amount = Amount {
        listeners,
        messages,
        window: WINDOW,
    };
    let took = fan::run(feed, amount)?;
    let rate = (messages * listeners as u64) as f64 / took.as_secs_f64();
    Ok((bid, rate))
}

fn by_journal(stage: &Stage, sizes: &[u64]) -> io::Result<Vec<Vec<String>>> {
    let mut table = header(&["bids in the journal", "start after a crash"]);
    let folder = stage.folder.within("growth")?;
    let mut feed = AuctionFeed::start(&stage.server, &folder, LOTS_USUAL)?;
    let mut made = 0;
    for &records in sizes {
        stage.say(&format!("growth: {records} bids in the journal"));
        let amount = Amount {
            listeners: 1,
            messages: records - made,
            window: WINDOW,
        };
        fan::run(&mut feed, amount)?;
        made = records;
        table.push(vec![records.to_string(), millis(feed.crash()?)]);
    }
    Ok(table)
}
