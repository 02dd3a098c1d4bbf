//! `auction-server user`: accounts of a running server are listed, locked, closed and given another password.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use auction_proto::{Code, LoggedIn, Refused};

use crate::line::{Line, PASSWORD};
use crate::test_market::{Server, TestMarket, ended, text};

const NEW: &str = "a-longer-word-42";

/// Exit code, standard output and standard error of `user ...`.
fn user(market: &TestMarket, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = market.program(&[&["user"], arguments].concat());
    let output = ended(command.env("AUCTION_PASSWORD", NEW));
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn done(market: &TestMarket, arguments: &[&str]) -> String {
    let (code, printed, said) = user(market, arguments);
    assert_eq!(code, Some(0), "{said}");
    printed
}

fn refused(market: &TestMarket, arguments: &[&str]) -> String {
    let (code, printed, said) = user(market, arguments);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    said
}

fn log_in(server: &Server, password: &str) -> Result<LoggedIn, Refused> {
    Line::open(server.address()).log_in("mia", password)
}

fn code(server: &Server, password: &str) -> Option<Code> {
    log_in(server, password).err().map(|refused| refused.code)
}

#[test]
fn a_locked_account_ends_its_sessions_and_outlives_a_kill() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.50").unwrap();
    done(&market, &["lock", "mia"]);
    assert_eq!(mia.bid(1, "1.60").unwrap_err().code, Code::SESSION_CLOSED);
    server.kill();

    let server = market.open();
    let locked = log_in(&server, PASSWORD).unwrap_err();
    assert_eq!(locked.code, Code::ACCOUNT_LOCKED);
    assert!(locked.message.contains("ask the operator"));
    // Without the password nothing tells that it is locked.
    assert_eq!(code(&server, "a guess"), Some(Code::BAD_CREDENTIALS));
    assert!(refused(&market, &["lock", "mia"]).contains("is locked already"));
    // Its bid binds.
    assert_eq!(market.export("bids").len(), 1);
    done(&market, &["unlock", "mia"]);
    assert_eq!(code(&server, PASSWORD), None);
    server.end();
    market.verified();
}

#[test]
fn a_closed_account_is_closed_for_good() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    drop(Line::trader(server.address(), "mia"));
    done(&market, &["close", "mia"]);
    assert_eq!(code(&server, PASSWORD), Some(Code::ACCOUNT_CLOSED));
    assert_eq!(code(&server, "a guess"), Some(Code::BAD_CREDENTIALS));
    for again in ["unlock", "lock", "passwd"] {
        assert!(refused(&market, &[again, "mia"]).contains("closed for good"));
    }
    let taken = Line::open(server.address()).register("mia").unwrap_err();
    assert_eq!(taken.code, Code::NAME_TAKEN);
}

#[test]
fn the_operator_sets_a_password_and_ends_the_sessions() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    let mut mia = Line::trader(server.address(), "mia");
    done(&market, &["passwd", "mia"]);
    assert_eq!(mia.bid(1, "1.60").unwrap_err().code, Code::SESSION_CLOSED);
    server.kill();
    let server = market.open();
    assert_eq!(code(&server, PASSWORD), Some(Code::BAD_CREDENTIALS));
    assert_eq!(code(&server, NEW), None);
    let said = server.end_and_hear();
    assert!(!said.contains(NEW), "{said}");
}

#[test]
fn accounts_are_listed_and_shown_without_secrets() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    let _mia = Line::trader(server.address(), "mia");
    let _tom = Line::trader(server.address(), "tom");
    done(&market, &["lock", "tom"]);
    let shown = done(&market, &["list", "--json"]);
    let expected = concat!(
        r#"[{"access":"open","devices":0,"name":"mia","role":"trader","sessions":1,"symbol":null,"user":1},"#,
        r#"{"access":"locked","devices":0,"name":"tom","role":"trader","sessions":0,"symbol":null,"user":2}]"#,
        "\n"
    );
    assert_eq!(shown, expected);
    let rows = done(&market, &["list"]);
    assert!(rows.contains("tom") && rows.contains("locked"), "{rows}");
    assert!(done(&market, &["show", "mia"]).contains("access    open\n"));
    assert!(refused(&market, &["show", "nobody"]).contains("there is no account nobody"));
    drop(server);
}

#[test]
fn without_a_server_the_remedy_is_told() {
    let market = TestMarket::with_lots(1);
    assert!(refused(&market, &["list"]).contains("start it first"));
    // A killed server leaves its socket, which nobody answers, and the next start replaces.
    market.open().kill();
    assert!(market.path().join("operator.sock").exists());
    assert!(refused(&market, &["list"]).contains("start it first"));
    market.open().end();
    assert!(!market.path().join("operator.sock").exists());
}

#[test]
fn the_socket_is_the_owners_and_refuses_rubbish() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    let path = market.path().join("operator.sock");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let long = "x".repeat(5_000);
    for (sent, says) in [
        ("rubbish", "is no JSON"),
        ("{}", "names no command"),
        (r#"{"command":"lock"}"#, "names no account"),
        (r#"{"command":"lock","name":"M!"}"#, "the name"),
        (long.as_str(), "is no JSON"),
    ] {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(format!("{sent}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        // What was sent beyond the limit is not read, and can reset the connection behind the answer.
        let _ = stream.read_to_string(&mut answer);
        assert!(
            answer.contains(says) && answer.contains("error"),
            "{answer}"
        );
    }
    server.end();
}
