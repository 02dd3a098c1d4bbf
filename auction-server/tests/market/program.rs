//! The program `auction` at the real server: every command, its JSON output, and its exit codes.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::line::PASSWORD;
use crate::person::{Person, Ran};
use crate::test_market::TestMarket;

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const NOT_CONNECTED: i32 = 4;
const NOT_LOGGED_IN: i32 = 5;

#[test]
fn a_trader_registers_logs_in_bids_reads_and_logs_out() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mia = Person::at(server.address());

    // Reading needs no login.
    let lots = mia.does("lots");
    assert_eq!(symbols(&lots), ["S1", "S2"]);
    assert_eq!(lots["lots"][0]["least_bid"], "1.01");
    assert_eq!(symbols(&mia.does("results")), [""; 0]);
    assert_eq!(mia.does("history S1")["total"], 0);
    assert_eq!(mia.does("status")["user"], Value::Null);
    for line in [
        "bid S1 1.01",
        "sessions",
        "sessions revoke 1",
        "profit S1 00001 5",
        "logout",
    ] {
        assert_eq!(
            mia.fails(line, NOT_LOGGED_IN)["kind"],
            "not_logged_in",
            "{line}"
        );
    }

    assert_eq!(mia.does("register mia")["user"], "mia");
    assert_eq!(mia.fails("register MIA", REFUSED)["code"], "name_taken");
    let wrong = Ran::of(mia.command("login mia").env("AUCTION_PASSWORD", "wrong"));
    assert_eq!(
        (wrong.code, &wrong.json["error"]["code"]),
        (REFUSED, &json!("bad_credentials"))
    );
    let unknown = mia.fails("login nobody", REFUSED);
    assert_eq!(unknown, wrong.json["error"]);
    let logged_in = mia.does("login mia");
    assert_eq!(
        (&logged_in["user"], &logged_in["role"]),
        (&json!("mia"), &json!("trader"))
    );
    assert_eq!(mia.does("status")["user"], "mia");

    let low = mia.fails("bid S1 1.00", REFUSED);
    assert_eq!(
        (&low["code"], &low["least_bid"]),
        (&json!("bid_too_low"), &json!("1.01"))
    );
    let bid = mia.does("bid s1 1.40");
    assert_eq!(
        (&bid["leads"], &bid["price"]),
        (&json!(true), &json!("1.40"))
    );
    assert_eq!(mia.fails("bid S1 2", REFUSED)["code"], "already_leading");
    let maximum = mia.does("bid #2 7.77 --max");
    assert_eq!(
        (&maximum["amount"], &maximum["price"]),
        (&json!("7.77"), &json!("1.01"))
    );
    let history = mia.does("history S2");
    assert_eq!(
        history["bids"][0]["amount"],
        Value::Null,
        "a maximum is hidden"
    );

    let sessions = mia.does("sessions");
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(mia.does("logout")["logged_out"], true);
    mia.fails("bid S1 9", NOT_LOGGED_IN);
    assert_eq!(test_market.export("bids").len(), 2);
}

fn symbols(printed: &Value) -> Vec<&str> {
    let lots = printed["lots"].as_array().unwrap();
    lots.iter()
        .map(|lot| lot["symbol"].as_str().unwrap())
        .collect()
}

#[test]
fn invalid_arguments_and_commands_change_nothing() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mia = Person::at(server.address());
    mia.does("register mia");
    mia.does("login mia");
    let cases = [
        ("bid S1 0", REFUSED),
        ("bid S1 0.00", REFUSED),
        ("bid S1 -1", USAGE),
        ("bid S1 12,5", USAGE),
        ("bid S1 1e3", USAGE),
        ("bid S1 1.00001", USAGE),
        ("bid S1 999999999999", USAGE),
        ("bid S1 99999999999999999999", USAGE),
        ("bid S1", USAGE),
        ("bid NONE 1.40", REFUSED),
        ("bid #99 1.40", REFUSED),
        ("bid S$ 1.40", USAGE),
        ("bid SYMBOLTOOLONG 1.40", USAGE),
        ("history NONE", REFUSED),
        ("watch NONE", REFUSED),
        ("register a", USAGE),
        ("register _mia", USAGE),
        ("register m\u{fc}ller", USAGE),
        ("login mia secret", USAGE),
        ("login mia --password secret", USAGE),
        ("sessions revoke 999", REFUSED),
        ("sessions revoke x", USAGE),
        ("profit S1 00001 5", REFUSED),
        ("sing", USAGE),
        ("", USAGE),
        ("lots --server host:port", USAGE),
    ];
    for (line, code) in cases {
        mia.fails(line, code);
    }
    assert_eq!(test_market.export("bids").len(), 0);
    assert_eq!(test_market.export("users").len(), 1);
}

#[test]
fn a_company_publishes_its_profit() {
    let test_market = TestMarket::with_lots(2);
    let row = format!("name,role,password,symbol\napple,company,{PASSWORD},S1\n");
    test_market.write("users.csv", &row);
    let server = test_market.open();
    let apple = Person::at(server.address());
    assert_eq!(apple.does("login apple")["role"], "company");
    assert_eq!(
        apple.fails("profit S1 00002 9800", REFUSED)["code"],
        "wrong_security"
    );
    assert_eq!(
        apple.fails("profit S2 00002 9800", REFUSED)["code"],
        "not_your_stock"
    );
    assert_eq!(apple.fails("bid S2 2", REFUSED)["code"], "not_permitted");
    let published = apple.does("profit S1 00001 -9800.5");
    assert_eq!(published["profit"], "-9800.5");
    assert_eq!(apple.does("lots")["lots"][0]["profit"], "-9800.5");
}

#[test]
fn a_session_is_private_survives_a_kill_and_can_be_revoked() {
    let test_market = TestMarket::with_lots(4);
    let server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());
    let (here, there) = (Person::at(address), Person::at(address));
    let registered = here.run_with_input("register mia", &format!("{PASSWORD}\n"));
    assert_eq!(registered.code, DONE, "{registered:?}");
    here.does("login mia");
    let theirs = there.does("login mia")["session"].clone();
    for entry in std::fs::read_dir(here.home().join("sessions")).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read it: {mode:o}");
    }
    here.does("bid S1 1.40");
    server.kill();
    assert_eq!(here.fails("lots", NOT_CONNECTED)["kind"], "not_connected");
    assert_eq!(
        here.fails("bid S1 2", NOT_CONNECTED)["kind"],
        "not_connected"
    );

    let _server = test_market.open();
    there.does("bid S2 1.50");
    here.does("bid S3 1.60");
    here.does(&format!("sessions revoke {theirs}"));
    there.fails("bid S4 1.70", NOT_LOGGED_IN);
    there.does("lots");
    here.does("bid S4 1.70");
    assert_eq!(test_market.export("bids").len(), 4);
}

#[test]
fn everyone_who_watches_sees_all_events_until_the_close() {
    let test_market = TestMarket::with_lots(1)
        .set("extend-within", "2h")
        .set("extend-by", "1s");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let server = test_market.open();
    let [ann, mia, tom] = [(); 3].map(|()| Person::at(server.address()));
    ann.does("login ann");
    let mut watching = tom.watches("watch");
    assert_eq!(watching.until("snapshot")["lots"][0]["symbol"], "S1");
    mia.does("register mia");
    mia.does("login mia");
    mia.does("bid S1 1.40");
    let bid = watching.until("bid");
    assert_eq!(
        (&bid["bidder"], &bid["price"], &bid["leader"]),
        (&json!("mia"), &json!("1.40"), &json!("mia"))
    );
    assert_eq!(watching.until("extended")["symbol"], "S1");
    ann.does("close S1");
    let closed = watching.until("closed");
    let outcome = &closed["outcome"];
    assert_eq!(
        (&outcome["result"], &outcome["winner"], &outcome["price"]),
        (&json!("sold"), &json!("mia"), &json!("1.40"))
    );
    assert_eq!(watching.end(), DONE);

    assert_eq!(mia.fails("bid S1 9", REFUSED)["code"], "lot_closed");
    let results = tom.does("results");
    assert_eq!(results["lots"][0]["outcome"]["winner"], "mia");
    assert_eq!(symbols(&tom.does("lots")), [""; 0]);
}

#[test]
fn a_watch_goes_on_after_a_kill_and_misses_nothing() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());
    let mia = Person::at(address);
    mia.does("register mia");
    mia.does("login mia");
    let mut watching = mia.watches("watch --forever");
    watching.until("snapshot");
    mia.does("bid S1 1.40");
    assert_eq!(watching.until("bid")["you_lead"], true);
    server.kill();
    watching.until("reconnecting");
    let _server = test_market.open();
    let tom = Person::at(address);
    tom.does("register tom");
    tom.does("login tom");
    tom.does("bid S1 1.50");
    // It continues with events, or with a new market that includes them.
    let leader = loop {
        let line = watching.next().expect("it watches for ever");
        if line["event"] == "bid" {
            break line["leader"].clone();
        }
        if line["event"] == "snapshot" && line["lots"][0]["leader"] == "tom" {
            break line["lots"][0]["leader"].clone();
        }
    };
    assert_eq!(leader, "tom");
}

#[test]
fn a_home_that_cannot_be_written_is_a_failure_and_not_a_refusal() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = Person::at(server.address());
    mia.does("register mia");
    let mut login = mia.command("login mia");
    let file = mia.home().join("file");
    std::fs::write(&file, "").unwrap();
    login
        .env("AUCTION_PASSWORD", PASSWORD)
        .env("AUCTION_HOME", &file);
    assert_eq!(Ran::of(&mut login).code, FAILED);
}

#[test]
fn status_shows_relaxed_durability_to_everyone() {
    for (durability, is_said) in [("strict", false), ("relaxed", true)] {
        let test_market = TestMarket::with_lots(1).set("durability", durability);
        let server = test_market.open();
        let status = Person::at(server.address()).does("status");
        let said = status["server"].as_str().unwrap().contains("relaxed");
        assert_eq!(said, is_said, "{status}");
        server.end();
    }
}
