//! Refused origins and hosts in the log: an operator whose proxy changes them learns what to set.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::test_market::TestMarket;

fn ask(address: SocketAddr, host: &str, origin: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"
    );
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
