//! `auction watch --dead-man`: what becomes of one's orders when the program dies, and when it is ended by a word.

use auction_core::LotId;
use auction_proto::{ServerMessage, WatchAccount};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::house::{DemoAccounts, Server, until};
use crate::line::{Line, PASSWORD};
use crate::person::{Person, Subscribed};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const NOT_LOGGED_IN: i32 = 5;
/// The lot that takes orders.
const LOT: LotId = LotId(1);

fn house() -> DemoAccounts {
    let house = DemoAccounts::with_lots(1);
    let lots = "symbol,format,quantity,reserve\nS1,uniform,100,10\n";
    house.write("lots.csv", lots);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    house.write("users.csv", &users);
    house
}

/// Mia with an order, and the program that keeps the switch of her session from firing.
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

/// How many bid, as everyone sees it: whoever asks as mia would speak for her session.
fn bidders(server: &Server) -> u32 {
    let market = Line::open(server.address()).snapshot();
    market.lot(LOT).unwrap().bidders()
}

fn orders(person: &Person) -> usize {
    person.does("orders")["orders"].as_array().unwrap().len()
}

#[test]
fn when_the_program_is_killed_the_orders_are_pulled() {
    let house = house();
    let server = house.open();
    // A trader of its own each: the switch of the first is armed still, and fires whenever her last command was a while
    // ago.
    for (name, signal) in [("mia", Signal::KILL), ("tom", Signal::TERM)] {
        let (mia, watching) = guarded_as(name, &server, "200ms");
        // Each command speaks for the session a while, and what it places is pulled too.
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
fn when_a_person_ends_it_the_switch_is_cleared_and_the_orders_stand() {
    let house = house();
    let server = house.open();
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
fn a_switch_is_armed_anew_by_the_next_watch_and_survives_the_server() {
    let house = house();
    let server = house.open();
    let address = server.address();
    let house = house.set("listen", &address.to_string());
    let (mia, mut watching) = guarded(&server, "1h");
    // The same again is no refusal: an earlier one may have been killed.
    let mut again = mia.watches("watch --forever --dead-man 1h");
    assert_eq!(again.until("dead_man")["grace_ms"], 3_600_000);
    server.kill();
    let server = house.open();
    let back = watching.until("dead_man");
    assert_eq!((&back["armed"], &back["orders"]), (&json!(true), &json!(1)));
    server.end();
}

#[test]
fn when_the_session_is_closed_elsewhere_the_orders_are_pulled_and_the_program_says_so() {
    let house = house();
    let server = house.open();
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
    let house = house();
    let server = house.open();
    let ann = Person::at(server.address());
    ann.fails("watch --dead-man 30s", NOT_LOGGED_IN);
    ann.does("login ann");
    let refused = ann.fails("watch --dead-man 30s", REFUSED);
    assert_eq!(refused["code"], "not_permitted");
    ann.fails("watch --dead-man 0s", USAGE);
    ann.fails("watch --dead-man soon", USAGE);
    server.end();
}
