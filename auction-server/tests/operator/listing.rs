//! `stocks.csv`: what a file may hold, what is said of a wrong one, and the choice of stocks.

use std::path::Path;

use auction_core::{Listing, Price, Profit, SecurityCode, Symbol};
use auction_server::testing::config::csv::stocks::{StockList, choose, read};

fn read_bytes(bytes: &[u8]) -> Result<StockList, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stocks.csv");
    std::fs::write(&path, bytes).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read(&path).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn shown(list: &StockList) -> Vec<String> {
    let show = |listing: &Listing| {
        let Listing {
            symbol,
            security,
            price,
            profit,
        } = listing;
        format!("{symbol} {security} {price} {profit}")
    };
    list.listings.iter().map(show).collect()
}

#[test]
fn what_spreadsheets_write_is_read() {
    let cases: &[(&str, &[u8])] = &[
        ("plain", b"Security,Symbol,Price,Profit\n01954,AAPL,1.32,9350\n00007,BRK.B,0.00,-12.5\n"),
        ("no last newline", b"Security,Symbol,Price,Profit\n01954,AAPL,1.32,9350\n00007,BRK.B,0.00,-12.5"),
        ("CRLF", b"Security,Symbol,Price,Profit\r\n01954,AAPL,1.32,9350\r\n00007,BRK.B,0.00,-12.5\r\n"),
        ("byte order mark", b"\xef\xbb\xbfSecurity,Symbol,Price,Profit\n01954,AAPL,1.32,9350\n00007,BRK.B,0.00,-12.5\n"),
        ("other order and case", b"PROFIT,price,Symbol,security\n9350,1.32,aapl,01954\n-12.5,0,brk.b,00007\n"),
        ("quotes", b"\"Security\",\"Symbol\",\"Price\",\"Profit\"\n\"01954\",\"AAPL\",\"1.32\",\"9350\"\n\"00007\",BRK.B,0.00,-12.5\n"),
        ("blanks", b" Security , Symbol,Price ,Profit\n 01954 ,AAPL , 1.32,9350\n00007,BRK.B,0.00, -12.5\n"),
        ("further columns", b"Security,Symbol,Note,Price,Profit\n01954,AAPL,\"a, b\",1.32,9350\n00007,BRK.B,,0.00,-12.5\n"),
        ("empty rows", b"\n\nSecurity,Symbol,Price,Profit\n\n01954,AAPL,1.32,9350\n,,,\n00007,BRK.B,0.00,-12.5\n\n\n"),
    ];
    for (name, bytes) in cases {
        let list = read_bytes(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            shown(&list),
            ["AAPL 01954 1.32 9350", "BRK.B 00007 0.00 -12.5"],
            "{name}"
        );
        assert_eq!(list.warnings, [""; 0], "{name}");
    }
}

#[test]
fn an_empty_profit_is_none_yet() {
    let list = read_bytes(b"Security,Symbol,Price,Profit\n01954,AAPL,1.32,\n").unwrap();
    assert_eq!(shown(&list), ["AAPL 01954 1.32 0"]);
}

#[test]
fn every_fault_is_named_by_line_with_what_would_be_right() {
    let head = "Security,Symbol,Price,Profit\n";
    let cases = [
        (
            "1,A,1,0\n2,B,\"12,5x\",0\n",
            "stocks.csv:3: Price \"12,5x\" is not a decimal; expected for example 12.50",
        ),
        (
            "\n\n\n1,A,x,0\n",
            "stocks.csv:5: Price \"x\" is not a decimal",
        ),
        (
            "1,A,12,50,0\n",
            "stocks.csv:2: there are 5 values where the header names 4 columns",
        ),
        ("1,A,1\n", "stocks.csv:2: there are 3 values"),
        ("1,A,,0\n", "stocks.csv:2: Price \"\" is not a decimal"),
        ("1,A,-1,0\n", "stocks.csv:2: Price \"-1\" is not a decimal"),
        ("1,A,$1,0\n", "stocks.csv:2: Price \"$1\" is not a decimal"),
        (
            "1,A,1.00001,0\n",
            "stocks.csv:2: Price \"1.00001\" has more than four decimals",
        ),
        (
            "1,A,99999999999999999999,0\n",
            "stocks.csv:2: Price \"99999999999999999999\" is too large",
        ),
        (
            "1,A,1,lots\n",
            "stocks.csv:2: Profit \"lots\" is not a decimal",
        ),
        (
            "1,TOOLONGSYM,1,0\n",
            "stocks.csv:2: Symbol \"TOOLONGSYM\" is not a symbol; expected 1 to 8",
        ),
        ("1,=A,1,0\n", "stocks.csv:2: Symbol \"=A\" is not a symbol"),
        (
            ",A,1,0\n",
            "stocks.csv:2: Security \"\" is not a security code",
        ),
        (
            "1,A,1,0\n2,a,2,0\n",
            "stocks.csv:3: Symbol A is listed already, in line 2",
        ),
        (
            "1,\x1b[2J,1,0\n",
            "stocks.csv:2: Symbol \"\\u{1b}[2J\" is not a symbol",
        ),
        (
            "1,\u{202e}A,1,0\n",
            "stocks.csv:2: Symbol \"\\u{202e}A\" is not a symbol",
        ),
        (
            "1,\"A,1,0\n2,B,1,0\n",
            "stocks.csv:2: a quote is opened and never closed",
        ),
        (
            "1,\"A\nB\",1,0\n",
            "stocks.csv:2: Symbol \"A\\nB\" is not a symbol",
        ),
        ("", "stocks.csv: there is no stock below the header"),
    ];
    for (rows, expected) in cases {
        let said = read_bytes(format!("{head}{rows}").as_bytes()).unwrap_err();
        assert!(said.starts_with(expected), "{rows:?}: {said}");
    }
}

#[test]
fn a_file_that_is_no_such_table_is_refused_with_the_reason() {
    let long = format!(
        "Security,Symbol,Price,Profit\n1,A,{},0\n",
        "9".repeat(2_000)
    );
    let cases: &[(&[u8], &str)] = &[
        (
            b"",
            "stocks.csv: the file is empty; expected the columns Security,Symbol,Price,Profit",
        ),
        (b"\n\n", "stocks.csv: the file is empty"),
        (
            b"Security;Symbol;Price;Profit\n1;A;1;0\n",
            "stocks.csv:1: the columns are not separated by commas",
        ),
        (
            b"Security,Symbol,Price\n",
            "stocks.csv:1: there is no column Profit; the header names \"Security\"",
        ),
        (
            b"Symbol,Security,Symbol,Price,Profit\n",
            "stocks.csv:1: the column Symbol is there twice",
        ),
        (
            b"\xff\xfeS\0e\0c\0",
            "stocks.csv: this is UTF-16; save it as UTF-8",
        ),
        (
            b"Security,Symbol,Price,Profit\n1,\xc4,1,0\n",
            "stocks.csv:2: this is not UTF-8",
        ),
        (
            long.as_bytes(),
            "stocks.csv:2: \"Price\" is longer than 1024 bytes",
        ),
    ];
    for (bytes, expected) in cases {
        let said = read_bytes(bytes).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
    let said = read(Path::new("no/such/stocks.csv"))
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("no/such/stocks.csv: there is no such file; expected CSV"),
        "{said}"
    );
}

#[test]
fn all_faults_are_said_up_to_a_limit_and_the_others_counted() {
    let rows = "1,=,x,0\n".repeat(50);
    let said = read_bytes(format!("Security,Symbol,Price,Profit\n{rows}").as_bytes()).unwrap_err();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 21);
    assert!(
        lines[1].starts_with("stocks.csv:2: Price"),
        "both faults of a row: {said}"
    );
    assert_eq!(lines[20], "stocks.csv: and 80 more faults");
}

#[test]
fn a_shared_security_code_is_a_warning_with_both_lines() {
    let list = read_bytes(b"Security,Symbol,Price,Profit\n7,A,1,0\n8,B,1,0\n7,C,1,0\n").unwrap();
    assert_eq!(list.listings.len(), 3);
    assert!(list.warnings[0].ends_with("stocks.csv:4: Security 7 is also that of line 2"));
}

#[test]
fn the_stocks_that_come_with_the_project_are_valid() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/stocks.csv");
    let StockList { listings, warnings } = read(&data).unwrap();
    assert!(listings.len() >= 500);
    assert_eq!(warnings, [""; 0]);
    let apple = listings
        .iter()
        .find(|listing| listing.symbol.as_str() == "AAPL")
        .unwrap();
    assert_eq!(
        (apple.security.as_str(), apple.price.to_string()),
        ("01954", "1.32".to_owned())
    );
    assert!(listings.iter().any(|listing| listing.price == Price::ZERO));
    assert!(
        listings
            .iter()
            .any(|listing| listing.symbol.as_str() == "BRK.B")
    );
}

fn stocks(count: usize) -> Vec<Listing> {
    let stock = |index: usize| Listing {
        symbol: Symbol::parse(&format!("S{index:03}")).unwrap(),
        security: SecurityCode::parse("1").unwrap(),
        price: Price::UNIT,
        profit: Profit::default(),
    };
    (0..count).map(stock).collect()
}

fn symbols(listings: &[Listing]) -> Vec<&str> {
    listings
        .iter()
        .map(|listing| listing.symbol.as_str())
        .collect()
}

/// Scripts and reports name seeds: if this fails, the choice is no longer the one that is documented.
#[test]
fn a_seed_chooses_the_same_stocks_for_ever_whatever_their_order_in_the_file() {
    let mut listings = stocks(100);
    let chosen = choose(&listings, 42, 5);
    assert_eq!(symbols(&chosen), CHOSEN_BY_42);
    listings.reverse();
    assert_eq!(choose(&listings, 42, 5), chosen);
    assert_ne!(choose(&listings, 43, 5), chosen);
}

const CHOSEN_BY_42: [&str; 5] = ["S015", "S035", "S055", "S078", "S087"];

#[test]
fn no_stock_is_chosen_twice_and_all_when_there_are_too_few() {
    let listings = stocks(30);
    for seed in 0..200 {
        let chosen = choose(&listings, seed, 10);
        assert_eq!(chosen.len(), 10);
        assert!(
            chosen
                .windows(2)
                .all(|pair| pair[0].symbol < pair[1].symbol),
            "by symbol, once"
        );
    }
    assert_eq!(choose(&listings, 1, 31), listings);
    assert_eq!(choose(&[], 1, 10), []);
}

#[test]
fn every_stock_is_chosen_about_as_often_as_another() {
    let listings = stocks(20);
    let mut counts = [0_u32; 20];
    for seed in 0..4_000 {
        for listing in choose(&listings, seed, 5) {
            counts[listing.symbol.as_str()[1..].parse::<usize>().unwrap()] += 1;
        }
    }
    // 1,000 expected each, with a standard deviation of 27.
    assert!(
        counts.iter().all(|count| (850..1_150).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stocks.csv");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(auction_server::testing::config::csv::CSV_BYTES_MAX + 1)
        .unwrap();
    let said = read(&path).unwrap_err().to_string();
    assert!(
        said.ends_with("stocks.csv: the file is larger than 67108864 bytes"),
        "{said}"
    );
}

proptest::proptest! {
    /// Bytes of all kinds, those that mean something in CSV often.
    #[test]
    fn whatever_a_file_holds_it_is_read_or_refused_in_harmless_text(
        has_header in proptest::bool::ANY,
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::strategy::Just(b",".to_vec()),
                proptest::strategy::Just(b"\"".to_vec()),
                proptest::strategy::Just(b"\r\n".to_vec()),
                proptest::strategy::Just(b"1,AAPL,1.32,5\n".to_vec()),
                proptest::collection::vec(proptest::num::u8::ANY, 0..8),
            ],
            0..40,
        ),
    ) {
        let mut bytes = if has_header { b"Security,Symbol,Price,Profit\n".to_vec() } else { Vec::new() };
        bytes.extend(parts.concat());
        match read_bytes(&bytes) {
            Ok(list) => proptest::prop_assert!(!list.listings.is_empty()),
            Err(said) => {
                let harmless = |char: char| char == '\n' || !char.is_control();
                proptest::prop_assert!(said.chars().all(harmless), "{said:?}");
                proptest::prop_assert!(said.lines().all(|line| line.starts_with("stocks.csv:")), "{said}");
            }
        }
    }
}
