//! Signals that the server survives, and the certificate reload that one of them triggers.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use auction_client::{Client, ConnectionError, Fingerprint, Trust};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use crate::line::Line;
use crate::test_market::{DEADLINE, Server, TestMarket, until};

#[test]
fn a_hangup_and_user_signals_do_not_end_the_server() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    for (signal, says) in [
        (Signal::HUP, "SIGHUP: there is no certificate to read again"),
        (Signal::USR1, "SIGUSR1 is ignored"),
        (Signal::USR2, "SIGUSR2 is ignored"),
    ] {
        server.signal(signal);
        server.until_said(says);
    }
    mia.bid(1, "1.40").unwrap();
    server.end();
}

#[tokio::test]
async fn a_hangup_replaces_the_certificate_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let first = renew(&cert, &key);
    let test_market = TestMarket::with_lots(1)
        .set("tls-cert", cert.to_str().unwrap())
        .set("tls-key", key.to_str().unwrap());
    let server = test_market.open();
    let address = server.address().to_string();
    let connect =
        async |fingerprint| Client::connect_tls(&address, &Trust::Pinned(fingerprint)).await;
    let early = connect(first).await.unwrap();

    let second = renew(&cert, &key);
    server.signal(Signal::HUP);
    server.until_said("SIGHUP: the certificate was read again");
    assert!(connect(second).await.is_ok());
    let error = connect(first).await.err().unwrap();
    assert!(matches!(error, ConnectionError::Tls(_)), "{error}");
    // Earlier connections stay open.
    early.snapshot().await.unwrap();

    // A certificate of another key, none, and an invalid one.
    let stays = "the server goes on with the one it has: ";
    let cert_shown = cert.display().to_string();
    let other = folder.path().join("other.pem");
    renew(&cert, &other);
    server.signal(Signal::HUP);
    server.until_said(&format!("{stays}{cert_shown} and "));
    fs::remove_file(&cert).unwrap();
    server.signal(Signal::HUP);
    server.until_said(&format!("{stays}{cert_shown}: No such file"));
    fs::write(&cert, "rubbish").unwrap();
    server.signal(Signal::HUP);
    server.until_said(&format!(
        "{stays}{cert_shown}: expected certificates as PEM"
    ));
    assert!(connect(second).await.is_ok(), "the old pair stays whole");

    let third = renew(&cert, &key);
    server.signal(Signal::HUP);
    server.until_said(&hex(third));
    assert!(connect(third).await.is_ok());
    server.end();
}

#[test]
fn a_hangup_opens_the_log_file_again_and_reads_the_level() {
    let test_market = TestMarket::with_lots(1);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("server.log");
    let market = test_market.set("log-file", log.to_str().unwrap());
    let server = market.open();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let until = |path: &Path, says: &str| {
        until(says, || read(path).contains(says).then_some(()));
    };
    until(&log, "a new round");
    // Rotated, as by logrotate.
    let old = folder.path().join("server.log.1");
    fs::rename(&log, &old).unwrap();
    server.signal(Signal::USR1);
    until(&old, "SIGUSR1 is ignored");
    server.signal(Signal::HUP);
    until(&log, "SIGHUP: the log file is open again");
    until(&log, "there is no certificate");
    server.signal(Signal::USR2);
    until(&log, "SIGUSR2 is ignored");
    assert!(!read(&old).contains("SIGUSR2"));
    let mode = fs::metadata(&log).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o137, 0, "{mode:o}");

    // The level counts at once, other settings at the next start, invalid ones never.
    market.write("auction.toml", "log-level = \"warn\"\nseed = 7\n");
    server.signal(Signal::HUP);
    until(
        &log,
        "these settings have changed and count at the next start: seed",
    );
    let before = read(&log).matches("SIGUSR1").count();
    server.signal(Signal::USR1);
    market.write("auction.toml", "log-level = \"loud\"\n");
    server.signal(Signal::HUP);
    until(&log, "expected error, warn, info or debug");
    assert_eq!(read(&log).matches("SIGUSR1").count(), before);
    market.write("auction.toml", "log-level = \"debug\"\n");
    server.signal(Signal::HUP);
    // Signals are not handled in the order in which they were sent: what comes before the level is not logged.
    crate::test_market::until("the level is debug", || {
        server.signal(Signal::USR1);
        read(&log).contains("SIGUSR1 is ignored").then_some(())
    });
    // A file that cannot be opened: the old one stays.
    fs::remove_dir_all(folder.path()).unwrap();
    server.signal(Signal::HUP);
    let said = server.end_and_hear();
    assert_eq!(said, "", "standard error is not the log");
}

#[test]
fn a_start_fails_when_the_log_file_cannot_be_opened() {
    let market = TestMarket::with_lots(1).set("log-file", "/nowhere/server.log");
    let (code, said) = market.fails_to_open();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("the log file /nowhere/server.log: No such file"),
        "{said}"
    );
}

#[test]
fn a_service_manager_is_told_of_start_reload_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let next = |begins: &str| {
        let mut bytes = [0; 512];
        loop {
            let count = socket.recv(&mut bytes).expect(begins);
            let state = String::from_utf8_lossy(&bytes[..count]).into_owned();
            // A start that takes long says so in between.
            if !state.starts_with("EXTEND_TIMEOUT_USEC=") {
                assert!(state.starts_with(begins), "{begins}: {state}");
                return state;
            }
        }
    };
    let test_market = TestMarket::with_lots(1);
    let mut command = test_market.server();
    command.env("NOTIFY_SOCKET", &path);
    let server = Server::spawn(command);
    next("READY=1\n");
    // It listens: the address was printed before.
    server.until_printed("The market listens on ");
    let printed = server.printed();
    let address = printed.lines().next().unwrap().trim_end_matches('.');
    let address = address.rsplit(' ').next().unwrap();
    TcpStream::connect(address).unwrap();
    server.signal(Signal::HUP);
    let reloading = next("RELOADING=1\n");
    let micros = reloading.split("MONOTONIC_USEC=").nth(1).unwrap();
    assert!(micros.parse::<u64>().unwrap() > 0);
    next("READY=1\n");
    server.signal(Signal::TERM);
    next("STOPPING=1\n");
    assert!(server.wait().0.success());
}

/// Writes a new certificate and its key; returns its fingerprint.
fn renew(cert: &Path, key: &Path) -> Fingerprint {
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let pair = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    fs::write(cert, certificate.pem()).unwrap();
    fs::write(key, pair.serialize_pem()).unwrap();
    Fingerprint(Sha256::digest(certificate.der()).into())
}

fn hex(fingerprint: Fingerprint) -> String {
    let bytes = fingerprint.0.iter().map(|byte| format!("{byte:02X}"));
    bytes.collect::<Vec<_>>().join(":")
}
