//! TLS, and clients that come without it or with it where they should not.

use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{Code, FrameDecoder, PREFACE, ServerMessage};
use auction_server::testing::config::Tls;
use std::os::unix::fs::PermissionsExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::market::{Lines, Market, within};

async fn answer(market: &Market, bytes: &[u8]) -> Vec<u8> {
    let mut stream = market.connect().await;
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_door_with_tls_tells_plain_clients_in_their_own_language() {
    let market = Market::start_with(|config| config.network.tls = Tls::SelfSigned).await;
    let goodbye = answer(&market, &PREFACE).await;
    let mut decoder = FrameDecoder::new(FRAME_BYTES_MAX);
    let frame = decoder.next_frame(&mut &goodbye[..]).unwrap().unwrap();
    let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
    let ServerMessage::Goodbye(goodbye) = message else {
        panic!("expected goodbye: {message:?}")
    };
    assert_eq!(goodbye.code, Code::TLS_REQUIRED);

    let mut stream = market.connect().await;
    stream
        .write_all(b"{\"request\":\"1\",\"hello\":{}}\n")
        .await
        .unwrap();
    let goodbye = Lines::new(stream).next_of("goodbye").await;
    assert_eq!(goodbye["code"], "tls_required");

    let page = answer(&market, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
    assert!(page.contains("this port speaks TLS"), "{page}");
    let body = page.split("\r\n\r\n").nth(1).unwrap();
    let length = format!("Content-Length: {}\r\n", body.len());
    assert!(page.contains(&length), "{page}");
    market.stop().await;
}

#[tokio::test]
async fn a_door_without_tls_sends_those_who_speak_it_an_alert() {
    let market = Market::start().await;
    let alert = answer(&market, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).await;
    assert_eq!(alert, [0x15, 3, 1, 0, 2, 2, 0x28]);
    market.stop().await;
}

#[tokio::test]
async fn bytes_that_nobody_speaks_are_told_what_was_expected() {
    let market = Market::start().await;
    let goodbye = answer(&market, &[0, 1, 2, 3]).await;
    let mut decoder = FrameDecoder::new(FRAME_BYTES_MAX);
    let frame = decoder.next_frame(&mut &goodbye[..]).unwrap().unwrap();
    let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
    let ServerMessage::Goodbye(goodbye) = message else {
        panic!("expected goodbye: {message:?}")
    };
    assert_eq!(goodbye.code, Code::MALFORMED);
    assert!(goodbye.message.contains("preface"), "{goodbye:?}");
    market.stop().await;
}

#[tokio::test]
async fn a_certificate_made_here_stays_and_its_key_is_the_owners_alone() {
    let with_tls = |config: &mut auction_server::testing::config::Config| {
        config.network.tls = Tls::SelfSigned;
    };
    let market = Market::start_with(with_tls).await;
    let fingerprint = |opening: &str| {
        let line = opening.lines().find(|line| line.matches(':').count() == 31);
        line.expect("a fingerprint").to_owned()
    };
    let first = fingerprint(&market.opening);
    assert!(market.opening.contains("AUCTION_SERVER=tls://127.0.0.1:"));
    let data = market.stop().await;
    let file = data.path().join("tls/self-signed.pem");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let market = Market::reopen(data, with_tls).await;
    assert_eq!(fingerprint(&market.opening), first);
    market.stop().await;
}
