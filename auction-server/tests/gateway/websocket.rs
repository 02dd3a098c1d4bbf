//! WebSocket, with a client from another library.

use auction_core::RequestId;
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    ClientMessage, Frame, Hello, Register, Secret, ServerMessage, Text, VERSION, encode_frame,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::market::{Market, assert_kind, hello, within};

type Socket = WebSocketStream<TcpStream>;

async fn connect(market: &Market, fields: &[(&str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/ws", market.address).into_client_request()?;
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).unwrap());
    }
    let stream = market.connect().await;
    Ok(within(client_async(request, stream)).await?.0)
}

async fn text(socket: &mut Socket, message: &Value) -> Value {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
    next_text(socket).await
}

async fn next_text(socket: &mut Socket) -> Value {
    loop {
        match within(socket.next()).await.expect("a message").unwrap() {
            Message::Text(text) => {
                assert!(!text.contains('\n'), "a message is no line");
                return serde_json::from_str(&text).unwrap();
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("expected a text: {other:?}"),
        }
    }
}

#[tokio::test]
async fn text_messages_are_json() {
    let market = Market::start().await;
    let mut socket = connect(&market, &[]).await.unwrap();
    let welcome = text(&mut socket, &json!({"request": "1", "hello": hello()})).await;
    assert_kind(&welcome, "welcome");
    let account = json!({"name": "mia", "password": "a password"});
    let register = json!({"request": "2", "register": account});
    assert_kind(&text(&mut socket, &register).await, "accepted");
    let login = json!({"request": "3", "login": account});
    assert_kind(&text(&mut socket, &login).await, "logged_in");
    let bid = json!({"request": "4", "bid": {"lot": 1, "price": "1.40"}});
    let accepted = text(&mut socket, &bid).await;
    assert_eq!(accepted["request"], "4");
    assert_kind(&accepted, "accepted");
    // A malformed message is refused, and the next is accepted.
    socket.send(Message::text("{}")).await.unwrap();
    assert_kind(&next_text(&mut socket).await, "refused");
    market.stop().await;
    assert_kind(&next_text(&mut socket).await, "goodbye");
}

#[tokio::test]
async fn binary_messages_are_frames_without_a_preface() {
    let market = Market::start().await;
    let mut socket = connect(&market, &[]).await.unwrap();
    let hello = Hello {
        version_min: VERSION,
        version_max: VERSION,
        client: Text::of("test"),
    };
    let register = Register {
        name: auction_core::Name::parse("mia").unwrap(),
        password: Secret::new("a password".to_owned()).unwrap(),
    };
    let messages: [ClientMessage; 2] = [hello.into(), register.into()];
    for (request, message) in (1..).map(RequestId).zip(messages) {
        let mut frame = Vec::new();
        message.encode(request, &mut frame);
        socket.send(Message::binary(frame)).await.unwrap();
        let Message::Binary(bytes) = within(socket.next()).await.unwrap().unwrap() else {
            panic!("expected a frame")
        };
        let mut rest = &bytes[..];
        let frame = Frame::split_from(&mut rest, bytes.len()).unwrap().unwrap();
        assert!(rest.is_empty(), "a message is one frame");
        assert_eq!(frame.request, request);
        let answer = ServerMessage::decode(frame.kind, frame.body).unwrap();
        assert!(
            matches!(
                answer,
                ServerMessage::Welcome(_) | ServerMessage::Accepted(_)
            ),
            "{answer:?}"
        );
    }
    market.stop().await;
}

#[tokio::test]
async fn an_invalid_websocket_message_ends_the_connection() {
    let market = Market::start().await;
    let mut two = Vec::new();
    encode_frame(RequestId(1), &auction_proto::Logout {}, &mut two);
    two.push(0);
    let hello = json!({"request": "1", "hello": hello()}).to_string();
    let cases = [
        vec![Message::binary(two)],
        vec![Message::binary(vec![1, 2, 3])],
        vec![Message::text(hello), Message::binary(vec![0])],
        vec![Message::text(" ".repeat(REQUEST_BYTES_MAX + 100))],
    ];
    for messages in cases {
        let mut socket = connect(&market, &[]).await.unwrap();
        for message in messages {
            socket.send(message).await.unwrap();
        }
        let mut last = None;
        while let Some(Ok(message)) = within(socket.next()).await {
            if !message.is_close() {
                last = Some(message);
            }
        }
        let last = last.expect("a goodbye").into_data();
        let said = String::from_utf8_lossy(&last).into_owned();
        assert!(said.contains("goodbye") || last[4..6] == [139, 0], "{said}");
    }
    market.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_and_a_foreign_name_are_refused() {
    let market = Market::start_with(|config| {
        config.network.public_hosts = vec!["auction.test".to_owned()];
    })
    .await;
    let own = format!("http://{}", market.address);
    let disguised = format!("{}@evil.test", market.address);
    let allowed = [
        vec![("origin", own.as_str())],
        vec![("host", "auction.test"), ("origin", "https://auction.test")],
        vec![("host", "localhost:1")],
    ];
    for fields in allowed {
        assert!(connect(&market, &fields).await.is_ok(), "{fields:?}");
    }
    let refused = [
        vec![("origin", "https://evil.test")],
        vec![("origin", "null")],
        vec![("host", "evil.test")],
        vec![("host", "evil.test"), ("origin", "http://evil.test")],
        vec![("host", &disguised)],
        vec![("origin", "http://127.0.0.1:1")],
    ];
    for fields in refused {
        match connect(&market, &fields).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
    market.stop().await;
}
