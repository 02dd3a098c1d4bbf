//! Results that anyone can prove: the public journal of a real market, checked by the real program without a server.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use auction_client::{Proof, ProofError, Verifier};
use serde_json::Value;

use crate::line::PASSWORD;
use crate::person::{Person, Ran};
use crate::test_market::{Server, TestMarket, ended, text};

/// Range of the term in a frame's header: the chain does not cover the term.
const TERM: std::ops::Range<usize> = 12..20;
const BEGINNING_BYTES: usize = 32;
const HEADER_BYTES: usize = 60;
/// Distance between flipped bytes, which divides no length in the file.
const FLIPPED_EVERY: usize = 37;
/// Numbers that occur nowhere else: a winner's maximum, a reserve, a sealed bid of an open lot.
const SECRETS: [&str; 3] = ["77777.7777", "66666.6666", "55555.5555"];

/// The public journal of a house.
pub fn public_journal(test_market: &TestMarket) -> Vec<u8> {
    let output = ended(&mut test_market.program(&["export", "journal"]));
    assert!(output.status.success(), "{}", text(output.stderr));
    output.stdout
}

pub fn prove(bytes: &[u8]) -> Result<Proof, ProofError> {
    let mut verifier = Verifier::new();
    for piece in bytes.chunks(1_000) {
        verifier.take(piece, |_| {})?;
    }
    verifier.finish()
}

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(6);
    test_market.write("lots.csv", "symbol,format\nS1,english\n");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

/// A market of every format, some of it closed.
fn played(test_market: &TestMarket) -> Server {
    let server = test_market.open();
    let [ann, mia, tom] = ["ann", "mia", "tom"].map(|name| {
        let person = Person::at(server.address());
        if name != "ann" {
            person.does(&format!("register {name}"));
        }
        person.does(&format!("login {name}"));
        person
    });
    for line in [
        "open S2 --format dutch --start 100 --step 1 --interval 1h --floor 50",
        "open S3 --format vickrey --reserve 2 --open-for 1h",
        "open S4 --format uniform --quantity 100 --open-for 1h",
        "open S5 --format sealed-first --open-for 1h",
        &format!(
            "open S6 --format english --reserve {} --open-for 1h",
            SECRETS[1]
        ),
    ] {
        ann.does(line);
    }
    mia.does("bid S1 1.40");
    tom.does("bid S1 3 --max");
    mia.does(&format!("bid S1 {} --max", SECRETS[0]));
    tom.does("take S2");
    mia.does("bid S3 5");
    tom.does("bid S3 4");
    mia.does("order S4 buy 70 12.5");
    tom.does("order S4 buy 60 12");
    tom.does("order S4 buy 10 11");
    mia.does(&format!("bid S5 {}", SECRETS[2]));
    mia.does("bid S6 2");
    for symbol in ["S1", "S3", "S4"] {
        ann.does(&format!("close {symbol}"));
    }
    server
}

fn verify(test_market: &TestMarket, bytes: &[u8], arguments: &str) -> Ran {
    let file = test_market.path().join("market.auctpub");
    fs::write(&file, bytes).unwrap();
    // Nothing listens there, and nothing needs to.
    let anyone = Person::at("127.0.0.1:1".parse().unwrap());
    let line = format!("verify {} {arguments}", file.display());
    Ran::of(&mut anyone.command(line.trim()))
}

#[test]
fn a_killed_market_is_proved_from_its_public_journal_alone() {
    let test_market = test_market();
    let server = played(&test_market);
    // Beside the running server, and after its end.
    let beside = public_journal(&test_market);
    server.kill();
    let bytes = public_journal(&test_market);
    assert!(bytes.starts_with(&beside[..beside.len() - HEADER_BYTES]));

    let ran = verify(&test_market, &bytes, "--user tom");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json["verified"], true);
    assert_eq!(ran.json["digest"], test_market.verified_digest());
    let lots = ran.json["lots"].as_array().unwrap();
    assert_eq!(lots.len(), 4, "{lots:?}");
    assert_eq!(lots[0]["outcome"]["winner"], "mia");
    assert_eq!(lots[2]["outcome"]["price"], "4.00");
    let bids: Vec<&str> = ran.json["bids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bid| bid["what"].as_str().unwrap())
        .collect();
    for told in [
        "the maximum was 3.00, and was beaten",
        "bid 100.00: you lead at 100.00",
        "order 1 for 60 at 12.00: got 30 at 12.00",
        "order 2 for 10 at 11.00: got none",
    ] {
        assert!(bids.contains(&told), "{told}: {bids:?}");
    }
    let unknown = verify(&test_market, &bytes, "--user nobody");
    assert_eq!(unknown.code, 1);
}

#[test]
fn no_secret_is_in_the_public_journal() {
    let test_market = test_market();
    played(&test_market).end();
    let bytes = public_journal(&test_market);
    assert!(!contains(&bytes, PASSWORD.as_bytes()));
    assert!(!contains(&bytes, b"argon2"));
    for secret in SECRETS {
        let units: u64 = secret.replace('.', "").parse().unwrap();
        assert!(!contains(&bytes, &varint(units)), "{secret}");
        assert!(!contains(&bytes, &units.to_le_bytes()), "{secret}");
    }
    // The beaten maximum is there: tom's 3.
    assert!(contains(&bytes, &varint(30_000)));
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let test_market = test_market();
    played(&test_market).end();
    let bytes = public_journal(&test_market);
    prove(&bytes).unwrap();
    let terms = terms(&bytes);
    let anywhere = (0..bytes.len()).step_by(FLIPPED_EVERY);
    for at in anywhere.filter(|at| !terms.iter().any(|term| term.contains(at))) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(prove(&flipped).is_err(), "byte {at}");
    }
    for end in [0, 1, BEGINNING_BYTES, bytes.len() / 2, bytes.len() - 1] {
        assert!(prove(&bytes[..end]).is_err(), "cut at {end}");
    }
    let ran = verify(&test_market, &bytes[..bytes.len() / 2], "");
    assert_eq!(
        (ran.code, &ran.json["error"]["code"]),
        (1, &Value::from("not_as_written"))
    );
}

#[test]
fn the_public_journal_goes_to_a_file_and_through_a_pipe() {
    let test_market = test_market();
    played(&test_market).end();
    let refused = ended(&mut test_market.program(&["export", "journal", "--format", "json"]));
    assert_eq!(refused.status.code(), Some(2));
    let anyone = Person::at("127.0.0.1:1".parse().unwrap());
    let mut command: Command = anyone.command("verify -");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&public_journal(&test_market)).unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Encodes a number as postcard does.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number as u8) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The ranges of the terms of the frames.
fn terms(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut terms = Vec::new();
    let mut at = BEGINNING_BYTES;
    while number(at) > 0 {
        terms.push(at + TERM.start..at + TERM.end);
        at += HEADER_BYTES + number(at + 20) + number(at + 24);
    }
    terms
}
