//! The demo, with the real program: an active market in every format, marked as a demo, and separate from real markets.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use auction_core::{Amount, Lot, Market};
use auction_proto::{Code, GetBalance, ServerMessage};

use crate::line::{Line, PASSWORD, Watcher};
use crate::test_market::{TestMarket, ended, text, until, without_settings};

/// Stocks with prices that suit a demo.
fn test_market() -> TestMarket {
    let rows = (1..=30).map(|n| format!("{n:05},S{n},{n}7.50,{n}\n"));
    let header = "Security,Symbol,Price,Profit\n".to_owned();
    let stocks: String = std::iter::once(header).chain(rows).collect();
    TestMarket::with_stocks(&stocks)
        .set("seed", "7")
        .set("open-for", "12s")
}

/// The formats of the lots that satisfy a condition.
fn formats(market: &Market, is_so: impl Fn(&Lot) -> bool) -> BTreeSet<&'static str> {
    let lots = market.lots().iter().filter(|lot| is_so(lot));
    lots.map(|lot| lot.terms.format()).collect()
}

const EVERY_FORMAT: usize = 7;

#[test]
fn a_demo_trades_every_format_stops_cleanly_and_restarts() {
    let test_market = test_market().set("demo", "8");
    let server = test_market.open();
    assert!(server.printed().contains("This is a demo: 8 house traders"));
    let mut watcher = Watcher::begin(server.address());
    watcher.until_some(|market| {
        let done = formats(market, |lot| lot.is_closed() && lot.bidders() > 0);
        (done.len() == EVERY_FORMAT).then_some(())
    });
    let market = watcher.market().clone();
    // All of them have names that mark them as the house's.
    let users = market.users();
    assert!(
        users
            .iter()
            .all(|user| user.name.as_str().starts_with("house-"))
    );
    assert_eq!(users.len(), 9);
    server.end();

    let server = test_market.open();
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
    let demo = test_market.path().join("demo");
    let output = ended(verify.args(["verify", "--data"]).arg(demo));
    assert!(output.status.success(), "{}", text(output.stderr));
}

#[test]
fn a_demo_and_a_real_market_leave_each_other_alone() {
    let test_market = test_market();
    // A real market, next to which the demo has a separate one.
    test_market.open().end();
    let before = fs::read_dir(test_market.path().join("journal"))
        .unwrap()
        .count();
    let bids = test_market.export("users");
    let demo = test_market.set("demo", "3");
    let server = demo.open();
    assert!(demo.path().join("demo/journal").is_dir());
    server.end();
    let after = fs::read_dir(demo.path().join("journal")).unwrap().count();
    assert_eq!(after, before);
    assert_eq!(demo.export("users"), bids);
    // If a real market is in the demo's folder, nobody plays.
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
fn names_of_the_house_are_reserved_and_have_no_password() {
    let test_market = test_market().set("demo", "1");
    let server = test_market.open();
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
fn on_funds_the_house_has_cash_and_newcomers_get_play_money() {
    let test_market = test_market().set("demo", "4").set("accounts", "funds");
    let server = test_market.open();
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
