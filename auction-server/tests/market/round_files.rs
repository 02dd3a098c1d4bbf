//! Files of a round that are wrong: the server says so before it lets anyone in, and makes nothing.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::house::{DemoAccounts, Server};

const EMPTY: &str = "the file is empty; expected the columns symbol,format";
const NO_ROW: &str = "there is no lot below the header; add a row such as AAPL,english";

#[test]
fn a_lots_file_without_a_lot_is_refused_before_there_is_a_market() {
    for (content, says) in [("", EMPTY), ("\n\n", EMPTY), ("symbol,format\n", NO_ROW)] {
        let house = DemoAccounts::with_lots(1);
        house.write("lots.csv", content);
        let (code, said) = house.fails_to_open();
        let file = house.path().join("lots.csv").display().to_string();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("{file}: {says}")), "{said}");
        assert!(!house.path().join("journal").exists(), "nothing is made");
        let check = crate::house::ended(&mut house.program(&["config", "check"]));
        assert_eq!(check.status.code(), Some(1));
    }
}

#[test]
fn a_market_whose_next_round_has_no_lot_takes_no_connection_and_journals_nothing_of_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let house = DemoAccounts::with_lots(1).set("open-for", "1s");
    let house = house.set("listen", &address.to_string());
    let server = house.open();
    server.until_printed("S1");
    crate::house::until("the lot closes", || {
        (!house.export("results").is_empty()).then_some(())
    });
    server.end();
    let before = house.verified();
    house.write("stocks.csv", &crate::house::stocks(2));
    house.write("lots.csv", "");

    let mut server = Server::spawn(house.server());
    let code = loop {
        // A connection that the system took for the server would succeed.
        let connected = TcpStream::connect(address).map_err(|error| error.kind());
        assert_eq!(connected.err(), Some(ErrorKind::ConnectionRefused));
        if let Some(status) = server.try_wait() {
            break status.code();
        }
    };
    assert_eq!(code, Some(1));
    server.until_said(EMPTY);
    assert_eq!(
        house.verified(),
        before,
        "nothing of the round is journalled"
    );
}
