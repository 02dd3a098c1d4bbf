//! Changed passwords: the new one holds after a kill, and every other session and device ends.

use auction_proto::{Accepted, ChangePassword, Code, Refused};

use crate::line::{Line, PASSWORD, password};
use crate::test_market::TestMarket;

const NEW: &str = "a-longer-word-42";

fn change(line: &mut Line, old: &str, new: &str) -> Result<Accepted, Refused> {
    line.command(&ChangePassword {
        old: password(old),
        new: password(new),
    })
}

fn code<T>(result: Result<T, Refused>) -> Option<Code> {
    result.err().map(|refused| refused.code)
}

#[test]
fn a_changed_password_holds_after_a_kill() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut here = Line::trader(server.address(), "mia");
    let mut there = Line::open(server.address());
    let token = there.log_in("mia", PASSWORD).unwrap().token.unwrap();
    drop(Line::trader(server.address(), "tom"));
    change(&mut here, PASSWORD, NEW).unwrap();
    server.kill();

    let server = test_market.open();
    let mut line = Line::open(server.address());
    assert_eq!(
        code(line.log_in("mia", PASSWORD)),
        Some(Code::BAD_CREDENTIALS)
    );
    assert_eq!(code(line.resume(&token)), Some(Code::SESSION_CLOSED));
    line.log_in("mia", NEW).unwrap();
    line.bid(1, "1.50").unwrap();
    // Nobody else's is touched.
    let mut tom = Line::open(server.address());
    tom.log_in("tom", PASSWORD).unwrap();
    server.end();
    test_market.verified();
}

#[test]
fn a_change_closes_the_other_sessions_at_once() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut here = Line::trader(server.address(), "mia");
    let mut there = Line::open(server.address());
    there.log_in("mia", PASSWORD).unwrap();
    change(&mut here, PASSWORD, NEW).unwrap();
    assert_eq!(code(there.bid(1, "1.50")), Some(Code::SESSION_CLOSED));
    here.bid(1, "1.50").unwrap();
    assert_eq!(here.sessions().len(), 1);
}

#[test]
fn a_change_takes_the_present_password_and_tries_are_limited() {
    let test_market = TestMarket::with_lots(1).set("rate-failed-logins", "2/1h");
    let server = test_market.open();
    let mut stranger = Line::open(server.address());
    assert_eq!(
        code(change(&mut stranger, PASSWORD, NEW)),
        Some(Code::NOT_LOGGED_IN)
    );
    let mut mia = Line::trader(server.address(), "mia");
    // What is wrong with the new password costs no try.
    for (new, says) in [
        ("kx7-qhv", "at least 8"),
        ("sunshine1", "commonest"),
        (PASSWORD, "the present one"),
    ] {
        let refused = change(&mut mia, PASSWORD, new).unwrap_err();
        assert_eq!(refused.code, Code::MALFORMED);
        assert!(refused.message.contains(says), "{}", &*refused.message);
    }
    for expected in [
        Code::BAD_CREDENTIALS,
        Code::BAD_CREDENTIALS,
        Code::SLOW_DOWN,
    ] {
        assert_eq!(code(change(&mut mia, "a guess", NEW)), Some(expected));
    }
    // Not even the right one is tried now: the answer must not tell it.
    assert_eq!(code(change(&mut mia, PASSWORD, NEW)), Some(Code::SLOW_DOWN));
    let said = server.end_and_hear();
    let failed = said.lines().filter(|line| line.contains("failed login"));
    assert_eq!(failed.count(), 4, "{said}");
    assert!(!said.contains(NEW) && !said.contains("a guess"), "{said}");
}
