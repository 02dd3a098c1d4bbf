//! Input and output files, `users.csv` and `client.csv`, on the real server.

use auction_core::{LotId, Name, Price, Role, Symbol, Timestamp};
use auction_proto::{BidMaximum, Code, ExtendLot};
use auction_server::testing::platform::password::Password;

use crate::line::{Line, PASSWORD};
use crate::test_market::{TestMarket, until};

fn until_client_csv(test_market: &TestMarket, rows: &str) {
    let expected = format!("name,symbol,bit\n{rows}");
    until(&format!("client.csv becomes {expected:?}"), || {
        let held = std::fs::read_to_string(test_market.path().join("client.csv")).ok()?;
        (held == expected).then_some(())
    });
}

#[test]
fn client_csv_follows_the_market_and_is_true_again_after_a_kill() {
    let test_market = TestMarket::with_lots(3);
    let server = test_market.open();
    until_client_csv(&test_market, "");
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    mia.bid(1, "1.01").unwrap();
    tom.bid(1, "1.40").unwrap();
    mia.bid(1, "1.5").unwrap();
    until_client_csv(&test_market, "mia,S1,1.50\ntom,S1,1.40\n");
    // A hidden maximum shows only the current price of the lot.
    let maximum = Price::parse("77.77").unwrap();
    tom.command(&BidMaximum {
        lot: LotId(2),
        maximum,
    })
    .unwrap();
    until_client_csv(&test_market, "mia,S1,1.50\ntom,S1,1.40\ntom,S2,1.01\n");

    mia.bid(3, "9.99").unwrap();
    server.kill();
    test_market.write(
        "client.csv",
        "name,symbol,bit\nmia,S1,1000.00\nnobody,S9,1.00\n",
    );
    let server = test_market.open();
    let rows = "mia,S1,1.50\nmia,S3,9.99\ntom,S1,1.40\ntom,S2,1.01\n";
    until_client_csv(&test_market, rows);
    server.kill();
    std::fs::remove_file(test_market.path().join("client.csv")).unwrap();
    let server = test_market.open();
    until_client_csv(&test_market, rows);
    server.end();
    assert!(!test_market.path().join("client.csv.tmp").exists());
}

#[test]
fn accounts_are_imported_once_whatever_their_rows_say_later() {
    let hashed = Password::new("of the house".to_owned()).unwrap().hash();
    let hashed = std::str::from_utf8(hashed.as_bytes()).unwrap();
    let test_market = TestMarket::with_lots(2);
    let row = format!("auctioneer,auctioneer,,\"{hashed}\",\n");
    let header = "name,role,password,password_hash,symbol\n";
    test_market.write(
        "users.csv",
        &format!("{header}{row}apple,company,{PASSWORD},,S1\nmia,trader,{PASSWORD},,\n"),
    );
    let server = test_market.open();
    let said = server.end_and_hear();
    assert!(
        said.contains("users.csv") && said.contains("plain"),
        "{said}"
    );
    assert!(!said.contains(PASSWORD) && !said.contains(hashed), "{said}");
    let expected = [
        ["auctioneer", "auctioneer", ""],
        ["apple", "company", "S1"],
        ["mia", "trader", ""],
    ];
    assert_eq!(test_market.export("users"), expected);

    // Changed rows have no effect, new ones create accounts, and others stay.
    test_market.write("users.csv", &format!("{header}apple,trader,another password,,\ntom,trader,{PASSWORD},,\nmia,trader,another password,,\n"));
    let server = test_market.open();
    server.until_said("apple is there already with another role");
    for (name, password, role) in [
        ("auctioneer", "of the house", Role::Auctioneer),
        (
            "apple",
            PASSWORD,
            Role::Company(Symbol::parse("S1").unwrap()),
        ),
        ("mia", PASSWORD, Role::Trader),
        ("tom", PASSWORD, Role::Trader),
    ] {
        let mut line = Line::open(server.address());
        let logged_in = line.log_in(name, password).unwrap();
        assert_eq!(
            (logged_in.name, logged_in.role),
            (Name::parse(name).unwrap(), role)
        );
    }
    let refused = Line::open(server.address()).log_in("mia", "another password");
    assert_eq!(refused.unwrap_err().code, Code::BAD_CREDENTIALS);
    server.end();
    assert_eq!(test_market.export("users").len(), 4);
}

#[test]
fn an_auctioneer_moves_a_close_and_nobody_else_does() {
    let test_market = TestMarket::with_lots(1);
    let row = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &row);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let before = ann.snapshot().lot(LotId(1)).unwrap().closes_at;
    let later = Timestamp::from_micros(before.micros() + 60_000_000).unwrap();
    let extend = |closes_at| ExtendLot {
        lot: LotId(1),
        closes_at,
    };
    assert_eq!(
        mia.command(&extend(later)).unwrap_err().code,
        Code::NOT_PERMITTED
    );
    assert_eq!(
        ann.command(&extend(before)).unwrap_err().code,
        Code::CLOSE_NOT_LATER
    );
    assert_eq!(ann.bid(1, "2").unwrap_err().code, Code::NOT_PERMITTED);
    ann.command(&extend(later)).unwrap();
    server.kill();
    let market = Line::open(test_market.open().address()).snapshot();
    assert_eq!(market.lot(LotId(1)).unwrap().closes_at, later);
}

#[test]
fn a_wrong_file_prevents_the_start_and_is_named_with_a_remedy() {
    let stocks = "Security,Symbol,Price,Profit\n";
    let users = "name,role,password\n";
    let cases = [
        (
            "stocks.csv",
            format!("{stocks}00001,S1,1.00,1\n00002,S2,\"12,5x\",1\n"),
            "stocks.csv:3: Price \"12,5x\" is not a decimal",
        ),
        (
            "stocks.csv",
            format!("{stocks}00001,S1,-1,1\n"),
            "stocks.csv:2: Price \"-1\"",
        ),
        (
            "stocks.csv",
            format!("{stocks}00001,S1,99999999999999999999,1\n"),
            "stocks.csv:2: Price",
        ),
        (
            "stocks.csv",
            format!("{stocks}00001,S1,1.00,1\n00002,s1,1.00,1\n"),
            "stocks.csv:3: Symbol S1 is listed already, in line 2",
        ),
        (
            "stocks.csv",
            format!("{stocks}00001,S1,1.00\n"),
            "stocks.csv:2",
        ),
        (
            "stocks.csv",
            "Security,Symbol,Price\n00001,S1,1.00\n".to_owned(),
            "Profit",
        ),
        ("stocks.csv", String::new(), "stocks.csv"),
        (
            "users.csv",
            format!("{users}mia,king,{PASSWORD}\n"),
            "users.csv:2",
        ),
        (
            "users.csv",
            format!("{users}=1+1,trader,{PASSWORD}\n"),
            "users.csv:2",
        ),
        ("users.csv", format!("{users}mia,trader,\n"), "users.csv:2"),
        (
            "users.csv",
            format!("name,role,password_hash\nmia,trader,{PASSWORD}\n"),
            "users.csv:2",
        ),
        (
            "users.csv",
            format!("name,role,password,symbol\nx1,company,{PASSWORD},NONE\n"),
            "users.csv:2",
        ),
    ];
    for (name, text, expected) in cases {
        let test_market = TestMarket::with_lots(1);
        test_market.write(name, &text);
        let (code, said) = test_market.fails_to_open();
        assert_eq!(code, Some(1), "{name} {text:?}: {said}");
        assert!(said.contains(expected), "{text:?}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
        // After the correction, the market opens normally.
        test_market.write("stocks.csv", &crate::test_market::stocks(1));
        test_market.write("users.csv", users);
        let market = Line::open(test_market.open().address()).snapshot();
        assert_eq!((market.lots().len(), market.users().len()), (1, 0));
    }
}
