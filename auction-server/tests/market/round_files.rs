//! Invalid files of a round: the server reports them before it accepts connections, and writes nothing.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

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
