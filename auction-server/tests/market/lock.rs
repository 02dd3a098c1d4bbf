//! Two servers on one folder: the second is refused, even if the lock file was changed.

use std::fs;

use auction_proto::Code;

use crate::line::Line;
use crate::test_market::{TestMarket, ended, text, until};

#[test]
fn a_second_server_is_refused_though_the_lock_file_was_removed() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.40").unwrap();
    let lock = test_market.path().join("journal/journal.lock");
    let held = test_market.fails_to_open();
    fs::remove_file(&lock).unwrap();
    let removed = test_market.fails_to_open();
    assert_eq!((held.0, removed.0), (Some(1), Some(1)));
    let journal = test_market.path().join("journal").display().to_string();
    for said in [&held.1, &removed.1] {
        let says = format!(
            "{journal} is locked: another server runs on this journal; stop it, or use another folder"
        );
        assert!(said.contains(&says), "{said}");
    }
    // So is `user add`; commands that only read continue to work.
    let mut add = test_market.program(&["user", "add", "leo", "--role", "trader"]);
    let output = ended(add.env("AUCTION_PASSWORD", crate::line::PASSWORD));
    let said = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another server runs"), "{said}");
    assert_eq!(test_market.export("bids").len(), 1);
    test_market.verified();

    // The server restores it by itself, and continues.
    server.until_said("journal.lock was removed");
    assert!(lock.exists());
    mia.bid(2, "1.50").unwrap();
    server.end();
    let digest = test_market.verified_digest();
    let server = test_market.open();
    assert_eq!(test_market.export("bids").len(), 2);
    assert_eq!(test_market.verified_digest(), digest);
    server.end();
}

#[test]
fn a_server_ends_if_its_folder_is_replaced_by_a_copy() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.40").unwrap();
    let (journal, aside) = (
        test_market.path().join("journal"),
        test_market.path().join("aside"),
    );
    fs::rename(&journal, &aside).unwrap();
    fs::create_dir(&journal).unwrap();
    for entry in fs::read_dir(&aside).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), journal.join(entry.file_name())).unwrap();
    }
    // Within a second or two, even without bids.
    let (status, said) = server.wait();
    assert_eq!(status.code(), Some(1), "{said}");
    let says = "was moved, removed or replaced while the server ran";
    assert!(said.contains(says), "{said}");
    let server = test_market.open();
    let mut mia = Line::open(server.address());
    mia.log_in("mia", crate::line::PASSWORD).unwrap();
    let leads = mia.bid(1, "1.50").unwrap_err();
    assert_eq!(leads.code, Code::ALREADY_LEADING, "the bid is there");
    until("client.csv is written", || {
        test_market
            .read("client.csv")
            .contains("mia,S1,1.40")
            .then_some(())
    });
    server.end();
    test_market.verified();
}
