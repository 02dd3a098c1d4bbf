//! TLS end to end: the real server with a certificate, and clients with and without trust.

use std::fs;
use std::path::Path;

use auction_client::{Client, ConnectionError, Fingerprint, TlsError, Trust};
use auction_core::{LotId, Name, Price};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use crate::line::PASSWORD;
use crate::person::{Person, Ran};
use crate::test_market::{Server, TestMarket};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const NOT_CONNECTED: i32 = 4;

/// A server with a self-signed certificate, and the command that it prints.
fn self_signed() -> (TestMarket, Server, String, String) {
    let test_market = TestMarket::with_lots(1).set("tls-self-signed", "on");
    let server = test_market.open();
    server.until_printed("auction watch\n");
    let printed = server.printed();
    let said = |name: &str| {
        let begin = format!("export {name}=");
        let line = printed
            .lines()
            .find_map(|line| line.trim().strip_prefix(&begin));
        line.unwrap_or_else(|| panic!("{name} is not in: {printed}"))
            .to_owned()
    };
    let (address, fingerprint) = (said("AUCTION_SERVER"), said("AUCTION_FINGERPRINT"));
    assert_eq!(address, format!("tls://{}", server.address()));
    (test_market, server, address, fingerprint)
}

/// Runs a command of a user with these settings.
fn run(person: &Person, line: &str, settings: &[(&str, &str)]) -> Ran {
    let mut command = person.command(line);
    command.env("AUCTION_PASSWORD", PASSWORD);
    command.envs(settings.iter().copied());
    Ran::of(&mut command)
}

fn refused(ran: &Ran, code: i32) -> &Value {
    assert_eq!(ran.code, code, "{}", ran.json);
    &ran.json["error"]
}

#[track_caller]
fn says(error: &Value, expected: &str) {
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(expected),
        "{expected:?} is not in: {message}"
    );
}

#[test]
fn what_the_server_says_to_type_leads_in_and_is_remembered() {
    let (test_market, server, address, fingerprint) = self_signed();
    let mia = Person::at(server.address());
    let told = [
        ("AUCTION_SERVER", address.as_str()),
        ("AUCTION_FINGERPRINT", fingerprint.as_str()),
    ];
    assert_eq!(run(&mia, "register mia", &told).code, DONE);
    // From here on the address is enough.
    let address = [told[0]];
    assert_eq!(run(&mia, "login mia", &address).code, DONE);
    let bid = run(&mia, "bid S1 1.40", &address);
    assert_eq!(bid.json["leads"], true, "{}", bid.json);
    let status = run(&mia, "status", &address);
    assert_eq!(status.json["address"], address[0].1);
    assert_eq!(status.json["user"], "mia");
    server.end();

    // After a restart it has the same certificate; a different one makes it untrusted.
    let port = |server: &Server| format!("tls://{}", server.address());
    let server = test_market.open();
    let told = [("AUCTION_SERVER", port(&server))];
    let told = [(told[0].0, told[0].1.as_str())];
    let line = format!("lots --fingerprint {fingerprint}");
    assert_eq!(run(&mia, &line, &told).code, DONE);
    let here = server.address().to_string();
    server.end();
    fs::remove_file(test_market.path().join("tls/self-signed.pem")).unwrap();
    let test_market = test_market.set("listen", &here);
    let server = test_market.open();
    let ran = run(&mia, "lots", &told);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "certificate_not_pinned");
    says(error, "THIS IS NOT THE SERVER THAT WAS PINNED");
    says(error, "remembered from an earlier command");
    says(error, &fingerprint);
    let found = error["fingerprint_found"].as_str().unwrap();
    assert_ne!(found, fingerprint);
    says(error, found);
    // Users confirm the fingerprint once.
    let line = format!("lots --fingerprint {found}");
    assert_eq!(run(&mia, &line, &told).code, DONE);
    assert_eq!(run(&mia, "lots", &told).code, DONE);
    server.end();
}

#[test]
fn an_authority_is_trusted_by_its_file_and_forgotten_by_a_word() {
    let (test_market, server, address, _) = self_signed();
    let mia = Person::at(server.address());
    let told = [("AUCTION_SERVER", address.as_str())];
    let unknown = run(&mia, "lots --ca system", &told);
    let unknown = refused(&unknown, NOT_CONNECTED);
    // A machine without root certificates reports that instead.
    let code = unknown["code"].as_str().unwrap();
    assert!(
        ["certificate_authority_unknown", "tls_failed"].contains(&code),
        "{unknown}"
    );
    says(unknown, "--ca FILE");

    let own = test_market.path().join("tls/self-signed.pem");
    let other = test_market.path().join("other.pem");
    identity(&other, "elsewhere.example", 2999);
    let ca = |file: &Path| format!("lots --ca {}", file.display());
    let ran = run(&mia, &ca(&other), &told);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "certificate_authority_unknown");
    says(error, error["fingerprint_found"].as_str().unwrap());
    assert_eq!(run(&mia, &ca(&own), &told).code, DONE);
    assert_eq!(run(&mia, "lots", &told).code, DONE);
    // `system` forgets the fingerprint only if the connection is trusted.
    assert_eq!(run(&mia, "lots --ca system", &told).code, NOT_CONNECTED);
    assert_eq!(run(&mia, "lots", &told).code, DONE);
    server.end();
}

#[test]
fn names_and_times_of_a_certificate_count() {
    let folder = tempfile::tempdir().unwrap();
    for (name, until, code, expected) in [
        (
            "elsewhere.example",
            2999,
            "certificate_for_other_name",
            "elsewhere.example",
        ),
        (
            "127.0.0.1",
            2001,
            "certificate_expired",
            "expired at 2001-01-01",
        ),
    ] {
        let pem = folder.path().join(format!("{name}.pem"));
        identity(&pem, name, until);
        let path = pem.to_str().unwrap();
        let test_market = TestMarket::with_lots(1)
            .set("tls-cert", path)
            .set("tls-key", path);
        let server = test_market.open();
        server.until_printed("auction watch\n");
        // The printed command uses the certificate's name, or the address itself.
        let port = server.address().port();
        let typed = format!("export AUCTION_SERVER=tls://{name}:{port}\n");
        assert!(server.printed().contains(&typed), "{}", server.printed());
        let mia = Person::at(server.address());
        let address = format!("tls://{}", server.address());
        let told = [("AUCTION_SERVER", address.as_str()), ("AUCTION_CA", path)];
        let ran = run(&mia, "lots", &told);
        let error = refused(&ran, NOT_CONNECTED);
        assert_eq!(error["code"], code);
        says(error, expected);
        server.end();
    }
}

#[test]
fn mixing_up_plain_and_tls_shows_the_right_command() {
    let (_house, server, address, fingerprint) = self_signed();
    let mia = Person::at(server.address());
    let ran = run(&mia, "lots", &[]);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "tls_required");
    says(error, &format!("--server {address}"));
    // Trust settings that would be ignored are refused.
    let line = format!("lots --fingerprint {fingerprint}");
    let ran = run(&mia, &line, &[]);
    says(refused(&ran, USAGE), &format!("--server {address}"));
    let line = format!("{line} --ca system");
    let ran = run(&mia, &line, &[("AUCTION_SERVER", &address)]);
    says(refused(&ran, USAGE), "give one");
    server.end();

    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mia = Person::at(server.address());
    let plain = server.address().to_string();
    let address = format!("tls://{plain}");
    let told = [
        ("AUCTION_SERVER", address.as_str()),
        ("AUCTION_FINGERPRINT", fingerprint.as_str()),
    ];
    let ran = run(&mia, "lots", &told);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "tls_not_spoken");
    says(error, &format!("--server {plain}"));
    server.end();
}

#[tokio::test]
async fn the_library_bids_and_watches_over_tls() {
    let (_house, server, _, fingerprint) = self_signed();
    let address = server.address().to_string();
    let fingerprint: Fingerprint = fingerprint.parse().unwrap();
    let client = Client::connect_tls(&address, &Trust::Pinned(fingerprint)).await;
    let client = client.unwrap();
    let (name, password) = (Name::parse("mia").unwrap(), || {
        auction_client::Secret::new(PASSWORD.to_owned()).unwrap()
    });
    client.register(name, password()).await.unwrap();
    client.login(name, password()).await.unwrap();
    let mut watch = client.watch().await.unwrap();
    let price = Price::parse("1.40").unwrap();
    assert!(client.bid(LotId(1), price).await.unwrap().bid.leads);
    while watch.market().lot(LotId(1)).unwrap().price() != Some(price) {
        watch.next().await;
    }

    let pinned = Trust::Pinned(Fingerprint([7; 32]));
    let error = Client::connect_tls(&address, &pinned).await.err().unwrap();
    let ConnectionError::Tls(TlsError::OtherCertificate { found, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(found, fingerprint);
    server.end();
}

/// Writes a certificate for a name, valid until a given year, and its key.
fn identity(path: &Path, name: &str, until: i32) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(path, certificate.pem() + &key.serialize_pem()).unwrap();
}
