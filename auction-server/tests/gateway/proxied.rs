//! Clients behind trusted proxies: the addresses that the proxies name tell them apart, and no other sender is believed.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use auction_server::testing::config::{Config, Rate};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request};

use crate::market::{Lines, Market, assert_kind, hello, within};

/// Connects to the market from this address of the machine.
pub async fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::from(from), 0).into()).unwrap();
    within(socket.connect(to)).await.unwrap()
}

/// A market with the proxy 127.0.0.1.
async fn behind_proxy(change: impl FnOnce(&mut Config)) -> Market {
    Market::start_with(|config| {
        config.network.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        change(config);
    })
    .await
}

fn one_connection(config: &mut Config) {
    config.network.connections_per_address = NonZeroU32::MIN;
}

fn one_login(config: &mut Config) {
    config.network.rate_logins = Some(Rate {
        count: NonZeroU32::MIN,
        period: Duration::from_secs(3_600),
    });
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

/// Opens a WebSocket with these fields; `Err`: the status of the refusal.
async fn websocket(stream: TcpStream, path: &str, fields: &[(&str, &str)]) -> Result<Socket, u16> {
    let url = format!("ws://{}{path}", stream.peer_addr().unwrap());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        // The request has a host already.
        if name == "host" {
            request.headers_mut().insert(name, value);
        } else {
            request.headers_mut().append(name, value);
        }
    }
    match within(client_async(request, stream)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            Err(response.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn clients_behind_a_proxy_are_counted_by_their_own_address() {
    let market = behind_proxy(one_connection).await;
    let open = async |client: &str| {
        let fields = [("x-forwarded-for", client)];
        websocket(market.connect().await, "/ws", &fields).await
    };
    let first = open("192.0.2.1").await.unwrap();
    assert_eq!(open("192.0.2.1").await.err(), Some(429));
    // What the client wrote itself does not count.
    assert_eq!(open("192.0.2.9, 192.0.2.1").await.err(), Some(429));
    let _second = open("192.0.2.2").await.unwrap();
    // Without a name the proxy is a client, once.
    let _own = websocket(market.connect().await, "/ws", &[]).await.unwrap();
    let again = websocket(market.connect().await, "/ws", &[]).await;
    assert_eq!(again.err(), Some(429));
    let mut lines = Lines::new(market.connect().await);
    lines.send("hello", &hello()).await;
    let goodbye = lines.next_of("goodbye").await;
    assert_eq!(goodbye["code"], "too_many_connections");
    drop(first);
    // The server notices the end of the first soon.
    within(async { while open("192.0.2.1").await.is_err() {} }).await;
    market.stop().await;
}

/// A request for the WebSocket that names a client.
fn named(address: SocketAddr, client: &str) -> Request<()> {
    let url = format!("ws://{address}/ws");
    let mut request = url.into_client_request().unwrap();
    let client = HeaderValue::from_str(client).unwrap();
    request.headers_mut().insert("x-forwarded-for", client);
    request
}

#[tokio::test]
async fn others_than_trusted_proxies_are_not_believed() {
    let market = behind_proxy(one_connection).await;
    let open = async |client: &str| {
        let stream = connect_from([127, 0, 0, 2], market.address).await;
        within(client_async(named(market.address, client), stream)).await
    };
    let _first = open("192.0.2.1").await.unwrap();
    assert!(open("192.0.2.2").await.is_err());
    market.stop().await;
}

/// The header of PROXY protocol version 2 for a client.
fn header(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    header.extend(client);
    header.extend([127, 0, 0, 1, 0x30, 0x39, 0x07, 0xe6]);
    header
}

/// A client that the proxy connects, before its hello.
async fn proxied(market: &Market, client: [u8; 4]) -> TcpStream {
    let mut stream = market.connect().await;
    stream.write_all(&header(client)).await.unwrap();
    stream
}

#[tokio::test]
async fn the_proxy_protocol_names_clients_of_every_protocol() {
    let market = behind_proxy(|config| {
        config.network.proxy_protocol = true;
        one_login(config);
    })
    .await;
    let log_in = async |client: [u8; 4]| {
        let mut lines = Lines::greet(proxied(&market, client).await).await;
        let account = json!({"name": "nobody", "password": "a password"});
        lines.ask("login", &account).await
    };
    let refused = log_in([192, 0, 2, 1]).await;
    assert_eq!(refused["refused"]["code"], "bad_credentials");
    let refused = log_in([192, 0, 2, 1]).await;
    assert_eq!(refused["refused"]["code"], "slow_down");
    let refused = log_in([192, 0, 2, 2]).await;
    assert_eq!(refused["refused"]["code"], "bad_credentials");

    // HTTP too, and a bid: the sequencer reads the same stream.
    let host = [("host", "localhost")];
    assert!(
        websocket(proxied(&market, [192, 0, 2, 3]).await, "/ws", &host)
            .await
            .is_ok()
    );
    let mut mia = Lines::greet(proxied(&market, [192, 0, 2, 4]).await).await;
    let account = json!({"name": "mia", "password": "a password"});
    assert_kind(&mia.ask("register", &account).await, "accepted");
    assert_kind(&mia.ask("login", &account).await, "logged_in");
    assert_kind(&mia.bid(1, "1.40").await, "accepted");

    // A health check of the proxy itself.
    let mut local = market.connect().await;
    local
        .write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00")
        .await
        .unwrap();
    let _greeted = Lines::greet(local).await;
    market.stop().await;
}

#[tokio::test]
async fn a_header_is_required_from_proxies_and_refused_from_others() {
    let market = behind_proxy(|config| config.network.proxy_protocol = true).await;
    let answer = async |stream: &mut TcpStream, bytes: &[u8]| {
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // The server may reset the connection behind its answer.
        let _ = within(stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let said = answer(&mut market.connect().await, b"GET / HTTP/1.1\r\n").await;
    assert!(said.contains("does not begin with the header"), "{said}");
    let long = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 64]].concat();
    let said = answer(&mut market.connect().await, &long).await;
    assert!(said.contains("says 65535 bytes"), "{said}");

    let mut other = connect_from([127, 0, 0, 2], market.address).await;
    let said = answer(
        &mut other,
        &[&header([192, 0, 2, 1])[..], &[0; 64]].concat(),
    )
    .await;
    assert!(!said.is_empty() && !said.contains("welcome"), "{said}");
    let other = connect_from([127, 0, 0, 2], market.address).await;
    let _greeted = Lines::greet(other).await;
    market.stop().await;
}

/// The status and the text of the answer for a path.
pub async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_base_path_holds_everything_and_nothing_is_beside_it() {
    let market = Market::start_with(|config| config.network.base_path = "/auction".into()).await;
    let entry = get(market.address, "/auction/").await;
    assert!(entry.starts_with("HTTP/1.1 200 "), "{entry}");
    let script = entry.split('"').find(|text| text.ends_with("/main.js"));
    // Relative to the entry, wherever a proxy serves it.
    let script = format!("/auction/{}", script.unwrap());
    for path in [&script, "/auction/SPEC.md"] {
        let answer = get(market.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    for path in ["/", "/auction"] {
        let answer = get(market.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 302 "), "{path}: {answer}");
        assert!(answer.contains("location: /auction/\r\n"), "{answer}");
    }
    for path in [
        "/ws",
        "/SPEC.md",
        "/auctionx/",
        "/auction/nothing",
        "/auction//ws",
    ] {
        let answer = get(market.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    let open = async |path| websocket(market.connect().await, path, &[]).await;
    assert!(open("/auction/ws").await.is_ok());
    assert_eq!(open("/ws").await.err(), Some(404));
    market.stop().await;
}

#[tokio::test]
async fn a_proxy_that_leaves_the_port_out_passes_its_page() {
    let origin = [("origin", "https://localhost:8443"), ("host", "localhost")];
    let direct = Market::start().await;
    let opened = websocket(direct.connect().await, "/ws", &origin).await;
    assert_eq!(opened.err(), Some(403));
    direct.stop().await;
    let market = behind_proxy(|_| {}).await;
    let opened = websocket(market.connect().await, "/ws", &origin).await;
    assert!(opened.is_ok());
    let other = [("origin", "https://evil.test:8443"), ("host", "localhost")];
    let opened = websocket(market.connect().await, "/ws", &other).await;
    assert_eq!(opened.err(), Some(403));
    market.stop().await;
}
