//! Sessions: they outlive the server, are listed and revoked, and end with a logout.

use auction_core::{RequestId, SessionId};
use auction_proto::{CloseSession, Code, Done, Logout, Ping};

use crate::line::{Line, PASSWORD};
use crate::test_market::TestMarket;

#[test]
fn a_session_survives_a_kill_and_its_requests_are_done_once() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut line = Line::open(server.address());
    line.register("mia").unwrap();
    let logged_in = line.log_in("mia", PASSWORD).unwrap();
    let token = logged_in.token.unwrap();
    assert_eq!(logged_in.last_request, RequestId(0));
    line.number_from(40);
    line.bid(1, "1.50").unwrap();
    server.kill();

    let server = test_market.open();
    let mut line = Line::open(server.address());
    let resumed = line.resume(&token).unwrap();
    assert_eq!(
        (resumed.session, resumed.user),
        (logged_in.session, logged_in.user)
    );
    assert_eq!((resumed.token, resumed.last_request), (None, RequestId(40)));
    line.number_from(40);
    assert_eq!(line.bid(1, "1.50").unwrap().done, Done::Before);
    line.number_from(40);
    assert_eq!(line.bid(1, "1.60").unwrap_err().code, Code::REQUEST_REUSED);
    line.bid(2, "1.60").unwrap();
    assert_eq!(test_market.export("bids").len(), 2);
}

#[test]
fn sessions_are_listed_revoked_and_logged_out_for_good() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut here = Line::open(server.address());
    here.register("mia").unwrap();
    let here_is = here.log_in("mia", PASSWORD).unwrap();
    let mut there = Line::open(server.address());
    let there_is = there.log_in("mia", PASSWORD).unwrap();
    let mut stranger = Line::trader(server.address(), "tom");

    let listed = here.sessions();
    let sessions: Vec<_> = listed
        .iter()
        .map(|one| (one.session, one.current))
        .collect();
    assert_eq!(
        sessions,
        [(here_is.session, true), (there_is.session, false)]
    );
    let (session, theirs) = (there_is.session, stranger.sessions()[0].session);
    assert!(
        stranger.command(&CloseSession { session }).is_err(),
        "it is another's"
    );
    assert!(
        here.command(&CloseSession { session: theirs }).is_err(),
        "it is another's"
    );
    there.bid(1, "1.50").unwrap();
    here.command(&CloseSession { session }).unwrap();
    assert_eq!(there.bid(1, "1.60").unwrap_err().code, Code::SESSION_CLOSED);

    let mut elsewhere = Line::open(server.address());
    let revoked = there_is.token.unwrap();
    assert_eq!(
        elsewhere.resume(&revoked).unwrap_err().code,
        Code::SESSION_CLOSED
    );
    here.command(&Logout {}).unwrap();
    assert_eq!(here.bid(1, "1.70").unwrap_err().code, Code::NOT_LOGGED_IN);
    let left = here_is.token.unwrap();

    // All of it is kept after a kill.
    server.kill();
    let server = test_market.open();
    for token in [&revoked, &left] {
        let refused = Line::open(server.address()).resume(token).unwrap_err();
        assert_eq!(refused.code, Code::SESSION_CLOSED);
    }
    let mut again = Line::open(server.address());
    let session = again.log_in("mia", PASSWORD).unwrap().session;
    assert!(session > SessionId(0) && session != here_is.session && session != there_is.session);
    assert_eq!(again.sessions().len(), 1);
}

#[test]
fn a_user_has_sixteen_sessions_and_one_more_closes_the_oldest() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut first = Line::trader(server.address(), "mia");
    for _ in 0..16 {
        Line::open(server.address())
            .log_in("mia", PASSWORD)
            .unwrap();
    }
    assert_eq!(first.bid(1, "2").unwrap_err().code, Code::SESSION_CLOSED);
    let mut last = Line::open(server.address());
    last.log_in("mia", PASSWORD).unwrap();
    assert_eq!(last.sessions().len(), 16);
}

#[test]
fn commands_need_a_session_and_reading_does_not() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut line = Line::open(server.address());
    assert_eq!(line.bid(1, "2").unwrap_err().code, Code::NOT_LOGGED_IN);
    assert_eq!(
        line.command(&Logout {}).unwrap_err().code,
        Code::NOT_LOGGED_IN
    );
    assert_eq!(line.snapshot().open_lots(), 1);
    line.register("mia").unwrap();
    assert_eq!(line.register("MIA").unwrap_err().code, Code::NAME_TAKEN);
    line.log_in("mia", PASSWORD).unwrap();
    assert_eq!(
        line.log_in("mia", PASSWORD).unwrap_err().code,
        Code::ALREADY_LOGGED_IN
    );
    line.ask(&Ping {
        client_time: Default::default(),
    });
}
