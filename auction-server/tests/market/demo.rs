//! The demo, with the real program: a market that is alive in every format, marked as what it is, and in nobody's way.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use auction_core::{Amount, Lot, Market};
use auction_proto::{Code, GetBalance, ServerMessage};

use crate::house::{DemoAccounts, ended, text, until, without_settings};
use crate::line::{Line, PASSWORD, Watcher};

/// Stocks with prices as a demo likes them.
fn house() -> DemoAccounts {
    let rows = (1..=30).map(|n| format!("{n:05},S{n},{n}7.50,{n}\n"));
    let header = "Security,Symbol,Price,Profit\n".to_owned();
    let stocks: String = std::iter::once(header).chain(rows).collect();
    DemoAccounts::with_stocks(&stocks)
        .set("seed", "7")
        .set("open-for", "12s")
}

/// The formats of the lots of which something is so.
fn formats(market: &Market, is_so: impl Fn(&Lot) -> bool) -> BTreeSet<&'static str> {
    let lots = market.lots().iter().filter(|lot| is_so(lot));
    lots.map(|lot| lot.terms.format()).collect()
}

const EVERY_FORMAT: usize = 7;

#[test]
fn a_demo_is_alive_in_every_format_ends_in_good_order_and_goes_on_after_a_restart() {
    let house = house().set("demo", "8");
    let server = house.open();
    assert!(server.printed().contains("This is a demo: 8 house traders"));
    let mut watcher = Watcher::begin(server.address());
    watcher.until_some(|market| {
        let done = formats(market, |lot| lot.is_closed() && lot.bidders() > 0);
        (done.len() == EVERY_FORMAT).then_some(())
    });
    let market = watcher.market().clone();
    // All of them say by their names what they are.
    let users = market.users();
    assert!(
        users
            .iter()
            .all(|user| user.name.as_str().starts_with("house-"))
    );
    assert_eq!(users.len(), 9);
    server.end();

    let server = house.open();
    let mut watcher = Watcher::begin(server.address());
    let (id, so_far) = (market.id(), market.lots().len());
    assert_eq!(
        (watcher.market().id(), watcher.market().users().len()),
        (id, 9)
    );
    assert!(watcher.market().lots().len() >= so_far);
    watcher.until_some(|market| (market.lots().len() > so_far + 4).then_some(()));
    server.end();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_auction-server"));
    without_settings(&mut verify);
    let demo = house.path().join("demo");
    let output = ended(verify.args(["verify", "--data"]).arg(demo));
    assert!(output.status.success(), "{}", text(output.stderr));
}

#[test]
fn a_demo_leaves_the_real_market_alone_and_a_real_market_is_never_a_demo() {
    let house = house();
    // A real market, beside which the demo has its own.
    house.open().end();
    let before = fs::read_dir(house.path().join("journal")).unwrap().count();
    let bids = house.export("users");
    let demo = house.set("demo", "3");
    let server = demo.open();
    assert!(demo.path().join("demo/journal").is_dir());
    server.end();
    let after = fs::read_dir(demo.path().join("journal")).unwrap().count();
    assert_eq!(after, before);
    assert_eq!(demo.export("users"), bids);
    // And where a real one lies in the demo's place, nothing plays.
    fs::remove_dir_all(demo.path().join("demo")).unwrap();
    fs::create_dir(demo.path().join("demo")).unwrap();
    fs::rename(
        demo.path().join("journal"),
        demo.path().join("demo/journal"),
    )
    .unwrap();
    let (code, said) = demo.fails_to_open();
    assert_eq!(code, Some(1));
    assert!(said.contains("begun without --demo"), "{said}");
}

#[test]
fn names_of_the_house_are_nobody_elses_and_no_password_opens_them() {
    let house = house().set("demo", "1");
    let server = house.open();
    let mut line = Line::open(server.address());
    for name in ["house-ada", "house-nobody-has-this-one"] {
        let refused = line.register(name).unwrap_err();
        assert_eq!(refused.code, Code::NAME_TAKEN);
        assert!(refused.message.contains("house-"), "{}", &*refused.message);
    }
    for name in ["house-ada", "house-auctioneer"] {
        let refused = line.log_in(name, PASSWORD).unwrap_err();
        assert_eq!(refused.code, Code::BAD_CREDENTIALS);
    }
    server.end();
}

#[test]
fn on_funds_the_house_has_what_it_bids_with_and_newcomers_get_play_money() {
    let house = house().set("demo", "4").set("accounts", "funds");
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let asked = GetBalance {
        user: None,
        after: None,
    };
    until("play money is paid in", || match mia.ask(&asked) {
        ServerMessage::Balance(balance) => (balance.cash > Amount::ZERO).then_some(()),
        other => panic!("{other:?} is no balance"),
    });
    let mut watcher = Watcher::begin(server.address());
    watcher.until_some(|market| {
        let alive = formats(market, |lot| lot.bidders() > 1);
        (alive.contains("english") && alive.contains("call")).then_some(())
    });
    server.end();
}
