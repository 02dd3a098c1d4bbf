//! Many who watch, and do other things meanwhile: each has the whole feed, in order.

use std::time::Duration;

use auction_server::testing::config::data_dir::DataDir;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::market::{Lines, Market, assert_kind, within};

/// So many lots take two parts of a snapshot.
const LOTS: usize = 600;
const BIDS: u64 = 150;
/// Watchers of each [`Habit`].
const WATCHERS: usize = 2;

/// What a watcher does beside listening.
#[derive(Clone, Copy, Debug)]
enum Habit {
    Listens,
    Pings,
    TakesSnapshots,
    Resumes,
    BeginsAnew,
}

const HABITS: [Habit; 5] = [
    Habit::Listens,
    Habit::Pings,
    Habit::TakesSnapshots,
    Habit::Resumes,
    Habit::BeginsAnew,
];

/// A client that watches, and what it has been told.
struct Watcher {
    lines: Lines<TcpStream>,
    habit: Habit,
    market: Value,
    /// The place up to which it was told everything.
    told: u64,
    /// The number of its last request for a watch.
    watch: u64,
    /// Batches since it did something.
    batches: u64,
    /// It is between two parts of this request's snapshot.
    within_snapshot: Option<String>,
}

impl Watcher {
    async fn begin(market: &Market, habit: Habit) -> Self {
        let mut lines = market.lines().await;
        let watch = lines.send("watch", &json!({})).await;
        let mut watcher = Self {
            lines,
            habit,
            market: Value::Null,
            told: 0,
            watch,
            batches: 0,
            within_snapshot: None,
        };
        while watcher.told == 0 || watcher.within_snapshot.is_some() {
            watcher.listen().await;
        }
        watcher
    }

    /// Takes the next message, and does what its habit is.
    async fn listen(&mut self) {
        let message = self.lines.next().await.expect("the feed goes on");
        if let Some(feed) = message.get("feed") {
            assert_eq!(self.within_snapshot, None, "no feed between two parts");
            assert_eq!(
                place(&feed["after"]),
                self.told,
                "{:?}: nothing is left out",
                self.habit
            );
            self.told = place(&feed["through"]);
            self.batches += 1;
            return self.do_something().await;
        }
        if let Some(resumed) = message.get("resumed") {
            self.told = place(&resumed["feed_sequence"]);
        }
        if let Some(part) = message.get("snapshot_part") {
            let request = message["request"].as_str().unwrap().to_owned();
            if request == self.watch.to_string() {
                self.told = place(&part["feed_sequence"]);
                self.market = part["market"].clone();
            }
            self.within_snapshot = (part["follows"] == "more").then_some(request);
        }
        assert!(message.get("resync").is_none(), "nobody is too slow");
        if message.get("heartbeat").is_some() {
            self.ping().await;
        }
    }

    async fn do_something(&mut self) {
        match self.habit {
            Habit::Listens => {}
            Habit::Pings => self.ping().await,
            Habit::TakesSnapshots if self.batches >= 40 => {
                self.batches = 0;
                self.lines.send("get_snapshot", &json!({})).await;
            }
            Habit::Resumes if self.batches >= 5 => {
                let seen = json!({"market": self.market, "feed_sequence": self.told.to_string()});
                self.watch_with(json!({"resume": seen})).await;
            }
            Habit::BeginsAnew if self.batches >= 40 => self.watch_with(json!({})).await,
            Habit::TakesSnapshots | Habit::Resumes | Habit::BeginsAnew => {}
        }
    }

    async fn watch_with(&mut self, body: Value) {
        self.batches = 0;
        self.watch = self.lines.send("watch", &body).await;
    }

    async fn ping(&mut self) {
        self.lines.send("ping", &json!({"client_time": "0"})).await;
    }
}

fn place(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn everyone_who_watches_is_told_each_batch_once_and_in_order_whatever_else_they_do() {
    let data = tempfile::tempdir().unwrap();
    let rows = (1..=LOTS).map(|n| format!("{n:02},S{n},1,0\n"));
    let stocks = format!("Security,Symbol,Price,Profit\n{}", rows.collect::<String>());
    std::fs::write(data.path().join("stocks.csv"), stocks).unwrap();
    let folder = DataDir::new(data.path());
    let market = Market::reopen(data, |config| {
        config.data = folder;
        config.lots = LOTS;
        // A machine that has much to do takes its time, while others are silent.
        config.network.heartbeat = Duration::from_secs(60);
    })
    .await;
    // Until the feed has come so far.
    let (ends, end) = watch::channel(u64::MAX);
    let mut watchers = JoinSet::new();
    for habit in HABITS.into_iter().cycle().take(HABITS.len() * WATCHERS) {
        let mut watcher = Watcher::begin(&market, habit).await;
        let end = end.clone();
        watchers.spawn(async move {
            while watcher.told < *end.borrow() {
                watcher.listen().await;
            }
        });
    }
    let mut traders = [market.trader("mia").await, market.trader("leo").await];
    for number in 0..BIDS {
        let price = format!("{}.00", 10 + number);
        let bidder = &mut traders[(number % 2) as usize];
        assert_kind(&bidder.bid(1, &price).await, "accepted");
    }
    // What comes last is told to them when they know that it is the last.
    let mut last = market.lines().await;
    let snapshot = last.ask("get_snapshot", &json!({})).await;
    let told = place(&snapshot["snapshot_part"]["feed_sequence"]);
    ends.send_replace(told + 1);
    assert_kind(&traders[0].bid(2, "10.00").await, "accepted");
    assert_kind(&traders[1].bid(2, "20.00").await, "accepted");
    while let Some(ended) = within(watchers.join_next()).await {
        ended.unwrap();
    }
    market.stop().await;
}
