//! The restore drill: a market from a copy of its folder, as data/README describes it.

use std::fs;

use crate::person::Person;
use crate::test_market::TestMarket;

/// A new folder at the same address with a copy of the journal, and of these files.
fn copied(from: &TestMarket, address: &str, files: &[&str]) -> TestMarket {
    let copy = TestMarket::with_lots(2).set("listen", address);
    fs::create_dir(copy.path().join("journal")).unwrap();
    for entry in fs::read_dir(from.path().join("journal")).unwrap() {
        let file = entry.unwrap();
        let to = copy.path().join("journal").join(file.file_name());
        fs::copy(file.path(), to).unwrap();
    }
    for file in files {
        fs::copy(from.path().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[test]
fn a_copy_with_the_key_goes_on_and_without_it_is_refused() {
    let original = TestMarket::with_lots(2);
    let server = original.open();
    let address = server.address().to_string();
    let mia = Person::at(server.address());
    mia.does("register mia");
    mia.does("login mia");
    mia.does("bid S1 1.40");
    mia.does("key");
    server.end();
    let digest = original.verified_digest();

    let whole = copied(&original, &address, &["market.key"]);
    assert_eq!(whole.verified_digest(), digest);
    let server = whole.open();
    // The same session and the same key: the trader notices nothing.
    mia.does("key");
    mia.does("bid S2 1.40");
    assert!(!server.end_and_hear().contains("was missing"));
    assert_eq!(whole.export("bids").len(), 2);

    let keyless = copied(&original, &address, &[]);
    let server = keyless.open();
    server.until_said("market.key was missing");
    assert_eq!(mia.run("key").json["error"]["code"], "market_key_changed");
    // The remedy that the server names.
    server.end();
    fs::copy(
        original.path().join("market.key"),
        keyless.path().join("market.key"),
    )
    .unwrap();
    let server = keyless.open();
    mia.does("key");
    server.end();
}
