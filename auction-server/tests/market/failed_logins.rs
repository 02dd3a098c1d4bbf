//! Failed logins: limited by account and address, and logged in one line that fail2ban reads.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use auction_core::Name;
use auction_proto::{Code, Register};
use rustix::net::{AddressFamily, SocketAddrV4, SocketType, bind, connect, socket};

use crate::line::{Line, PASSWORD};
use crate::test_market::{TestMarket, ended, text};

/// A client at this address of the machine.
fn from(address: [u8; 4], server: SocketAddr) -> Line {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::from(address), 0)).unwrap();
    let SocketAddr::V4(server) = server else {
        panic!("the server listens on IPv4")
    };
    connect(&socket, &server).unwrap();
    let mut line = Line::over(TcpStream::from(socket));
    line.greet();
    line
}

const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

#[test]
fn guessing_a_password_does_not_lock_its_owner_out_elsewhere() {
    let market = TestMarket::with_lots(1).set("rate-failed-logins", "2/1h");
    let server = market.open();
    let address = server.address();
    drop(Line::trader(address, "mia"));
    drop(Line::trader(address, "tom"));
    let code = |at, name: &str, password: &str| {
        let tried = from(at, address).log_in(name, password);
        tried.map_or_else(|refused| Some(refused.code), |_| None)
    };
    assert_eq!(code(HERE, "mia", "a guess"), Some(Code::BAD_CREDENTIALS));
    // A right password forgets the wrong ones before it.
    assert_eq!(code(HERE, "mia", PASSWORD), None);
    for _ in 0..2 {
        assert_eq!(code(HERE, "mia", "a guess"), Some(Code::BAD_CREDENTIALS));
    }
    assert_eq!(code(HERE, "mia", "a guess"), Some(Code::SLOW_DOWN));
    // Not even the right one is tried here now: the answer must not tell it.
    assert_eq!(code(HERE, "mia", PASSWORD), Some(Code::SLOW_DOWN));
    assert_eq!(code(ELSEWHERE, "mia", PASSWORD), None);
    assert_eq!(code(HERE, "tom", PASSWORD), None);
    // A name that nobody has behaves in the same way.
    for expected in [
        Code::BAD_CREDENTIALS,
        Code::BAD_CREDENTIALS,
        Code::SLOW_DOWN,
    ] {
        assert_eq!(code(HERE, "nobody", "a guess"), Some(expected));
    }
    let said = server.end_and_hear();
    let lines = said.lines().filter(|line| line.contains("failed login"));
    let of_mia = lines.filter(|line| line.ends_with(" WARN failed login name=mia from=127.0.0.1"));
    assert_eq!(of_mia.count(), 5, "{said}");
    assert!(
        !said.contains("a guess") && !said.contains(PASSWORD),
        "{said}"
    );
}

#[test]
fn a_closed_registration_makes_no_account() {
    let market = TestMarket::with_lots(1).set("registration", "closed");
    market.write(
        "users.csv",
        &format!("name,role,password\nmia,trader,{PASSWORD}\n"),
    );
    let server = market.open();
    let mut line = Line::open(server.address());
    let refused = line.register("tom").unwrap_err();
    assert_eq!(refused.code, Code::NOT_PERMITTED);
    assert!(refused.message.to_string().contains("ask the operator"));
    // Whether the name is taken or not.
    assert_eq!(line.register("mia").unwrap_err().code, Code::NOT_PERMITTED);
    line.log_in("mia", PASSWORD).unwrap();
    server.end();
    assert_eq!(market.export("users").len(), 1);
}

#[test]
fn a_weak_password_makes_no_account() {
    let market = TestMarket::with_lots(1);
    let server = market.open();
    let mut line = Line::open(server.address());
    for (password, says) in [
        ("kx7-qhv", "at least 8 characters"),
        ("P@ssw0rd1", "one of the commonest"),
        ("12345678", "a row of characters"),
        ("ann.of.berlin", "the name of the account"),
    ] {
        let name = Name::parse("ann.of.berlin").unwrap();
        let secret = crate::line::password(password);
        let register = Register {
            name,
            password: secret,
        };
        let refused = line.command(&register).unwrap_err();
        assert_eq!(refused.code, Code::MALFORMED);
        let said = refused.message.to_string();
        assert!(said.contains(says) && !said.contains(password), "{said}");
    }
    server.end();
    let mut add = market.program(&["user", "add", "ann", "--role", "trader"]);
    let output = ended(add.env("AUCTION_PASSWORD", "sunshine1"));
    assert_eq!(output.status.code(), Some(1));
    let said = text(output.stderr);
    assert!(said.contains("one of the commonest"), "{said}");
    assert_eq!(market.export("users").len(), 0);
}

#[test]
#[ignore = "needs fail2ban"]
fn fail2ban_reads_failed_logins_from_both_forms_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let filter = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fail2ban/filter.conf");
    for form in ["human", "json"] {
        let log = folder.path().join(form);
        let market = TestMarket::with_lots(1)
            .set("log", form)
            .set("log-file", log.to_str().unwrap());
        let server = market.open();
        drop(Line::trader(server.address(), "mia"));
        for at in [HERE, ELSEWHERE, ELSEWHERE] {
            from(at, server.address())
                .log_in("mia", "a guess")
                .unwrap_err();
        }
        server.end();
        let mut fail2ban = Command::new("fail2ban-regex");
        let output = ended(fail2ban.args(["--out", "ip"]).arg(&log).arg(&filter));
        let printed = text(output.stdout);
        let addresses: Vec<_> = printed.lines().collect();
        let expected = ["127.0.0.1", "127.0.0.2", "127.0.0.2"];
        let logged = fs::read_to_string(&log).unwrap();
        assert_eq!(addresses, expected, "{form}: {logged}");
    }
}
