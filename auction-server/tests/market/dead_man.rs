//! `auction watch --dead-man`: a user's orders after the program dies, and after it is ended on request.

use auction_core::LotId;
use auction_proto::{ServerMessage, WatchAccount};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::line::{Line, PASSWORD};
use crate::person::{Person, Subscribed};
use crate::test_market::{Server, TestMarket, until};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const NOT_LOGGED_IN: i32 = 5;
/// The lot that takes orders.
const LOT: LotId = LotId(1);

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(1);
    let lots = "symbol,format,quantity,reserve\nS1,uniform,100,10\n";
    test_market.write("lots.csv", lots);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

/// Mia with an order, and the program that keeps her session's switch from firing.
fn guarded(server: &Server, grace: &str) -> (Person, Subscribed) {
    guarded_as("mia", server, grace)
}

fn guarded_as(name: &str, server: &Server, grace: &str) -> (Person, Subscribed) {
    let mia = Person::at(server.address());
    mia.does(&format!("register {name}"));
    mia.does(&format!("login {name}"));
    mia.does("order S1 buy 60 12");
    let mut watching = mia.watches(&format!("watch --forever --dead-man {grace}"));
    let armed = watching.until("dead_man");
    assert_eq!(
        (&armed["armed"], &armed["orders"]),
        (&json!(true), &json!(1))
    );
    (mia, watching)
}

/// Number of bidders in the public view: a request as mia would count as a connection of her session.
fn bidders(server: &Server) -> u32 {
    let market = Line::open(server.address()).snapshot();
    market.lot(LOT).unwrap().bidders()
}

fn orders(person: &Person) -> usize {
    person.does("orders")["orders"].as_array().unwrap().len()
}

#[test]
fn when_the_program_is_killed_the_orders_are_pulled() {
    let test_market = test_market();
    let server = test_market.open();
    // A separate trader for each: the switch of the first is still armed, and fires some time after her last command.
    for (name, signal) in [("mia", Signal::KILL), ("tom", Signal::TERM)] {
        let (mia, watching) = guarded_as(name, &server, "200ms");
        // Each command counts as a connection of the session for a while, and its orders are cancelled too.
        mia.does("order S1 buy 10 13");
        assert_eq!(orders(&mia), 2);
        watching.signal(signal);
        until("the orders are pulled", || {
            (bidders(&server) == 0).then_some(())
        });
        assert_eq!(orders(&mia), 0);
    }
    server.end();
}

#[test]
fn ending_the_watch_clears_the_switch_and_keeps_the_orders() {
    let test_market = test_market();
    let server = test_market.open();
    let (_mia, mut watching) = guarded(&server, "200ms");
    watching.signal(Signal::INT);
    let cleared = watching.until("dead_man");
    assert_eq!(
        (&cleared["armed"], &cleared["grace_ms"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(watching.end(), DONE);
    let mut line = Line::open(server.address());
    line.log_in("mia", PASSWORD).unwrap();
    let ServerMessage::Account(account) = line.ask(&WatchAccount {}) else {
        panic!("the account is told")
    };
    assert_eq!((account.dead_men.len(), account.orders.len()), (0, 1));
    server.end();
}

#[test]
fn a_switch_is_rearmed_by_a_watch_and_survives_the_server() {
    let test_market = test_market();
    let server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());
    let (mia, mut watching) = guarded(&server, "1h");
    // The same command is not refused: an earlier one may have been killed.
    let mut again = mia.watches("watch --forever --dead-man 1h");
    assert_eq!(again.until("dead_man")["grace_ms"], 3_600_000);
    server.kill();
    let server = test_market.open();
    let back = watching.until("dead_man");
    assert_eq!((&back["armed"], &back["orders"]), (&json!(true), &json!(1)));
    server.end();
}

#[test]
fn a_session_closed_elsewhere_cancels_the_orders() {
    let test_market = test_market();
    let server = test_market.open();
    let (mia, watching) = guarded(&server, "1h");
    let session = mia.does("sessions")["sessions"][0]["session"].clone();
    let elsewhere = Person::at(server.address());
    elsewhere.does("login mia");
    elsewhere.does(&format!("sessions revoke {session}"));
    assert_eq!(watching.end(), NOT_LOGGED_IN);
    until("the orders are pulled", || {
        (bidders(&server) == 0).then_some(())
    });
    server.end();
}

#[test]
fn who_has_no_orders_to_pull_is_told_why_not() {
    let test_market = test_market();
    let server = test_market.open();
    let ann = Person::at(server.address());
    ann.fails("watch --dead-man 30s", NOT_LOGGED_IN);
    ann.does("login ann");
    let refused = ann.fails("watch --dead-man 30s", REFUSED);
    assert_eq!(refused["code"], "not_permitted");
    ann.fails("watch --dead-man 0s", USAGE);
    ann.fails("watch --dead-man soon", USAGE);
    server.end();
}
