//! `config check`: reports before a start the errors that a start would report.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use auction_server::testing::cli::check::check;
use auction_server::testing::cli::findings::Severity;
use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::config::{Config, OpsListen, Tls};
use auction_server::testing::journal::{Journal, NewJournal, Options, RealDisk};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

const STOCKS: &str = "Security,Symbol,Price,Profit\n01,A,1,0\n02,B,1,0\n";

fn folder(files: &[(&str, &str)]) -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut config = Config {
        data: DataDir::new(folder.path()),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    config.network.ops = OpsListen::Off;
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
    assert_eq!(checked.texts(Severity::Error), [""; 0]);
    let found = checked.texts(Severity::Ok).join("\n");
    for says in [
        "stocks.csv: 2 stocks",
        "lots.csv: 1 lot\n",
        "users.csv: 2 accounts",
        "journal: none yet",
    ] {
        assert!(found.contains(says), "{says:?} is not in: {found}");
    }
    let warnings = checked.texts(Severity::Warning).join("\n");
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
    let faults = check(&config).texts(Severity::Error).join("\n");
    for says in [
        "stocks.csv: expected certificates as PEM",
        "lots.csv:3: ",
        "users.csv:2: ",
        "users.csv:3: symbol X is not listed",
    ] {
        assert!(faults.contains(says), "{says:?} is not in: {faults}");
    }
    config.network.tls = Tls::Off;
    let warnings = check(&config).texts(Severity::Warning).join("\n");
    assert!(warnings.contains("unencrypted"), "{warnings}");

    let (_folder, config) = self::folder(&[]);
    let faults = check(&config).texts(Severity::Error).join("\n");
    assert!(faults.contains("stocks.csv"), "{faults}");
}

/// Writes a certificate of these years, and its key, into one file.
fn identity(path: &Path, from: i32, to: i32) {
    let mut params = CertificateParams::new(["auction.test".to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(path, certificate.pem() + &key.serialize_pem()).unwrap();
}

#[test]
fn the_dates_of_a_certificate_are_checked() {
    let (folder, mut config) = folder(&[("stocks.csv", STOCKS)]);
    let cert = folder.path().join("both.pem");
    config.network.tls = Tls::Files {
        key: cert.clone(),
        cert: cert.clone(),
    };
    for (from, to, says) in [
        (
            2001,
            2002,
            "both.pem: the certificate expired at 2002-01-01",
        ),
        (
            2998,
            2999,
            "both.pem: the certificate is valid from 2998-01-01",
        ),
        (2001, 2999, ""),
    ] {
        identity(&cert, from, to);
        let checked = check(&config);
        assert_eq!(checked.texts(Severity::Error), [""; 0]);
        let warnings = checked.texts(Severity::Warning).join("\n");
        assert!(warnings.contains(says), "{says:?} is not in: {warnings}");
        assert_eq!(
            warnings.contains("certificate"),
            !says.is_empty(),
            "{warnings}"
        );
    }
    // A self-signed one that an earlier start made.
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    identity(&config.data.self_signed(), 2001, 2002);
    config.network.tls = Tls::SelfSigned;
    let warnings = check(&config).texts(Severity::Warning).join("\n");
    assert!(
        warnings.contains("self-signed.pem: the certificate expired"),
        "{warnings}"
    );
}

#[test]
fn a_port_in_use_is_a_fault_unless_this_server_has_it() {
    let (_folder, mut config) = folder(&[("stocks.csv", STOCKS)]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    config.listen = taken.local_addr().unwrap();
    config.network.ops = OpsListen::At(config.listen);
    let faults = check(&config).texts(Severity::Error);
    let address = config.listen;
    assert_eq!(faults.len(), 2, "{faults:?}");
    for (fault, setting) in faults.iter().zip(["listen", "ops-listen"]) {
        let begins = format!("{setting}: {address}: Address already in use");
        assert!(fault.starts_with(&begins), "{fault}");
    }
    let journal = config.data.journal();
    let options = Options::new(NewJournal::random());
    let (held, _) = Journal::open(Arc::new(RealDisk), &journal, options, None, |_| Ok(())).unwrap();
    let checked = check(&config);
    assert_eq!(checked.texts(Severity::Error), [""; 0]);
    let found = checked.texts(Severity::Ok).join("\n");
    assert!(found.contains("is running on it"), "{found}");
    assert!(
        found.contains(&format!("listen: {address} is in use")),
        "{found}"
    );
    drop(held);
    assert_eq!(check(&config).texts(Severity::Error).len(), 2);
    drop(taken);
    assert_eq!(check(&config).texts(Severity::Error), [""; 0]);
}
