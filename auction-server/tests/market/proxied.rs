//! Refused origins and hosts in the log: an operator whose proxy changes them learns what to set.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::test_market::TestMarket;

fn ask(address: SocketAddr, host: &str, origin: &str) -> String {
    send(address, &format!("Host: {host}\r\nOrigin: {origin}\r\n"))
}

/// Asks for the WebSocket with these fields, not quite as a browser does; returns the answer.
fn send(address: SocketAddr, fields: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /ws HTTP/1.1\r\n{fields}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_refused_origin_is_logged_with_its_remedy_and_not_flooded() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let address = server.address();
    for _ in 0..20 {
        let answer = ask(address, "localhost", "https://localhost:8443");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("--public-host"), "{answer}");
    }
    server.until_said("was refused: it came for the host \"localhost\"");
    let said = server.said();
    assert!(
        said.contains("page at \"https://localhost:8443\""),
        "{said}"
    );
    assert!(said.contains("--public-host"), "{said}");
    // Twenty requests within less than two intervals of ten seconds, or a few more on a slow machine.
    assert!(said.matches("was refused").count() < 10, "{said}");
    server.end();

    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let long = format!("{}.evil.test", "a".repeat(1_000));
    let answer = ask(server.address(), &long, "https://localhost");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    server.until_said("start it with --public-host");
    assert!(server.said().len() < 2_000, "{}", server.said());
    server.end();

    let public = TestMarket::with_lots(1).set("public-host", "localhost");
    let server = public.open();
    let answer = ask(server.address(), "localhost", "https://localhost:8443");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    server.end();
}

#[test]
fn the_log_says_when_a_proxy_names_no_client_or_is_not_trusted() {
    let upgrade = "Host: localhost\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\n";
    let open = |address, more: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!("GET /ws HTTP/1.1\r\n{upgrade}{more}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
    };
    let named = "X-Forwarded-For: 192.0.2.1\r\n";
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    open(server.address(), "");
    open(server.address(), named);
    server.until_said("X-Forwarded-For is not believed");
    server.end();
    let test_market = test_market.set("trusted-proxy", "127.0.0.0/8");
    let server = test_market.open();
    open(server.address(), named);
    open(server.address(), "");
    server.until_said("the proxy names no client in X-Forwarded-For");
    let said = server.end_and_hear();
    assert_eq!(said.matches("X-Forwarded-For").count(), 1, "{said}");
}
