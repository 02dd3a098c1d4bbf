//! The walk-through, `auction --plain`, at a real terminal with a real server: the password is hidden, and news appear
//! between a question and its answer.

use std::cell::Cell;
use std::net::SocketAddr;

use auction_core::{LotId, Span};
use auction_proto::{CloseLot, ExtendLot};

use crate::line::{Line, PASSWORD};
use crate::person::Person;
use crate::terminal::Terminal;
use crate::test_market::{TestMarket, until};

/// A user in the walk-through.
struct Walk {
    terminal: Terminal,
    /// Position up to which the output was read.
    read: Cell<usize>,
    _person: Person,
}

impl Walk {
    fn begin(server: SocketAddr) -> Self {
        let person = Person::at(server);
        let mut command = person.program();
        command.arg("--plain");
        Self {
            terminal: Terminal::start(&command, 200, 50),
            read: Cell::new(0),
            _person: person,
        }
    }

    /// Waits until this text appears, after the previously awaited text.
    fn sees(&self, what: &str) {
        until(&format!("{what:?} is shown"), || {
            let written = self.terminal.written();
            let found = self.read.get() + written[self.read.get()..].find(what)?;
            self.read.set(found + what.len());
            Some(())
        });
    }

    /// Types a line after its prompt appears.
    fn answers(&self, question: &str, line: &str) {
        self.sees(question);
        self.terminal.types(&format!("{line}\n"));
    }

    /// Waits for the end of the program, and returns the whole output.
    fn end(mut self) -> String {
        let ended = self.terminal.ended();
        let written = self.terminal.written();
        assert!(ended.success(), "{written}");
        self.terminal.assert_given_back();
        written
    }
}

fn test_market(lots: &str) -> TestMarket {
    let test_market = TestMarket::with_lots(3);
    test_market.write("lots.csv", lots);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

#[test]
fn a_person_is_walked_from_the_door_to_the_end_of_the_countdown() {
    let test_market = test_market("symbol,format,open_for\nS1,english,1h\nS2,english,1h\n");
    let server = test_market.open();
    let mia = Walk::begin(server.address());
    mia.sees("2 lots are open");
    mia.answers("Log in, register, or only look?", "r");
    mia.answers("name:", "mia");
    mia.answers("password:", PASSWORD);
    mia.answers("the same again:", PASSWORD);
    mia.sees("Welcome, mia.");
    mia.sees("S1");
    mia.answers("Which one?", "nonsense!");
    mia.answers("Which one?", "S1");
    mia.sees("the highest bid wins");
    mia.answers("Your bid [1.01]", "");
    mia.sees("your bid of 1.01 is accepted");
    mia.sees("you lead at 1.01");

    let mut tom = Line::trader(server.address(), "tom");
    tom.bid(1, "1.50").unwrap();
    mia.sees("bid 1.50 by tom");
    mia.sees("YOU ARE OUTBID.");
    mia.answers("Your bid [1.51]", "1.40");
    mia.sees("1.51");
    mia.answers("Your bid [1.51]", "max 3");
    mia.sees("you lead at 1.51");
    mia.sees("Your bid");

    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let lot = LotId(1);
    let closes_at = ann.snapshot().lot(lot).unwrap().closes_at;
    let closes_at = closes_at.saturating_add(Span::from_secs(60));
    ann.command(&ExtendLot { lot, closes_at }).unwrap();
    mia.sees("extended by the auctioneer");
    ann.command(&CloseLot { lot }).unwrap();
    mia.sees("CLOSED. YOU WON, at 1.51.");
    // The remaining lots are shown, and at the end the results.
    mia.sees("S2");
    mia.sees("Which one?");
    ann.command(&CloseLot { lot: LotId(2) }).unwrap();
    mia.sees("All lots have closed.");
    mia.sees("sold to mia (you) at 1.51");
    mia.sees("Good-bye.");
    let shown = mia.end();
    assert!(
        !shown.contains(PASSWORD),
        "a password is never shown: {shown}"
    );
}

#[test]
fn a_person_bids_in_secret_and_takes_at_a_price_that_falls() {
    let test_market = test_market(
        "symbol,format,quantity,open_for,start,step,interval,floor\n\
         S1,vickrey,5,1h,,,,\nS2,dutch,1,1h,90,1,1h,50\nS3,uniform,100,1h,,,,\n",
    );
    let server = test_market.open();
    Line::open(server.address()).register("mia").unwrap();
    let mia = Walk::begin(server.address());
    mia.answers("Log in, register, or only look?", "l");
    mia.answers("name:", "mia");
    mia.answers("password:", PASSWORD);
    mia.answers("Which one?", "S1");
    mia.sees("second price (Vickrey)");
    mia.answers("Your sealed bid", "70");
    mia.sees("70.00 is 70 times the base price, 1.00. Type it again to send it.");
    mia.answers("Your sealed bid", "70");
    mia.sees("your sealed bid for 5 shares at 70.00 is placed as order 1");
    mia.answers("Your sealed bid", "80");
    mia.answers("Your sealed bid", "80");
    mia.sees("your sealed bid for 5 shares at 80.00 is placed as order 1");
    mia.answers("Your sealed bid", "b");
    mia.answers("Which one?", "S2");
    mia.sees("the price is 90.00 now");
    mia.answers("Take it at 90.00?", "");
    mia.sees("CLOSED. YOU WON, at 90.00.");
    mia.answers("Which one?", "S3");
    mia.sees("hidden bids for parts");
    mia.answers("Your order", "60 12.5");
    mia.sees("12.50 is 12 times the base price, 1.00. Type it again to send it.");
    mia.answers("Your order", "60 12.5");
    mia.sees("your sealed bid for 60 shares at 12.50 is placed as order 1");
    mia.answers("Your order", "40 9");
    mia.answers("Your order", "40 9");
    mia.sees("is placed as order 2");
    mia.answers("Your order", "q");
    mia.sees("Good-bye.");
    mia.end();

    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    for lot in [1, 3].map(LotId) {
        ann.command(&CloseLot { lot }).unwrap();
    }
    let rows: Vec<_> = test_market
        .export("bids")
        .into_iter()
        .map(|row| row[2..].join(","))
        .collect();
    assert_eq!(
        rows,
        [
            "mia,S2,90.00,2",
            "mia,S1,80.00,1",
            "mia,S3,12.50,3",
            "mia,S3,9.00,3"
        ]
    );
}
