//! `import-stocks`: lists in the forms of exchanges and spreadsheets. All rows are made up.

use std::path::Path;
use std::process::{Command, Output};

use auction_core::Price;
use auction_server::testing::cli::DecimalSign;
use auction_server::testing::cli::import_stocks::{ImportError, Options, Reason, import};
use auction_server::testing::config::csv::stocks;
use proptest::collection::vec;
use proptest::prelude::*;

const NASDAQ: &str = "\
Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares\r
QAPL|Quiet Apple \"Q\" Inc. - Common Stock|Q|N|N|100|N|N\r
QZZT|Made Up Test Stock|Q|Y|N|100|N|N\r
QB.C|Quiet Brick - Class C|G|N|N|100|N|N\r
QTOOLONGX|Quiet Long|G|N|N|100|N|N\r
File Creation Time: 1120202621:31|||||||\r
";

const NYSE: &str = "\
ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol
QQ|Quiet Quarry|N|QQ|N|100|N|QQ
QQ$A|Quiet Quarry Preferred A|N|QQpA|N|100|N|QQ-A
QQ.W|Quiet Quarry Warrant|N|QQ.WS|N|100|N|QQ+
QN.A|Quiet North Warrant|A|QN.WS.A|N|100|N|QN+A
QT|Made Up Test|N|QT|N|100|Y|QT
File Creation Time: 1120202621:31||||||
";

fn taken(list: &[u8], options: Options) -> (String, Vec<(Reason, u64)>, Vec<String>) {
    let mut out = Vec::new();
    let report = import(list, options, &mut out).unwrap();
    let left_out = report.left_out.iter();
    let left_out: Vec<_> = left_out.map(|(reason, of)| (*reason, of.count)).collect();
    let counted: u64 = left_out.iter().map(|(_, count)| count).sum();
    assert_eq!(report.rows, report.stocks + counted);
    (String::from_utf8(out).unwrap(), left_out, report.warnings)
}

/// Symbol and price of each stock.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let values = |line: &'_ str| -> Vec<_> { line.split(',').map(str::len).collect() };
    assert!(text.lines().all(|line| values(line).len() == 4), "{text}");
    let row = |line| {
        let mut values = str::split(line, ',').skip(1);
        (values.next().unwrap(), values.next().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn nasdaqs_directory_is_read() {
    let (text, left_out, warnings) = taken(NASDAQ.as_bytes(), Options::default());
    assert_eq!(rows(&text), [("QAPL", "0.00"), ("QB.C", "0.00")]);
    assert_eq!(
        left_out,
        [(Reason::TestIssue, 1), (Reason::SymbolTooLong, 1)]
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("the list has no prices"),
        "{warnings:?}"
    );
}

#[test]
fn nyses_directory_is_read_by_the_form_that_is_clear() {
    let price = Some(Price::parse("12.5").unwrap());
    let options = Options {
        price,
        ..Options::default()
    };
    let (text, left_out, warnings) = taken(NYSE.as_bytes(), options);
    assert_eq!(rows(&text), [("QQ", "12.50"), ("QQ-A", "12.50")]);
    assert_eq!(left_out, [(Reason::TestIssue, 1), (Reason::SymbolSigns, 2)]);
    assert_eq!(warnings, [""; 0]);
    // The suffixes of this column alone mean several things: QN.A is a warrant here and a class of shares elsewhere.
    let error = import(
        &b"ACT Symbol|Security Name\nQN.A|Quiet North\n"[..],
        options,
        &mut Vec::new(),
    );
    assert!(matches!(error, Err(ImportError::NoHeader)));
    let (text, left_out, _) = taken(
        b"CQS Symbol|Name\nBCpC|Preferred\nBCPC|Common\nFile Creation Time|\n",
        options,
    );
    assert_eq!(rows(&text), [("BCPC", "12.50")]);
    assert_eq!(left_out, [(Reason::SymbolCase, 1)]);
}

#[test]
fn a_directory_that_is_cut_short_is_said() {
    let cut = NYSE.split_inclusive('\n').take(4).collect::<String>();
    let (_, _, warnings) = taken(cut.as_bytes(), Options::default());
    assert!(warnings[0].contains("cut short"), "{warnings:?}");
}

#[test]
fn spreadsheets_are_read() {
    let cases: &[(&str, &[u8])] = &[
        ("commas", b"Symbol,Name,Price\nQAA,\"Quiet, Inc.\",12.50\nQBB,Two,1234.5\n"),
        ("semicolons", b"Name;Symbol;Price\r\n\"Quiet; \"\"Q\"\"\";QAA;12,50\r\nTwo;QBB;1.234,50\r\n"),
        ("sep, byte order mark", b"\xef\xbb\xbfsep=;\r\nSymbol;Last Price\r\nQAA;12,5\r\nQBB;1234,5\r\n"),
        ("an unusual sep", b"sep=#\nSymbol#Price\nQAA#12.5\nQBB#1'234.5\n"),
        ("byte order mark", b"\xef\xbb\xbfSymbol;Price\nQAA;12,5\nQBB;1\xc2\xa0234,5\n"),
        ("tabs", b"Ticker\tClose\nQAA\t12.5\nQBB\t1,234.50"),
        ("titles above", b"Listed companies; all\n\nCompany name,ASX code,Price\nQuiet,QAA,12.5\nTwo,QBB,1234.5\n\n"),
        ("lines in quotes", b"Symbol,Name,Price\nQAA,\"Quiet\nInc.\",12.5\nQBB,Two,1234.5\n"),
        ("Latin-1 beside", b"Symbol,Name,Price\nQAA,Sm\xf8r,12.5\nqbb,Two,1234.5\n"),
    ];
    for (name, list) in cases {
        let (text, left_out, warnings) = taken(list, Options::default());
        assert_eq!(
            rows(&text),
            [("QAA", "12.50"), ("QBB", "1234.50")],
            "{name}"
        );
        assert_eq!((left_out.len(), warnings.len()), (0, 0), "{name}");
    }
}

#[test]
fn what_is_not_clear_is_left_out_by_its_reason() {
    let list = "Symbol;Security;Price;Profit\n\
                QAA;00012;1,5;-3,25\n\
                QBB;;1.234;\n\
                QCC;;12 EUR;\n\
                QDD;;;\n\
                QEE;=1+1;1;\n\
                QFF;;1;much\n\
                QAA;;2;\n\
                ;;2;\n\
                QGG;2\n\
                Q\u{c4};;2;\n\
                QHH;;1,23456;\n\
                \"QII;;2;\n\
                qAa;;2;\n";
    let (text, left_out, _) = taken(list.as_bytes(), Options::default());
    assert_eq!(text, "Security,Symbol,Price,Profit\n00012,QAA,1.50,-3.25\n");
    let expected = [
        (Reason::NoSymbol, 1),
        (Reason::SymbolSigns, 1),
        (Reason::SymbolCase, 1),
        (Reason::Duplicate, 1),
        (Reason::NoPrice, 1),
        (Reason::PriceAmbiguous, 1),
        (Reason::PriceInvalid, 2),
        (Reason::ProfitInvalid, 1),
        (Reason::SecurityInvalid, 1),
        (Reason::WrongShape, 1),
        (Reason::UnclosedQuote, 1),
    ];
    assert_eq!(left_out, expected);
    let decimal = Some(DecimalSign::Comma);
    let options = Options {
        decimal,
        price: Some(Price::ZERO),
    };
    let (text, left_out, _) = taken(list.as_bytes(), options);
    assert_eq!(
        rows(&text),
        [("QAA", "1.50"), ("QBB", "1234.00"), ("QDD", "0.00")]
    );
    assert!(
        !left_out
            .iter()
            .any(|(reason, _)| *reason == Reason::PriceAmbiguous)
    );
}

#[test]
fn codes_are_made_up_the_same_each_time() {
    let (text, ..) = taken(b"Symbol,Price\nQAA,1\nQBB,2\n", Options::default());
    let (again, ..) = taken(b"Symbol,Price\nQBB,2\nQCC,1\n", Options::default());
    assert_eq!(text.lines().nth(2), again.lines().nth(1));
    assert_ne!(text[29..39], text[49..59]);
}

#[test]
fn long_rows_and_long_lists_are_bounded() {
    let long = format!(
        "Symbol,Price\n{},1\nQAA,1\n\"{}\nQBB,1\n",
        "x".repeat(200_000),
        "\n".repeat(100)
    );
    let (text, left_out, _) = taken(long.as_bytes(), Options::default());
    assert_eq!(rows(&text), [("QAA", "1.00"), ("QBB", "1.00")]);
    assert_eq!(left_out, [(Reason::UnclosedQuote, 1), (Reason::TooLong, 1)]);
    let endless = std::io::BufReader::new(std::io::Read::chain(
        &b"Symbol,Price\n"[..],
        std::io::repeat(b'x'),
    ));
    let error = import(endless, Options::default(), &mut std::io::sink());
    assert!(matches!(error, Err(ImportError::TooLarge)), "{error:?}");
    let mut many = format!("Symbol,Price\n{}", "Q\n".repeat(999_999));
    many.push_str("QAA,1\n");
    let report = import(many.as_bytes(), Options::default(), &mut std::io::sink()).unwrap();
    assert_eq!((report.rows, report.stocks), (1_000_000, 1));
    many.push_str("QBB,1\n");
    let error = import(many.as_bytes(), Options::default(), &mut std::io::sink());
    assert!(matches!(error, Err(ImportError::TooManyRows)), "{error:?}");
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_auction-server"));
    let Output {
        status,
        stdout,
        stderr,
    } = program
        .current_dir(folder)
        .env_remove("AUCTION_DATA")
        .arg("import-stocks")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_program_writes_stocks_and_replaces_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.txt"), NYSE).unwrap();
    let (code, printed, said) = run(folder.path(), &["list.txt", "--data", ".", "--price", "3"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let expected = "\
        ./stocks.csv: 2 stocks of 5 rows\n\
        left out 1: test issues (line 6: \"QT\")\n\
        left out 2: symbols with other characters than A-Z 0-9 . - (line 4: \"QQ+\", line 5: \"QN+A\")\n";
    assert_eq!(printed, expected);
    let stocks = folder.path().join("stocks.csv");
    let list = stocks::read(&stocks).unwrap();
    assert_eq!(list.listings.len(), 2);
    assert_eq!(list.warnings, [""; 0]);

    let before = std::fs::read(&stocks).unwrap();
    let (code, _, said) = run(folder.path(), &["list.txt", "--data", "."]);
    assert_eq!(code, Some(1));
    assert!(said.contains("--force"), "{said}");
    std::fs::write(folder.path().join("empty.txt"), "Symbol,Price\nQQ+,1\n").unwrap();
    let (code, _, said) = run(folder.path(), &["empty.txt", "--data", ".", "--force"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("nothing is written"), "{said}");
    assert_eq!(std::fs::read(&stocks).unwrap(), before);

    let (code, printed, _) = run(
        folder.path(),
        &["list.txt", "--out", "stocks.csv", "--force", "--json"],
    );
    assert_eq!(code, Some(0));
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["stocks"], 2);
    assert_eq!(report["left_out"][1]["reason"], "symbol_signs");
    assert_eq!(report["left_out"][1]["examples"][0]["line"], 4);
    assert_ne!(std::fs::read(&stocks).unwrap(), before);
    for arguments in [
        &["none.txt", "--out", "new.csv"][..],
        &[".", "--out", "new.csv"],
    ] {
        let (code, _, said) = run(folder.path(), arguments);
        assert_eq!(code, Some(1), "{said}");
    }
    assert_eq!(run(folder.path(), &["list.txt", "--price", "x"]).0, Some(2));
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["empty.txt", "list.txt", "stocks.csv"]);
}

/// Bytes that often reach the rows: pieces of lists, and anything else.
fn list() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"Symbol;Price\n".to_vec()),
        Just(b"Symbol|Test Issue\n".to_vec()),
        Just(b"\xef\xbb\xbfsep=;\n".to_vec()),
        Just(b"Symbol,Security,Price,Profit\n".to_vec()),
        "[A-Ca-c.$]{0,9}[,;|][0-9.,]{0,8}\n".prop_map(String::into_bytes),
        "[A-C]{1,2},[A-C0]{0,3},[0-9.,\"]{0,6},-?[0-9.]{0,4}\n".prop_map(String::into_bytes),
        vec(prop::sample::select(&b"\"\n\r;,|\t \xff\0"[..]), 0..8),
        vec(any::<u8>(), 0..64),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes: no panic, every row is counted once, and a server reads what is written.
    #[test]
    fn any_bytes_are_imported_or_refused(list in list()) {
        let mut out = Vec::new();
        if let Ok(report) = import(&list[..], Options::default(), &mut out) {
            let left_out: u64 = report.left_out.values().map(|of| of.count).sum();
            prop_assert_eq!(report.rows, report.stocks + left_out);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("stocks.csv");
            std::fs::write(&path, &out).unwrap();
            let read = stocks::read(&path).map_or(0, |list| list.listings.len() as u64);
            prop_assert_eq!(read, report.stocks);
        }
    }
}
