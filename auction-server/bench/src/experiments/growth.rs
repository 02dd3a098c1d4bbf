//! How cost grows: with lots, with watchers, and with the length of the journal.

use std::io;
use std::time::{Duration, Instant};

use crate::fan::{self, Amount};
use crate::plot::{Curve, curves};
use crate::report::{Picture, Section};
use crate::row::{Unit, grouped};
use crate::setup::{Length, Others, Setup};
use crate::targets::auction_feed::AuctionFeed;

const LOTS: [u32; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const WATCHERS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Records of bids, and how many of these are measured when nothing long is asked for.
const RECORDS: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
const RECORDS_USUAL: usize = 3;
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

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let few = |all: usize| match setup.others {
        Others::LeftOut => QUICK,
        Others::Measured => all,
    };
    let records = match setup.length {
        Length::Usual => &RECORDS[..few(RECORDS_USUAL)],
        Length::Long => &RECORDS,
    };
    let grown = [
        by_lots(setup, &LOTS[..few(LOTS.len())])?,
        by_journal(setup, records)?,
        by_watchers(setup, &WATCHERS[..few(WATCHERS.len())])?,
    ];
    Ok(Section {
        title: "How cost grows".to_owned(),
        text: vec![
            "One market each, measured once: this shows how cost grows, not how it varies. A bid that is made alone counts \
             from its send until it is durable and whoever watches has it. After a crash: killed while idle and started \
             again, until it listens. A journal of ten million bids is measured with `--long`."
                .to_owned(),
        ],
        tables: grown.iter().map(Grown::table).collect(),
        pictures: grown.iter().map(Grown::picture).collect(),
        ..Section::default()
    })
}

/// What was measured of something of several sizes.
struct Grown {
    /// The picture's name.
    name: &'static str,
    /// What grows.
    across: &'static str,
    /// What is measured, in seconds.
    costs: Vec<&'static str>,
    rows: Vec<(u64, Vec<Duration>)>,
    /// What else is said of each size, and its name.
    beside: Option<(&'static str, Vec<String>)>,
    /// Why there are no more.
    ended: Option<String>,
}

impl Grown {
    fn table(&self) -> Vec<Vec<String>> {
        let mut header = vec![self.across.to_owned()];
        header.extend(self.costs.iter().map(|&cost| cost.to_owned()));
        header.extend(self.beside.iter().map(|(name, _)| (*name).to_owned()));
        let columns = header.len();
        let mut table = vec![header];
        for (place, (size, costs)) in self.rows.iter().enumerate() {
            let mut row = vec![grouped(*size)];
            row.extend(costs.iter().map(|&cost| said(cost.as_secs_f64())));
            row.extend(self.beside.iter().map(|(_, each)| each[place].clone()));
            table.push(row);
        }
        if let Some(why) = &self.ended {
            let mut row = vec![format!("more were not measured: {why}")];
            row.resize(columns, "-".to_owned());
            table.push(row);
        }
        table
    }

    fn picture(&self) -> Picture {
        let drawn = self.costs.iter().enumerate().map(|(place, cost)| Curve {
            name: (*cost).to_owned(),
            points: self
                .rows
                .iter()
                .map(|(size, costs)| (*size as f64, costs[place].as_secs_f64()))
                .collect(),
        });
        let title = format!("How cost grows with {}", self.across);
        Picture {
            name: format!("growth-{}", self.name),
            svg: curves(&title, self.across, said, &drawn.collect::<Vec<_>>()),
            caption: title,
        }
    }
}

/// Seconds, as one would say them.
fn said(seconds: f64) -> String {
    match seconds {
        few if few < 1e-3 => format!("{:.0} us", few * 1e6),
        some if some < 1e-2 => format!("{:.1} ms", some * 1e3),
        some if some < 1.0 => format!("{:.0} ms", some * 1e3),
        many => format!("{many:.1} s"),
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

fn by_lots(setup: &Setup, sizes: &[u32]) -> io::Result<Grown> {
    let mut rows = Vec::new();
    for &lots in sizes {
        setup.say(&format!("growth: {lots} lots"));
        let folder = setup.folder.within("growth")?;
        let mut feed = AuctionFeed::start(&setup.server, &folder, lots)?;
        let begun = Instant::now();
        feed.snapshot()?;
        let snapshot = begun.elapsed();
        let bid = one_by_one(&mut feed, 1)?;
        let (opened, again) = (feed.server().started_in(), feed.crash()?);
        rows.push((u64::from(lots), vec![opened, snapshot, bid, again]));
    }
    Ok(Grown {
        name: "lots",
        across: "lots",
        costs: vec![
            "a new market opens",
            "a snapshot, received and folded",
            "a bid, alone",
            "start after a crash",
        ],
        rows,
        beside: None,
        ended: None,
    })
}

fn by_watchers(setup: &Setup, sizes: &[usize]) -> io::Result<Grown> {
    let folder = setup.folder.within("growth")?;
    let mut feed = AuctionFeed::start_with(&setup.server, &folder, LOTS_USUAL, &MORE_PER_ADDRESS)?;
    let (mut rows, mut rates, mut ended) = (Vec::new(), Vec::new(), None);
    for &listeners in sizes {
        setup.say(&format!("growth: {listeners} watchers"));
        match to_watchers(&mut feed, listeners) {
            Ok((bid, rate)) => {
                rows.push((listeners as u64, vec![bid]));
                rates.push(Unit::PerSecond.figure(rate));
            }
            // What the system does not let one have ends the curve, and not the report.
            Err(error) => {
                ended = Some(error.to_string());
                break;
            }
        }
    }
    Ok(Grown {
        name: "watchers",
        across: "watchers",
        costs: vec!["a bid, alone, at all of them"],
        rows,
        beside: Some(("deliveries", rates)),
        ended,
    })
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

fn by_journal(setup: &Setup, sizes: &[u64]) -> io::Result<Grown> {
    let folder = setup.folder.within("growth")?;
    let mut feed = AuctionFeed::start(&setup.server, &folder, LOTS_USUAL)?;
    let (mut made, mut rows) = (0, Vec::new());
    for &records in sizes {
        setup.say(&format!("growth: {records} bids in the journal"));
        let amount = Amount {
            listeners: 1,
            messages: records - made,
            window: WINDOW,
        };
        fan::run(&mut feed, amount)?;
        made = records;
        rows.push((records, vec![feed.crash()?]));
    }
    Ok(Grown {
        name: "journal",
        across: "bids in the journal",
        costs: vec!["start after a crash"],
        rows,
        beside: None,
        ended: None,
    })
}
