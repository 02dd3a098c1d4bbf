//! Connecting: greetings, and servers that are no auction servers.

use auction_client::{Code, ConnectionError, Refused};
use auction_core::RequestId;
use auction_proto::{Kind, Sessions, Text};

use crate::script::{connected, listener, try_client, welcome};

#[tokio::test(start_paused = true)]
async fn nobody_at_the_address_is_an_error_at_once() {
    let (listener, connect) = listener();
    drop(listener);
    let error = try_client(connect).await.err().unwrap();
    assert!(matches!(error, ConnectionError::Connect(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_in_bounded_time() {
    let (mut listener, connect) = listener();
    let (client, _line) = tokio::join!(try_client(connect), listener.accept());
    assert!(matches!(
        client.err().unwrap(),
        ConnectionError::TimedOut(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_refused_greeting_says_why() {
    let (mut listener, connect) = listener();
    let refuse = async {
        let mut line = listener.accept().await;
        let (number, _) = line.next().await;
        line.say(
            number,
            Refused::new(Code::VERSION_UNSUPPORTED, "speaks version 9"),
        )
        .await;
        line
    };
    let (client, _line) = tokio::join!(try_client(connect), refuse);
    let ConnectionError::Refused(refused) = client.err().unwrap() else {
        panic!("a refusal");
    };
    assert_eq!(refused.code, Code::VERSION_UNSUPPORTED);
}

#[tokio::test]
async fn a_refused_connection_names_the_address() {
    // Bound and dropped: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = auction_client::Client::connect(address)
        .await
        .err()
        .unwrap();
    let ConnectionError::Connect(because) = &error else {
        panic!("{error}");
    };
    assert_eq!(because.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_not_offered_is_refused() {
    let (mut listener, connect) = listener();
    let answer = async {
        let mut line = listener.accept().await;
        let version = 9;
        line.greet(auction_client::Welcome {
            version,
            ..welcome()
        })
        .await;
        line
    };
    let (client, _line) = tokio::join!(try_client(connect), answer);
    assert!(matches!(client.err().unwrap(), ConnectionError::Version(9)));
}

#[tokio::test(start_paused = true)]
async fn hostile_bytes_are_typed_errors() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let empty_frame = vec![0, 0, 0, 0];
    let torn_welcome = [&[11, 0, 0, 0, 128, 0][..], &[0; 8], &[0xff]].concat();
    let unknown_answer = [&[10, 0, 0, 0, 77, 77, 1][..], &[0; 7]].concat();
    let other_answer = crate::script::frame(
        RequestId(1),
        Sessions {
            sessions: Default::default(),
        },
    );
    type Check = fn(&ConnectionError) -> bool;
    let cases: [(Vec<u8>, Check); 6] = [
        (http, |error| matches!(error, ConnectionError::Frame(_))),
        (empty_frame, |error| {
            matches!(error, ConnectionError::Frame(_))
        }),
        (vec![0xff; 64], |error| {
            matches!(error, ConnectionError::Frame(_))
        }),
        (torn_welcome, |error| {
            matches!(error, ConnectionError::Body(_))
        }),
        (unknown_answer, |error| {
            matches!(error, ConnectionError::Body(_))
        }),
        (other_answer, |error| {
            matches!(error, ConnectionError::Unexpected(Kind::SESSIONS))
        }),
    ];
    for (bytes, expected) in cases {
        let (mut listener, connect) = listener();
        let answer = async {
            let mut line = listener.accept().await;
            line.next().await;
            line.say_bytes(&bytes).await;
            line
        };
        let (client, _line) = tokio::join!(try_client(connect), answer);
        let error = client.err().unwrap();
        assert!(expected(&error), "{bytes:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_messages_are_skipped_and_frames_may_be_split() {
    let (mut listener, connect) = listener();
    let answer = async {
        let mut line = listener.accept().await;
        let (number, _) = line.next().await;
        let unknown = [&[12, 0, 0, 0, 250, 0][..], &[0; 8], &[1, 2]].concat();
        let greeting = crate::script::frame(number, welcome());
        for byte in [unknown, greeting].concat() {
            line.say_bytes(&[byte]).await;
            tokio::task::yield_now().await;
        }
        line
    };
    let (client, _line) = tokio::join!(try_client(connect), answer);
    assert_eq!(client.unwrap().welcome().server, Text::of("script/1"));
}

#[tokio::test(start_paused = true)]
async fn the_servers_time_goes_on_with_the_local_clock() {
    let (client, _door, _line) = connected().await;
    let before = client.clock().now();
    tokio::time::advance(std::time::Duration::from_secs(3)).await;
    assert_eq!(client.clock().now().since(before).micros(), 3_000_000);
}
