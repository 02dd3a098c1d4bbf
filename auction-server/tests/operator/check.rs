//! `config check`: reports before a start the errors that a start would report.

use auction_server::testing::cli::check::check;
use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::config::{Config, Tls};
use tempfile::TempDir;

const STOCKS: &str = "Security,Symbol,Price,Profit\n01,A,1,0\n02,B,1,0\n";

fn folder(files: &[(&str, &str)]) -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let config = Config {
        data: DataDir::new(folder.path()),
        ..Config::default()
    };
    (folder, config)
}

#[test]
fn what_is_there_is_said_and_nothing_is_made() {
    let users = "name,role,password,symbol\nmia,trader,secret word,\napple,company,secret word,A\n";
    let lots = "symbol,format\nA,english\n";
    let files = [
        ("stocks.csv", STOCKS),
        ("users.csv", users),
        ("lots.csv", lots),
    ];
    let (folder, mut config) = folder(&files);
    config.network.tls = Tls::SelfSigned;
    let checked = check(&config);
    assert_eq!(checked.faults, [""; 0]);
    let found = checked.found.join("\n");
    for says in [
        "stocks.csv: 2 stocks",
        "lots.csv: 1 lot\n",
        "users.csv: 2 accounts",
        "journal: none yet",
    ] {
        assert!(found.contains(says), "{says:?} is not in: {found}");
    }
    let warnings = checked.warnings.join("\n");
    assert!(
        warnings.contains("users.csv: plain passwords"),
        "{warnings}"
    );
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 3, "nothing is made");
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place() {
    let users = "name,role,password,symbol\nM!,trader,secret word,\napple,company,secret word,X\n";
    let lots = "symbol,format\nA,english\nX,english\n";
    let files = [
        ("stocks.csv", STOCKS),
        ("users.csv", users),
        ("lots.csv", lots),
    ];
    let (folder, mut config) = folder(&files);
    let cert = folder.path().join("stocks.csv");
    config.network.tls = Tls::Files {
        key: cert.clone(),
        cert,
    };
    config.listen = "0.0.0.0:0".parse().unwrap();
    let faults = check(&config).faults.join("\n");
    for says in [
        "stocks.csv: expected certificates as PEM",
        "lots.csv:3: ",
        "users.csv:2: ",
        "users.csv:3: symbol X is not listed",
    ] {
        assert!(faults.contains(says), "{says:?} is not in: {faults}");
    }
    config.network.tls = Tls::Off;
    let warnings = check(&config).warnings.join("\n");
    assert!(warnings.contains("unencrypted"), "{warnings}");

    let (_folder, config) = self::folder(&[]);
    let faults = check(&config).faults.join("\n");
    assert!(faults.contains("stocks.csv"), "{faults}");
}
