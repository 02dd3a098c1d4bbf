//! Invalid files of a round: the server reports them before it accepts connections, and writes nothing.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::line::PASSWORD;
use crate::person::Person;
use crate::test_market::{Server, TestMarket};

const EMPTY: &str = "the file is empty; expected the columns symbol,format";
const NO_ROW: &str = "there is no lot below the header; add a row such as AAPL,english";

#[test]
fn a_lots_file_without_lots_is_refused_before_a_market_exists() {
    for (content, says) in [("", EMPTY), ("\n\n", EMPTY), ("symbol,format\n", NO_ROW)] {
        let test_market = TestMarket::with_lots(1);
        test_market.write("lots.csv", content);
        let (code, said) = test_market.fails_to_open();
        let file = test_market.path().join("lots.csv").display().to_string();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("{file}: {says}")), "{said}");
        assert!(
            !test_market.path().join("journal").exists(),
            "nothing is made"
        );
        let check = crate::test_market::ended(&mut test_market.program(&["config", "check"]));
        assert_eq!(check.status.code(), Some(1));
    }
}

#[test]
fn a_next_round_without_lots_takes_no_connection_or_record() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let test_market = TestMarket::with_lots(1).set("open-for", "1s");
    let test_market = test_market.set("listen", &address.to_string());
    let server = test_market.open();
    server.until_printed("S1");
    crate::test_market::until("the lot closes", || {
        (!test_market.export("results").is_empty()).then_some(())
    });
    server.end();
    let before = test_market.verified();
    test_market.write("stocks.csv", &crate::test_market::stocks(2));
    test_market.write("lots.csv", "");

    let mut server = Server::spawn(test_market.server());
    let code = loop {
        // If the system accepted connections for the server, this would succeed.
        let connected = TcpStream::connect(address).map_err(|error| error.kind());
        assert_eq!(connected.err(), Some(ErrorKind::ConnectionRefused));
        if let Some(status) = server.try_wait() {
            break status.code();
        }
    };
    assert_eq!(code, Some(1));
    server.until_said(EMPTY);
    assert_eq!(
        test_market.verified(),
        before,
        "nothing of the round is journalled"
    );
}

#[test]
fn stocks_that_change_while_lots_are_open_hold_for_later_lots() {
    let test_market = TestMarket::with_stocks("Security,Symbol,Price,Profit\n01,A,1,0\n02,B,2,0\n");
    let test_market = test_market.set("lots", "2").set("open-for", "1h");
    test_market.write("lots.csv", "symbol,format\nA,english\nB,english\n");
    test_market.open().end();
    let unchanged = test_market.open();
    unchanged.until_printed("do not concern them.");
    assert!(!unchanged.end_and_hear().contains("stocks.csv:"));

    test_market.write(
        "stocks.csv",
        "Security,Symbol,Price,Profit\n01,A,1.5,0\n02,B,2,0\n03,C,3,0\n",
    );
    test_market.write(
        "users.csv",
        &format!("name,role,password\nada,auctioneer,{PASSWORD}\n"),
    );
    let server = test_market.open();
    server.until_printed(
        "stocks.csv: 2 stocks new or changed; that holds for lots that are opened from now on.",
    );
    server.until_printed(
        "Lot 1 (A) is open and keeps its base price 1.00; in stocks.csv it is 1.50.",
    );
    assert!(!server.printed().contains("Lot 2 (B)"), "B is as it was");
    let ada = Person::at(server.address());
    ada.does("login ada");
    for (symbol, base) in [("A", "1.50"), ("B", "2.00"), ("C", "3.00")] {
        let opened = ada.does(&format!("open {symbol} --format english --open-for 1h"));
        let lot = opened["lot"].as_u64().unwrap();
        let lots = ada.does("lots");
        let lots = lots["lots"].as_array().unwrap();
        let of = |number| lots.iter().find(|lot| lot["lot"] == number).unwrap();
        assert_eq!(of(lot)["base_price"], base, "{symbol}");
        assert_eq!(of(1)["base_price"], "1.00", "the open lot keeps it");
    }
    server.end();

    // A file that is half edited stops no restart while lots are open, and nothing of it is taken.
    test_market.write(
        "stocks.csv",
        "Security,Symbol,Price,Profit\n01,A,7,0\n02,B\n",
    );
    let server = test_market.open();
    server.until_printed(
        "stocks.csv could not be read, and nothing of it is taken: the log says why.",
    );
    server.until_said("stocks.csv:3:");
    server.end();
    assert!(test_market.verified().contains("is what the rules give"));
}
