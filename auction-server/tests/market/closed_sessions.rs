//! Permissions of a connection after its session was closed elsewhere: nothing that concerns the account, from the
//! moment at which the close is acknowledged.

use auction_core::{AccountEvent, LotId, Price, Quantity, RequestId, SessionId, Side, UserId};
use auction_proto::{
    ClientMessage, CloseSession, Code, GetBalance, GetOrders, Logout, Ping, PlaceOrder,
    ServerMessage, Token, WatchAccount,
};

use crate::line::{Line, PASSWORD};
use crate::test_market::{Server, TestMarket, until};

/// The lot that takes hidden bids.
const SEALED: LotId = LotId(1);

/// One of each request that needs a session.
const NEED_A_SESSION: &[&str] = &[
    r#"{"list_sessions":{}}"#,
    r#"{"list_devices":{}}"#,
    r#"{"watch_account":{}}"#,
    r#"{"get_balance":{}}"#,
    r#"{"get_balance":{"user":1}}"#,
    r#"{"get_orders":{"lot":1}}"#,
    r#"{"get_least_winning":{"lot":1}}"#,
    r#"{"get_receipt":{"of":{"request":"1"}}}"#,
    r#"{"get_receipt":{"of":{"record":"1"}}}"#,
    r#"{"bid":{"lot":1,"price":"1.40"}}"#,
    r#"{"bid_maximum":{"lot":1,"maximum":"1.40"}}"#,
    r#"{"place_order":{"lot":1,"side":"buy","quantity":"1","limit":"30"}}"#,
    r#"{"cancel_order":{"lot":1,"order":1}}"#,
    r#"{"set_dead_man":{"grace":"3600000000"}}"#,
    r#"{"close_session":{"session":"1"}}"#,
    r#"{"suspend_user":{"user":1}}"#,
    r#"{"close_lot":{"lot":1}}"#,
    r#"{"logout":{}}"#,
];

fn message(text: &str) -> ClientMessage {
    let numbered = text.replacen('{', r#"{"request":"1","#, 1);
    let (_, message) = ClientMessage::decode_json(numbered.as_bytes()).unwrap();
    message
}

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(1);
    let lots = "symbol,format,quantity,reserve\nS1,uniform,100,10\n";
    test_market.write("lots.csv", lots);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

/// A session, and a way to open connections for it.
struct Opened<'a> {
    server: &'a Server,
    session: SessionId,
    token: Token,
}

impl<'a> Opened<'a> {
    fn of(server: &'a Server, name: &str) -> Self {
        let logged_in = Line::open(server.address()).log_in(name, PASSWORD).unwrap();
        Self {
            server,
            session: logged_in.session,
            token: logged_in.token.unwrap(),
        }
    }

    fn line(&self) -> Line {
        let mut line = Line::open(self.server.address());
        line.resume(&self.token).unwrap();
        line.number_from(100);
        line
    }
}

fn place(line: &mut Line, limit: &str) {
    let placed = PlaceOrder {
        lot: SEALED,
        side: Side::Buy,
        quantity: Quantity::new(60).unwrap(),
        limit: Some(Price::parse(limit).unwrap()),
    };
    line.command(&placed).unwrap();
}

/// Account events before the answer to a request.
fn told_before(line: &mut Line, request: RequestId) -> Vec<AccountEvent> {
    let mut told = Vec::new();
    line.flush().unwrap();
    loop {
        match line.next().unwrap().expect("the connection goes on") {
            (of, _) if of == request => return told,
            (_, ServerMessage::AccountFeed(feed)) => {
                told.extend(feed.entries.iter().map(|entry| entry.event));
            }
            _ => {}
        }
    }
}

fn refused_with(line: &mut Line, asked: &ClientMessage, request: u64) -> Option<Code> {
    line.send_message_as(RequestId(request), asked);
    match line.answer(RequestId(request)) {
        ServerMessage::Refused(refused) => Some(refused.code),
        _ => None,
    }
}

/// Closes one of mia's sessions, and checks what its connections can still do.
fn nothing_is_read_after(how: &str, close: impl FnOnce(&Server, &mut Line, &Opened<'_>)) {
    let test_market = test_market();
    let server = test_market.open();
    let mut owner = Line::trader(server.address(), "mia");
    drop(Line::trader(server.address(), "tom"));
    let closed = Opened::of(&server, "mia");
    let mut lines: Vec<_> = NEED_A_SESSION.iter().map(|_| closed.line()).collect();
    let mut watching = closed.line();
    let answered = watching.ask(&WatchAccount {});
    assert!(
        matches!(answered, ServerMessage::Account(_)),
        "{answered:?}"
    );
    place(&mut owner, "12");

    close(&server, &mut owner, &closed);
    let mut owner = match owner.command(&CloseSession {
        session: SessionId(u64::MAX),
    }) {
        Err(refused) if refused.number == Some(u64::MAX) => owner,
        // It was closed too, because it is older.
        _ => {
            let mut owner = Line::open(server.address());
            owner.log_in("mia", PASSWORD).unwrap();
            owner
        }
    };
    // Hidden from everyone but its owner.
    place(&mut owner, "13");

    for (text, line) in NEED_A_SESSION.iter().zip(&mut lines) {
        line.send_message_as(RequestId(500), &message(text));
        match line.answer(RequestId(500)) {
            ServerMessage::Refused(refused) => assert_eq!(
                (refused.code, refused.number),
                (Code::SESSION_CLOSED, Some(closed.session.0)),
                "{how}: {text}"
            ),
            other => panic!("{how}: {text}: {other:?}"),
        }
    }
    let client_time = Default::default();
    let request = watching.send(&Ping { client_time });
    let mut told = told_before(&mut watching, request);
    let request = watching.send(&GetOrders { lot: SEALED });
    told.extend(told_before(&mut watching, request));
    let last = AccountEvent::SessionClosed {
        session: closed.session,
    };
    // The feed may be slightly behind the answers.
    until("the close is told", || {
        let request = watching.send(&Ping { client_time });
        told.extend(told_before(&mut watching, request));
        told.contains(&last).then_some(())
    });
    assert_eq!(told.last(), Some(&last), "{how}: {told:?}");
    let placed = |event: &&AccountEvent| matches!(event, AccountEvent::OrderPlaced(_));
    assert_eq!(told.iter().filter(placed).count(), 1, "{how}: {told:?}");
    place(&mut owner, "14");
    let request = watching.send(&Ping { client_time });
    assert_eq!(told_before(&mut watching, request), [], "{how}");

    // Anyone can use the connection again.
    let toms = watching.log_in("tom", PASSWORD).unwrap();
    assert_ne!(toms.session, closed.session);
    assert_eq!(watching.sessions().len(), 2);
    let ServerMessage::Orders(orders) = watching.ask(&GetOrders { lot: SEALED }) else {
        panic!("{how}: tom's orders are told");
    };
    assert!(orders.orders.is_empty());
    let mut again = lines.pop().unwrap();
    assert_eq!(
        again.resume(&closed.token).unwrap_err().code,
        Code::SESSION_CLOSED
    );
    again.log_in("mia", PASSWORD).unwrap();
    let ServerMessage::Orders(orders) = again.ask(&GetOrders { lot: SEALED }) else {
        panic!("{how}: mia's orders are told");
    };
    assert_eq!(orders.orders.len(), 3);
    server.end();
}

#[test]
fn nothing_is_read_after_the_session_was_closed_by_another() {
    nothing_is_read_after("close_session", |_, owner, closed| {
        let session = closed.session;
        owner.command(&CloseSession { session }).unwrap();
    });
}

#[test]
fn nothing_is_read_after_a_logout_on_another_connection() {
    nothing_is_read_after("logout", |_, _, closed| {
        closed.line().command(&Logout {}).unwrap();
    });
}

#[test]
fn nothing_is_read_after_the_session_made_room_for_another() {
    nothing_is_read_after("eviction", |server, _, _| {
        // The owner's session is older, and is closed first.
        for _ in 0..16 {
            Line::open(server.address())
                .log_in("mia", PASSWORD)
                .unwrap();
        }
    });
}

#[test]
fn an_auctioneer_whose_session_was_closed_reads_nobodys_balance() {
    let test_market = test_market();
    let server = test_market.open();
    drop(Line::trader(server.address(), "mia"));
    let (first, second) = (Opened::of(&server, "ann"), Opened::of(&server, "ann"));
    let mut reads = first.line();
    let user = Some(UserId(2));
    let balance = message(&format!(r#"{{"get_balance":{{"user":{}}}}}"#, 2));
    let before = refused_with(&mut reads, &balance, 200);
    assert_ne!(before, Some(Code::SESSION_CLOSED));
    let session = first.session;
    second.line().command(&CloseSession { session }).unwrap();
    let asked = reads.ask(&GetBalance { user, after: None });
    let ServerMessage::Refused(refused) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(refused.code, Code::SESSION_CLOSED);
    server.end();
}

#[test]
fn direct_orders_of_a_closed_session_are_refused() {
    let test_market = test_market();
    let server = test_market.open();
    let mut owner = Line::trader(server.address(), "mia");
    let closed = Opened::of(&server, "mia");
    let mut line = closed.line();
    // So many in a row that the sequencer reads the connection itself.
    let order = message(r#"{"cancel_order":{"lot":1,"order":77}}"#);
    for request in 200..232 {
        let refused = refused_with(&mut line, &order, request);
        assert_eq!(refused, Some(Code::UNKNOWN_ORDER));
    }
    let session = closed.session;
    owner.command(&CloseSession { session }).unwrap();
    for request in 300..303 {
        let refused = refused_with(&mut line, &order, request);
        assert_eq!(refused, Some(Code::SESSION_CLOSED));
    }
    line.log_in("mia", PASSWORD).unwrap();
    let refused = refused_with(&mut line, &order, 400);
    assert_eq!(refused, Some(Code::UNKNOWN_ORDER));
    assert_eq!(line.sessions().len(), 2);
    server.end();
}
