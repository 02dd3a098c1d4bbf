//! TLS end to end: the real server with a certificate of its own, and those who come to it with and without trust.

use std::fs;
use std::path::Path;

use auction_client::{Client, ConnectionError, Fingerprint, TlsError, Trust};
use auction_core::{LotId, Name, Price};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use crate::house::{DemoAccounts, Server};
use crate::line::PASSWORD;
use crate::person::{Person, Ran};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const NOT_CONNECTED: i32 = 4;

/// A server with a certificate made by itself, and what it says to type.
fn self_signed() -> (DemoAccounts, Server, String, String) {
    let house = DemoAccounts::with_lots(1).set("tls-self-signed", "on");
    let server = house.open();
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
    (house, server, address, fingerprint)
}

/// A command of someone who was told these settings.
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
    let (house, server, address, fingerprint) = self_signed();
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

    // Started anew it has the certificate it had; with another one it is a stranger.
    let port = |server: &Server| format!("tls://{}", server.address());
    let server = house.open();
    let told = [("AUCTION_SERVER", port(&server))];
    let told = [(told[0].0, told[0].1.as_str())];
    let line = format!("lots --fingerprint {fingerprint}");
    assert_eq!(run(&mia, &line, &told).code, DONE);
    let here = server.address().to_string();
    server.end();
    fs::remove_file(house.path().join("tls/self-signed.pem")).unwrap();
    let house = house.set("listen", &here);
    let server = house.open();
    let ran = run(&mia, "lots", &told);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "certificate_not_pinned");
    says(error, "THIS IS NOT THE SERVER THAT WAS PINNED");
    says(error, "remembered from an earlier command");
    says(error, &fingerprint);
    let found = error["fingerprint_found"].as_str().unwrap();
    assert_ne!(found, fingerprint);
    says(error, found);
    // Whoever is told that it is right says so once.
    let line = format!("lots --fingerprint {found}");
    assert_eq!(run(&mia, &line, &told).code, DONE);
    assert_eq!(run(&mia, "lots", &told).code, DONE);
    server.end();
}

#[test]
fn an_authority_is_trusted_by_its_file_and_forgotten_by_a_word() {
    let (house, server, address, _) = self_signed();
    let mia = Person::at(server.address());
    let told = [("AUCTION_SERVER", address.as_str())];
    let unknown = run(&mia, "lots --ca system", &told);
    let unknown = refused(&unknown, NOT_CONNECTED);
    // A machine without authorities says that instead.
    let code = unknown["code"].as_str().unwrap();
    assert!(
        ["certificate_authority_unknown", "tls_failed"].contains(&code),
        "{unknown}"
    );
    says(unknown, "--ca FILE");

    let own = house.path().join("tls/self-signed.pem");
    let other = house.path().join("other.pem");
    identity(&other, "elsewhere.example", 2999);
    let ca = |file: &Path| format!("lots --ca {}", file.display());
    let ran = run(&mia, &ca(&other), &told);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "certificate_authority_unknown");
    says(error, error["fingerprint_found"].as_str().unwrap());
    assert_eq!(run(&mia, &ca(&own), &told).code, DONE);
    assert_eq!(run(&mia, "lots", &told).code, DONE);
    // `system` forgets it only if it is right.
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
        let house = DemoAccounts::with_lots(1)
            .set("tls-cert", path)
            .set("tls-key", path);
        let server = house.open();
        server.until_printed("auction watch\n");
        // What it says to type is what the certificate is for: a name, or the address itself.
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
fn who_mistakes_plain_for_tls_or_tls_for_plain_is_told_what_to_type() {
    let (_house, server, address, fingerprint) = self_signed();
    let mia = Person::at(server.address());
    let ran = run(&mia, "lots", &[]);
    let error = refused(&ran, NOT_CONNECTED);
    assert_eq!(error["code"], "tls_required");
    says(error, &format!("--server {address}"));
    // Trust that would be ignored is refused.
    let line = format!("lots --fingerprint {fingerprint}");
    let ran = run(&mia, &line, &[]);
    says(refused(&ran, USAGE), &format!("--server {address}"));
    let line = format!("{line} --ca system");
    let ran = run(&mia, &line, &[("AUCTION_SERVER", &address)]);
    says(refused(&ran, USAGE), "give one");
    server.end();

    let house = DemoAccounts::with_lots(1);
    let server = house.open();
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

/// Writes a certificate for a name, good until a year, and its key.
fn identity(path: &Path, name: &str, until: i32) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(path, certificate.pem() + &key.serialize_pem()).unwrap();
}
