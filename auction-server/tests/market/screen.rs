//! The screen, as a user sees it at a real terminal with a real server.

use rustix::process::Signal;

use crate::line::PASSWORD;
use crate::person::Person;
use crate::terminal::Terminal;
use crate::test_market::TestMarket;

/// Logs a user in by commands, so that their screen finds the session.
fn known(house_server: std::net::SocketAddr, name: &str) -> Person {
    let person = Person::at(house_server);
    person.does(&format!("register {name}"));
    person.does(&format!("login {name}"));
    person
}

fn screen_of(person: &Person) -> Terminal {
    let terminal = Terminal::start(&person.program(), 80, 24);
    terminal.until("● live");
    terminal
}

#[test]
fn someone_registers_bids_is_outbid_and_wins() {
    let test_market = TestMarket::with_lots(2);
    test_market.write(
        "users.csv",
        &format!("name,role,password\nann,auctioneer,{PASSWORD}\n"),
    );
    let server = test_market.open();
    let (mia, ann) = (Person::at(server.address()), Person::at(server.address()));
    ann.does("login ann");
    let tom = known(server.address(), "tom");
    let mut terminal = screen_of(&mia);
    terminal.until("looking on");
    terminal.types("/s1\r");
    terminal.until("1 of 2 lots");
    terminal.types("b");
    terminal.until("Log in or register");
    terminal.types("\x1b[C");
    terminal.until("[register]");
    terminal.types(&format!("mia\r{PASSWORD}\r{PASSWORD}\r"));
    terminal.until("Bid on S1 #1");
    terminal.types("\r");
    terminal.until("you lead at 1.01");
    tom.does("bid S1 2.00");
    terminal.until("OUTBID on S1 #1: tom leads at 2.00 [r: bid 2.01, x: seen]");
    terminal.types("r");
    terminal.until("Bid on S1 #1");
    terminal.types("1.5\r");
    terminal.until("refused: the least bid is 2.01");
    terminal.types("\x1b[A\r");
    terminal.until("you lead at 2.01");
    terminal.until_no("OUTBID on S1 #1: tom leads at 2.00 [r");
    terminal.types("\r");
    terminal.until("YOU LEAD at 2.01");
    ann.does("close S1");
    terminal.until("YOU WON S1 #1: sold to mia (you) at 2.01");
    terminal.types("q");
    assert!(terminal.ended().success());
    terminal.assert_given_back();
    assert!(
        !terminal.written().contains(PASSWORD),
        "a password is never shown"
    );
    // Later screens and commands find the session.
    assert_eq!(mia.does("status")["user"], "mia");
    screen_of(&mia).until("  mia");
    server.end();
}

#[test]
fn a_command_asks_about_a_price_far_from_the_markets() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = known(server.address(), "mia");
    let bids = |amount: &str| {
        let mut command = mia.program();
        command.args(["bid", "S1", amount]);
        Terminal::start(&command, 80, 24)
    };
    for answer in ["n\r", "\r", "yesterday\r"] {
        let mut terminal = bids("90000");
        terminal.until("90000.00 is 89108 times the least bid, 1.01. Send it? [y/N]");
        terminal.types(answer);
        terminal.until("nothing was sent");
        assert_eq!(terminal.ended().code(), Some(2));
    }
    assert_eq!(mia.does("history S1")["bids"], serde_json::json!([]));
    let mut terminal = bids("90000");
    terminal.until("Send it? [y/N]");
    terminal.types("y\r");
    terminal.until("your bid of 90000.00 is accepted");
    assert!(terminal.ended().success());
    server.end();
}

#[test]
fn what_is_sealed_is_bid_changed_and_withdrawn() {
    let test_market = TestMarket::with_lots(1);
    test_market.write("lots.csv", "symbol,format,quantity\nS1,vickrey,1\n");
    let server = test_market.open();
    let mia = known(server.address(), "mia");
    let terminal = screen_of(&mia);
    terminal.until("sealed");
    terminal.types("\rb3\r");
    terminal.until("3.00 is 200 % above the base price, 1.00. Enter again sends it.");
    terminal.types("\r");
    terminal.until("your order 1: buy 1 share at 3.00");
    terminal.types("c2\r");
    terminal.until("your order 1: buy 1 share at 2.00");
    terminal.until("1 trader with sealed bids");
    // Another screen finds it too, and follows.
    let other = screen_of(&mia);
    other.types("\r");
    other.until("your order 1: buy 1 share at 2.00");
    terminal.types("w\r");
    terminal.until_no("your order 1: buy");
    terminal.until("0 traders with sealed bids");
    other.until_no("your order 1: buy");
    drop((terminal, other));
    server.end();
}

#[test]
fn a_screen_fits_its_terminal_again_when_that_changes() {
    let test_market = TestMarket::with_lots(30);
    let server = test_market.open();
    let terminal = screen_of(&known(server.address(), "mia"));
    terminal.until("FORMAT");
    terminal.resize(40, 15);
    terminal.until_no("FORMAT");
    terminal.until("CLOSES IN");
    terminal.resize(12, 3);
    terminal.until("too small");
    terminal.resize(120, 40);
    terminal.until("SECURITY");
    terminal.until("S25");
    drop(terminal);
    server.end();
}

#[test]
fn a_screen_goes_on_by_itself_when_the_server_was_killed() {
    let test_market = TestMarket::with_lots(1).set("heartbeat", "1s");
    let server = test_market.open();
    let address = server.address();
    let (mia, tom) = (known(address, "mia"), known(address, "tom"));
    let mut terminal = screen_of(&mia);
    terminal.types("b");
    terminal.until("Bid on S1 #1");
    terminal.types("\r");
    terminal.until("you lead at 1.01");
    // The typed text stays.
    terminal.types("\rb7.25");
    terminal.until("7.25");
    server.kill();
    terminal.until("○ reconnecting");
    let test_market = test_market.set("listen", &address.to_string());
    let server = test_market.open();
    terminal.until("● live");
    terminal.until("7.25");
    tom.does("bid S1 6");
    terminal.until("OUTBID on S1 #1: tom leads at 6.00");
    // The leader was offered a hidden maximum.
    terminal.types("\r");
    terminal.until("you lead at 6.01");
    terminal.signal(Signal::TERM);
    assert!(terminal.ended().success());
    terminal.assert_given_back();
    server.end();
}

#[test]
fn without_a_terminal_that_shows_screens_there_are_lines() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = known(server.address(), "mia");
    let mut dumb = mia.program();
    dumb.env("TERM", "dumb");
    let mut plain = mia.program();
    plain.arg("--plain");
    for command in [plain, dumb] {
        let mut terminal = Terminal::start(&command, 80, 24);
        terminal.until("You are logged in as mia.");
        terminal.until("Which one?");
        terminal.types("q\n");
        assert!(terminal.ended().success());
        assert!(!terminal.written().contains("\x1b[?1049h"));
    }
    server.end();
}
