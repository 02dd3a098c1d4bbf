//! A disk that fails under the real server: it ends, gives the reason, and loses nothing that was acknowledged.

use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use auction_core::{LotId, Price};
use auction_proto::Bid;

use crate::ledger::{Ask, Client, assert_same, assert_within, exported};
use crate::line::{Line, PASSWORD};
use crate::test_market::{Server, TestMarket};

const LOTS: u32 = 16;
const TRADERS: u64 = 3;
const IN_FLIGHT: usize = 16;
/// In blocks of 512 bytes: less than the journal's first segment, which is 1 MiB.
const FILE_BLOCKS_MAX: u32 = 256;

#[test]
fn failing_writes_stop_acknowledgements_and_lose_none() {
    let test_market = test_market();
    // The first segment is created before writes fail.
    test_market.open().end();
    let mut limited = Command::new("sh");
    let limits = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$0\" \"$@\"");
    let server = test_market.server();
    limited.args(["-c", &limits]).arg(server.get_program());
    limited.args(server.get_args());
    crate::test_market::without_settings(&mut limited);
    fail_and_recover(
        &test_market,
        Server::start(limited),
        "File too large",
        || {},
    );
}

#[test]
#[ignore = "needs root: mounts a small disk"]
fn a_full_disk_ends_the_server_which_recovers_with_more_room() {
    let test_market = test_market();
    let disk = SmallDisk::mount(&test_market);
    fail_and_recover(&test_market, test_market.open(), "No space left", || {
        disk.resize("64m")
    });
}

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(LOTS);
    test_market.write("users.csv", &accounts());
    test_market
}

fn accounts() -> String {
    let accounts = (1..=TRADERS).map(|n| format!("trader-{n},trader,{PASSWORD}\n"));
    std::iter::once("name,role,password\n".to_owned())
        .chain(accounts)
        .collect()
}

/// Bids until the server has ended, and compares the answers with the journal, before and after `make_room`.
fn fail_and_recover(test_market: &TestMarket, server: Server, why: &str, make_room: impl FnOnce()) {
    let (acknowledged, prices) = (AtomicU32::new(0), AtomicU64::new(0));
    let address = server.address();
    let mut clients: Vec<Client> = thread::scope(|scope| {
        let bid = |n: u64| {
            let (acknowledged, prices) = (&acknowledged, &prices);
            move || {
                let (mut client, line) = Client::log_in(address, &format!("trader-{n}"));
                client.until_gone(line, acknowledged, |in_flight| {
                    (in_flight < IN_FLIGHT).then(|| next_bid(prices))
                });
                client
            }
        };
        let bidders: Vec<_> = (1..=TRADERS).map(|n| scope.spawn(bid(n))).collect();
        bidders
            .into_iter()
            .map(|bidder| bidder.join().unwrap())
            .collect()
    });
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(
        said.contains("the journal failed") && said.contains(why),
        "{said}"
    );
    assert!(
        acknowledged.load(Ordering::Relaxed) > 100,
        "it failed too early: {said}"
    );

    make_room();
    let rows = exported(test_market);
    let server = test_market.open();
    let market = Line::open(server.address()).snapshot();
    for client in &clients {
        assert_within("before the restart", client.rows(&market), &rows);
    }
    for client in &mut clients {
        let mut line = client.resume(server.address());
        client.settle(&mut line);
    }
    let told = clients.iter().flat_map(|client| client.rows(&market));
    assert_same("after the restart", told, &exported(test_market));
    server.end();
    test_market.verified_digest();
}

/// A bid above all sent so far, on the lots in turns.
fn next_bid(prices: &AtomicU64) -> Ask {
    let turn = prices.fetch_add(1, Ordering::Relaxed);
    Ask::Bid(Bid {
        lot: LotId(u32::try_from(turn % u64::from(LOTS)).unwrap() + 1),
        price: Price::from_units((200 + turn) * 100).unwrap(),
    })
}

/// A disk in memory, just large enough for the journal's first segment, as the journal's folder.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(test_market: &TestMarket) -> Self {
        let path = test_market.path().join("journal");
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1200k", "none"])
            .arg(&path);
        assert!(
            mount.status().unwrap().success(),
            "only root may mount a disk"
        );
        Self(path)
    }

    fn resize(&self, size: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server of a failed test may still use it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
