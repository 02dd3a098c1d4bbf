//! Requests: many in flight, repeated safely, with errors that tell what is known.

use std::time::Duration;

use auction_client::{
    Bid, Client, Code, ConnectionError, InFlight, Refused, RequestError, Secret, SetDeadMan, limits,
};
use auction_core::{
    BidReply, FeedSequence, LotId, MarketId, Name, Price, Reply, RequestId, Span, UserId,
};
use auction_proto::{Accepted, ClientMessage, Done, Goodbye, History, Login, Text};

use crate::script::{
    Line, Listener, connected, frame, logged_in, market, price, session, token, welcome,
};

fn accepted(done: Done, price: Price) -> Accepted {
    let bid = BidReply {
        lot: LotId(1),
        leads: true,
        price: Some(price),
        extended_to: None,
        bought: false,
    };
    Accepted {
        feed_sequence: FeedSequence(4),
        done,
        reply: Reply::Bid(bid),
    }
}

fn bid(text: &str) -> Bid {
    Bid {
        lot: LotId(1),
        price: price(text),
    }
}

async fn expect_bid(line: &mut Line, text: &str) -> RequestId {
    let (number, message) = line.next().await;
    assert_eq!(message, ClientMessage::Bid(bid(text)));
    number
}

async fn submit(client: &Client, text: &str) -> InFlight<Bid> {
    client.submit(bid(text)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_reach_their_requests_in_any_order() {
    let (client, _door, mut line) = logged_in().await;
    let texts = ["1.10", "1.20", "1.30"];
    let mut answers = Vec::new();
    for text in texts {
        answers.push(submit(&client, text).await);
    }
    let mut numbers = Vec::new();
    for text in texts {
        numbers.push(expect_bid(&mut line, text).await);
    }
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    for (number, text) in numbers.iter().zip(texts).rev() {
        line.say(*number, accepted(Done::Now, price(text))).await;
    }
    for (answer, text) in answers.into_iter().zip(texts) {
        assert_eq!(answer.await.unwrap().bid.price, Some(price(text)));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_limited() {
    let (client, _door, mut line) = logged_in().await;
    let mut answers = Vec::new();
    for _ in 0..limits::IN_FLIGHT_MAX {
        answers.push(submit(&client, "1.10").await);
    }
    let one_more = client.submit(bid("1.20"));
    tokio::pin!(one_more);
    let waits = tokio::time::timeout(Duration::from_secs(1), &mut one_more).await;
    assert!(waits.is_err(), "there is no room");
    let number = expect_bid(&mut line, "1.10").await;
    line.say(number, accepted(Done::Now, price("1.10"))).await;
    let _answer = one_more.await.expect("an answer made room");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_the_least_bid() {
    let (client, _door, mut line) = logged_in().await;
    let answer = submit(&client, "1.00").await;
    let number = expect_bid(&mut line, "1.00").await;
    let refused = Refused::new(Code::BID_TOO_LOW, "the least bid is 1.41");
    line.say(number, refused.with_price(price("1.41"))).await;
    let error = answer.await.unwrap_err();
    assert_eq!(error.least_bid(), Some(price("1.41")));
    assert_eq!(error.to_string(), "the least bid is 1.41");
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_the_request_is_repeated_with_its_id() {
    let (client, mut listener, mut line) = logged_in().await;
    let answer = submit(&client, "1.40").await;
    let number = expect_bid(&mut line, "1.40").await;
    // The loss truncates the answer.
    let reply = frame(number, accepted(Done::Now, price("1.40")));
    line.say_bytes(&reply[..reply.len() / 2]).await;
    drop(line);

    let mut line = listener.resumed().await;
    assert_eq!(expect_bid(&mut line, "1.40").await, number);
    line.say(number, accepted(Done::Before, price("1.40")))
        .await;
    let placed = answer.await.unwrap();
    assert_eq!(placed.done, Done::Before, "a repetition is a success");
    assert!(placed.bid.leads);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_id_is_used_once_by_each_client() {
    let (client, _door, mut line) = logged_in().await;
    let earlier = submit(&client, "1.10").await;
    let first = expect_bid(&mut line, "1.10").await;
    let id = client.reserve_request_id();
    let later = submit(&client, "1.20").await;
    let answer = client.submit_as(id, bid("1.30")).await.unwrap();
    let second = expect_bid(&mut line, "1.20").await;
    assert!(first < id && id < second, "{first} {id} {second}");
    assert_eq!(expect_bid(&mut line, "1.30").await, id);

    let twice = client.submit_as(id, bid("1.30")).await.unwrap();
    let refused = twice.await.unwrap_err();
    let is_in_flight = matches!(
        &refused,
        RequestError::NotConnected(ConnectionError::InFlight(in_flight)) if *in_flight == id
    );
    assert!(is_in_flight, "{refused:?}");
    line.say(id, accepted(Done::Before, price("1.30"))).await;
    assert_eq!(answer.await.unwrap().done, Done::Before);
    drop((earlier, later));
}

#[tokio::test(start_paused = true)]
async fn requests_are_repeated_in_order_before_new_ones() {
    let (client, mut listener, mut line) = logged_in().await;
    let _answers = (submit(&client, "1.10").await, submit(&client, "1.20").await);
    let first = expect_bid(&mut line, "1.10").await;
    drop(line);
    let _third = submit(&client, "1.30").await;
    let mut line = listener.resumed().await;
    assert_eq!(expect_bid(&mut line, "1.10").await, first);
    let second = expect_bid(&mut line, "1.20").await;
    let third = expect_bid(&mut line, "1.30").await;
    assert!(first < second && second < third);
}

#[tokio::test(start_paused = true)]
async fn request_ids_continue_above_the_last_accepted_one() {
    let (client, _door, mut line) = connected().await;
    let far = RequestId(u64::MAX / 2);
    let resume = client.resume(token());
    let answer = async {
        let (number, _) = line.next().await;
        line.say(
            number,
            auction_client::LoggedIn {
                last_request: far,
                ..session()
            },
        )
        .await;
    };
    let (resumed, ()) = tokio::join!(resume, answer);
    resumed.unwrap();
    let _answer = submit(&client, "1.40").await;
    assert!(expect_bid(&mut line, "1.40").await > far);
}

#[tokio::test(start_paused = true)]
async fn without_a_server_a_sent_bid_is_unknown_and_another_unsent() {
    let (client, listener, mut line) = logged_in().await;
    let sent = submit(&client, "1.40").await;
    expect_bid(&mut line, "1.40").await;
    drop((line, listener));
    let begun = tokio::time::Instant::now();
    let error = sent.await.unwrap_err();
    assert!(
        matches!(
            error,
            RequestError::OutcomeUnknown(ConnectionError::Connect(_))
        ),
        "{error}"
    );
    assert_eq!(begun.elapsed().as_secs(), limits::ANSWER_TIMEOUT.as_secs());

    let short = client.with_answer_timeout(Duration::from_secs(2));
    let error = short.bid(LotId(1), price("1.50")).await.unwrap_err();
    assert!(
        matches!(
            error,
            RequestError::NotConnected(ConnectionError::Connect(_))
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_live_server_without_an_answer_leaves_the_outcome_unknown() {
    let (client, _door, mut line) = logged_in().await;
    let client = client.with_answer_timeout(Duration::from_secs(3));
    let answer = submit(&client, "1.40").await;
    let number = expect_bid(&mut line, "1.40").await;
    let error = answer.await.unwrap_err();
    assert!(
        matches!(
            error,
            RequestError::OutcomeUnknown(ConnectionError::TimedOut(_))
        ),
        "{error}"
    );
    // A late answer is ignored.
    line.say(number, accepted(Done::Now, price("1.40"))).await;
    let next = submit(&client, "1.50").await;
    let number = expect_bid(&mut line, "1.50").await;
    line.say(number, accepted(Done::Now, price("1.50"))).await;
    assert_eq!(next.await.unwrap().bid.price, Some(price("1.50")));
}

#[tokio::test(start_paused = true)]
async fn a_login_is_not_sent_twice() {
    let (client, mut listener, mut line) = connected().await;
    let (name, password) = (
        Name::parse("mia").unwrap(),
        Secret::new("secret".into()).unwrap(),
    );
    let login = client.login(name, password.clone());
    let cut = async {
        let (_, message) = line.next().await;
        assert_eq!(message, ClientMessage::Login(Login { name, password }));
        drop(line);
    };
    let (login, ()) = tokio::join!(login, cut);
    assert!(matches!(
        login,
        Err(RequestError::OutcomeUnknown(ConnectionError::Ended))
    ));
    assert!(!listener.has_waiting());
}

/// Serves a login on a separate connection: `known` tells whether the account exists.
async fn login_elsewhere(listener: &mut Listener, known: bool) {
    let mut elsewhere = listener.greeted().await;
    let (number, message) = elsewhere.next().await;
    assert!(matches!(message, ClientMessage::Login(_)), "{message:?}");
    if !known {
        let refused = Refused::new(Code::BAD_CREDENTIALS, "wrong");
        return elsewhere.say(number, refused).await;
    }
    elsewhere.say(number, session()).await;
    let (number, message) = elsewhere.next().await;
    assert!(matches!(message, ClientMessage::Logout(_)), "{message:?}");
    elsewhere.say(number, done(Reply::Done)).await;
}

fn done(reply: Reply) -> Accepted {
    Accepted {
        feed_sequence: FeedSequence(1),
        done: Done::Now,
        reply,
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_without_answer_is_checked_before_repeating() {
    let name = Name::parse("mia").unwrap();
    let password = || Secret::new("secret".into()).unwrap();
    // The account was created: a login with it succeeds.
    let (client, mut listener, mut line) = connected().await;
    let made = async {
        let (_, message) = line.next().await;
        assert!(matches!(message, ClientMessage::Register(_)));
        drop(line);
        login_elsewhere(&mut listener, true).await;
    };
    let (registered, ()) = tokio::join!(client.register(name, password()), made);
    assert_eq!(registered.unwrap(), session().user);

    // The account did not exist when checked: the registration is repeated, and finds it created meanwhile.
    let (client, mut listener, mut line) = connected().await;
    let late = async {
        line.next().await;
        drop(line);
        login_elsewhere(&mut listener, false).await;
        let mut line = listener.greeted().await;
        let (number, message) = line.next().await;
        assert!(matches!(message, ClientMessage::Register(_)));
        let taken = Refused::new(Code::NAME_TAKEN, "taken");
        line.say(number, taken).await;
        login_elsewhere(&mut listener, true).await;
        line
    };
    let (registered, _line) = tokio::join!(client.register(name, password()), late);
    assert_eq!(registered.unwrap(), session().user);

    // The name belongs to another user.
    let (client, mut listener, mut line) = connected().await;
    let theirs = async {
        line.next().await;
        drop(line);
        login_elsewhere(&mut listener, false).await;
        let mut line = listener.greeted().await;
        let (number, _) = line.next().await;
        line.say(number, Refused::new(Code::NAME_TAKEN, "taken"))
            .await;
        login_elsewhere(&mut listener, false).await;
        line
    };
    let (registered, _line) = tokio::join!(client.register(name, password()), theirs);
    let refused = registered.unwrap_err();
    assert_eq!(
        refused.refused().map(|refused| refused.code),
        Some(Code::NAME_TAKEN)
    );

    // Without anything lost, a name that is taken is refused at once.
    let (client, _door, mut line) = connected().await;
    let at_once = async {
        let (number, _) = line.next().await;
        line.say(number, Refused::new(Code::NAME_TAKEN, "taken"))
            .await;
    };
    let (registered, ()) = tokio::join!(client.register(name, password()), at_once);
    assert!(registered.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_leaves_sent_unknown_and_refuses_unsent() {
    let (client, mut listener, mut line) = logged_in().await;
    let sent = submit(&client, "1.40").await;
    expect_bid(&mut line, "1.40").await;
    drop(line);
    let mut line = listener.greeted().await;
    let (number, _) = line.next().await;
    // Submitted only now: before the client notices the loss, it might still be sent, and its outcome be unknown too.
    let unsent = submit(&client, "1.50").await;
    // The virtual clock advances only when all tasks are idle: the client has accepted the request.
    tokio::time::sleep(Duration::from_millis(1)).await;
    line.say(number, Refused::new(Code::SESSION_CLOSED, "log in again"))
        .await;
    assert!(matches!(sent.await, Err(RequestError::OutcomeUnknown(_))));
    let refused = unsent.await.unwrap_err();
    assert_eq!(refused.refused().unwrap().code, Code::SESSION_CLOSED);
}

#[tokio::test(start_paused = true)]
async fn a_logout_succeeds_if_the_session_is_gone_after_a_loss() {
    let (client, mut listener, mut line) = logged_in().await;
    let cut = async {
        let (_, message) = line.next().await;
        assert!(matches!(message, ClientMessage::Logout(_)));
        drop(line);
        let mut line = listener.greeted().await;
        let (number, _) = line.next().await;
        line.say(number, Refused::new(Code::SESSION_CLOSED, "log in again"))
            .await;
        line
    };
    let (logged_out, _line) = tokio::join!(client.logout(), cut);
    logged_out.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ending_server_is_waited_for() {
    let (client, mut listener, mut line) = logged_in().await;
    let answer = submit(&client, "1.40").await;
    let number = expect_bid(&mut line, "1.40").await;
    line.say(number, Refused::new(Code::SHUTTING_DOWN, "ending"))
        .await;
    let (code, message) = (Code::SHUTTING_DOWN, Text::of("ending"));
    line.say(RequestId(0), Goodbye { code, message }).await;
    let mut line = listener.resumed().await;
    assert_eq!(expect_bid(&mut line, "1.40").await, number);
    line.say(number, accepted(Done::Now, price("1.40"))).await;
    assert_eq!(answer.await.unwrap().done, Done::Now);
}

#[tokio::test(start_paused = true)]
async fn requests_for_one_market_are_not_sent_to_another() {
    let (client, mut listener, mut line) = logged_in().await;
    let sent = submit(&client, "1.40").await;
    expect_bid(&mut line, "1.40").await;
    drop(line);
    let mut line = listener.accept().await;
    let other = MarketId([8; 16]);
    line.greet(auction_client::Welcome {
        market: other,
        ..welcome()
    })
    .await;
    let (number, _) = line.next().await;
    line.say(number, session()).await;
    let error = sent.await.unwrap_err();
    let RequestError::OutcomeUnknown(ConnectionError::OtherMarket { found, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(found, other);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_dropped_after_a_ping_brought_nothing() {
    let (client, mut listener, mut line) = logged_in().await;
    let answer = submit(&client, "1.40").await;
    let number = expect_bid(&mut line, "1.40").await;
    // The old connection stays open and sends nothing.
    let mut line_2 = listener.resumed().await;
    assert!(matches!(
        line.next_or_ping().await,
        Some((_, ClientMessage::Ping(_)))
    ));
    assert!(line.next_or_ping().await.is_none(), "the client hung up");
    assert_eq!(expect_bid(&mut line_2, "1.40").await, number);
    line_2.say(number, accepted(Done::Now, price("1.40"))).await;
    answer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_leaves_a_server_that_is_gone_alone() {
    let (client, mut listener, line) = logged_in().await;
    drop(line);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!listener.has_waiting());
    let answer = submit(&client, "1.40").await;
    let mut line = listener.resumed().await;
    let number = expect_bid(&mut line, "1.40").await;
    line.say(number, accepted(Done::Now, price("1.40"))).await;
    answer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_with_a_dead_man_switch_reconnects_by_itself() {
    let (client, mut listener, mut line) = logged_in().await;
    let grace = Some(Span::from_secs(10));
    let arming = client.submit(SetDeadMan { grace }).await.unwrap();
    let (number, message) = line.next().await;
    assert_eq!(message, SetDeadMan { grace }.into());
    let armed = Accepted {
        feed_sequence: FeedSequence(4),
        done: Done::Now,
        reply: Reply::Done,
    };
    line.say(number, armed).await;
    arming.await.unwrap();
    drop(line);
    let line = listener.resumed().await;
    // No client is left whose orders the switch would keep.
    drop((client, line));
    tokio::time::sleep(Duration::from_secs(60)).await;
    while listener.has_waiting() {
        drop(listener.accept().await);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!listener.has_waiting());
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_the_last_client_and_its_requests() {
    let (client, _door, mut line) = logged_in().await;
    let answer = submit(&client, "1.40").await;
    drop(client);
    let number = expect_bid(&mut line, "1.40").await;
    line.say(number, accepted(Done::Now, price("1.40"))).await;
    answer.await.unwrap();
    assert!(line.next_or_ping().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind_is_an_error_and_no_panic() {
    let (client, _door, mut line) = logged_in().await;
    let answer = submit(&client, "1.40").await;
    let number = expect_bid(&mut line, "1.40").await;
    line.say(
        number,
        History {
            lot: LotId(1),
            total: 0,
            bids: Default::default(),
            opened: Default::default(),
        },
    )
    .await;
    let error = answer.await.unwrap_err();
    assert!(matches!(
        error,
        RequestError::OutcomeUnknown(ConnectionError::Unexpected(_))
    ));

    let answer = submit(&client, "1.50").await;
    let number = expect_bid(&mut line, "1.50").await;
    let (feed_sequence, done) = (FeedSequence(1), Done::Now);
    let reply = Reply::Registered(UserId(1));
    line.say(
        number,
        Accepted {
            feed_sequence,
            done,
            reply,
        },
    )
    .await;
    assert!(matches!(answer.await, Err(RequestError::OutcomeUnknown(_))));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_cut_off_is_asked_for_again_and_comes_whole() {
    let (client, mut listener, mut line) = connected().await;
    let market = market();
    let script = async {
        let (number, message) = line.next().await;
        assert!(matches!(message, ClientMessage::GetSnapshot(_)));
        let part = auction_proto::SnapshotPart::of_market(&market)
            .next()
            .unwrap();
        let follows = auction_proto::Follows::More;
        line.say(number, auction_proto::SnapshotPart { follows, ..part })
            .await;
        drop(line);
        let mut line = listener.greeted().await;
        let (number, _) = line.next().await;
        line.snapshot(number, &market).await;
        line
    };
    let (snapshot, _line) = tokio::join!(client.snapshot(), script);
    assert_eq!(snapshot.unwrap(), market);
}
