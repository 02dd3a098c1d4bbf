//! Signals that the server survives, and the certificate reload that one of them triggers.

use std::fs;
use std::path::Path;

use auction_client::{Client, ConnectionError, Fingerprint, Trust};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use crate::line::Line;
use crate::test_market::TestMarket;

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
