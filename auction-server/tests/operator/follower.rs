//! The follower: `client.csv` and the histories, behind a market that goes on.

use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use auction_core::LotId;
use auction_server::testing::journal::RealDisk;
use auction_server::testing::projections::follower::{Follower, Histories, HistoryError};
use tokio::sync::watch;

use crate::stage::Stage;

/// Generous: nothing here is a measurement.
const DEADLINE: Duration = Duration::from_secs(30);

struct Subscription {
    durable: watch::Sender<u64>,
    histories: Histories,
    thread: JoinHandle<()>,
}

impl Subscription {
    fn start(stage: &Stage) -> Self {
        let (durable, receiver) = watch::channel(stage.engine.sequence().0);
        let (thread, histories) =
            Follower::start(Arc::new(RealDisk), &stage.folder(), receiver).unwrap();
        Self {
            durable,
            histories,
            thread,
        }
    }

    fn settle(&self, stage: &Stage) {
        self.durable.send_replace(stage.engine.sequence().0);
    }

    fn history(&self, lot: u32, limit: usize) -> Option<Vec<String>> {
        let history = block_on(self.histories.of(LotId(lot), limit)).unwrap()?;
        let bid = |bid: &auction_proto::HistoryBid| {
            let amount = bid
                .amount
                .map_or("maximum".to_owned(), |amount| amount.to_string());
            format!(
                "{} user {} {amount} -> {}",
                bid.feed_sequence, bid.bidder, bid.price
            )
        };
        let total = format!("of {}", history.total);
        Some(
            std::iter::once(total)
                .chain(history.bids.iter().map(bid))
                .collect(),
        )
    }

    fn end(self) {
        drop((self.durable, self.histories));
        self.thread.join().unwrap();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn client(stage: &Stage) -> Option<String> {
    fs::read_to_string(stage.folder().client()).ok()
}

fn wait_for_client(stage: &Stage, expected: &str) {
    let begun = Instant::now();
    while client(stage).as_deref() != Some(expected) {
        assert!(
            begun.elapsed() < DEADLINE,
            "client.csv is {:?}",
            client(stage)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

const PLAYED: &str = "name,symbol,bit\nmia,AAPL,1.50\nmia,BRK.B,10.00\ntom,AAPL,1.41\n";

#[test]
fn client_csv_follows_the_market_and_is_rebuilt_after_a_restart() {
    let mut stage = Stage::on_disk();
    stage.play();
    fs::write(
        stage.folder().client(),
        "name,symbol,bit\nmia,AAPL,99\nleft,OVER,1\n",
    )
    .unwrap();
    let following = Subscription::start(&stage);
    wait_for_client(&stage, PLAYED);

    stage.bid(7, 2, 2, "11");
    following.settle(&stage);
    wait_for_client(&stage, &format!("{PLAYED}tom,BRK.B,11.00\n"));
    following.end();
    assert!(
        !stage.path().join("client.csv.tmp").exists(),
        "nothing is left aside"
    );

    fs::remove_file(stage.folder().client()).unwrap();
    Subscription::start(&stage).end();
    assert_eq!(
        client(&stage).unwrap(),
        format!("{PLAYED}tom,BRK.B,11.00\n")
    );
}

#[test]
fn what_was_bid_until_the_end_is_written_before_the_follower_ends() {
    let mut stage = Stage::on_disk();
    let following = Subscription::start(&stage);
    stage.play();
    following.settle(&stage);
    following.end();
    assert_eq!(client(&stage).unwrap(), PLAYED);
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again_and_stops_nothing() {
    let mut stage = Stage::on_disk();
    stage.play();
    // A folder stands where the file should.
    let obstacle = stage.folder().client();
    fs::create_dir_all(obstacle.join("full")).unwrap();
    let following = Subscription::start(&stage);
    assert_eq!(following.history(1, 1).unwrap()[0], "of 3");
    fs::remove_dir_all(&obstacle).unwrap();
    wait_for_client(&stage, PLAYED);
    following.end();
}

#[test]
fn a_history_holds_every_bid_that_was_durable_before_it_was_asked_for_and_no_other() {
    let mut stage = Stage::on_disk();
    stage.play();
    let following = Subscription::start(&stage);
    let expected = [
        "of 3",
        "10 user 1 1.40 -> 1.40",
        "11 user 2 maximum -> 1.41",
        "12 user 1 1.50 -> 1.51",
    ];
    assert_eq!(following.history(1, 1_024).unwrap(), expected);
    assert_eq!(following.history(1, 1).unwrap(), ["of 3", expected[3]]);
    assert_eq!(following.history(3, 10).unwrap(), ["of 0"]);
    assert_eq!(following.history(4, 10), None);
    assert_eq!(following.history(0, 10), None);

    stage.bid(7, 1, 3, "0.5");
    assert_eq!(
        following.history(3, 10).unwrap(),
        ["of 0"],
        "it is not durable yet"
    );
    following.settle(&stage);
    assert_eq!(
        following.history(3, 10).unwrap(),
        ["of 1", "14 user 1 0.50 -> 0.50"]
    );
    following.end();
}

#[test]
fn a_damaged_journal_is_answered_and_not_followed() {
    let mut stage = Stage::on_disk();
    stage.play();
    let path = stage.folder().journal().join("00000000000000000001.seg");
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[4_096 + 100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let following = Subscription::start(&stage);
    let answer = block_on(following.histories.of(LotId(1), 10));
    assert_eq!(answer.unwrap_err(), HistoryError::Unreadable);

    fs::write(&path, whole).unwrap();
    wait_for_client(&stage, PLAYED);
    assert_eq!(following.history(1, 1).unwrap()[0], "of 3");
    following.end();
}
