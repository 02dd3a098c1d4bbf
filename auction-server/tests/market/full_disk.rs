//! A disk that fails under the real server: it ends, says why, and nothing that was acknowledged is missing.

use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use auction_core::{LotId, Price};
use auction_proto::Bid;

use crate::house::{DemoAccounts, Server};
use crate::ledger::{Ask, Client, assert_same, assert_within, exported};
use crate::line::{Line, PASSWORD};

const LOTS: u32 = 16;
const TRADERS: u64 = 3;
const IN_FLIGHT: usize = 16;
/// In blocks of 512 bytes: a part of the journal's first segment, which is 1 MiB.
const FILE_BLOCKS_MAX: u32 = 256;

#[test]
fn when_writes_begin_to_fail_nothing_more_is_acknowledged_and_nothing_that_was_is_missing() {
    let house = house();
    // The first segment is made while nothing fails.
    house.open().end();
    let mut limited = Command::new("sh");
    let limits = format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$0\" \"$@\"");
    let server = house.server();
    limited.args(["-c", &limits]).arg(server.get_program());
    limited.args(server.get_args());
    crate::house::without_settings(&mut limited);
    fail_and_recover(&house, Server::start(limited), "File too large", || {});
}

#[test]
fn when_the_disk_is_full_the_server_ends_and_goes_on_with_everything_once_there_is_room() {
    let house = house();
    let Some(disk) = SmallDisk::mount(&house) else {
        eprintln!("LEFT OUT: this user cannot mount a small disk, so a full one is not tried");
        return;
    };
    fail_and_recover(&house, house.open(), "No space left", || disk.resize("64m"));
}

fn house() -> DemoAccounts {
    let house = DemoAccounts::with_lots(LOTS);
    house.write("users.csv", &accounts());
    house
}

fn accounts() -> String {
    let accounts = (1..=TRADERS).map(|n| format!("trader-{n},trader,{PASSWORD}\n"));
    std::iter::once("name,role,password\n".to_owned())
        .chain(accounts)
        .collect()
}

/// Bids until the server is gone, and compares what was told with what is held, before and after `make_room`.
fn fail_and_recover(house: &DemoAccounts, server: Server, why: &str, make_room: impl FnOnce()) {
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
    let rows = exported(house);
    let server = house.open();
    let market = Line::open(server.address()).snapshot();
    for client in &clients {
        assert_within("before the restart", client.rows(&market), &rows);
    }
    for client in &mut clients {
        let mut line = client.resume(server.address());
        client.settle(&mut line);
    }
    let told = clients.iter().flat_map(|client| client.rows(&market));
    assert_same("after the restart", told, &exported(house));
    server.end();
    house.verified_digest();
}

/// A bid above all that anyone has sent, on the lots by turns.
fn next_bid(prices: &AtomicU64) -> Ask {
    let turn = prices.fetch_add(1, Ordering::Relaxed);
    Ask::Bid(Bid {
        lot: LotId(u32::try_from(turn % u64::from(LOTS)).unwrap() + 1),
        price: Price::from_units((200 + turn) * 100).unwrap(),
    })
}

/// A disk in memory, just large enough for the journal's first segment, where the house keeps its journal.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(house: &DemoAccounts) -> Option<Self> {
        let path = house.path().join("journal");
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1200k", "none"])
            .arg(&path);
        let output = mount.output().ok()?;
        output.status.success().then_some(Self(path))
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
        // Lazily: a server that a failed test left may still be on it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
