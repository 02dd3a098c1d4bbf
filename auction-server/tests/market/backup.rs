//! Backup, restore and archive with the real programs: beside a running server, into a folder that a server continues.

use std::fs;
use std::path::Path;

use crate::line::{Line, PASSWORD};
use crate::test_market::{TestMarket, ended, text};

/// Runs a command on a market; returns the exit code and what was printed on both streams.
fn run(market: &TestMarket, arguments: &[&str]) -> (Option<i32>, String) {
    let output = ended(&mut market.program(arguments));
    let printed = text(output.stdout) + &text(output.stderr);
    (output.status.code(), printed)
}

fn does(market: &TestMarket, arguments: &[&str]) -> String {
    let (code, printed) = run(market, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {printed}");
    printed
}

/// A market without any file, to restore into.
fn empty() -> TestMarket {
    let market = TestMarket::with_lots(1);
    fs::remove_file(market.path().join("stocks.csv")).unwrap();
    market
}

#[test]
fn a_backup_beside_the_server_is_restored_to_the_same_market() {
    let market = TestMarket::with_lots(2);
    market.write(
        "users.csv",
        "name,role,password\nann,auctioneer,secret word\n",
    );
    let server = market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    mia.bid(1, "1.40").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let backup = backup.to_str().unwrap();
    let printed = does(&market, &["backup", backup]);
    assert!(printed.starts_with("backed up to "), "{printed}");
    tom.bid(1, "1.50").unwrap();
    does(&market, &["backup", backup]);
    // Not in any backup: lost with the machine.
    mia.bid(1, "1.60").unwrap();
    server.kill();

    let restored = empty();
    let printed = does(&restored, &["restore", backup]);
    assert!(
        printed.contains("start only one of this market"),
        "{printed}"
    );
    for file in ["stocks.csv", "users.csv", "market.key"] {
        let there = fs::read(restored.path().join(file)).unwrap();
        assert_eq!(there, fs::read(market.path().join(file)).unwrap(), "{file}");
    }
    let digest = restored.verified_digest();
    let bids = |market: &TestMarket| -> Vec<String> {
        let rows = market.export("bids");
        rows.into_iter().map(|row| row[4].clone()).collect()
    };
    assert_eq!(bids(&restored), ["1.40", "1.50"]);
    // Traders log in with their passwords, and bid.
    let server = restored.open();
    let mut mia = Line::open(server.address());
    mia.log_in("mia", PASSWORD).unwrap();
    mia.bid(1, "1.70").unwrap();
    server.end();
    assert_eq!(bids(&restored), ["1.40", "1.50", "1.70"]);
    assert_ne!(restored.verified_digest(), digest);
}

#[test]
fn restore_and_backup_refuse_to_overwrite_a_market() {
    let (market, other) = (TestMarket::with_lots(1), TestMarket::with_lots(1));
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().to_str().unwrap();
    let (code, said) = run(&market, &["backup", backup]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no market in"), "{said}");
    market.open().end();
    other.open().end();
    does(&market, &["backup", backup]);
    let own = market.path().to_str().unwrap();
    let here = folder.path().join("nothing");
    for (of, arguments, says) in [
        (&other, ["backup", backup], "is the key of another market"),
        (&other, ["restore", backup], "holds a market already"),
        (&market, ["backup", own], "is the data folder itself"),
        (
            &other,
            ["restore", here.to_str().unwrap()],
            "there is no market in",
        ),
    ] {
        let (code, said) = run(of, &arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains(says), "{says:?} is not in: {said}");
    }
    // A damaged backup restores nothing.
    let segment = folder.path().join("journal/00000000000000000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4_096 + 100] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let restored = empty();
    let (code, said) = run(&restored, &["restore", backup]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is damaged at byte"), "{said}");
    assert_eq!(fs::read_dir(restored.path()).unwrap().count(), 0);
}

#[test]
fn archived_segments_stay_readable_or_say_where_they_are() {
    let market = TestMarket::with_lots(1);
    // Accounts fill the first segment, of 1 MiB.
    let accounts: String = (0..6_000)
        .map(|n| format!("t-{n},trader,\"{HASH}\"\n"))
        .collect();
    market.write("users.csv", &format!("name,role,password_hash\n{accounts}"));
    let server = market.open();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let printed = does(&market, &["archive", archive.to_str().unwrap()]);
    assert!(!printed.starts_with("archived 0 "), "{printed}");
    assert!(first_segment(&market).is_symlink());
    // The server goes on, and so does the next one.
    Line::trader(server.address(), "mia")
        .bid(1, "1.40")
        .unwrap();
    server.end();
    let digest = market.verified_digest();
    market.open().end();
    assert_eq!(market.export("users").len(), 6_001);
    assert!(does(&market, &["archive", archive.to_str().unwrap()]).starts_with("archived 0 "));

    let away = folder.path().join("away");
    fs::rename(&archive, &away).unwrap();
    let (code, said) = run(&market, &["verify"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was archived: it is a link to"), "{said}");
    assert!(said.contains(archive.to_str().unwrap()), "{said}");
    let (_, said) = run(&market, &["config", "check"]);
    assert!(said.contains("is not there: a start may go on"), "{said}");
    fs::rename(&away, &archive).unwrap();
    assert_eq!(market.verified_digest(), digest);
}

/// An Argon2 hash of some password: its text alone matters here.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";

fn first_segment(market: &TestMarket) -> std::path::PathBuf {
    Path::new(market.path()).join("journal/00000000000000000001.seg")
}
